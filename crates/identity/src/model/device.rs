//! What a client calls itself, in a few words that a person recognises.
//!
//! A table of our own: libraries for this bring megabytes of patterns that want renewing, for models and versions that nobody is shown
//! here. What the table does not know is named by its own first word, or not at all.

/// The longest name that is taken from a client's own words.
const NAME_BYTES_MAX: usize = 32;

/// Programs by what they put into the header; the first that fits counts, because each claims to be those below it.
const PROGRAMS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

/// Systems, in the same order of claims.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
];

/// `Firefox on Windows`, `curl`; none of what says nothing.
pub(crate) fn device(user_agent: &str) -> Option<String> {
    let known = |table: &'static [(&str, &str)]| {
        table.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (known(&PROGRAMS), known(&SYSTEMS)) {
        (Some(program), Some(system)) => Some(format!("{program} on {system}")),
        (Some(program), None) => Some(program.to_owned()),
        (None, Some(system)) => Some(system.to_owned()),
        (None, None) => own_name(user_agent),
    }
}

/// The first word of what a client says, up to its version.
fn own_name(user_agent: &str) -> Option<String> {
    let name = user_agent.split(['/', ' ', '(', ';']).next().unwrap_or_default();
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    (plain && (1..=NAME_BYTES_MAX).contains(&name.len()) && name != "Mozilla").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_named_in_words_that_its_owner_knows() {
        for (user_agent, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "Safari on Mac",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            ("curl/8.9.1", "curl"),
            ("python-requests/2.32.3", "python-requests"),
            ("okhttp/4.12.0", "okhttp"),
        ] {
            assert_eq!(device(user_agent).as_deref(), Some(expected), "{user_agent}");
        }
    }

    #[test]
    fn what_says_nothing_has_no_name_and_nothing_else_is_kept_of_it() {
        for user_agent in
            ["", "Mozilla/5.0", "<script>alert(1)</script>", "\u{1F98A}", "a\u{0}b", &"x".repeat(33)]
        {
            assert_eq!(device(user_agent), None, "{user_agent:?}");
        }
    }
}
