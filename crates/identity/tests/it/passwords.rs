//! New passwords, and the mails before them: what cannot be seen over HTTP.

use identity::{IdentityCommands, LinkPurpose, MailRequest, PasswordReset, Settings};
use secrecy::SecretString;
use testing::TestDatabase;

use crate::world::{PASSWORD, World, caller};

#[test]
fn asking_for_a_known_and_an_unknown_address_is_the_same_work() {
    let world = World::over(TestDatabase::logged(), Settings::for_tests());
    world.register("ada@example.com", "homeowner");
    let ask = |email: &str| world.service.forgot_password(&caller("192.0.2.1"), &MailRequest::new(email));
    // The first use of a statement prepares it.
    ask("warm@example.com").unwrap();
    let statements = |email: &str| -> Vec<String> {
        let (result, statements) = world.database.statements(|| ask(email));
        result.unwrap();
        statements.into_iter().map(|statement| statement.text).collect()
    };
    let known = statements("ada@example.com");
    assert!(known.iter().any(|text| text.contains("mail_requests")), "{known:#?}");
    assert_eq!(known, statements("nobody@example.com"));
    assert_eq!(known, statements("no address at all"));
}

#[test]
fn a_reset_is_for_the_purpose_that_its_event_names() {
    for purpose in LinkPurpose::ALL {
        assert_eq!(LinkPurpose::of_event(purpose.event()), Some(purpose));
    }
    assert_eq!(LinkPurpose::of_event("job.published"), None);
}

#[test]
fn a_made_up_token_hashes_nothing_and_changes_nothing() {
    let world = World::new();
    world.register("ada@example.com", "homeowner");
    let reset = PasswordReset {
        token: SecretString::from("made-up"),
        password: SecretString::from("copper-lantern-48-heron"),
    };
    assert!(world.service.reset_password(&caller("192.0.2.1"), &reset).is_err());
    assert!(world.login("ada@example.com", PASSWORD, "192.0.2.1").is_ok());
}
