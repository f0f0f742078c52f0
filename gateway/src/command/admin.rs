//! `fairtrade admin`: administrators are made by the operator, never by registration; and whoever has lost a second factor comes to it.

use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use identity::{Caller, IdentityCommands, NewAdmin};
use kernel::{Classify, ErrorKind, Faults};
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
        user_agent: None,
    }
}

/// Makes an administrator; the password is asked for, or the first line of what is piped in.
///
/// # Errors
/// [`Failure`] when the password or the address is no good, or in use.
pub(super) fn create(
    email: &str,
    name: &str,
    voice: Voice,
    identity: &dyn IdentityCommands,
) -> Result<(), Failure> {
    let password = password()?;
    let admin = NewAdmin::new(email, &password, Some(name), &identity.password_policy());
    let admin = admin.map_err(|faults| Failure::Refused(by_argument(faults)))?;
    let made = identity.create_admin(&operator(), admin).map_err(|error| from_domain(&error))?;
    voice.tell(&json!({ "id": made.id.to_string(), "email": made.email }), || {
        format!("{} is an administrator now, as {}.", made.email, made.id)
    })
}

/// Switches off the second factor of somebody who lost the app and the recovery codes.
///
/// # Errors
/// [`Failure`] when nobody has the address, or no second factor is on.
pub(super) fn reset_second_factor(
    email: &str,
    voice: Voice,
    identity: &dyn IdentityCommands,
) -> Result<(), Failure> {
    let person = identity.reset_second_factor(&operator(), email).map_err(|error| match error {
        identity::Error::NotFound(_) => Failure::Refused(format!("nobody has the address {email}")),
        other => from_domain(&other),
    })?;
    voice.tell(&json!({ "id": person.id.to_string(), "email": person.email }), || {
        format!(
            "{} ({}) has no second factor now and is signed out everywhere; a mail says so.",
            person.email, person.id
        )
    })
}

/// The faults by what was said on the command line.
fn by_argument(faults: Faults) -> String {
    let told = faults.into_vec().into_iter().map(|fault| match fault.pointer.as_str() {
        "/password" => format!("the password {}", fault.message),
        pointer => format!("--{} {}", pointer.trim_start_matches('/'), fault.message),
    });
    told.collect::<Vec<_>>().join("; ")
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

/// From a pipe as it is; from a person with a question and nothing shown.
fn password() -> Result<SecretString, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return first_line(stdin.lock());
    }
    eprint!("The new administrator's password: ");
    // Without `stty` it is shown: no reason not to go on.
    let hidden = echo(false);
    let read = first_line(stdin.lock());
    if hidden {
        echo(true);
    }
    eprintln!();
    read
}

fn echo(on: bool) -> bool {
    Command::new("stty").arg(if on { "echo" } else { "-echo" }).status().is_ok_and(|status| status.success())
}

fn first_line(input: impl Read) -> Result<SecretString, Failure> {
    let mut text = String::new();
    // One password: whatever is longer is none.
    BufReader::new(input.take(4_096)).read_line(&mut text)?;
    let line = text.trim_end_matches(['\r', '\n']);
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
    fn faults_are_named_by_what_was_typed() {
        let mut faults = Faults::none();
        faults.check(false, "/email", "format", "must be an e-mail address");
        faults.check(false, "/password", "weak", "is too easy to guess");
        assert_eq!(
            by_argument(faults),
            "--email must be an e-mail address; the password is too easy to guess"
        );
    }

    #[test]
    fn the_password_is_the_first_line_without_its_end() {
        assert_eq!(first_line("correct horse\nsecond".as_bytes()).unwrap().expose_secret(), "correct horse");
        assert_eq!(
            first_line("ends with a space \r\n".as_bytes()).unwrap().expose_secret(),
            "ends with a space "
        );
        assert!(first_line("".as_bytes()).is_err());
    }
}
