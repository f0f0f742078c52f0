//! The demo's jobs: what each is, between whom, and how far it has come. How it comes there does not belong here.

use marketplace::{PublishAs, Reveal};

use super::photos::Photo;
use super::stage::Posting;

/// A job of the demo. People are named by their places in the cast.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    /// What is posted.
    pub posting: Posting<'static>,
    /// Which homeowner posts it.
    pub owner: usize,
    /// What the job's owner shows of it.
    pub photos: &'static [Photo],
    /// Who bids what; the first bid is the one that is accepted.
    pub bids: &'static [Bid],
    /// How far it has come.
    pub until: Until,
}

/// A bid of the demo: its parts are milestones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bid {
    /// Which contractor.
    pub by: usize,
    /// The milestones and what each costs.
    pub parts: &'static [(&'static str, i64)],
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// It stands as posted, with its bids.
    Posted,
    /// The homeowner called it off.
    CalledOff,
    /// A bid was accepted, and nobody signed in time.
    Lapsed,
    /// A bid was accepted, and the homeowner has signed.
    HalfSigned,
    /// Both have signed, and nothing is paid.
    Signed,
    /// It is paid for, and its milestones have come so far.
    Paid(&'static [Goal]),
    /// It is done, and both have reviewed.
    Reviewed(&'static [Goal]),
}

/// How far a milestone that is paid for has come; each goal lies behind the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Goal {
    /// The money is held.
    Funded,
    /// Work has begun.
    Started,
    /// It waits for inspection.
    Submitted,
    /// The homeowner wants something changed.
    SentBack,
    /// It is approved, and the money is held yet.
    Approved,
    /// So much of it has been released, in minor units.
    Partly(i64),
    /// The money has left.
    Released,
}

/// Every job of the demo.
pub(super) const SCENES: &[Scene] = &[
    Scene {
        posting: draft(posting(
            "New worktops in the kitchen",
            "Two oak worktops, one with a cut-out for the sink.",
            "kitchens",
            250_000,
        )),
        owner: HANNA,
        photos: &[],
        bids: &[],
        until: Until::Posted,
    },
    Scene {
        posting: posting(
            "Forty feet of cedar fence",
            "Posts in concrete, one gate, painted on both sides.",
            "fencing",
            180_000,
        ),
        owner: TOMAS,
        photos: &[Photo::FenceLine, Photo::OldFence],
        bids: &[
            Bid { by: CARLOS, parts: &[("Posts and rails", 90_000), ("Painting", 60_000)] },
            Bid { by: DANA, parts: &[("The whole fence", 142_500)] },
        ],
        until: Until::Posted,
    },
    Scene {
        posting: sealed(posting(
            "Tile the guest bathroom",
            "Floor and shower walls, about 140 square feet. Tiles are there.",
            "bathrooms",
            380_000,
        )),
        owner: GRACE,
        photos: &[],
        bids: &[Bid { by: ELI, parts: &[("Tiling", 310_000)] }],
        until: Until::Posted,
    },
    Scene {
        posting: posting(
            "Clean and mend the gutters",
            "Two storeys; one corner leaks since the last storm.",
            "gutters",
            60_000,
        ),
        owner: HANNA,
        photos: &[Photo::GutterCorner],
        bids: &[],
        until: Until::Posted,
    },
    Scene {
        posting: posting(
            "Insulate the garage door",
            "A double door, sixteen feet wide.",
            "garage-doors",
            70_000,
        ),
        owner: TOMAS,
        photos: &[],
        bids: &[],
        until: Until::CalledOff,
    },
    Scene {
        posting: posting(
            "Take down the old shed",
            "Ten by twelve feet, wood only; the slab stays.",
            "demolition",
            90_000,
        ),
        owner: GRACE,
        photos: &[],
        bids: &[Bid { by: GUS, parts: &[("Taking it down and away", 84_000)] }],
        until: Until::Lapsed,
    },
    Scene {
        posting: posting(
            "Rewire the upstairs bedrooms",
            "Three rooms, aluminium wiring from 1968.",
            "electrical",
            620_000,
        ),
        owner: GRACE,
        photos: &[],
        bids: &[
            Bid { by: FARAH, parts: &[("Two bedrooms", 340_000), ("The third, and the tests", 250_000)] },
            Bid { by: ELI, parts: &[("All three rooms", 615_000)] },
        ],
        until: Until::HalfSigned,
    },
    Scene {
        posting: posting(
            "A sliding gate for the drive",
            "Fourteen feet, steel, with a motor.",
            "fencing",
            430_000,
        ),
        owner: HANNA,
        photos: &[],
        bids: &[Bid { by: CARLOS, parts: &[("Gate and rail", 260_000), ("Motor and sensors", 150_000)] }],
        until: Until::Signed,
    },
    Scene {
        posting: posting(
            "Replace the roof of the porch",
            "Twelve by twenty feet, shingles to match the house.",
            "roofing",
            540_000,
        ),
        owner: HANNA,
        photos: &[],
        bids: &[Bid { by: GUS, parts: &[("Tear-off and decking", 240_000), ("Shingles", 280_000)] }],
        until: Until::Paid(&[Goal::Funded, Goal::Funded]),
    },
    Scene {
        posting: posting(
            "A deck behind the house",
            "Composite boards, ten by sixteen feet, with stairs.",
            "decks",
            860_000,
        ),
        owner: TOMAS,
        photos: &[],
        bids: &[Bid {
            by: CARLOS,
            parts: &[("Footings and frame", 430_000), ("Boards and stairs", 410_000)],
        }],
        until: Until::Paid(&[Goal::Submitted, Goal::Started]),
    },
    Scene {
        posting: posting(
            "A heat pump for the ground floor",
            "Replaces an oil furnace; ducts stay.",
            "hvac",
            940_000,
        ),
        owner: GRACE,
        photos: &[],
        bids: &[Bid {
            by: DANA,
            parts: &[("Old furnace out", 130_000), ("Heat pump in", 640_000), ("Controls", 150_000)],
        }],
        until: Until::Paid(&[Goal::Partly(50_000), Goal::SentBack, Goal::Funded]),
    },
    Scene {
        posting: posting(
            "Six new windows upstairs",
            "Double glazing, wooden frames as they are now.",
            "doors-windows",
            520_000,
        ),
        owner: TOMAS,
        photos: &[],
        bids: &[Bid {
            by: FARAH,
            parts: &[("Three on the street side", 255_000), ("Three behind", 245_000)],
        }],
        until: Until::Paid(&[Goal::Released, Goal::Approved]),
    },
    Scene {
        posting: posting(
            "Paint the living room and the hall",
            "Walls and ceilings, two coats, colours to be chosen.",
            "painting",
            230_000,
        ),
        owner: HANNA,
        photos: &[],
        bids: &[Bid { by: ELI, parts: &[("Living room", 115_000), ("Hall", 105_000)] }],
        until: Until::Reviewed(&[Goal::Released, Goal::Released]),
    },
];

