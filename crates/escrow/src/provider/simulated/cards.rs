//! The cards and amounts with which a failure is asked for, in the manner of Stripe's test cards.

/// What a card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Behaviour {
    pub(super) declines: Option<&'static str>,
    pub(super) slow: bool,
    /// Only the payer's own confirmation, with the client secret, makes it succeed.
    pub(super) wants_payer: bool,
    pub(super) declines_later: Option<&'static str>,
    pub(super) webhooks_late: bool,
    pub(super) webhooks_twice: bool,
    pub(super) webhooks_reversed: bool,
    pub(super) answer_lost: bool,
}

const GOOD: Behaviour = Behaviour {
    declines: None,
    slow: false,
    wants_payer: false,
    declines_later: None,
    webhooks_late: false,
    webhooks_twice: false,
    webhooks_reversed: false,
    answer_lost: false,
};

/// Every token that is known, and what it does, for people.
pub const TOKENS: &[(&str, &str)] = &[
    ("pm_card_visa", "succeeds at once"),
    ("pm_card_mastercard", "succeeds at once"),
    ("pm_card_chargeDeclined", "declined: card_declined"),
    ("pm_card_chargeDeclinedInsufficientFunds", "declined: insufficient_funds"),
    ("pm_card_chargeDeclinedExpiredCard", "declined: expired_card"),
    ("pm_card_chargeDeclinedIncorrectCvc", "declined: incorrect_cvc"),
    ("pm_card_chargeDeclinedProcessingError", "declined: processing_error"),
    ("pm_card_threeDSecureRequired", "wants the payer to confirm with the client secret, then succeeds"),
    ("pm_card_processing", "is worked on for some seconds, then succeeds"),
    ("pm_card_processingDeclined", "is worked on for some seconds, then declined: card_declined"),
    ("pm_card_webhookLate", "succeeds at once, the webhooks come ten minutes late"),
    ("pm_card_webhookTwice", "succeeds at once, every webhook comes twice"),
    ("pm_card_webhookReversed", "succeeds at once, the webhooks come in reverse order"),
    ("pm_card_answerLost", "succeeds at once, but the answer to the first call is lost"),
];

/// The amounts, in minor units, that are declined whatever the card.
pub const AMOUNTS: &[(i64, &str)] =
    &[(99_900_002, "card_declined"), (99_909_995, "insufficient_funds"), (99_900_119, "processing_error")];

pub(super) fn of_token(token: &str) -> Option<Behaviour> {
    Some(match token {
        "pm_card_visa" | "pm_card_mastercard" => GOOD,
        "pm_card_chargeDeclined" => Behaviour { declines: Some("card_declined"), ..GOOD },
        "pm_card_chargeDeclinedInsufficientFunds" => {
            Behaviour { declines: Some("insufficient_funds"), ..GOOD }
        }
        "pm_card_chargeDeclinedExpiredCard" => Behaviour { declines: Some("expired_card"), ..GOOD },
        "pm_card_chargeDeclinedIncorrectCvc" => Behaviour { declines: Some("incorrect_cvc"), ..GOOD },
        "pm_card_chargeDeclinedProcessingError" => Behaviour { declines: Some("processing_error"), ..GOOD },
        "pm_card_processing" => Behaviour { slow: true, ..GOOD },
        "pm_card_processingDeclined" => {
            Behaviour { slow: true, declines_later: Some("card_declined"), ..GOOD }
        }
        "pm_card_threeDSecureRequired" => Behaviour { wants_payer: true, ..GOOD },
        "pm_card_webhookLate" => Behaviour { webhooks_late: true, ..GOOD },
        "pm_card_webhookTwice" => Behaviour { webhooks_twice: true, ..GOOD },
        "pm_card_webhookReversed" => Behaviour { webhooks_reversed: true, ..GOOD },
        "pm_card_answerLost" => Behaviour { answer_lost: true, ..GOOD },
        _ => return None,
    })
}

pub(super) fn of_amount(amount: i64) -> Option<&'static str> {
    AMOUNTS.iter().find(|(declined, _)| *declined == amount).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_token_is_known_and_does_something_of_its_own() {
        for (token, what) in TOKENS {
            let card = of_token(token).unwrap_or_else(|| panic!("{token} is documented"));
            assert_eq!(card == GOOD, *what == "succeeds at once", "{token}");
            assert_eq!(what.strip_prefix("declined: "), card.declines, "{token}");
        }
        assert_eq!(of_token("pm_card_unknown"), None);
    }

    #[test]
    fn amounts_are_declined_exactly() {
        assert_eq!(of_amount(99_900_002), Some("card_declined"));
        assert_eq!(of_amount(99_900_003), None);
    }
}
