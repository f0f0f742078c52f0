//! Every template: its name and version, what it concerns, what it needs to know. The texts are files in `templates/`.

use identity::ChangedAddress;

use crate::model::Category;
use crate::rules::Needs;

/// Something that a template has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variable {
    /// A text.
    JobTitle,
    /// A text.
    MilestoneTitle,
    /// What changed of a job, in words.
    Changed,
    /// Money.
    Amount,
    /// Money.
    Fee,
    /// Money.
    Share,
    /// An instant, shown in the reader's zone.
    InspectionEndsAt,
    /// An instant, shown in the reader's zone.
    ExpiresAt,
    /// A licence or an insurance, in words.
    Credential,
    /// A credential's last day.
    LastDay,
    /// A secret; only mails may have it.
    Token,
}

impl Variable {
    /// As templates write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::JobTitle => "job_title",
            Self::MilestoneTitle => "milestone_title",
            Self::Changed => "changed",
            Self::Amount => "amount",
            Self::Fee => "fee",
            Self::Share => "share",
            Self::InspectionEndsAt => "inspection_ends_at",
            Self::ExpiresAt => "expires_at",
            Self::Credential => "credential",
            Self::LastDay => "last_day",
            Self::Token => "token",
        }
    }
}

/// To which of a person's addresses a mail goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// The account's.
    Account,
    /// One that takes the account's place, or had it.
    Changed(ChangedAddress),
}

/// What is known of a template besides its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Template {
    pub(crate) name: &'static str,
    /// Goes up whenever what the text says changes; each notification keeps the one it was written from.
    pub(crate) version: i16,
    pub(crate) category: Category,
    pub(crate) variables: &'static [Variable],
    pub(crate) critical: bool,
    pub(crate) needs: Needs,
    pub(crate) to: To,
    /// A line `Subject: …`, an empty line, and the text in paragraphs.
    pub(crate) source: &'static str,
}

impl Template {
    const fn critical(mut self) -> Self {
        self.critical = true;
        self
    }

    /// A mail that carries the token which proves the address: it goes to an unproved one, and never into the inbox.
    const fn proves_address(mut self) -> Self {
        self.needs = Needs::AnyAddress;
        self
    }

    /// A mail to another address than the account's.
    const fn to(mut self, address: ChangedAddress) -> Self {
        self.to = To::Changed(address);
        self
    }

    /// Whether the inbox shows it.
    pub(crate) fn in_inbox(&self) -> bool {
        !self.variables.contains(&Variable::Token)
    }
}

macro_rules! template {
    ($name:literal, $version:literal, $category:ident, [$($variable:ident),*]) => {
        Template {
            name: $name,
            version: $version,
            category: Category::$category,
            variables: &[$(Variable::$variable),*],
            critical: false,
            needs: Needs::VerifiedAddress,
            to: To::Account,
            source: include_str!(concat!("../templates/", $name, ".txt")),
        }
    };
}

/// What stands around every mail's text.
pub(crate) const LAYOUT_TEXT: &str = include_str!("../templates/layout.txt");
/// The same for programs that show HTML.
pub(crate) const LAYOUT_HTML: &str = include_str!("../templates/layout.html");

