//! Whether a server is one that we can use.

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use crate::error::Error;

/// Postgres 14 is the oldest that still gets fixes.
const VERSION_MIN: i32 = 140_000;

#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Text)]
    lc_messages: String,
}

/// Refuses a server that is too old, or whose messages are not English: deadlocks, time-outs and taken locks are told apart
/// by them, see [`Error`].
pub(crate) fn check(conn: &mut PgConnection) -> Result<(), Error> {
    let facts: Facts = diesel::sql_query(
        "SELECT current_setting('server_version_num')::int AS version, current_setting('lc_messages') AS lc_messages",
    )
    .get_result(conn)?;
    if facts.version < VERSION_MIN {
        let (found, needed) = (facts.version / 10_000, VERSION_MIN / 10_000);
        return Err(Error::UnfitServer(format!(
            "the server is Postgres {found}; {needed} or newer is needed"
        )));
    }
    if is_english(&facts.lc_messages) || speaks_english(conn) {
        return Ok(());
    }
    Err(Error::UnfitServer(format!(
        "the server's messages are in the language of lc_messages = '{}', and errors are told apart by their English texts: \
         run ALTER SYSTEM SET lc_messages = 'C', then SELECT pg_reload_conf()",
        facts.lc_messages
    )))
}

fn is_english(lc_messages: &str) -> bool {
    let language = lc_messages.split(['.', '@']).next().unwrap_or_default();
    matches!(language, "C" | "POSIX" | "en") || language.starts_with("en_") || language.starts_with("English")
}

/// A locale that is not installed, or whose translation is not, gives English whatever its name.
fn speaks_english(conn: &mut PgConnection) -> bool {
    let refused = diesel::sql_query("SELECT 1 / 0").execute(conn);
    refused.is_err_and(|error| error.to_string() == "division by zero")
}

#[cfg(test)]
mod tests {
    use super::is_english;

    #[test]
    fn english_has_many_names() {
        for name in ["C", "C.UTF-8", "POSIX", "en_US.UTF-8", "en_GB", "English_United States.1252"] {
            assert!(is_english(name), "{name}");
        }
        for name in ["de_DE.UTF-8", "tr_TR", "", "Czech"] {
            assert!(!is_english(name), "{name}");
        }
    }
}
