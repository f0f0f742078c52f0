//! What follows from what, without a database: the walk along the chains, and what a checkpoint's signature covers.

use chrono::DateTime;
use kernel::Instant;
use uuid::Uuid;

use crate::model::Checkpoint;

/// How many chains there are.
pub(crate) const CHAINS: usize = 64;
/// What stands where there is no row before.
pub(crate) const NOTHING: [u8; 32] = [0; 32];
/// Begins what is signed, so that no signature of another thing is one of a checkpoint.
const CHECKPOINT_LABEL: &[u8] = b"fairtrade audit checkpoint 1\0";

/// What a signature covers; none when the checkpoint is not well formed.
pub(crate) fn checkpoint_message(checkpoint: &Checkpoint) -> Option<Vec<u8>> {
    let mut message = CHECKPOINT_LABEL.to_vec();
    message.extend(checkpoint.number.to_be_bytes());
    message.extend(checkpoint.taken_at.timestamp_micros().to_be_bytes());
    message.extend(hash_from_hex(&checkpoint.previous)?);
    message.extend(u64::try_from(checkpoint.heads.len()).ok()?.to_be_bytes());
    for head in &checkpoint.heads {
        message.extend(head.sequence.to_be_bytes());
        message.extend(hash_from_hex(&head.hash)?);
    }
    (checkpoint.heads.len() == CHAINS).then_some(message)
}

/// 32 bytes in hex.
pub(crate) fn hash_from_hex(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

/// The least id that a row of this instant can have.
pub(crate) fn first_id_at(instant: Instant) -> Uuid {
    let millis = u128::try_from(instant.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128((millis & 0xffff_ffff_ffff) << 80)
}

/// A row as far as the walk looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) sequence: i64,
    pub(crate) prev_hash: Vec<u8>,
    pub(crate) hash: Vec<u8>,
    /// The hash of what is in the row.
    pub(crate) recomputed: [u8; 32],
}

/// What is wrong with a row, or with the place where one should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// The row before it is not there.
    Missing,
    /// Another has its place.
    Doubled,
    /// It does not follow the row before it.
    Unchained,
    /// Its hash is not that of what is in it.
    Altered,
    /// A checkpoint knows another hash for it.
    Rewritten,
}

/// A chain, walked from its first row on.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) sequence: i64,
    pub(crate) hash: Vec<u8>,
}

impl Walk {
    pub(crate) fn new() -> Self {
        Self { sequence: 0, hash: NOTHING.to_vec() }
    }

    /// One row further; or what is wrong with it. `marked` are the hashes that checkpoints know for its place.
    pub(crate) fn step(&mut self, link: &Link, marked: &[Vec<u8>]) -> Result<(), Break> {
        if link.sequence <= self.sequence {
            return Err(Break::Doubled);
        }
        if link.sequence != self.sequence + 1 {
            return Err(Break::Missing);
        }
        if link.hash != link.recomputed {
            return Err(Break::Altered);
        }
        if link.prev_hash != self.hash {
            return Err(Break::Unchained);
        }
        if marked.iter().any(|hash| *hash != link.hash) {
            return Err(Break::Rewritten);
        }
        self.sequence = link.sequence;
        self.hash.clone_from(&link.hash);
        Ok(())
    }
}

/// An instant of so many microseconds.
pub(crate) fn whole_micros(instant: Instant) -> Instant {
    DateTime::from_timestamp_micros(instant.timestamp_micros()).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(sequence: i64, prev: &[u8], hash: u8) -> Link {
        Link { sequence, prev_hash: prev.to_vec(), hash: vec![hash; 32], recomputed: [hash; 32] }
    }

    #[test]
    fn each_break_has_its_name() {
        let walked = || {
            let mut walk = Walk::new();
            walk.step(&link(1, &NOTHING, 1), &[]).unwrap();
            walk
        };
        assert_eq!(walked().step(&link(2, &[1; 32], 2), &[vec![2; 32]]), Ok(()));
        assert_eq!(walked().step(&link(1, &[1; 32], 2), &[]), Err(Break::Doubled));
        assert_eq!(walked().step(&link(3, &[1; 32], 2), &[]), Err(Break::Missing));
        assert_eq!(walked().step(&link(2, &[9; 32], 2), &[]), Err(Break::Unchained));
        let altered = Link { recomputed: [7; 32], ..link(2, &[1; 32], 2) };
        assert_eq!(walked().step(&altered, &[]), Err(Break::Altered));
        assert_eq!(walked().step(&link(2, &[1; 32], 2), &[vec![3; 32]]), Err(Break::Rewritten));
    }

    #[test]
    fn the_first_id_of_an_instant_is_below_every_id_made_then() {
        let instant = DateTime::from_timestamp_millis(1_763_712_000_123).unwrap();
        let made = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 1_763_712_000, 123_000_000));
        assert!(first_id_at(instant) < made);
        assert!(first_id_at(instant + chrono::TimeDelta::milliseconds(1)) > made);
    }
}
