//! The cluster's roles: the owner who migrates, the runtime role that serves, and the ledger's, which nobody logs in as.
//!
//! Migrations only grant to these names. What each may do does not belong here.

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// One lock for whoever makes roles or migrates, so that two processes starting together do not trip over each other.
/// The number is arbitrary and ours.
pub(crate) const ADVISORY_LOCK: i64 = 0x4661_6972_5472_6164;

/// The names of the roles, and the limits that the runtime role's sessions have.
#[derive(Debug, Clone, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// Owns the schemas and migrates.
    pub owner: String,
    /// Serves requests and runs tasks.
    pub runtime: String,
    /// Owns the ledger's functions; has no login.
    pub ledger: String,
    /// How long a statement of the runtime role waits for a lock, in milliseconds.
    pub lock_timeout_ms: u32,
    /// How long a statement of the runtime role may run, in milliseconds.
    pub statement_timeout_ms: u32,
    /// How long the runtime role may sit in a transaction without saying anything, in milliseconds.
    pub idle_in_transaction_timeout_ms: u32,
}

impl Default for Roles {
    fn default() -> Self {
        Self {
            owner: "fairtrade_owner".to_owned(),
            runtime: "fairtrade_app".to_owned(),
            ledger: "fairtrade_ledger".to_owned(),
            lock_timeout_ms: 2_000,
            statement_timeout_ms: 15_000,
            idle_in_transaction_timeout_ms: 30_000,
        }
    }
}

/// One plan for all values, made once for each connection: to plan a page of jobs anew for its values took twice as long as to read it (decision 0040).
/// Only faster, so that it is not insisted on where somebody else made the roles.
pub(crate) const PLANNED_ONCE: (&str, &str) = ("plan_cache_mode", "force_generic_plan");

impl Roles {
    /// The runtime role's session settings, as `name, value`.
    #[must_use]
    pub fn session_settings(&self) -> [(&'static str, String); 4] {
        [
            ("lock_timeout", format!("{}ms", self.lock_timeout_ms)),
            ("statement_timeout", format!("{}ms", self.statement_timeout_ms)),
            ("idle_in_transaction_session_timeout", format!("{}ms", self.idle_in_transaction_timeout_ms)),
            ("TimeZone", "UTC".to_owned()),
        ]
    }
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    flag: bool,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Makes the roles that are missing and sets their limits. Where all is as it should be nothing is changed, so that anybody may
/// run it then; otherwise it takes a superuser, or a user with CREATEROLE.
/// `runtime_login` is the user that `DATABASE_URL` signs in as, when that is another: it becomes a member of the runtime role.
///
/// # Errors
/// [`Error`] when the connected user may not make roles and they are not there.
pub fn ensure(conn: &mut PgConnection, roles: &Roles, runtime_login: Option<&str>) -> Result<(), Error> {
    locked(conn, |conn| {
        create(conn, &roles.owner, "LOGIN")?;
        create(conn, &roles.runtime, "LOGIN")?;
        create(conn, &roles.ledger, "NOLOGIN")?;
        // The owner hands the ledger's functions over, and SETs the runtime role where there is one login only.
        for member in [Some(roles.owner.as_str()), runtime_login].into_iter().flatten() {
            grant(conn, &roles.runtime, member)?;
        }
        grant(conn, &roles.ledger, &roles.owner)?;
        grant_to_current_user(conn, &roles.runtime)?;
        grant_to_current_user(conn, &roles.ledger)?;
        for (name, value) in roles.session_settings() {
            set(conn, &roles.runtime, name, &value)?;
        }
        let (name, value) = PLANNED_ONCE;
        match conn.transaction(|conn| set(conn, &roles.runtime, name, value)) {
            // Not allowed: slower, and as right.
            Err(Error::Other(_)) | Ok(()) => {}
            Err(error) => return Err(error),
        }
        set(conn, &roles.owner, "TimeZone", "UTC")?;
        // Only a superuser may; elsewhere the start-up check looks at what the server says by itself.
        if is_superuser(conn)? {
            for role in [&roles.owner, &roles.runtime] {
                set(conn, role, "lc_messages", "C")?;
            }
        }
        Ok(())
    })
}

/// Runs `work` while holding the advisory lock of roles and migrations.
pub(crate) fn locked<T, E: From<Error>>(
    conn: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    let ask = |call: &str| diesel::sql_query(format!("SELECT {call}($1)")).bind::<BigInt, _>(ADVISORY_LOCK);
    ask("pg_advisory_lock").execute(conn).map_err(Error::from)?;
    let result = work(conn);
    // When the connection is gone the lock went with it, and the work's own failure says more.
    let unlocked = ask("pg_advisory_unlock").execute(conn);
    if result.is_ok() {
        unlocked.map_err(Error::from)?;
    }
    result
}

/// Sets a setting of this session.
pub(crate) fn set_setting(conn: &mut PgConnection, name: &str, value: &str) -> Result<(), Error> {
    diesel::sql_query("SELECT set_config($1, $2, false)")
        .bind::<Text, _>(name)
        .bind::<Text, _>(value)
        .execute(conn)?;
    Ok(())
}

fn create(conn: &mut PgConnection, role: &str, login: &str) -> Result<(), Error> {
    let there: Flag = diesel::sql_query("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS flag")
        .bind::<Text, _>(role)
        .get_result(conn)?;
    if !there.flag {
        conn.batch_execute(&format!("CREATE ROLE {} {login}", ident(role)))?;
    }
    Ok(())
}

fn grant(conn: &mut PgConnection, role: &str, member: &str) -> Result<(), Error> {
    if !is_member(conn, member, role)? {
        conn.batch_execute(&format!("GRANT {} TO {}", ident(role), ident(member)))?;
    }
    Ok(())
}

fn grant_to_current_user(conn: &mut PgConnection, role: &str) -> Result<(), Error> {
    let current: Name = diesel::sql_query("SELECT current_user::text AS name").get_result(conn)?;
    grant(conn, role, &current.name)
}

/// From Postgres 16 on, who made a role is a member of it, but may not act as it before being granted that.
fn is_member(conn: &mut PgConnection, member: &str, role: &str) -> Result<bool, Error> {
    let is: Flag = diesel::sql_query(
        "SELECT pg_has_role($1, $2, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
                AS flag",
    )
    .bind::<Text, _>(member)
    .bind::<Text, _>(role)
    .get_result(conn)?;
    Ok(is.flag)
}

/// Sets a setting of a role, unless it is set so.
fn set(conn: &mut PgConnection, role: &str, name: &str, value: &str) -> Result<(), Error> {
    let is: Flag = diesel::sql_query(
        "SELECT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
                        WHERE s.setdatabase = 0 AND r.rolname = $1 AND $2 = ANY (s.setconfig)) AS flag",
    )
    .bind::<Text, _>(role)
    .bind::<Text, _>(format!("{name}={value}"))
    .get_result(conn)?;
    if !is.flag {
        conn.batch_execute(&format!("ALTER ROLE {} SET {name} = {}", ident(role), literal(value)))?;
    }
    Ok(())
}

fn is_superuser(conn: &mut PgConnection) -> Result<bool, Error> {
    let flag: Flag = diesel::sql_query("SELECT rolsuper AS flag FROM pg_roles WHERE rolname = current_user")
        .get_result(conn)?;
    Ok(flag.flag)
}

/// A name quoted as an SQL identifier.
#[must_use]
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
