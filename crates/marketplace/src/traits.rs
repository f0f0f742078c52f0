//! The parts of the service's two traits, one for each piece of the marketplace.

mod analytics;
mod attachments;
mod comparison;
mod confirmation;
mod figures;
mod recommendations;
mod reviews;
mod search;
mod views;

pub use analytics::AnalyticsQueries;
pub use attachments::{AttachmentCommands, AttachmentQueries};
pub use comparison::ComparisonQueries;
pub use confirmation::ConfirmationCommands;
pub use figures::FigureQueries;
pub use recommendations::{RecommendationCommands, RecommendationQueries};
pub use reviews::{ReviewCommands, ReviewQueries};
pub use search::SearchQueries;
pub use views::ViewCommands;
