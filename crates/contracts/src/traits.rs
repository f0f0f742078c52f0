//! What can be asked and commanded, by piece; the two traits in the root have all of it.

mod completion;

pub use completion::CompletionCommands;
