//! Whose look at a job is interest in it, and what stands for whoever looked.

use std::net::IpAddr;

use kernel::{Actor, Role};
use sha2::{Digest, Sha256};

use crate::model::{JobLook, JobStatus, PublicJob};

/// What stands for somebody who looked at one job on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ViewerKeys {
    /// The same for the same account, or for the same network of those who are not signed in.
    pub viewer: [u8; 16],
    /// The same for everybody behind the same network.
    pub network: [u8; 16],
}

/// Whether this look tells of interest: at an open job, by somebody who neither posted it nor keeps order here.
#[must_use]
pub fn is_interest(viewer: Option<&Actor>, job: &PublicJob) -> bool {
    job.status == JobStatus::Open
        && viewer.is_none_or(|actor| actor.party != job.homeowner && actor.role != Role::Admin)
}

/// What is stored of a look: hashes under the day's salt, of each job others, so that nobody can be followed from job to job.
#[must_use]
pub fn viewer_keys(salt: &[u8], look: &JobLook) -> ViewerKeys {
    let of = |kind: u8, bytes: &[u8]| {
        let mut hash = Sha256::new();
        hash.update(salt);
        hash.update(look.job.uuid());
        hash.update([kind]);
        hash.update(bytes);
        first_half(hash.finalize().into())
    };
    let network = match look.network {
        IpAddr::V4(four) => of(b'4', &four.octets()),
        IpAddr::V6(six) => of(b'6', &six.octets()),
    };
    let viewer = look.party.map_or(network, |party| of(b'p', party.uuid().as_bytes()));
    ViewerKeys { viewer, network }
}

fn first_half(hash: [u8; 32]) -> [u8; 16] {
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kernel::{PartyId, TypedId};
    use uuid::Uuid;

    use super::*;
    use crate::model::JobId;

    fn look(job: u128, party: Option<u128>, network: &str) -> JobLook {
        JobLook {
            job: JobId::from_uuid(Uuid::from_u128(job)),
            party: party.map(|party| PartyId::from_uuid(Uuid::from_u128(party))),
            network: network.parse().unwrap(),
        }
    }

    #[test]
    fn an_account_is_one_viewer_wherever_it_is_and_who_has_none_is_a_network() {
        let keys = |look| viewer_keys(&[7; 32], &look);
        let (home, cafe) = (keys(look(1, Some(5), "10.0.0.1")), keys(look(1, Some(5), "10.0.0.2")));
        assert_eq!(home.viewer, cafe.viewer);
        assert_ne!(home.network, cafe.network);
        let (one, other) = (keys(look(1, None, "10.0.0.1")), keys(look(1, Some(6), "10.0.0.1")));
        assert_eq!((one.viewer, one.network), (home.network, home.network));
        assert_ne!(one.viewer, other.viewer);
        assert_eq!(one.network, other.network);
    }

    #[test]
    fn nobody_is_the_same_at_another_job_or_under_another_salt() {
        let somebody = look(1, Some(5), "2001:db8::");
        let keys = viewer_keys(&[7; 32], &somebody);
        let elsewhere = viewer_keys(&[7; 32], &look(2, Some(5), "2001:db8::"));
        let tomorrow = viewer_keys(&[8; 32], &somebody);
        for other in [elsewhere, tomorrow] {
            assert_ne!(keys.viewer, other.viewer);
            assert_ne!(keys.network, other.network);
        }
    }
}
