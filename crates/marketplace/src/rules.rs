//! The marketplace's decisions as pure functions: facts in, outcome out. Reading the facts and storing the outcome do not
//! belong here.

mod bidding;
pub mod market;
pub mod performance;
mod places;
mod rating;
pub mod reasons;
mod receipt;
mod views;
mod visibility;

pub use bidding::{
    acceptance_ends, bidding_closed, bidding_deadline, check_amount, edited, may_award, may_bid, revealed,
};
pub use places::{Bounds, bounds_around};
pub use rating::{RatingSums, rank, review_sides, stars, summarise};
pub use receipt::{Sealed, matches, seal};
pub use views::{ViewerKeys, is_interest, viewer_keys};
pub use visibility::{Access, Standing, access, outcome, shown_to_all};
