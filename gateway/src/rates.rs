//! How often anyone may ask: counted in this process, by account for the signed in and by address for others.
//!
//! Failed sign-ins are counted exactly, in Postgres, by identity; they do not belong here.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;
use kernel::{PartyId, SessionId};

use crate::http::Problem;
use crate::request::address::bucket;
use crate::settings::RateSettings;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// All the limits of one server.
pub(crate) struct Rates {
    anonymous: Class<IpAddr>,
    signed_in: Class<PartyId>,
    register: Class<IpAddr>,
    refresh: Class<SessionId>,
    exempt: Vec<IpNet>,
}

struct Class<K: Hash + Eq + Clone> {
    name: &'static str,
    quota: u32,
    seconds: u64,
    limiter: RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>,
}

/// What is left of a limit, for the answer's headers (draft-ietf-httpapi-ratelimit-headers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    name: &'static str,
    quota: u32,
    seconds: u64,
    remaining: u32,
    reset: u64,
}

/// The limit is used up.
#[derive(Debug)]
pub(crate) struct UsedUp(Left);

impl Rates {
    pub(crate) fn new(settings: &RateSettings) -> Self {
        Self {
            anonymous: Class::new("anonymous", settings.anonymous, settings.anonymous_seconds),
            signed_in: Class::new("signed-in", settings.signed_in, settings.signed_in_seconds),
            register: Class::new("register", settings.register, settings.register_seconds),
            // A session is as good as an account: it is asked for as often.
            refresh: Class::new("refresh", settings.signed_in, settings.signed_in_seconds),
            exempt: settings.exempt.clone(),
        }
    }

    /// Counts a request without a session; none when this address is not limited.
    pub(crate) fn anonymous(&self, address: IpAddr) -> Result<Option<Left>, UsedUp> {
        self.by_address(&self.anonymous, address)
    }

    /// Counts a registration.
    pub(crate) fn register(&self, address: IpAddr) -> Result<Option<Left>, UsedUp> {
        self.by_address(&self.register, address)
    }

    /// Counts a request of an account.
    pub(crate) fn signed_in(&self, party: PartyId, address: IpAddr) -> Result<Option<Left>, UsedUp> {
        if self.is_exempt(address) { Ok(None) } else { self.signed_in.count(&party).map(Some) }
    }

    /// Counts a refresh of a session.
    pub(crate) fn refresh(&self, session: SessionId, address: IpAddr) -> Result<Option<Left>, UsedUp> {
        if self.is_exempt(address) { Ok(None) } else { self.refresh.count(&session).map(Some) }
    }

    /// Forgets whoever has not asked for long, so that the counts do not grow for ever.
    pub(crate) fn tidy(&self) {
        self.anonymous.limiter.retain_recent();
        self.signed_in.limiter.retain_recent();
        self.register.limiter.retain_recent();
        self.refresh.limiter.retain_recent();
    }

    fn by_address(&self, class: &Class<IpAddr>, address: IpAddr) -> Result<Option<Left>, UsedUp> {
        if self.is_exempt(address) { Ok(None) } else { class.count(&bucket(address)).map(Some) }
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt.iter().any(|network| network.contains(&address))
    }
}

impl<K: Hash + Eq + Clone> Class<K> {
    fn new(name: &'static str, quota: u32, seconds: u64) -> Self {
        let burst = NonZeroU32::new(quota).unwrap_or(NonZeroU32::MIN);
        let one = Duration::from_secs(seconds.max(1)) / burst.get();
        let rate = Quota::with_period(one.max(Duration::from_nanos(1)))
            .unwrap_or(Quota::per_second(burst))
            .allow_burst(burst);
        let limiter = RateLimiter::dashmap(rate).with_middleware::<StateInformationMiddleware>();
        Self { name, quota: burst.get(), seconds: seconds.max(1), limiter }
    }

    fn count(&self, key: &K) -> Result<Left, UsedUp> {
        match self.limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = u64::from(self.quota.saturating_sub(remaining));
                Ok(self.left(remaining, (used * self.seconds).div_ceil(u64::from(self.quota))))
            }
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                Err(UsedUp(self.left(0, wait.as_secs().saturating_add(1))))
            }
        }
    }

    fn left(&self, remaining: u32, reset: u64) -> Left {
        Left { name: self.name, quota: self.quota, seconds: self.seconds, remaining, reset }
    }
}

impl Left {
    /// Tells the client.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, text) in [(POLICY, self.policy()), (LIMIT, self.limit())] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }

    fn policy(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.quota, self.seconds)
    }

    fn limit(&self) -> String {
        format!("\"{}\";r={};t={}", self.name, self.remaining, self.reset)
    }
}

impl From<UsedUp> for Problem {
    fn from(UsedUp(left): UsedUp) -> Self {
        let detail =
            format!("at most {} in {} seconds; try again in {}", left.quota, left.seconds, left.reset);
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
            .retry_after(u32::try_from(left.reset).unwrap_or(u32::MAX))
            .with_header(POLICY, &left.policy())
            .with_header(LIMIT, &left.limit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(exempt: &[&str]) -> Rates {
        let exempt = exempt.iter().map(|network| network.parse().unwrap()).collect();
        Rates::new(&RateSettings { anonymous: 3, exempt, ..RateSettings::default() })
    }

    #[test]
    fn the_limit_counts_down_and_then_refuses() {
        let rates = rates(&[]);
        let address: IpAddr = "1.2.3.4".parse().unwrap();
        let left = rates.anonymous(address).unwrap().unwrap();
        assert_eq!(
            (left.policy().as_str(), left.limit().as_str()),
            ("\"anonymous\";q=3;w=60", "\"anonymous\";r=2;t=20")
        );
        rates.anonymous(address).unwrap();
        rates.anonymous(address).unwrap();
        let problem = Problem::from(rates.anonymous(address).unwrap_err());
        assert_eq!((problem.status().as_u16(), problem.code()), (429, "rate_limited"));
        let response = problem.respond("r");
        let wait: u32 = response.headers().get("retry-after").unwrap().to_str().unwrap().parse().unwrap();
        assert!((1..=21).contains(&wait), "{wait}");
        assert!(
            response.headers().contains_key("ratelimit")
                && response.headers().contains_key("ratelimit-policy")
        );
    }

    #[test]
    fn others_are_counted_apart_and_exempt_networks_not_at_all() {
        let rates = rates(&["10.0.0.0/8"]);
        for _ in 0..3 {
            rates.anonymous("1.2.3.4".parse().unwrap()).unwrap();
        }
        assert!(rates.anonymous("1.2.3.4".parse().unwrap()).is_err());
        assert!(rates.anonymous("1.2.3.5".parse().unwrap()).is_ok());
        for _ in 0..10 {
            assert_eq!(rates.anonymous("10.1.1.1".parse().unwrap()).unwrap(), None);
        }
    }
}
