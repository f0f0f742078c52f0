//! What can be asked and commanded, by piece; the two traits in the root have all of it.

mod attachments;
mod comparison;
mod figures;
mod reviews;
mod search;
mod views;

pub use attachments::{AttachmentCommands, AttachmentQueries};
pub use comparison::ComparisonQueries;
pub use figures::FigureQueries;
pub use reviews::{ReviewCommands, ReviewQueries};
pub use search::SearchQueries;
pub use views::ViewCommands;