/// The catalogue.
pub(crate) const ALL: &[Template] = &[
    template!("welcome_customer", 1, Account, []),
    template!("welcome_contractor", 1, Account, []),
    template!("verify_email", 1, Security, [Token]).critical().proves_address(),
    template!("change_email", 1, Security, [Token]).critical().proves_address().to(ChangedAddress::New),
    template!("email_change_announced", 1, Security, []).critical().to(ChangedAddress::Former),
    template!("email_changed", 1, Security, []).critical().to(ChangedAddress::Former),
    template!("reset_password", 1, Security, [Token]).critical().proves_address(),
    template!("password_reset", 1, Security, []).critical(),
    template!("password_changed", 1, Security, []).critical(),
    template!("session_reuse_detected", 1, Security, []).critical(),
    template!("account_suspended", 1, Security, []).critical(),
    template!("account_reinstated", 1, Security, []).critical(),
    template!("identity_linked", 1, Security, []).critical(),
    template!("second_factor_on", 1, Security, []).critical(),
    template!("second_factor_off", 1, Security, []).critical(),
    template!("second_factor_reset", 1, Security, []).critical(),
    template!("recovery_code_used", 1, Security, []).critical(),
    template!("data_export_ready", 1, Account, [ExpiresAt]),
    template!("verification_submitted", 1, Account, []),
    template!("verification_approved", 1, Account, []),
    template!("verification_rejected", 1, Account, []),
    template!("credential_expiring", 1, Account, [Credential, LastDay]),
    template!("verification_expired", 1, Account, []),
    template!("job_published", 1, Jobs, [JobTitle]),
    template!("job_edited", 2, Jobs, [JobTitle, Changed]),
    template!("job_cancelled", 1, Jobs, [JobTitle]),
    template!("job_bidding_closed", 1, Jobs, [JobTitle]),
    template!("job_expired", 1, Jobs, [JobTitle]),
    template!("bid_submitted", 1, Bids, [JobTitle]),
    template!("bid_received", 1, Bids, [JobTitle]),
    template!("bid_revised", 1, Bids, [JobTitle]),
    template!("bid_withdrawn", 1, Bids, [JobTitle]),
    template!("bid_confirmation_asked", 1, Bids, [JobTitle, Changed]),
    template!("bid_confirmed", 1, Bids, [JobTitle]),
    template!("bid_rejected", 1, Bids, [JobTitle]),
    template!("bid_expired", 1, Bids, [JobTitle]),
    template!("bid_lapsed", 1, Bids, [JobTitle]),
    template!("review_submitted", 1, Reviews, [JobTitle]),
    template!("review_published", 1, Reviews, [JobTitle]),
    template!("review_replied", 1, Reviews, [JobTitle]),
    template!("review_reported", 1, Reviews, []),
    template!("review_removed", 1, Reviews, [JobTitle]),
    template!("review_restored", 1, Reviews, [JobTitle]),
    template!("review_report_upheld", 1, Reviews, []),
    template!("review_report_dismissed", 1, Reviews, []),
    template!("contract_created_homeowner", 1, Contracts, [JobTitle]),
    template!("contract_created_contractor", 1, Contracts, [JobTitle]),
    template!("contract_signed", 1, Contracts, [JobTitle]),
    template!("contract_activated_homeowner", 1, Contracts, [JobTitle]),
    template!("contract_activated_contractor", 1, Contracts, [JobTitle]),
    template!("contract_unsigned", 1, Contracts, [JobTitle]),
    template!("contract_completed", 1, Contracts, [JobTitle]),
    template!("contract_verification_lapsed_homeowner", 1, Contracts, [JobTitle]),
    template!("contract_verification_lapsed_contractor", 1, Contracts, [JobTitle]),
    template!("contract_verification_restored", 1, Contracts, [JobTitle]),
    template!("contract_party_suspended", 1, Contracts, [JobTitle]),
    template!("contract_party_reinstated", 1, Contracts, [JobTitle]),
    template!("milestone_started", 1, Contracts, [MilestoneTitle, JobTitle]),
    template!("milestone_submitted", 1, Contracts, [MilestoneTitle, JobTitle, InspectionEndsAt]),
    template!("milestone_inspection_reminder", 1, Contracts, [MilestoneTitle, JobTitle, InspectionEndsAt]),
    template!("milestone_changes_requested", 1, Contracts, [MilestoneTitle, JobTitle]),
    template!("milestone_approved", 1, Contracts, [MilestoneTitle, JobTitle]),
    template!("milestone_approved_by_silence", 1, Contracts, [MilestoneTitle, JobTitle]),
    template!("escrow_created_homeowner", 1, Payments, [JobTitle]),
    template!("escrow_created_contractor", 1, Payments, [JobTitle]),
    template!("payment_succeeded", 1, Payments, [Amount, JobTitle]),
    template!("payment_failed", 1, Payments, [Amount, JobTitle]).critical(),
    template!("payment_lapsed", 1, Payments, [Amount, JobTitle]),
    template!("milestone_funded", 1, Payments, [MilestoneTitle, JobTitle]),
    template!("milestone_released_contractor", 1, Payments, [Amount, MilestoneTitle, JobTitle, Share, Fee]),
    template!("milestone_released_homeowner", 1, Payments, [Amount, MilestoneTitle, JobTitle]),
    template!("payout_paid", 1, Payments, [Amount]),
    template!("payout_failed", 1, Payments, [Amount]).critical(),
    template!("payout_waiting_account", 1, Payments, [Amount]),
];

/// The template of that name.
pub(crate) fn find(name: &str) -> Option<&'static Template> {
    ALL.iter().find(|template| template.name == name)
}
