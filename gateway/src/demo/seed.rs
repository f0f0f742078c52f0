//! What is put into a new installation to be looked at: people, jobs in every state that this version reaches, money in every account
//! it can move. Done through the services, once: who finds the administrator there leaves everything as it is.

use chrono::TimeDelta;
use contracts::{ContractView, MilestoneRef};
use escrow::EscrowId;
use kernel::{Actor, Role};
use marketplace::{BidDetail, JobChange, JobDetail, PublishAs, Reveal};
use platform::Platform;

use super::DemoLogin;
use super::stage::{Part, Player, Posting, Stage, StageError};
use crate::command::Failure;

/// Known to everybody who can read; that is why production refuses the demo.
pub const PASSWORD: &str = "violet-mural-97-kestrel";
/// The administrator, who alone can sign in as one.
pub const ADMIN: &str = "admin@demo.example";

/// When the time of the job runs out that is there to be seen expired.
const EXPIRES_IN: TimeDelta = TimeDelta::seconds(3);

const HOMEOWNERS: [(&str, &str); 3] = [
    ("Hanna Lindgren", "hanna@demo.example"),
    ("Tomas Rivera", "tomas@demo.example"),
    ("Grace Okafor", "grace@demo.example"),
];

const CONTRACTORS: [(&str, &str); 5] = [
    ("Carlos Mendez", "carlos@demo.example"),
    ("Dana Whitfield", "dana@demo.example"),
    ("Eli Novak", "eli@demo.example"),
    ("Farah Siddiqui", "farah@demo.example"),
    ("Gus Petersen", "gus@demo.example"),
];

/// Whom to sign in as.
#[must_use]
pub fn logins() -> Vec<DemoLogin> {
    let login = |role, email| DemoLogin { role, email, password: PASSWORD };
    let homeowners = HOMEOWNERS.iter().map(|(_, email)| login("homeowner", *email));
    let contractors = CONTRACTORS.iter().map(|(_, email)| login("contractor", *email));
    std::iter::once(login("administrator", ADMIN)).chain(homeowners).chain(contractors).collect()
}

/// Puts the demo in, unless it is there.
///
/// # Errors
/// [`Failure::Internal`] when a service refuses what it should not.
pub fn seed(platform: &Platform, settings: platform::Settings) -> Result<Vec<DemoLogin>, Failure> {
    let stage = Stage::new(platform, settings);
    let admin = Part { name: "Ada Byron", email: ADMIN, password: PASSWORD, role: Role::Admin };
    if stage.sign_in(&admin).is_ok() {
        return Ok(logins());
    }
    // The administrator comes last, and so tells that all the rest is there.
    fill(&stage, platform)
        .and_then(|()| stage.enter(&admin))
        .map_err(|error| Failure::Internal(format!("the demo could not be put in: {error}")))?;
    Ok(logins())
}

struct Cast {
    homeowners: Vec<Player>,
    contractors: Vec<Player>,
}

impl Cast {
    fn homeowner(&self, index: usize) -> Result<&Player, StageError> {
        self.homeowners.get(index).ok_or_else(|| StageError::missing("a homeowner"))
    }

    fn contractor(&self, index: usize) -> Result<&Player, StageError> {
        self.contractors.get(index).ok_or_else(|| StageError::missing("a contractor"))
    }
}

fn fill(stage: &Stage, platform: &Platform) -> Result<(), StageError> {
    let cast = Cast {
        homeowners: enter(stage, Role::Homeowner, &HOMEOWNERS)?,
        contractors: enter(stage, Role::Contractor, &CONTRACTORS)?,
    };
    let system = Actor::system("the demo");
    for contractor in &cast.contractors {
        stage.verify(contractor, &system)?;
    }
    let soon = platform.clock().now() + EXPIRES_IN;
    stage.hasty(platform).post(cast.homeowner(2)?, &Posting { bidding_deadline: Some(soon), ..SHED })?;
    unawarded(stage, &cast)?;
    under_contract(stage, &cast)
}

