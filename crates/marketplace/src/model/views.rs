//! Looks at jobs: what interest is made of.

use std::net::IpAddr;

use kernel::PartyId;

use super::JobId;

/// Somebody looked at a job. It lives for seconds in memory: what is stored is hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobLook {
    /// The job.
    pub job: JobId,
    /// Who, when signed in.
    pub party: Option<PartyId>,
    /// From where; of IPv6 the /64, which one household has to itself.
    pub network: IpAddr,
}
