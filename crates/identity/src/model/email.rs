//! E-mail addresses: one mailbox is one person, however it is written.

use kernel::{Fault, Faults};
use unicode_normalization::UnicodeNormalization;
use validator::ValidateEmail;

/// The longest address that mail can travel to (RFC 5321).
const CHARS_MAX: usize = 254;

/// An e-mail address, as it was written and as it is compared.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    written: String,
    canonical: String,
}

impl Email {
    /// # Errors
    /// A fault when nobody could get mail there.
    pub fn new(raw: &str) -> Result<Self, Faults> {
        let written: String = raw.trim().nfc().collect();
        Self::canonical_of(&written)
            .filter(|canonical| {
                canonical.chars().count() <= CHARS_MAX && written.chars().count() <= CHARS_MAX
            })
            .map(|canonical| Self { written, canonical })
            .ok_or_else(|| Fault::new("", "email", "must be an e-mail address").into())
    }

    /// What an address that need not be good is compared by: for signing in, where any text is tried.
    #[must_use]
    pub fn lookup(raw: &str) -> String {
        Self::canonical_of(raw.trim()).unwrap_or_else(|| fold(raw.trim()))
    }

    /// For writing to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// For comparing.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    fn canonical_of(text: &str) -> Option<String> {
        let (local, domain) = text.rsplit_once('@')?;
        let Ok(url::Host::Domain(domain)) = url::Host::parse(domain) else { return None };
        let canonical = format!("{}@{}", fold(local), domain.trim_end_matches('.'));
        // Mail inside one machine is not for a marketplace.
        (domain.contains('.') && canonical.validate_email()).then_some(canonical)
    }
}

impl std::fmt::Debug for Email {
    /// Addresses are personal: logs get none.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(…)")
    }
}

/// One form for all that Unicode holds to be the same: compatibility forms, composition, and case (upper first, so that a letter
/// with two small forms, like the final sigma, has one).
fn fold(text: &str) -> String {
    let cased = |text: String| {
        text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect::<String>()
    };
    let once: String = cased(text.nfkc().collect()).nfkc().collect();
    // Folding can give rise to something that folds again; twice is stable.
    cased(once).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_mailbox_is_one_person() {
        for (one, other) in [
            ("Ada@Example.com", "ada@example.COM"),
            (" ada@example.com ", "ada@example.com"),
            ("jos\u{e9}@example.com", "jose\u{301}@example.com"),
            ("\u{ff41}da@example.com", "ada@example.com"),
            ("anna@b\u{fc}cher.example", "anna@xn--bcher-kva.example"),
            ("anna@B\u{dc}CHER.example", "anna@bu\u{308}cher.example"),
            ("\u{39f}\u{394}\u{39f}\u{3a3}@example.gr", "\u{3bf}\u{3b4}\u{3bf}\u{3c2}@example.gr"),
        ] {
            assert_eq!(
                Email::new(one).unwrap().canonical(),
                Email::new(other).unwrap().canonical(),
                "{one} {other}"
            );
        }
        assert_ne!(Email::new("ada@example.com").unwrap(), Email::new("ada+jobs@example.com").unwrap());
    }

    #[test]
    fn what_gets_no_mail_is_no_address() {
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@127.0.0.1",
            "a b@example.com",
            "ada@exa mple.com",
            "ada@[::1]",
            "a\u{0}b@example.com",
            "a\nb@example.com",
            long.as_str(),
        ] {
            assert!(Email::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_kept_as_written_and_is_not_printed() {
        let email = Email::new("Ada.Lovelace@Example.com").unwrap();
        assert_eq!(email.as_str(), "Ada.Lovelace@Example.com");
        assert!(!format!("{email:?}").contains("Ada"));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,24}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn looking_up_finds_what_was_registered(local in "[a-zA-Z0-9.]{1,12}", host in "[a-zA-Z0-9]{1,12}") {
            let written = format!("{local}@{host}.example");
            if let Ok(email) = Email::new(&written) {
                prop_assert_eq!(Email::lookup(&written.to_uppercase()), email.canonical());
            }
        }
    }
}
