//! Scores that say why. What is scored, and what each part weighs, does not belong here.

/// One reason for a score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// For programs; it is stable.
    pub code: &'static str,
    /// For people: a few words without a full stop, as `4 km away`.
    pub text: String,
}

/// How well something fits, and why. Two scores of one kind can be compared; of two kinds they mean nothing to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Score {
    /// The more, the better.
    pub points: i32,
    /// Why, in the order in which a reader should see them.
    pub reasons: Vec<Reason>,
}

impl Score {
    /// Adds points, or takes some away, and says for what.
    pub fn add(&mut self, points: i32, code: &'static str, text: impl Into<String>) {
        self.points = self.points.saturating_add(points);
        self.tell(code, text);
    }

    /// Says something that the reader should know and that is worth no points.
    pub fn tell(&mut self, code: &'static str, text: impl Into<String>) {
        self.reasons.push(Reason { code, text: text.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_reasons_are_kept_in_the_order_in_which_they_came() {
        let mut score = Score::default();
        score.add(20, "near", "4 km away");
        score.tell("not_verified", "You cannot bid yet");
        score.add(-5, "busy", "You have 6 jobs under way");
        assert_eq!(score.points, 15);
        let codes: Vec<_> = score.reasons.iter().map(|reason| reason.code).collect();
        assert_eq!(codes, ["near", "not_verified", "busy"]);
    }
}
