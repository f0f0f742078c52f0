//! Who takes part: people who register, or the demo's where that is not possible, and the demo's administrator.

use serde_json::{Value, json};

use super::client::{Answer, Person, text_at, wait_for};
use super::teller::{Step, Teller};
use super::{Walk, WalkError, mail};
use crate::demo::{ADMIN, PASSWORD};

/// Everybody in the walk.
pub(super) struct Cast {
    /// Posts the job and pays.
    pub homeowner: Person,
    /// Whose bid is accepted.
    pub winner: Person,
    /// Whose bid is not.
    pub rival: Person,
    /// Verifies the contractors and reads the books.
    pub admin: Person,
}

/// Somebody who is to take part.
struct Part {
    /// Full name of whoever registers.
    name: &'static str,
    /// As what.
    user_type: &'static str,
    /// Who of the demo stands in.
    stand_in: (&'static str, &'static str),
}

const HOMEOWNER: Part =
    Part { name: "Iris Walker", user_type: "homeowner", stand_in: ("Hanna", "hanna@demo.example") };
const WINNER: Part =
    Part { name: "Bruno Stone", user_type: "contractor", stand_in: ("Carlos", "carlos@demo.example") };
const RIVAL: Part =
    Part { name: "Nadia Reyes", user_type: "contractor", stand_in: ("Dana", "dana@demo.example") };

/// Brings everybody in: registered, with proven addresses, the contractors verified.
pub(super) fn enter(walk: &Walk, anyone: &Person, teller: &mut Teller<'_>) -> Result<Cast, WalkError> {
    let admin = sign_in(anyone, "Ada", ADMIN)?;
    let cast = Cast {
        homeowner: join(walk, anyone, &HOMEOWNER, teller)?,
        winner: join(walk, anyone, &WINNER, teller)?,
        rival: join(walk, anyone, &RIVAL, teller)?,
        admin,
    };
    for contractor in [&cast.winner, &cast.rival] {
        verify(contractor, &cast.admin, teller)?;
    }
    Ok(cast)
}

/// Registers somebody. Where there is no mail to read, or this address has registered as many as it may for now, somebody of the demo
/// stands in.
fn join(walk: &Walk, anyone: &Person, part: &Part, teller: &mut Teller<'_>) -> Result<Person, WalkError> {
    let (name, email) = part.stand_in;
    let Some(folder) = &walk.mail else {
        let what = format!("signs in, one of the demo's {}s", part.user_type);
        teller.step(Step::new(name, what));
        return sign_in(anyone, name, email);
    };
    let Some(answer) = register(anyone, part)? else {
        let what = "signs in: this address has registered as many new people as it may for now";
        teller.step(Step::new(name, what));
        return sign_in(anyone, name, email);
    };
    let first_name = part.name.split(' ').next().unwrap_or(part.name);
    let person = anyone.signed_in(first_name, &answer)?;
    let what = format!("registers as a {}", part.user_type);
    teller.step(Step::new(first_name, what).made("address", proven(&answer.body, "/user/emailVerified")));
    let token =
        wait_for("the mail that proves an address", walk.patience, || mail::token(folder, &person.email))?;
    let answer = anyone.post("/api/auth/verify-email", json!({ "token": token }), 200)?;
    teller.step(Step::new(first_name, "sends the token from the mail").turned(
        "address",
        "unproven",
        proven(&answer.body, "/emailVerified"),
    ));
    Ok(person)
}

/// The answer to a registration; none when there were too many from here.
fn register(anyone: &Person, part: &Part) -> Result<Option<Answer>, WalkError> {
    let unique = uuid::Uuid::now_v7().simple().to_string();
    let first_name = part.name.split(' ').next().unwrap_or(part.name).to_lowercase();
    let form = json!({
        "email": format!("{first_name}.{unique}@demo.example"),
        "password": PASSWORD,
        "userType": part.user_type,
        "name": part.name,
        "timeZone": "America/Chicago",
    });
    match anyone.post("/api/auth/register", form, 201) {
        Ok(answer) => Ok(Some(answer)),
        Err(WalkError::Unexpected { status: 429, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn sign_in(anyone: &Person, name: &str, email: &str) -> Result<Person, WalkError> {
    let form = json!({ "email": email, "password": PASSWORD });
    match anyone.post("/api/auth/login", form, 200) {
        Ok(answer) => anyone.signed_in(name, &answer),
        Err(WalkError::Unexpected { status: 401, .. }) => Err(WalkError::Otherwise(format!(
            "{email} cannot sign in there: the demo has not been put in. Start the server with `fairtrade serve --demo`"
        ))),
        Err(error) => Err(error),
    }
}

fn verify(contractor: &Person, admin: &Person, teller: &mut Teller<'_>) -> Result<(), WalkError> {
    let me = contractor.get("/api/auth/me")?;
    if me.body.pointer("/verification/mayBid") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    let credential = |number: &str| {
        json!({
            "number": number, "holder": contractor.name, "place": "Texas",
            "timeZone": "America/Chicago", "expiresOn": "2099-12-31",
        })
    };
    let papers = json!({ "licences": [credential("TX-48813")], "insurance": credential("POL-90417") });
    let handed_in = contractor.post("/api/contractors/verification", papers, 201)?;
    teller.step(
        Step::new(&contractor.name, "hands in a licence and an insurance")
            .made("verification", handed_in.text("/status")?),
    );
    let id = handed_in.text("/id")?;
    let decided = admin.post(&format!("/api/admin/verifications/{id}/approve"), json!({}), 200)?;
    teller.step(
        Step::new(&admin.name, format!("checks {}'s papers and finds them good", contractor.name)).turned(
            "verification",
            handed_in.text("/status")?,
            decided.text("/verification/status")?,
        ),
    );
    Ok(())
}

fn proven(person: &Value, pointer: &str) -> &'static str {
    if person.pointer(pointer) == Some(&Value::Bool(true)) { "proven" } else { "unproven" }
}

/// The first of a list whose text at the pointer is this.
pub(super) fn find<'a>(list: &'a [Value], pointer: &str, wanted: &str) -> Result<&'a Value, WalkError> {
    let found = list.iter().find(|each| text_at(each, pointer).is_ok_and(|text| text == wanted));
    found.ok_or_else(|| WalkError::Broken(format!("{wanted} is not in the list")))
}
