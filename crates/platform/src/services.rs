//! The services side by side: what can be asked apart from what can be told, so that a reader cannot write.

use std::sync::Arc;

use identity::{IdentityCommands, IdentityQueries};

/// What can be asked of the product.
#[derive(Clone)]
pub struct Queries {
    /// People, sessions and verification.
    pub identity: Arc<dyn IdentityQueries>,
}

/// What can be told to the product.
#[derive(Clone)]
pub struct Commands {
    /// People, sessions and verification.
    pub identity: Arc<dyn IdentityCommands>,
    /// What can be asked.
    pub queries: Queries,
}
