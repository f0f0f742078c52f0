//! `fairtrade admin`: administrators are made by the operator, never by registration.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};

use identity::{Caller, IdentityCommands, NewAdmin};
use kernel::{Classify, ErrorKind};
use secrecy::SecretString;
use serde_json::json;

use super::failure::Failure;
use super::output::Voice;

/// Whoever sits at this machine.
#[must_use]
pub fn operator() -> Caller {
    Caller {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        request_id: format!("cmd_{}", uuid::Uuid::now_v7().simple()),
    }
}

/// Makes an administrator; the password is the first line of standard input.
///
/// # Errors
/// [`Failure`] when the password or the address is no good, or in use.
pub(super) fn create(
    email: &str,
    name: &str,
    voice: Voice,
    identity: &dyn IdentityCommands,
) -> Result<(), Failure> {
    let password = first_line(std::io::stdin().lock())?;
    let admin = NewAdmin::new(email, &password, Some(name), &identity.password_policy());
    let admin = admin.map_err(|faults| Failure::Refused(faults.to_string()))?;
    let made = identity.create_admin(&operator(), admin).map_err(|error| from_domain(&error))?;
    voice.tell(&json!({ "id": made.id.to_string(), "email": made.email }), || {
        format!("{} is an administrator now, as {}.", made.email, made.id)
    })
}

/// A domain's refusal as a command tells it.
pub(super) fn from_domain(error: &impl Classify) -> Failure {
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Busy => Failure::Database(error.to_string()),
        ErrorKind::Internal => Failure::Internal(error.to_string()),
        ErrorKind::Invalid(faults) => {
            let told: Vec<String> =
                faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.message)).collect();
            Failure::Refused(told.join("; "))
        }
        _ => Failure::Refused(error.to_string()),
    }
}

fn first_line(mut input: impl Read) -> Result<SecretString, Failure> {
    let mut text = String::new();
    // One password: whatever is longer is none.
    input.by_ref().take(4_096).read_to_string(&mut text)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::Refused(
            "the password is read from standard input, and there was none".to_owned(),
        ));
    }
    Ok(SecretString::from(line))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_password_is_the_first_line_without_its_end() {
        assert_eq!(first_line("correct horse\nsecond".as_bytes()).unwrap().expose_secret(), "correct horse");
        assert!(first_line("".as_bytes()).is_err());
    }
}
