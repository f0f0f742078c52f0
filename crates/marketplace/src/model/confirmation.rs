//! Whether a bid still stands after its job was edited.

use kernel::Instant;

super::words! {
    /// What of a published job an edit can change, as requests call it.
    JobField {
        /// What it is called.
        Title = "title",
        /// What is to be done.
        Description = "description",
        /// The trade.
        Category = "category",
        /// Skills asked for.
        Skills = "skills",
        /// Where, as far as bidders see it.
        Address = "address",
        /// The lower end of the budget.
        BudgetMin = "budgetMin",
        /// The upper end of the budget.
        BudgetMax = "budgetMax",
        /// How soon.
        Urgency = "urgency",
        /// The day on which work should start.
        WantedStart = "wantedStart",
        /// When bidding ends.
        BiddingDeadline = "biddingDeadline",
    }
}

impl JobField {
    /// Whether a bid may not mean the same any more once this changed. The title says what the description says, and a deadline only
    /// moves later.
    #[must_use]
    pub const fn is_material(self) -> bool {
        match self {
            Self::Description
            | Self::Category
            | Self::Skills
            | Self::Address
            | Self::BudgetMin
            | Self::BudgetMax
            | Self::Urgency
            | Self::WantedStart => true,
            Self::Title | Self::BiddingDeadline => false,
        }
    }
}

/// That a bidder is asked whether the bid still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Since when: the last edit that asked.
    pub asked_at: Instant,
    /// What changed since the bidder last said something, in the order of a job's fields.
    pub changed: Vec<JobField>,
}