fn enter(stage: &Stage, role: Role, people: &[(&str, &str)]) -> Result<Vec<Player>, StageError> {
    let enter = |(name, email): &(&str, &str)| {
        let part = Part { name, email, password: PASSWORD, role };
        // Somebody may be there from a start that was broken off.
        stage.sign_in(&part).or_else(|_| stage.enter(&part))
    };
    people.iter().map(enter).collect()
}

/// Jobs that nobody has been chosen for: a draft, open ones with and without bids, a sealed one, one that was called off.
fn unawarded(stage: &Stage, cast: &Cast) -> Result<(), StageError> {
    let (hanna, tomas, grace) = (cast.homeowner(0)?, cast.homeowner(1)?, cast.homeowner(2)?);
    post(stage, hanna, &Posting { publish_as: PublishAs::Draft, ..KITCHEN })?;
    let fence = post(stage, tomas, &FENCE)?;
    stage.bid(cast.contractor(0)?, fence.job.id, &[("Posts and rails", 90_000), ("Painting", 60_000)])?;
    stage.bid(cast.contractor(1)?, fence.job.id, &[("The whole fence", 142_500)])?;
    let sealed = post(stage, grace, &Posting { reveal: Reveal::AtClose, ..BATHROOM })?;
    stage.bid(cast.contractor(2)?, sealed.job.id, &[("Tiling", 310_000)])?;
    post(stage, hanna, &GUTTERS)?;
    let called_off = post(stage, tomas, &GARAGE)?;
    stage.call_off(tomas, JobChange { job_id: called_off.job.id, if_version: None, change: () })
}

/// Jobs on their way from the award to the end, each a step further than the one before.
fn under_contract(stage: &Stage, cast: &Cast) -> Result<(), StageError> {
    let (hanna, tomas, grace) = (cast.homeowner(0)?, cast.homeowner(1)?, cast.homeowner(2)?);
    // Awarded, waiting for the contractor's signature.
    let unsigned = award(stage, grace, cast.contractor(3)?, &WIRING)?;
    stage.sign(grace, &unsigned)?;
    // Paid for, nothing begun.
    let held = active(stage, hanna, cast.contractor(4)?, &ROOF)?;
    stage.fund(hanna, held.contract.id)?;
    // At work: the first milestone waits for inspection.
    let inspected = active(stage, tomas, cast.contractor(0)?, &DECK)?;
    stage.fund(tomas, inspected.contract.id)?;
    hand_over(stage, cast.contractor(0)?, &first(stage, tomas, &inspected)?)?;
    // Half released: a part of the first milestone has left, the rest is approved or held.
    let partly = active(stage, grace, cast.contractor(1)?, &HEATING)?;
    let escrow = stage.fund(grace, partly.contract.id)?;
    let at = first(stage, grace, &partly)?;
    hand_over(stage, cast.contractor(1)?, &at)?;
    stage.approve(grace, &at)?;
    stage.release(grace, escrow, at.milestone, Some(50_000))?;
    // Done, paid and reviewed by both.
    let done = active(stage, hanna, cast.contractor(2)?, &PAINTING)?;
    let escrow = stage.fund(hanna, done.contract.id)?;
    finish(stage, hanna, cast.contractor(2)?, &done, escrow)
}

fn post(stage: &Stage, homeowner: &Player, posting: &Posting<'_>) -> Result<JobDetail, StageError> {
    stage.post(homeowner, posting)
}

fn award(
    stage: &Stage,
    homeowner: &Player,
    contractor: &Player,
    posting: &Posting<'_>,
) -> Result<ContractView, StageError> {
    let job = post(stage, homeowner, posting)?;
    let half = posting.budget_max / 2;
    let bid: BidDetail =
        stage.bid(contractor, job.job.id, &[("First half", half), ("Second half", half - 10_000)])?;
    stage.accept(homeowner, bid.id)
}

