//! Figures of the market and of contractors, for everybody.

use kernel::{Actor, Currency, Limit, PartyId, Position};

use crate::error::Error;
use crate::model::{Category, Country, MarketFilter, MarketPage, Performance, Place};
use crate::rules::market::MarketFigure;

/// What is told of the market and of how contractors do.
pub trait FigureQueries: Send + Sync {
    /// Published figures of the market, the newest month first.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn market_figures(
        &self,
        filter: &MarketFilter,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<MarketPage, Error>;

    /// How a contractor does: for itself everything by now, for others what is published.
    ///
    /// # Errors
    /// [`Error::SubjectNotFound`] when there is no contractor of that id.
    fn performance(&self, viewer: Option<&Actor>, contractor: PartyId) -> Result<Performance, Error>;

    /// What jobs of a trade went for in a place, pooled over the newest twelve published months; none where nothing is published.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn price_figure(
        &self,
        trade: Category,
        currency: Currency,
        country: &Country,
        region: Option<&Place>,
    ) -> Result<Option<MarketFigure>, Error>;
}
