//! E-mail addresses: one mailbox is one person, however it is written.

use kernel::{Fault, Faults};
use unicode_normalization::UnicodeNormalization;

/// The longest address, and the longest part before the `@`, that mail can travel to (RFC 5321).
const CHARS_MAX: usize = 254;
const LOCAL_CHARS_MAX: usize = 64;

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
        let local = fold(local);
        let Ok(url::Host::Domain(domain)) = url::Host::parse(domain) else { return None };
        let domain = domain.trim_end_matches('.');
        // A name without a dot is a machine next door, not where a marketplace's people get mail.
        let good = is_local_part(&local) && domain.contains('.') && domain.split('.').all(is_label);
        good.then(|| format!("{local}@{domain}"))
    }
}

/// Words of letters, digits and RFC 5322's marks, of any script (RFC 6532), joined by single dots. The quoted form is left out: nobody
/// has such a mailbox, and it can hold anything.
fn is_local_part(local: &str) -> bool {
    let allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+/=?^_`{|}~-".contains(c)
            || (!c.is_ascii() && !c.is_control() && !is_invisible(c))
    };
    local.chars().count() <= LOCAL_CHARS_MAX
        && local.split('.').all(|word| !word.is_empty() && word.chars().all(allowed))
}

/// Spaces and marks that nobody sees: with one of them two addresses would look the same.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// A label of a host's name, as IDNA leaves it.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
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
            ".ada@example.com",
            "ada..b@example.com",
            "a\u{200b}da@example.com",
            "\"a b\"@example.com",
            "ada@-x.example",
            "ada@example..com",
            "a@b@example.com",
            "ada@exam_ple.com",
            long.as_str(),
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
