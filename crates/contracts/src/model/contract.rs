//! A contract, its states, its terms and what is signed.

use kernel::{BasisPoints, Fault, Faults, Instant, Money, PartyId};
use marketplace::{BidId, JobId};

kernel::id!(
    /// A contract.
    ContractId,
    "ctr"
);

kernel::id!(
    /// A signature under a contract.
    SignatureId,
    "sig"
);

/// How far a contract has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContractStatus {
    /// The bid was accepted; one or both have yet to sign.
    PendingSignatures,
    /// Both signed; the work is paid and done milestone by milestone.
    Active,
    /// The last milestone is finished.
    Completed,
    /// It ended before it was fulfilled; the reason says why.
    Terminated,
}

super::names!(ContractStatus {
    PendingSignatures => "PENDING_SIGNATURES",
    Active => "ACTIVE",
    Completed => "COMPLETED",
    Terminated => "TERMINATED",
});

/// What moves a contract from one state to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractStep {
    /// The second signature was given.
    BothSigned,
    /// The time for signing ran out.
    SigningLapsed,
    /// No milestone is left unfinished.
    LastMilestoneFinished,
}

impl ContractStatus {
    /// Where a step leads from here; none when it cannot be taken.
    #[must_use]
    pub const fn after(self, step: ContractStep) -> Option<Self> {
        match (self, step) {
            (Self::PendingSignatures, ContractStep::BothSigned) => Some(Self::Active),
            (Self::PendingSignatures, ContractStep::SigningLapsed) => Some(Self::Terminated),
            (Self::Active, ContractStep::LastMilestoneFinished) => Some(Self::Completed),
            (Self::PendingSignatures, ContractStep::LastMilestoneFinished)
            | (Self::Active, ContractStep::BothSigned | ContractStep::SigningLapsed)
            | (
                Self::Completed | Self::Terminated,
                ContractStep::BothSigned | ContractStep::SigningLapsed | ContractStep::LastMilestoneFinished,
            ) => None,
        }
    }
}

/// Why a contract ended before it was fulfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminationReason {
    /// Not both had signed in time.
    Unsigned,
}

super::names!(TerminationReason { Unsigned => "unsigned" });

/// The rules that this contract lives under, copied to it when it is made. Rule functions take these, never the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Which edition of the rules.
    pub rules_version: i16,
    /// The platform's share of each release.
    pub fee: BasisPoints,
    /// How many times 24 hours the homeowner has to look at a submitted milestone.
    pub inspection_days: u16,
    /// After how many hours an approved milestone is released without anybody asking.
    pub auto_release_hours: u16,
}

/// On which side of a contract somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Pays.
    Homeowner,
    /// Works.
    Contractor,
    /// Neither: may look and do nothing.
    Observer,
}

/// A contract as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Its id.
    pub id: ContractId,
    /// The job that was awarded.
    pub job_id: JobId,
    /// The bid that was accepted.
    pub bid_id: BidId,
    /// Who pays.
    pub homeowner: PartyId,
    /// Who works.
    pub contractor: PartyId,
    /// The job's title.
    pub title: String,
    /// What all milestones sum to.
    pub price: Money,
    /// How far it has come.
    pub status: ContractStatus,
    /// The rules it lives under.
    pub terms: Terms,
    /// Which text is to be signed, or was: the first is 1.
    pub document_version: i32,
    /// Goes up with every change of it.
    pub version: i32,
    /// Until when both must have signed.
    pub sign_by: Instant,
    /// When the second signature came.
    pub activated_at: Option<Instant>,
    /// When its first milestone was started.
    pub work_started_at: Option<Instant>,
    /// When its last milestone was finished.
    pub completed_at: Option<Instant>,
    /// When it ended early, and why.
    pub terminated: Option<(Instant, TerminationReason)>,
    /// Since when, while it runs, the contractor's licence or insurance does not hold any more.
    pub verification_lapsed_at: Option<Instant>,
    /// When the bid was accepted.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Contract {
    /// On which side this party stands.
    #[must_use]
    pub fn side(&self, party: PartyId) -> Side {
        if party == self.homeowner {
            Side::Homeowner
        } else if party == self.contractor {
            Side::Contractor
        } else {
            Side::Observer
        }
    }
}