/// The contractor whose account at the payment provider is not open: what is released to her waits there to be paid out.
pub(super) const WITHOUT_ACCOUNT: usize = FARAH;

const HANNA: usize = 0;
const TOMAS: usize = 1;
const GRACE: usize = 2;

const CARLOS: usize = 0;
const DANA: usize = 1;
const ELI: usize = 2;
const FARAH: usize = 3;
const GUS: usize = 4;

const fn posting(
    title: &'static str,
    description: &'static str,
    category: &'static str,
    budget_max: i64,
) -> Posting<'static> {
    Posting {
        title,
        description,
        category,
        budget_max,
        reveal: Reveal::OnArrival,
        publish_as: PublishAs::Open,
        bidding_deadline: None,
    }
}

const fn draft(posting: Posting<'static>) -> Posting<'static> {
    Posting { publish_as: PublishAs::Draft, ..posting }
}

const fn sealed(posting: Posting<'static>) -> Posting<'static> {
    Posting { reveal: Reveal::AtClose, ..posting }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_trade_of_the_demo_is_in_the_catalogue() {
        for scene in SCENES {
            let category = scene.posting.category;
            assert!(marketplace::Category::new(category).is_ok(), "{category}");
        }
    }

    #[test]
    fn no_homeowner_posts_two_jobs_of_one_title_for_they_are_found_again_by_it() {
        let titles: HashSet<_> = SCENES.iter().map(|scene| (scene.owner, scene.posting.title)).collect();
        assert_eq!(titles.len(), SCENES.len());
    }

    #[test]
    fn every_milestone_that_is_paid_for_has_a_goal() {
        for scene in SCENES {
            if let Until::Paid(goals) | Until::Reviewed(goals) = scene.until {
                assert_eq!(goals.len(), scene.bids[0].parts.len(), "{}", scene.posting.title);
            }
        }
    }
}
