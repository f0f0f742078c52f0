//! How often anyone may ask: by account for the signed in, by address for others; counted by all servers together, in Postgres or
//! in Redis.
//!
//! A write for each request would cost more than the request, so a server draws a part of somebody's quota at a time and hands it out by
//! itself. Failed sign-ins are counted exactly, by identity; they do not belong here.

pub(crate) mod redis;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use database::Draw;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;
use kernel::{PartyId, SessionId};
use platform::Platform;
use sha2::{Digest, Sha256};

use crate::http::Problem;
use crate::request::address::bucket;
use crate::server::StartError;
use crate::settings::{CountIn, RateSettings, ServerConfig};
use shared::Shared;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The part of a quota that is drawn at a time: what a server that stops may take with it, and one in so many requests waits for
/// where they are counted.
const PART: u32 = 20;

/// Who is counted, as a keyed hash: what is shared tells nobody's address.
type Key = [u8; 32];

/// All the limits of one server.
pub(crate) struct Rates {
    anonymous: Class,
    signed_in: Class,
    register: Class,
    refresh: Class,
    exempt: Vec<IpNet>,
    secret: [u8; 32],
    shared: Shared,
}

struct Class {
    name: &'static str,
    quota: u32,
    seconds: u64,
    purses: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<Purse>>>>,
    /// Counts here alone while nobody else can be asked.
    alone: RateLimiter<Key, DashMapStateStore<Key>, DefaultClock, StateInformationMiddleware>,
}

/// What this server has drawn for somebody and not yet handed out.
struct Purse {
    uses: u32,
    /// What was left for everybody when it was drawn.
    left: u32,
    refused_until: Option<Instant>,
    touched: Instant,
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
    /// # Errors
    /// When there is no connection or thread for what is shared, or where it is shared we are refused.
    pub(crate) fn start(config: &ServerConfig, platform: &Platform) -> Result<Self, StartError> {
        let shared = Shared::start(&config.rate_limit, platform)?;
        Ok(Self::new(&config.rate_limit, config.rate_key(), shared))
    }

    fn new(settings: &RateSettings, secret: [u8; 32], shared: Shared) -> Self {
        Self {
            anonymous: Class::new("anonymous", settings.anonymous, settings.anonymous_seconds),
            signed_in: Class::new("signed-in", settings.signed_in, settings.signed_in_seconds),
            register: Class::new("register", settings.register, settings.register_seconds),
            // A session is as good as an account: it is asked for as often.
            refresh: Class::new("refresh", settings.signed_in, settings.signed_in_seconds),
            exempt: settings.exempt.clone(),
            secret,
            shared,
        }
    }

    /// Counts a request without a session; none when this address is not limited.
    pub(crate) async fn anonymous(&self, address: IpAddr) -> Result<Option<Left>, UsedUp> {
        self.by_address(&self.anonymous, address).await
    }

    /// Counts a registration.
    pub(crate) async fn register(&self, address: IpAddr) -> Result<Option<Left>, UsedUp> {
        self.by_address(&self.register, address).await
    }

    /// Counts a request of an account.
    pub(crate) async fn signed_in(&self, party: PartyId, address: IpAddr) -> Result<Option<Left>, UsedUp> {
        self.count(&self.signed_in, address, party.uuid().as_bytes()).await
    }

    /// Counts a refresh of a session.
    pub(crate) async fn refresh(&self, session: SessionId, address: IpAddr) -> Result<Option<Left>, UsedUp> {
        self.count(&self.refresh, address, session.uuid().as_bytes()).await
    }

    /// Forgets whoever has not asked for long, so that the counts do not grow for ever.
    pub(crate) fn tidy(&self) {
        for class in [&self.anonymous, &self.signed_in, &self.register, &self.refresh] {
            class.tidy();
        }
    }

    /// Where requests are counted together with the other servers, and whether this one counts alone meanwhile; none when each server
    /// is to count for itself.
    pub(crate) fn standing(&self) -> Option<(CountIn, bool)> {
        self.shared.standing()
    }

