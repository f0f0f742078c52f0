//! The services side by side: what can be asked apart from what can be told, so that a reader cannot write.

use std::sync::Arc;

use audit::{AuditCommands, AuditQueries};
use contracts::{ContractsCommands, ContractsQueries};
use escrow::{EscrowCommands, EscrowQueries};
use files::{FilesCommands, FilesQueries};
use identity::{IdentityCommands, IdentityQueries};
use marketplace::{MarketplaceCommands, MarketplaceQueries};
use notifications::{NotificationsCommands, NotificationsQueries};

/// What can be asked of the product.
#[derive(Clone)]
pub struct Queries {
    /// Files of people.
    pub files: Arc<dyn FilesQueries>,
    /// The audit trail.
    pub audit: Arc<dyn AuditQueries>,
    /// People, sessions and verification.
    pub identity: Arc<dyn IdentityQueries>,
    /// Jobs, bids and reviews.
    pub marketplace: Arc<dyn MarketplaceQueries>,
    /// Contracts, signatures and milestones.
    pub contracts: Arc<dyn ContractsQueries>,
    /// Held payments, releases, payouts, the books.
    pub escrow: Arc<dyn EscrowQueries>,
    /// The inbox.
    pub notifications: Arc<dyn NotificationsQueries>,
}

/// What can be told to the product.
#[derive(Clone)]
pub struct Commands {
    /// Files of people.
    pub files: Arc<dyn FilesCommands>,
    /// The audit trail.
    pub audit: Arc<dyn AuditCommands>,
    /// People, sessions and verification.
    pub identity: Arc<dyn IdentityCommands>,
    /// Jobs, bids and reviews.
    pub marketplace: Arc<dyn MarketplaceCommands>,
    /// Contracts, signatures and milestones.
    pub contracts: Arc<dyn ContractsCommands>,
    /// Held payments, releases, payouts, the books.
    pub escrow: Arc<dyn EscrowCommands>,
    /// The inbox.
    pub notifications: Arc<dyn NotificationsCommands>,
    /// What can be asked.
    pub queries: Queries,
}
