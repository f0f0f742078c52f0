//! The platform as a whole: which crate may stand on which.

mod dependencies;
