//! What each part of a score weighs, and nothing beside it: what scores jobs takes its points from here. The same table is in docs/API.md, and a test
//! compares both.

/// One part of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// Of which list.
    pub list: &'static str,
    /// The reason's code.
    pub code: &'static str,
    /// The points that all of it is worth.
    pub points: i32,
    /// For what, and how much of it for less than all.
    pub meaning: &'static str,
}

macro_rules! weights {
    ($(#[$doc:meta])* $all:ident of $list:literal { $($name:ident = $code:literal, $points:literal, $meaning:literal;)+ }) => {
        $(pub(super) const $name: Weight =
            Weight { list: $list, code: $code, points: $points, meaning: $meaning };)+
        $(#[$doc])*
        pub const $all: &[Weight] = &[$($name),+];
    };
}

weights! {
    /// Jobs recommended to a contractor; without a deduction 100 at most.
    RECOMMENDATION_WEIGHTS of "recommendations" {
        TRADE = "trade", 25, "the job is of a trade that the contractor works in";
        LICENSED = "licensed", 10, "a licence for this trade, or for any, was checked and holds";
        SKILLS = "skills", 15, "the share of the skills asked for that the contractor has";
        DISTANCE = "distance", 20, "all of it within 5 km of the contractor's place, less in proportion to none at the edge of the area it serves";
        BUDGET = "budget", 10, "the budget meets the middle half of the prices at which the contractor wins, from three on; half of it within twice as much or half as much";
        EXPERIENCE = "experience", 10, "one point for each job of this trade finished here";
        FRESH = "fresh", 5, "posted today; one point less for every three days";
        CLOSING = "closing", 5, "bidding ends within two days";
        BUSY = "busy", -20, "as many jobs under way as a contractor is thought able to do (`busy_jobs`), and this one is to begin within two weeks";
        NOT_VERIFIED = "not_verified", 0, "the contractor cannot bid before licence and insurance were checked";
    }
}

weights! {
    /// Jobs like another one; 100 at most.
    SIMILAR_WEIGHTS of "similar" {
        SAME_TRADE = "trade", 30, "both are of one trade";
        WORDS = "words", 25, "the share of the words of its title that the other job's title or description has too";
        SAME_SKILLS = "skills", 15, "the share of the other job's skills that it asks for too";
        NEAR = "distance", 20, "all of it within 5 km of the other job, less in proportion to none at 50 km";
        SAME_BUDGET = "budget", 10, "both budgets have an amount in common";
    }
}

weights! {
    /// Jobs that many look at; 100 at most.
    TRENDING_WEIGHTS of "trending" {
        INTEREST = "interest", 100, "half of it when ten people looked just now, more for more; a look is worth half after each half-life (`trending_half_life_hours`)";
        NEW = "new", 0, "nobody has looked lately: the newest first";
    }
}
