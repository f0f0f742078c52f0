//! A person's mail, where the server writes it into a folder: read as its owner would, by looking for what was asked for.

use std::path::Path;

use super::WalkError;

/// What a token in a mail is at least as long as.
const TOKEN_LENGTH_MIN: usize = 32;

/// How many mails this address got.
///
/// # Errors
/// [`WalkError::Otherwise`] when the folder cannot be read.
pub(super) fn count(folder: &Path, address: &str) -> Result<usize, WalkError> {
    Ok(mails_to(folder, address)?.len())
}

/// The token from the newest mail to this address that carries one.
///
/// # Errors
/// [`WalkError::Otherwise`] when the folder cannot be read.
pub(super) fn token(folder: &Path, address: &str) -> Result<Option<String>, WalkError> {
    Ok(mails_to(folder, address)?.iter().rev().find_map(|mail| token_in(&plain(mail))))
}

/// The mails to this address, the oldest first.
fn mails_to(folder: &Path, address: &str) -> Result<Vec<String>, WalkError> {
    let failed =
        |error: std::io::Error| WalkError::Otherwise(format!("the mail in {}: {error}", folder.display()));
    let mut paths = Vec::new();
    match std::fs::read_dir(folder) {
        // Nobody was written to yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        entries => {
            for entry in entries.map_err(failed)? {
                paths.push(entry.map_err(failed)?.path());
            }
        }
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    paths.sort();
    let mut mails = Vec::new();
    for path in paths {
        let mail = String::from_utf8_lossy(&std::fs::read(&path).map_err(failed)?).replace("\r\n", "\n");
        let head = mail.split("\n\n").next().unwrap_or_default();
        if head.lines().any(|line| line.starts_with("To:") && line.contains(&format!("<{address}>"))) {
            mails.push(mail);
        }
    }
    Ok(mails)
}

/// A mail's text with the transfer encoding undone: quoted-printable, in which all of ours are written.
fn plain(mail: &str) -> String {
    let joined = mail.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let escaped = (*first == b'=').then(|| behind.split_at_checked(2)).flatten();
        let decoded = escaped.and_then(|(digits, after)| Some((hex(digits)?, after)));
        let (byte, after) = decoded.unwrap_or((*first, behind));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A token stands alone on its line, or at the end of a link. What stands after two dashes parts a mail's texts.
fn token_in(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let word = line.trim();
        let word = word.rsplit_once("token=").map_or(word, |(_, token)| token);
        let letters =
            word.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'));
        (letters && word.len() >= TOKEN_LENGTH_MIN && !word.starts_with("--")).then(|| word.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: FairTradeWorker <no-reply@localhost>\nTo: \"Iris Walker\" <iris@demo.example>\n\
        Subject: Confirm your e-mail address\n\n--RdM7WcPV2vVbyvZu6xzYqOJsGE12ITj3VNys4vB9\n\n\
        Hello Iris, use this tok=\nen =E2=80=94 once:\n\n3RNVQ3OelxsvztfMSPwFCiFtCnowZw2CWUC_BY3E4cs\n\n--=20\n";

    #[test]
    fn a_token_is_found_on_its_line_or_in_a_link() {
        let text = plain(MAIL);
        assert!(text.contains("use this token — once"), "{text}");
        assert_eq!(token_in(&text).unwrap(), "3RNVQ3OelxsvztfMSPwFCiFtCnowZw2CWUC_BY3E4cs");
        let link = "Open https://example.org/verify?token=3RNVQ3OelxsvztfMSPwFCiFtCnowZw2CWUC_BY3E4cs";
        assert_eq!(token_in(link).unwrap(), "3RNVQ3OelxsvztfMSPwFCiFtCnowZw2CWUC_BY3E4cs");
        assert_eq!(token_in("Hello Iris,\n\nyour account is ready."), None);
    }

    #[test]
    fn mail_to_others_is_not_read() {
        let folder = std::env::temp_dir().join(format!("mail-{}", uuid::Uuid::now_v7()));
        assert_eq!(count(&folder, "iris@demo.example").unwrap(), 0);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("1.eml"), MAIL.replace('\n', "\r\n")).unwrap();
        std::fs::write(folder.join("2.tmp"), MAIL).unwrap();
        assert_eq!(count(&folder, "iris@demo.example").unwrap(), 1);
        assert!(token(&folder, "iris@demo.example").unwrap().is_some());
        assert_eq!(token(&folder, "bruno@demo.example").unwrap(), None);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