fn active(
    stage: &Stage,
    homeowner: &Player,
    contractor: &Player,
    posting: &Posting<'_>,
) -> Result<ContractView, StageError> {
    let contract = award(stage, homeowner, contractor, posting)?;
    stage.sign(contractor, &contract)?;
    stage.sign(homeowner, &contract)
}

fn first(stage: &Stage, party: &Player, contract: &ContractView) -> Result<MilestoneRef, StageError> {
    let milestones = stage.milestones(party, contract.contract.id)?;
    milestones.into_iter().next().ok_or_else(|| StageError::missing("a milestone"))
}

fn hand_over(stage: &Stage, contractor: &Player, at: &MilestoneRef) -> Result<(), StageError> {
    stage.start(contractor, at)?;
    stage.submit(contractor, at)?;
    Ok(())
}

fn finish(
    stage: &Stage,
    homeowner: &Player,
    contractor: &Player,
    contract: &ContractView,
    escrow: EscrowId,
) -> Result<(), StageError> {
    for at in stage.milestones(homeowner, contract.contract.id)? {
        hand_over(stage, contractor, &at)?;
        stage.approve(homeowner, &at)?;
        stage.release(contractor, escrow, at.milestone, None)?;
    }
    stage.review(homeowner, contract, 5)?;
    stage.review(contractor, contract, 4)?;
    Ok(())
}

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

const KITCHEN: Posting<'static> = posting(
    "New worktops in the kitchen",
    "Two oak worktops, one with a cut-out for the sink.",
    "kitchens",
    250_000,
);
const FENCE: Posting<'static> = posting(
    "Forty feet of cedar fence",
    "Posts in concrete, one gate, painted on both sides.",
    "fencing",
    180_000,
);
const BATHROOM: Posting<'static> = posting(
    "Tile the guest bathroom",
    "Floor and shower walls, about 140 square feet. Tiles are there.",
    "bathrooms",
    380_000,
);
const GUTTERS: Posting<'static> = posting(
    "Clean and mend the gutters",
    "Two storeys; one corner leaks since the last storm.",
    "gutters",
    60_000,
);
const GARAGE: Posting<'static> =
    posting("Insulate the garage door", "A double door, sixteen feet wide.", "garage-doors", 70_000);
const WIRING: Posting<'static> = posting(
    "Rewire the upstairs bedrooms",
    "Three rooms, aluminium wiring from 1968.",
    "electrical",
    620_000,
);
const ROOF: Posting<'static> = posting(
    "Replace the roof of the porch",
    "Twelve by twenty feet, shingles to match the house.",
    "roofing",
    540_000,
);
const DECK: Posting<'static> = posting(
    "A deck behind the house",
    "Composite boards, ten by sixteen feet, with stairs.",
    "decks",
    860_000,
);
const SHED: Posting<'static> =
    posting("Take down the old shed", "Ten by twelve feet, wood only; the slab stays.", "demolition", 90_000);
const HEATING: Posting<'static> =
    posting("A heat pump for the ground floor", "Replaces an oil furnace; ducts stay.", "hvac", 940_000);
const PAINTING: Posting<'static> = posting(
    "Paint the living room and the hall",
    "Walls and ceilings, two coats, colours to be chosen.",
    "painting",
    230_000,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trade_of_the_demo_is_in_the_catalogue() {
        for posting in
            [KITCHEN, FENCE, BATHROOM, GUTTERS, GARAGE, SHED, WIRING, ROOF, DECK, HEATING, PAINTING]
        {
            assert!(marketplace::Category::new(posting.category).is_ok(), "{}", posting.category);
        }
    }

    #[test]
    fn the_demo_has_one_administrator_three_homeowners_and_five_contractors() {
        let count = |role: &str| logins().iter().filter(|login| login.role == role).count();
        assert_eq!((count("administrator"), count("homeowner"), count("contractor")), (1, 3, 5));
    }
}
