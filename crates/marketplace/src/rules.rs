//! The marketplace's decisions as pure functions: facts in, outcome out. Reading the facts and storing the outcome do not
//! belong here.

mod amounts;
mod analytics;
mod attachments;
mod bidding;
mod comparison;
mod confirmation;
pub(crate) mod facets;
pub(crate) mod highlights;
pub(crate) mod likeness;
pub mod market;
pub(crate) mod meaning;
mod percentile;
pub mod performance;
mod places;
mod ranking;
mod rating;
pub mod reasons;
mod receipt;
mod recommending;
pub(crate) mod regions;
mod reviewing;
pub(crate) mod search;
mod spread;
mod trending;
mod validity;
mod views;
mod visibility;
pub(crate) mod vocabulary;
mod weights;
pub(crate) mod words;

pub use analytics::{own_bids, share};
pub use attachments::{has_room, may_attach, may_detach, sees_attachment, sees_bid_attachments};
pub use bidding::{
    acceptance_ends, bidding_closed, bidding_deadline, card_as_of, check_amount, edited, may_award, may_bid,
    revealed,
};
pub use comparison::compare;
pub use confirmation::{asked_at, changed_fields, confirmation};
pub use likeness::{FAR_KM, Model};
pub(crate) use places::cells_around;
pub use places::{Bounds, bounds_around};
pub use ranking::{Against, Middle, Offer, Part, Ranked, against, percent_above, rank_offers, score};
pub use rating::{RatingSums, rank, review_sides, stars, summarise};
pub use receipt::{Sealed, matches, seal};
pub use recommending::{ContractorSide, SERVICE_KM_DEFAULT, km_between, recommendation, skill_key};
pub use regions::{region_keys, region_written};
pub use reviewing::{decided, may_edit_review, may_read_review, may_reply, may_report};
pub use spread::{OUTLIERS_FROM, Side, Spread, spread};
pub use trending::{PEOPLE_OF_NETWORK_MAX, heat, interest, trending, unnoticed};
pub use validity::{check_validity, in_force};
pub use views::{ViewerKeys, is_interest, viewer_keys};
pub use visibility::{Access, Standing, access, outcome, shown_to_all};
pub use weights::{RECOMMENDATION_WEIGHTS, SIMILAR_WEIGHTS, TRENDING_WEIGHTS, Weight};
