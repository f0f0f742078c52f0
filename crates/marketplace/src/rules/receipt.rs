//! Receipts of bids: a bidder and the owner can prove after the reveal that what is shown is what was handed in.

use chrono::SecondsFormat;
use kernel::{Currency, Instant};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::model::{BidId, BidParts, JobId, Proof};

/// A revision with the receipt that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Canonical text and salt.
    pub proof: Proof,
    /// Hexadecimal SHA-256 of the text followed by the salt.
    pub receipt: String,
}

/// Seals one revision: canonical JSON (RFC 8785) of what it says, and the receipt over it and the salt. The salt is what keeps
/// an amount from being guessed out of the receipt.
///
/// # Errors
/// [`database::Error::Corrupt`] when it cannot be written as JSON.
pub fn seal(
    (bid, job, revision): (BidId, JobId, i32),
    currency: Currency,
    parts: &BidParts,
    submitted_at: Instant,
    salt: [u8; 32],
) -> Result<Sealed, database::Error> {
    let fields = json!({
        "bidId": bid,
        "jobId": job,
        "revision": revision,
        "amount": parts.amount,
        "currency": currency,
        "lines": parts.lines,
        "milestones": parts.milestones,
        "terms": parts.terms,
        "submittedAt": submitted_at.to_rfc3339_opts(SecondsFormat::Micros, true),
    });
    let canonical = serde_json_canonicalizer::to_string(&fields)
        .map_err(|error| database::Error::Corrupt(error.to_string()))?;
    let proof = Proof { canonical, salt: hex::encode(salt) };
    let receipt = receipt_of(&proof);
    Ok(Sealed { proof, receipt })
}

/// Whether a receipt stands for what is shown.
#[must_use]
pub fn matches(receipt: &str, proof: &Proof) -> bool {
    receipt_of(proof) == receipt
}

fn receipt_of(proof: &Proof) -> String {
    let mut hash = Sha256::new();
    hash.update(proof.canonical.as_bytes());
    hash.update(proof.salt.as_bytes());
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use kernel::TypedId;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::model::{BidMilestone, Line, LineKind};

    fn parts(amount: i64, terms: Option<&str>) -> BidParts {
        BidParts {
            amount,
            lines: vec![Line::new(LineKind::Material, "Tiles", amount).unwrap()],
            milestones: vec![BidMilestone::new("All of it", None, amount, None).unwrap()],
            terms: terms.map(str::to_owned),
            start_date: None,
            duration_days: None,
            valid_until: None,
        }
    }

    fn sealed(parts: &BidParts, revision: i32, salt: u8) -> Sealed {
        let (bid, job) = (BidId::from_uuid(Uuid::from_u128(1)), JobId::from_uuid(Uuid::from_u128(2)));
        seal((bid, job, revision), Currency::USD, parts, Instant::UNIX_EPOCH, [salt; 32]).unwrap()
    }

    /// Written out, so that anyone can check a receipt with other tools: `printf '%s%s' "$canonical" "$salt" | sha256sum`.
    #[test]
    fn the_canonical_text_and_its_receipt_are_fixed() {
        let sealed = sealed(&parts(500, Some("Café")), 1, 0xab);
        assert_eq!(
            sealed.proof.canonical,
            concat!(
                r#"{"amount":500,"bidId":"bid_00000000000000000000000001","currency":"USD","jobId":"job_00000000000000000000000002","#,
                r#""lines":[{"amount":500,"description":"Tiles","kind":"material"}],"milestones":[{"amount":500,"title":"All of it"}],"#,
                r#""revision":1,"submittedAt":"1970-01-01T00:00:00.000000Z","terms":"Café"}"#
            )
        );
        assert_eq!(sealed.proof.salt, "ab".repeat(32));
        assert_eq!(sealed.receipt.len(), 64);
        assert!(matches(&sealed.receipt, &sealed.proof));
    }

    proptest! {
        #[test]
        fn any_change_breaks_the_receipt(amount in 1_i64..1_000_000, other in 1_i64..1_000_000, terms in ".{0,40}", revision in 1..9) {
            let first = sealed(&parts(amount, Some(&terms)), revision, 7);
            prop_assert!(matches(&first.receipt, &first.proof));
            let again = sealed(&parts(amount, Some(&terms)), revision, 7);
            prop_assert_eq!(&again, &first);
            for changed in [
                sealed(&parts(other, Some(&terms)), revision, 7),
                sealed(&parts(amount, None), revision, 7),
                sealed(&parts(amount, Some(&terms)), revision + 1, 7),
                sealed(&parts(amount, Some(&terms)), revision, 8),
            ] {
                prop_assert!(changed.receipt != first.receipt || changed == first);
            }
        }
    }
}
