//! What is put into a new installation to be looked at: people, jobs in every state that this version reaches, money in every account
//! it can move. Done through the services, once; what stands in it, and how far each job is, is said in `scenes`.

use database::Db;
use escrow::provider::simulated::SimulatedProvider;
use identity::{Patch, ProfileForm};
use kernel::{Actor, Role};
use platform::Platform;

use super::DemoLogin;
use super::play::Play;
use super::scenes::{SCENES, WITHOUT_ACCOUNT};
use super::stage::{Part, Player, Stage, StageError, told};
use crate::command::Failure;

/// Known to everybody who can read; that is why production refuses the demo.
pub const PASSWORD: &str = "violet-mural-97-kestrel";
/// The administrator, who alone can sign in as one.
pub const ADMIN: &str = "admin@demo.example";

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

/// What a contractor of the demo is found by in the directory.
struct Trade {
    headline: &'static str,
    trades: &'static [&'static str],
    skills: &'static [&'static str],
    /// Where in and around Austin.
    place: (f64, f64),
    radius_km: i32,
}

/// In the order of [`CONTRACTORS`].
const TRADES: [Trade; 5] = [
    Trade {
        headline: "Fences, decks and stairs that stay straight",
        trades: &["fencing", "decks", "carpentry"],
        skills: &["cedar-fences", "deck-stairs", "gates"],
        place: (30.2672, -97.7431),
        radius_km: 40,
    },
    Trade {
        headline: "Leaks found and mended the same day",
        trades: &["plumbing", "gutters"],
        skills: &["leak-repair", "water-heaters", "gutter-cleaning"],
        place: (30.3072, -97.7560),
        radius_km: 25,
    },
    Trade {
        headline: "Bathrooms and tiles",
        trades: &["bathrooms", "tiling"],
        skills: &["bathroom-tiling", "shower-walls", "grouting"],
        place: (30.2241, -97.7697),
        radius_km: 60,
    },
    Trade {
        headline: "Wiring, panels and lights",
        trades: &["electrical", "solar"],
        skills: &["rewiring", "breaker-panels", "ev-chargers"],
        place: (30.5083, -97.6789),
        radius_km: 80,
    },
    Trade {
        headline: "Demolition, concrete, and everything by hand",
        trades: &["demolition", "concrete", "handyman"],
        skills: &["sheds", "slabs"],
        place: (30.1724, -97.8234),
        radius_km: 35,
    },
];

/// Whom to sign in as.
#[must_use]
pub fn logins() -> Vec<DemoLogin> {
    let login = |role, email| DemoLogin { role, email, password: PASSWORD };
    let homeowners = HOMEOWNERS.iter().map(|(_, email)| login("homeowner", *email));
    let contractors = CONTRACTORS.iter().map(|(_, email)| login("contractor", *email));
    std::iter::once(login("administrator", ADMIN)).chain(homeowners).chain(contractors).collect()
}

/// Puts the demo in, unless it is there; false when it was. One that was broken off half-way is finished.
///
/// # Errors
/// [`Failure::Internal`] when a service refuses what it should not.
pub fn seed(
    platform: &Platform,
    provider: &SimulatedProvider,
    settings: platform::Settings,
) -> Result<bool, Failure> {
    let refused = |error: StageError| Failure::Internal(format!("the demo could not be put in: {error}"));
    if is_in(platform.db()).map_err(|error| Failure::Database(error.to_string()))? {
        return Ok(false);
    }
    let stage = Stage::new(platform, settings.clone());
    let hasty = stage.without_time_to_sign(platform, settings);
    fill(&stage, &hasty, provider).map_err(refused)?;
    // The administrator comes last, and so tells that all the rest is there.
    let admin = Part { name: "Ada Byron", email: ADMIN, password: PASSWORD, role: Role::Admin };
    stage.enter(&admin).map_err(refused)?;
    Ok(true)
}

/// Whether the demo's administrator is there. Asked of the rows, for a sign-in would cost a password's hash at every start.
fn is_in(db: &Db) -> Result<bool, database::Error> {
    db.read(|conn| {
        for admin in identity::administrators(conn)? {
            if identity::contact(conn, admin)?.is_some_and(|contact| contact.email == ADMIN) {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

fn fill(stage: &Stage, hasty: &Stage, provider: &SimulatedProvider) -> Result<(), StageError> {
    let homeowners = enter(stage, Role::Homeowner, &HOMEOWNERS)?;
    let contractors = enter(stage, Role::Contractor, &CONTRACTORS)?;
    let system = Actor::system("the demo");
    for (contractor, trade) in contractors.iter().zip(&TRADES) {
        stage.present(contractor, &trade.profile())?;
        if !stage.is_verified(contractor)? {
            stage.verify(contractor, &system)?;
        }
    }
    provider
        .open_account(at(&contractors, WITHOUT_ACCOUNT)?.party, false)
        .map_err(told("an account at the provider"))?;
    for scene in SCENES {
        let bidders = scene.bids.iter().map(|bid| at(&contractors, bid.by));
        let bidders = bidders.collect::<Result<_, _>>()?;
        Play { stage, hasty, scene, owner: at(&homeowners, scene.owner)?, bidders }.run()?;
    }
    Ok(())
}

impl Trade {
    fn profile(&self) -> ProfileForm {
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        ProfileForm {
            headline: Patch::Set(self.headline.to_owned()),
            trades: words(self.trades),
            skills: words(self.skills),
            location: Patch::Set(self.place),
            service_radius_km: Patch::Set(self.radius_km),
            ..ProfileForm::default()
        }
    }
}

fn at(players: &[Player], place: usize) -> Result<&Player, StageError> {
    players.get(place).ok_or_else(|| StageError::missing("somebody of the cast"))
}

/// Registers these people, or signs them in when they are there from a start that was broken off. All at once: nearly all of it is
/// hashing passwords, as slowly as real ones, and another processor may do another's.
fn enter(stage: &Stage, role: Role, people: &[(&str, &str)]) -> Result<Vec<Player>, StageError> {
    let enter = |name: &str, email: &str| {
        let part = Part { name, email, password: PASSWORD, role };
        let entered = stage.enter(&part).or_else(|refused| stage.sign_in(&part).map_err(|_| refused))?;
        stage.vouch(&entered)?;
        Ok(entered)
    };
    std::thread::scope(|scope| {
        let entering: Vec<_> =
            people.iter().map(|(name, email)| scope.spawn(move || enter(name, email))).collect();
        let entered = entering.into_iter().map(|thread| thread.join());
        entered
            .map(|entered| entered.unwrap_or_else(|_| Err(StageError::missing("somebody of the cast"))))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_one_administrator_three_homeowners_and_five_contractors() {
        let count = |role: &str| logins().iter().filter(|login| login.role == role).count();
        assert_eq!((count("administrator"), count("homeowner"), count("contractor")), (1, 3, 5));
    }
}
