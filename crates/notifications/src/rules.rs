//! Decisions, as pure functions: whether a delivery leaves, and when a failed one is tried again.

use std::time::Duration;

use crate::Settings;

/// What is known about a delivery when it is to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeliveryFacts {
    /// Whether the person has proved the address, has not yet, or is gone.
    pub(crate) address: Address,
    /// What the template asks of the address.
    pub(crate) needs: Needs,
    /// Whether this event has reached this person on this channel already.
    pub(crate) reached_before: bool,
    /// Security and failures of money.
    pub(crate) critical: bool,
}

/// What is known of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    Verified,
    Unverified,
    None,
}

/// What a template asks of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// It is written to prove the address.
    AnyAddress,
    VerifiedAddress,
}

/// What is to become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Send(Importance),
    Stop(StopReason),
}

/// How a sent mail presents itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Importance {
    Normal,
    High,
}

/// Why a delivery does not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    NoAddress,
    AddressUnverified,
    Duplicate,
}

impl StopReason {
    /// The code in the delivery's row.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NoAddress => "no_address",
            Self::AddressUnverified => "address_unverified",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Decides one delivery. The order of the questions is part of the rules: the first one that stops it names the reason.
pub(crate) fn decide(facts: &DeliveryFacts) -> Decision {
    match (facts.address, facts.needs) {
        (Address::None, _) => return Decision::Stop(StopReason::NoAddress),
        (Address::Unverified, Needs::VerifiedAddress) => {
            return Decision::Stop(StopReason::AddressUnverified);
        }
        (Address::Unverified, Needs::AnyAddress) | (Address::Verified, _) => {}
    }
    if facts.reached_before {
        return Decision::Stop(StopReason::Duplicate);
    }
    Decision::Send(if facts.critical { Importance::High } else { Importance::Normal })
}

/// The pause after a failed try (the first is 1), or none when it was the last. The pauses double, are shortened by up to a half by
/// `luck` (0 to 999), and at their longest fill the window exactly.
pub(crate) fn mail_pause(attempt: u16, luck: u16, settings: &Settings) -> Option<Duration> {
    if attempt >= settings.mail_attempts_max {
        return None;
    }
    let pauses = u32::from(settings.mail_attempts_max.saturating_sub(1));
    let shares = 2_u64.checked_pow(pauses)?.saturating_sub(1).max(1);
    let window = u64::from(settings.mail_retry_window_seconds) * 1_000;
    let share = 2_u64.checked_pow(u32::from(attempt.saturating_sub(1)))?;
    let whole = u64::try_from(u128::from(window) * u128::from(share) / u128::from(shares)).ok()?;
    Some(Duration::from_millis(whole - whole / 2 * u64::from(luck.min(999)) / 999))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_question_that_stops_a_delivery_names_the_reason() {
        use Decision::{Send, Stop};
        use StopReason::{AddressUnverified, Duplicate, NoAddress};
        let table = [
            (Address::Verified, Needs::VerifiedAddress, false, false, Send(Importance::Normal)),
            (Address::Verified, Needs::VerifiedAddress, false, true, Send(Importance::High)),
            (Address::Verified, Needs::VerifiedAddress, true, true, Stop(Duplicate)),
            (Address::Unverified, Needs::VerifiedAddress, false, true, Stop(AddressUnverified)),
            (Address::Unverified, Needs::VerifiedAddress, true, false, Stop(AddressUnverified)),
            (Address::Unverified, Needs::AnyAddress, false, true, Send(Importance::High)),
            (Address::Unverified, Needs::AnyAddress, true, true, Stop(Duplicate)),
            (Address::None, Needs::AnyAddress, false, true, Stop(NoAddress)),
            (Address::None, Needs::VerifiedAddress, true, false, Stop(NoAddress)),
        ];
        for (address, needs, reached_before, critical, expected) in table {
            let facts = DeliveryFacts { address, needs, reached_before, critical };
            assert_eq!(decide(&facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn eight_tries_fit_into_thirty_minutes() {
        let settings = Settings::default();
        let longest: Vec<u64> = (1..)
            .map_while(|attempt| mail_pause(attempt, 0, &settings))
            .map(|pause| pause.as_secs())
            .collect();
        assert_eq!(longest, [14, 28, 56, 113, 226, 453, 907]);
        assert!(longest.iter().sum::<u64>() <= 1_800);
        assert_eq!(mail_pause(8, 0, &settings), None);
    }

    #[test]
    fn luck_takes_up_to_half_of_a_pause() {
        let settings = Settings::default();
        for attempt in 1..8 {
            let (most, least) = (mail_pause(attempt, 0, &settings), mail_pause(attempt, 999, &settings));
            assert!(
                least.zip(most).is_some_and(|(least, most)| least * 2 >= most && least < most),
                "{attempt}"
            );
        }
    }

    #[test]
    fn one_try_means_no_pause() {
        assert_eq!(mail_pause(1, 0, &Settings { mail_attempts_max: 1, ..Settings::default() }), None);
    }
}