/// What other crates need to know of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContractFacts {
    /// Its id.
    pub id: ContractId,
    /// The job that was awarded.
    pub job_id: JobId,
    /// Who pays.
    pub homeowner: PartyId,
    /// Who works.
    pub contractor: PartyId,
    /// What all milestones sum to.
    pub price: Money,
    /// How far it has come.
    pub status: ContractStatus,
    /// The rules it lives under.
    pub terms: Terms,
}

/// A party by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyName {
    /// Who.
    pub id: PartyId,
    /// The whole name: parties to a contract know each other.
    pub name: String,
}

/// A signature that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Its id.
    pub id: SignatureId,
    /// Who signed.
    pub party: PartyId,
    /// What was signed.
    pub document_sha256: DocumentHash,
    /// When.
    pub signed_at: Instant,
}

/// A contract as one of its parties sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractView {
    /// The contract.
    pub contract: Contract,
    /// Who pays.
    pub homeowner: PartyName,
    /// Who works.
    pub contractor: PartyName,
    /// The signatures that stand, the earlier first.
    pub signatures: Vec<Signature>,
    /// The hash of the text that is to be signed, or was.
    pub document_sha256: DocumentHash,
    /// What whoever looks could do now.
    pub allowed_actions: Vec<&'static str>,
}

/// A contract in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractCard {
    /// The contract.
    pub contract: Contract,
    /// Who pays.
    pub homeowner: PartyName,
    /// Who works.
    pub contractor: PartyName,
}

/// The SHA-256 of a contract's text.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentHash(String);

impl DocumentHash {
    /// The hash of a text's bytes.
    #[must_use]
    pub fn of(text: &str) -> Self {
        use sha2::Digest;
        Self(hex::encode(sha2::Sha256::digest(text.as_bytes())))
    }

    /// # Errors
    /// A fault unless it is 64 hexadecimal digits, of either case.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(Fault::new("", "not_sha256", "must be a SHA-256 in 64 hexadecimal digits").into())
        }
    }

    /// 64 hexadecimal digits in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for DocumentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Of which contract.
    pub contract_id: ContractId,
    /// Which text: the first is 1, a changed milestone makes the next.
    pub version: i32,
    /// Its hash, which is named when signing.
    pub sha256: DocumentHash,
    /// The text itself.
    pub text: String,
    /// Since when it stands.
    pub created_at: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_moves_only_forward() {
        use ContractStatus::{Active, Completed, PendingSignatures, Terminated};
        use ContractStep::{BothSigned, LastMilestoneFinished, SigningLapsed};
        let table = [
            (PendingSignatures, [Some(Active), Some(Terminated), None]),
            (Active, [None, None, Some(Completed)]),
            (Completed, [None; 3]),
            (Terminated, [None; 3]),
        ];
        assert_eq!(table.len(), ContractStatus::ALL.len());
        for (from, expected) in table {
            assert_eq!(
                [BothSigned, SigningLapsed, LastMilestoneFinished].map(|step| from.after(step)),
                expected,
                "{from:?}"
            );
        }
    }

    #[test]
    fn a_hash_is_read_in_either_case_and_nothing_else_is() {
        let hash = DocumentHash::of("abc");
        assert_eq!(hash.as_str(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(DocumentHash::parse(&hash.as_str().to_uppercase()), Ok(hash));
        for bad in ["", "ba78", &"g".repeat(64), &"é".repeat(32)] {
            assert!(DocumentHash::parse(bad).is_err(), "{bad}");
        }
    }
}