    async fn by_address(&self, class: &Class, address: IpAddr) -> Result<Option<Left>, UsedUp> {
        match bucket(address) {
            IpAddr::V4(four) => self.count(class, address, &four.octets()).await,
            IpAddr::V6(six) => self.count(class, address, &six.octets()).await,
        }
    }

    async fn count(&self, class: &Class, address: IpAddr, who: &[u8]) -> Result<Option<Left>, UsedUp> {
        if self.exempt.iter().any(|network| network.contains(&address)) {
            return Ok(None);
        }
        let mut hash = Sha256::new_with_prefix(self.secret);
        hash.update(class.name);
        hash.update([0]);
        hash.update(who);
        class.count(&self.shared, hash.finalize().into()).await.map(Some)
    }
}

impl Class {
    fn new(name: &'static str, quota: u32, seconds: u64) -> Self {
        let burst = NonZeroU32::new(quota).unwrap_or(NonZeroU32::MIN);
        let one = Duration::from_secs(seconds.max(1)) / burst.get();
        let rate = Quota::with_period(one.max(Duration::from_nanos(1)))
            .unwrap_or(Quota::per_second(burst))
            .allow_burst(burst);
        let alone = RateLimiter::dashmap(rate).with_middleware::<StateInformationMiddleware>();
        Self { name, quota: burst.get(), seconds: seconds.max(1), purses: Mutex::default(), alone }
    }

    async fn count(&self, shared: &Shared, key: Key) -> Result<Left, UsedUp> {
        let purse = self.purse(key);
        // Whoever else asks for the same one waits for this draw rather than drawing as well.
        let mut purse = purse.lock().await;
        let now = Instant::now();
        purse.touched = now;
        if purse.uses == 0 {
            if let Some(until) = purse.refused_until.filter(|until| *until > now) {
                return Err(UsedUp(self.left(0, whole_seconds(until - now))));
            }
            let draw = self.draw(key);
            let Some(drawn) = shared.draw(draw.clone()).await else { return self.count_alone(&key) };
            if drawn.granted == 0 {
                let wait = draw.wait(&drawn);
                purse.refused_until = Some(now + wait);
                return Err(UsedUp(self.left(0, whole_seconds(wait))));
            }
            (purse.uses, purse.left) = (drawn.granted, draw.left(&drawn));
        }
        purse.uses -= 1;
        let remaining = (purse.uses + purse.left).min(self.quota.saturating_sub(1));
        Ok(self.left(remaining, self.full_in(remaining)))
    }

    fn count_alone(&self, key: &Key) -> Result<Left, UsedUp> {
        match self.alone.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(self.left(remaining, self.full_in(remaining)))
            }
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                Err(UsedUp(self.left(0, whole_seconds(wait))))
            }
        }
    }

    fn purse(&self, key: Key) -> Arc<tokio::sync::Mutex<Purse>> {
        let mut purses = self.purses.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = || Purse { uses: 0, left: 0, refused_until: None, touched: Instant::now() };
        Arc::clone(purses.entry(key).or_insert_with(|| Arc::new(tokio::sync::Mutex::new(empty()))))
    }

    fn draw(&self, key: Key) -> Draw {
        let wanted = (self.quota / PART).max(1);
        Draw { key, wanted, quota: self.quota, period: Duration::from_secs(self.seconds) }
    }

    fn tidy(&self) {
        self.alone.retain_recent();
        let period = Duration::from_secs(self.seconds);
        let mut purses = self.purses.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is locked is in use.
        purses.retain(|_, purse| purse.try_lock().map_or(true, |purse| purse.touched.elapsed() < period));
    }

    /// Seconds until all of it is there again.
    fn full_in(&self, remaining: u32) -> u64 {
        let used = u64::from(self.quota.saturating_sub(remaining));
        (used * self.seconds).div_ceil(u64::from(self.quota))
    }

    fn left(&self, remaining: u32, reset: u64) -> Left {
        Left { name: self.name, quota: self.quota, seconds: self.seconds, remaining, reset }
    }
}

/// Rounded up, so that a try after them succeeds.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(1)
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
