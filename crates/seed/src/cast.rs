//! The people: who lives where since when, and which of them work in what.

use std::collections::HashMap;

use chrono::Days;
use identity::bulk::{Approved, Resident};
use identity::geo::{GeoPoint, snap_to_grid};
use identity::{ContractorProfile, Credential, CredentialKind, VerificationId};
use kernel::{Instant, PartyId, PersonId, Role};

use crate::data::{Place, TradeFacts, WORLD};
use crate::dice::{Dice, Stream, sums};
use crate::plan::{DAY, Plan};
use crate::write;

/// Of a hundred contractors so many were found good and may bid.
const APPROVED: u64 = 92;
/// Kilometres of a degree of latitude.
const KM_OF_DEGREE: f64 = 111.2;

/// A homeowner, as far as jobs need one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Homeowner {
    pub(crate) party: PartyId,
    pub(crate) since: i64,
}

/// A contractor who may bid, as far as bids need one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contractor {
    pub(crate) party: PartyId,
    /// From when on it may bid.
    pub(crate) from: i64,
    /// What it asks for, in hundredths of what is usual.
    pub(crate) dear: u32,
    /// How good its work is, in tenths of a star.
    pub(crate) good: i64,
}

/// Everybody who has a part in jobs.
#[derive(Debug, Default)]
pub(crate) struct Cast {
    homeowners: Vec<Homeowner>,
    homeowners_of: HashMap<usize, Vec<usize>>,
    pub(crate) contractors: Vec<Contractor>,
    at_home: HashMap<(usize, usize), Vec<usize>>,
    of_trade: HashMap<usize, Vec<usize>>,
}

/// Where all of it is, and in which trades.
#[derive(Debug)]
pub(crate) struct Stage {
    places: Vec<usize>,
    place_sums: Vec<u64>,
    pub(crate) trades: Vec<usize>,
}

impl Stage {
    pub(crate) fn of(plan: &Plan) -> Self {
        let here = |place: &Place| plan.city.as_ref().is_none_or(|city| place.city == *city);
        let mut places: Vec<usize> =
            (0..).zip(&WORLD.places).filter(|(_, place)| here(place)).map(|(at, _)| at).collect();
        // Two cities share a name: the larger stands first.
        places.truncate(plan.city.as_ref().map_or(places.len(), |_| 1));
        let people = places.iter().filter_map(|at| WORLD.places.get(*at)).map(|place| place.people);
        let mut trades: Vec<usize> = (0..WORLD.trades.len()).collect();
        if let Some(most) = plan.trades {
            trades.sort_by_key(|at| std::cmp::Reverse(WORLD.trades.get(*at).map(|trade| trade.share)));
            trades.truncate(most.into());
            trades.sort_unstable();
        }
        Self { place_sums: sums(people), places, trades }
    }

    pub(crate) fn place(&self, dice: &mut Dice) -> usize {
        self.places.get(dice.by_weight(&self.place_sums)).copied().unwrap_or_default()
    }

    /// A trade, by how often it is asked for in that month.
    pub(crate) fn trade(&self, month: usize, dice: &mut Dice) -> usize {
        let sums = WORLD.trades_in(month);
        // Nearly always at the first throw; where few trades are wanted, at one of the next.
        let thrown = (0..64).map(|_| dice.by_weight(sums)).find(|at| self.trades.binary_search(at).is_ok());
        thrown.or_else(|| self.trades.first().copied()).unwrap_or_default()
    }
}

/// A point where somebody lives: dense in the middle, thinner outwards.
pub(crate) fn point(place: &Place, dice: &mut Dice) -> Option<GeoPoint> {
    let (north, east) = (dice.around() * place.spread_km, dice.around() * place.spread_km);
    let lat = place.lat + north / KM_OF_DEGREE;
    let lng = place.lng + east / (KM_OF_DEGREE * place.lat.to_radians().cos());
    let rounded = |degrees: f64| (degrees * 1e6).round() / 1e6;
    GeoPoint::new(rounded(lat), rounded(lng)).ok()
}

pub(crate) fn instant(millis: i64) -> Instant {
    Instant::from_timestamp_millis(millis).unwrap_or_default()
}

