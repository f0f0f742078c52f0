//! What can be asked and commanded, by piece; the two traits in the root have all of it.

mod figures;
mod views;

pub use figures::FigureQueries;
pub use views::ViewCommands;
