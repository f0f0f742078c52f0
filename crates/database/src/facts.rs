//! What a server says about itself and about whom it takes us for: for `doctor`, and to know which role to take on.

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use kernel::Instant;

use crate::error::Error;
use crate::roles::Roles;

/// A server, and we on it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ServerFacts {
    /// Such as `15.14`.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// As whom we signed in.
    #[diesel(sql_type = Text)]
    pub user: String,
    /// Whether that is a superuser, whom no right stops.
    #[diesel(sql_type = Bool)]
    pub superuser: bool,
    /// Whether the runtime role is there.
    #[diesel(sql_type = Bool)]
    pub runtime_exists: bool,
    /// Whether we may act as the role that owns the schemas.
    #[diesel(sql_type = Bool)]
    pub may_own: bool,
    /// How many connections the server takes.
    #[diesel(sql_type = BigInt)]
    pub max_connections: i64,
    /// How many it has at the moment.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
    /// What time it is there, whatever a test did to `app.clock()`.
    #[diesel(sql_type = Timestamptz)]
    pub clock: Instant,
}

/// Connects once, apart from any pool.
///
/// # Errors
/// [`Error::Unavailable`] with the reason; it names the address and never the password.
pub fn establish(url: &str) -> Result<PgConnection, Error> {
    PgConnection::establish(url)
        .map_err(|error| Error::Unavailable(error.to_string().trim().replace("\n\t", " ")))
}

/// Asks.
///
/// # Errors
/// [`Error`] when the server cannot be asked.
pub fn facts(conn: &mut PgConnection, roles: &Roles) -> Result<ServerFacts, Error> {
    let facts = diesel::sql_query(
        "SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
                session_user::text AS user,
                (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) AS superuser,
                EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS runtime_exists,
                coalesce((SELECT pg_has_role(session_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = $2), false) AS may_own,
                current_setting('max_connections')::bigint AS max_connections,
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
                clock_timestamp() AS clock",
    )
    .bind::<Text, _>(&roles.runtime)
    .bind::<Text, _>(&roles.owner)
    .get_result(conn)?;
    Ok(facts)
}