impl Cast {
    /// The n-th of the people, who gets a part in what follows.
    pub(crate) fn enter(&mut self, n: u32, plan: &Plan, stage: &Stage) -> Resident {
        let mut dice = Dice::new(plan.number, Stream::Person(n));
        let since = arrival(n, plan, &mut dice);
        let place_at = stage.place(&mut dice);
        let place = WORLD.places.get(place_at).or_else(|| WORLD.places.first());
        let id = PersonId::from(dice.id(since));
        let (first, last) = write::name(&mut dice);
        let contractor = is_contractor(n, plan);
        let mut resident = Resident {
            id,
            role: if contractor { Role::Contractor } else { Role::Homeowner },
            email: address(n, plan.number, first, last),
            name: format!("{first} {last}"),
            time_zone: place.map(|place| place.time_zone.clone()).unwrap_or_default(),
            location: place.and_then(|place| point(place, &mut dice)),
            created_at: instant(since),
            profile: None,
            approved: None,
        };
        match place {
            Some(place) if contractor => {
                self.employ(&mut resident, (first, last), (place_at, place), plan, stage, &mut dice);
            }
            _ => {
                self.homeowners_of.entry(place_at).or_default().push(self.homeowners.len());
                self.homeowners.push(Homeowner { party: id.into(), since });
            }
        }
        resident
    }

    fn employ(
        &mut self,
        resident: &mut Resident,
        name: (&str, &str),
        (place_at, place): (usize, &Place),
        plan: &Plan,
        stage: &Stage,
        dice: &mut Dice,
    ) {
        let mut trades: Vec<usize> = (0..dice.between(1, 3)).map(|_| stage.trade(4, dice)).collect();
        trades.sort_unstable();
        trades.dedup();
        let facts: Vec<&TradeFacts> = trades.iter().filter_map(|at| WORLD.trades.get(*at)).collect();
        let presented = write::contractor(name, &facts, place, dice);
        resident.name.clone_from(&presented.name);
        resident.profile = Some(ContractorProfile {
            headline: presented.headline,
            bio: presented.bio,
            trades: facts.iter().map(|trade| trade.trade.slug().to_owned()).collect(),
            skills: presented.skills,
            service_radius_km: i32::try_from(dice.between(2, 12) * 5).ok(),
            public_point: resident.location.map(snap_to_grid),
        });
        let since = resident.created_at.timestamp_millis();
        let contractor = Contractor {
            party: resident.id.into(),
            from: since + dice.between(1, 6) * DAY,
            dear: u32::try_from(dice.between(82, 128)).unwrap_or(100),
            good: dice.between(28, 50),
        };
        if !dice.chance(APPROVED) {
            return;
        }
        resident.approved = Some(papers(resident, place, &facts, contractor.from, plan, dice));
        let at = self.contractors.len();
        self.contractors.push(contractor);
        for trade in trades {
            self.at_home.entry((place_at, trade)).or_default().push(at);
            self.of_trade.entry(trade).or_default().push(at);
        }
    }

    /// Somebody who lived there by then.
    pub(crate) fn homeowner(&self, place: usize, at: i64, dice: &mut Dice) -> Option<Homeowner> {
        let near = self.homeowners_of.get(&place).map(Vec::as_slice).unwrap_or_default();
        let there = near.partition_point(|n| self.homeowners.get(*n).is_some_and(|who| who.since < at));
        let found = near.get(..there).and_then(|near| dice.pick(near)).and_then(|n| self.homeowners.get(*n));
        if let Some(found) = found {
            return Some(*found);
        }
        let there = self.homeowners.partition_point(|who| who.since < at);
        self.homeowners
            .get(..there)
            .and_then(|all| dice.pick(all))
            .or_else(|| self.homeowners.first())
            .copied()
    }

    /// Different contractors who may bid from before that instant: from the place, of the trade, and then whoever there is.
    pub(crate) fn bidders(
        &self,
        (place, trade): (usize, usize),
        wanted: usize,
        before: i64,
        dice: &mut Dice,
    ) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::with_capacity(wanted);
        let may = |at: usize| self.contractors.get(at).is_some_and(|who| who.from < before);
        let lists = [self.at_home.get(&(place, trade)), self.of_trade.get(&trade)];
        for list in lists.into_iter().flatten() {
            for _ in 0..3 * wanted {
                if found.len() == wanted {
                    return found;
                }
                match dice.pick(list) {
                    Some(at) if may(*at) && !found.contains(at) => found.push(*at),
                    _ => {}
                }
            }
        }
        // Few are left to ask: everybody in turn, from somewhere on.
        let all = self.contractors.len();
        let start = usize::try_from(dice.below(u64::try_from(all).unwrap_or_default())).unwrap_or_default();
        for at in (start..all).chain(0..start) {
            if found.len() >= wanted {
                break;
            }
            if may(at) && !found.contains(&at) {
                found.push(at);
            }
        }
        found
    }
}

/// People come one after another, so that whoever has a larger number is not there earlier.
fn arrival(n: u32, plan: &Plan, dice: &mut Dice) -> i64 {
    let time = plan.today() - 10 * DAY - plan.first_person();
    let step = time / i64::from(plan.people.max(1));
    plan.first_person() + step * i64::from(n) + dice.between(0, (step - 1).max(0))
}

/// Contractors are spread evenly, the first of the people being one and the second not.
fn is_contractor(n: u32, plan: &Plan) -> bool {
    let (n, contractors, people) = (u64::from(n), u64::from(plan.contractors()), u64::from(plan.people));
    (n * contractors).div_ceil(people) < ((n + 1) * contractors).div_ceil(people)
}

/// Of a domain that never receives mail (RFC 2606), different for each number.
fn address(n: u32, number: u64, first: &str, last: &str) -> String {
    let plain =
        |name: &str| name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    format!("{}.{}.{n}@n{number}.seed.example", plain(first), plain(last))
}

fn papers(
    resident: &Resident,
    place: &Place,
    trades: &[&TradeFacts],
    decided: i64,
    plan: &Plan,
    dice: &mut Dice,
) -> Approved {
    let last_day = |dice: &mut Dice| {
        let days = u64::try_from(dice.between(40, 900)).unwrap_or(40);
        instant(plan.today()).date_naive().checked_add_days(Days::new(days)).unwrap_or_default()
    };
    let mut credential = |kind: CredentialKind, trade: Option<&str>| {
        let prefix = if kind == CredentialKind::Licence { &place.region } else { "GL" };
        let credential = Credential {
            kind,
            trade: trade.map(str::to_owned),
            number: format!("{prefix}-{:06}", dice.between(1, 999_999)),
            holder: resident.name.clone(),
            place: format!("{}, {}", place.city, place.region),
            time_zone: place.time_zone.clone(),
            expires_on: last_day(dice),
        };
        (dice.id(decided), credential)
    };
    let licence = credential(CredentialKind::Licence, trades.first().map(|trade| trade.trade.slug()));
    let insurance = credential(CredentialKind::Insurance, None);
    Approved {
        id: VerificationId::from(dice.id(decided)),
        credentials: vec![licence, insurance],
        submitted_at: instant(decided - DAY / 2),
        decided_at: instant(decided),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn plan(people: u32) -> Plan {
        let now = Instant::from_timestamp_millis(1_790_000_000_000).unwrap();
        Plan { people, ..Plan::new(5, 100, 100, now) }
    }

    fn cast(plan: &Plan) -> (Cast, Vec<Resident>) {
        let (mut cast, stage) = (Cast::default(), Stage::of(plan));
        let residents = (0..plan.people).map(|n| cast.enter(n, plan, &stage)).collect();
        (cast, residents)
    }

    #[test]
    fn people_come_in_the_order_of_time_and_nobody_has_anothers_address() {
        let plan = plan(2_000);
        let (cast, residents) = cast(&plan);
        assert!(residents.is_sorted_by_key(|resident| resident.created_at));
        assert!(residents.iter().all(|resident| resident.created_at.timestamp_millis() < plan.today()));
        let addresses: HashSet<&str> = residents.iter().map(|resident| resident.email.as_str()).collect();
        assert_eq!(addresses.len(), residents.len());
        assert!(addresses.iter().all(|address| address.ends_with("@n5.seed.example")));
        let contractors = residents.iter().filter(|resident| resident.role == Role::Contractor).count();
        assert_eq!(
            (contractors, residents[0].role, residents[1].role),
            (600, Role::Contractor, Role::Homeowner)
        );
        assert!((500..600).contains(&cast.contractors.len()));
    }

    #[test]
    fn the_same_number_makes_the_same_people() {
        assert_eq!(cast(&plan(50)).1, cast(&plan(50)).1);
        assert_ne!(cast(&plan(50)).1, cast(&Plan { number: 6, ..plan(50) }).1);
    }

    #[test]
    fn bidders_are_different_people_who_may_bid_by_then() {
        let plan = plan(400);
        let (cast, _) = cast(&plan);
        let mut dice = Dice::new(1, Stream::Job(1));
        for wanted in [0, 1, 7, 60] {
            let found = cast.bidders((0, 3), wanted, plan.today(), &mut dice);
            assert_eq!(found.iter().collect::<HashSet<_>>().len(), wanted);
        }
        assert_eq!(cast.bidders((0, 3), 5, plan.first_person(), &mut dice), Vec::<usize>::new());
    }

    #[test]
    fn in_one_city_with_few_trades_everybody_is_there() {
        let plan = Plan { city: Some("Austin".to_owned()), trades: Some(5), ..plan(100) };
        let (_, residents) = cast(&plan);
        let trades: HashSet<String> =
            residents.iter().filter_map(|r| r.profile.as_ref()).flat_map(|p| p.trades.clone()).collect();
        assert!(trades.len() <= 5, "{trades:?}");
        for at in residents.iter().filter_map(|resident| resident.location) {
            assert!((at.lat() - 30.27).abs() < 0.5 && (at.lng() + 97.74).abs() < 0.5, "{at:?}");
        }
    }
}
