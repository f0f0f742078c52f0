//! Keyed commands: with an `Idempotency-Key` the effect and the stored answer are one unit. Only successes are stored, sealed
//! under the caller's own key: a money key outlives the person, and the answer must not.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use database::{Claim, Db, Error, Keep, KeyedCommand, Once, Ticket, TransactionError};
use identity::{Vault, VaultError, VaultSubject};
use kernel::PersonId;
use platform::Commands;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::http::{Problem, Reply};
use crate::lanes::Writing;
use crate::operation::Key;
use crate::request::call::Call;
use crate::request::trail;

/// Days that a key is kept whose command moves no money.
const KEEP_DAYS: u16 = 7;
/// How long a command that asks another system is left alone before the next request with its key goes on with it, should the
/// process have died over it.
const LEASE: Duration = Duration::from_secs(30);

/// A command with its key, and whose it is.
struct Keyed {
    command: KeyedCommand,
    /// Stands for the key: clients may write into one what they like, and a money key outlives the person.
    digest: [u8; 32],
    person: PersonId,
}

impl Keyed {
    /// None without a key, or without a person: a key belongs to somebody.
    fn of(call: &Call) -> Option<Self> {
        let (key, actor) = (call.key.as_ref()?, call.actor.as_ref()?);
        let operation = &call.entry.operation;
        let caller = actor.party.uuid();
        let scope =
            [caller.as_bytes().as_slice(), operation.method.as_str().as_bytes(), call.path.as_bytes()];
        let scope = KeyedCommand::hash(&scope);
        let digest = KeyedCommand::hash(&[&scope, key.0.as_bytes()]);
        let command = KeyedCommand {
            scope,
            key: hex::encode(digest),
            fingerprint: call.streamed.get().copied().unwrap_or_else(|| Sha256::digest(&call.body).into()),
            keep: match operation.key {
                Key::Required => Keep::Forever,
                Key::None | Key::Optional => Keep::Days(KEEP_DAYS),
            },
        };
        Some(Self { command, digest, person: actor.person? })
    }

    fn subject(&self) -> VaultSubject {
        VaultSubject::Person(self.person)
    }

    /// Names the row that the answer is sealed for.
    fn place(&self) -> Vec<u8> {
        [b"app.idempotency_keys.answer\0".as_slice(), &self.digest].concat()
    }

    fn seal(&self, db: &Db, vault: &Vault, reply: &Reply) -> Result<Vec<u8>, VaultError> {
        let plain = reply.to_bytes();
        db.transaction(|tx| vault.seal(tx, self.subject(), &self.place(), &plain))
    }

    fn replay(&self, lent: &Writing, sealed: &[u8]) -> Result<Reply, Problem> {
        let plain = lent.db.read(|conn| lent.vault.open(conn, self.subject(), &self.place(), sealed))?;
        // Without its key the answer is gone, and so is the person who asked.
        let reply = Reply::from_bytes(&plain.ok_or_else(Problem::not_found)?);
        let reply = reply.ok_or_else(|| Problem::internal("a stored answer cannot be read"))?;
        Ok(Reply { replayed: true, ..reply })
    }
}

/// Runs a command, keyed when the call has a key.
pub(crate) async fn run<T, E>(
    call: Arc<Call>,
    mut work: impl FnMut(&Commands) -> Result<T, E> + Send + 'static,
    answer: impl Fn(T) -> Reply + Send + 'static,
) -> Result<Reply, Problem>
where
    T: 'static,
    E: TransactionError + Into<Problem> + Send + 'static,
{
    let app = call.app.clone();
    let command = move |lent: &Writing| {
        audit::command(&lent.db, trail::of(&call), || match Keyed::of(&call) {
            None => {
                let unit = || {
                    remain(lent, &call)?;
                    work(&lent.commands).map_err(Failure::Work)
                };
                lent.db.unit(unit).map(answer).map_err(Failure::into_problem)
            }
            Some(keyed) => once(lent, &call, &keyed, || work(&lent.commands).map(&answer)),
        })
    };
    app.lanes().write(command).await
}

/// The answer that is stored for this call, if what it asks was done before under its key. None where that is still to be done, and without a key. For
/// bodies that were received as a file: before anything is made of them.
pub(crate) async fn answered(call: &Arc<Call>) -> Result<Option<Reply>, Problem> {
    let Some(keyed) = Keyed::of(call) else { return Ok(None) };
    let look = move |lent: &Writing| match lent.db.seen(&keyed.command)? {
        None => Ok(None),
        Some(Once::Done(sealed) | Once::Replayed(sealed)) => keyed.replay(lent, &sealed).map(Some),
        Some(Once::InProgress) => Err(in_progress()),
        Some(Once::KeyReused) => Err(reused()),
    };
    call.app.lanes().write(look).await
}

/// Whoever was erased a moment ago does nothing more, and nobody is erased while they do something. First in the transaction: an erasure
/// locks the person first, too.
fn remain<E>(lent: &Writing, call: &Call) -> Result<(), Failure<E>> {
    let Some(person) = call.actor.as_ref().and_then(|actor| actor.person) else { return Ok(()) };
    match lent.db.transaction(|tx| identity::remain(tx, person)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::Gone(identity::Error::SignedOut)),
        Err(error) => Err(Failure::Gone(error.into())),
    }
}

fn once<E>(
    lent: &Writing,
    call: &Call,
    keyed: &Keyed,
    mut work: impl FnMut() -> Result<Reply, E>,
) -> Result<Reply, Problem>
where
    E: TransactionError + Into<Problem>,
{
    let mut made = None;
    let outcome = lent.db.once(&keyed.command, || {
        remain(lent, call)?;
        let reply = work().map_err(Failure::Work)?;
        let sealed = keyed.seal(&lent.db, &lent.vault, &reply).map_err(Failure::Seal)?;
        made = Some(reply);
        Ok::<_, Failure<E>>(sealed)
    });
    match outcome.map_err(Failure::into_problem)? {
        Once::Done(_) => made.ok_or_else(|| Problem::internal("a keyed command made no answer")),
        Once::Replayed(sealed) => keyed.replay(lent, &sealed),
        Once::InProgress => Err(in_progress()),
        Once::KeyReused => Err(reused()),
    }
}

/// Runs a command that asks another system in between, in three steps: what it intends is committed with the claim on the key;
/// then the other system is asked, with no connection held; then the answer is committed. Whoever comes with the same key after a crash
/// goes on with what was intended.
pub(crate) async fn run_staged<I, T, E>(
    call: Arc<Call>,
    mut intend: impl FnMut(&Commands, Uuid) -> Result<I, E> + Send + 'static,
    ask: impl FnOnce(&Commands, I) -> Result<T, E> + Send + 'static,
    answer: impl FnOnce(T) -> Reply + Send + 'static,
) -> Result<Reply, Problem>
where
    E: TransactionError + Into<Problem> + Send + 'static,
{
    let app = call.app.clone();
    let steps = move |lent: &Writing, call: &Call| {
        let Some(keyed) = Keyed::of(call) else {
            let reference = Uuid::now_v7();
            let intended = lent.db.unit(|| {
                remain(lent, call)?;
                intend(&lent.commands, reference).map_err(Failure::Work)
            });
            let intended = intended.map_err(Failure::into_problem)?;
            return ask(&lent.commands, intended).map(answer).map_err(Into::into);
        };
        let (ticket, intended) = match claim(lent, call, &keyed, &mut intend)? {
            Claimed::Ours(ticket, intended) => (ticket, intended),
            Claimed::Answered(reply) => return Ok(reply),
        };
        let result = ask(&lent.commands, intended).map_err(Into::into);
        finish(lent, &keyed, &ticket, result.map(answer))
    };
    let command = move |lent: &Writing| audit::command(&lent.db, trail::of(&call), || steps(lent, &call));
    app.lanes().heavy(command).await
}

enum Claimed<I> {
    Ours(Ticket, I),
    Answered(Reply),
}

fn claim<I, E>(
    lent: &Writing,
    call: &Call,
    keyed: &Keyed,
    intend: &mut impl FnMut(&Commands, Uuid) -> Result<I, E>,
) -> Result<Claimed<I>, Problem>
where
    E: TransactionError + Into<Problem>,
{
    let claimed = lent.db.unit(|| match lent.db.claim(&keyed.command, LEASE)? {
        Claim::Granted(ticket) => {
            remain(lent, call)?;
            let intended = intend(&lent.commands, ticket.reference).map_err(Failure::Work)?;
            Ok::<_, Failure<E>>((Claim::Granted(ticket), Some(intended)))
        }
        other => Ok((other, None)),
    });
    match claimed.map_err(Failure::into_problem)? {
        (Claim::Granted(ticket), Some(intended)) => Ok(Claimed::Ours(ticket, intended)),
        (Claim::Granted(_), None) => Err(Problem::internal("a claim without an intent")),
        (Claim::Replayed(sealed), _) => keyed.replay(lent, &sealed).map(Claimed::Answered),
        (Claim::InProgress, _) => Err(in_progress()),
        (Claim::KeyReused, _) => Err(reused()),
    }
}

fn finish(
    lent: &Writing,
    keyed: &Keyed,
    ticket: &Ticket,
    result: Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    match result {
        Ok(reply) => {
            let stored = lent.db.unit(|| {
                let sealed = keyed.seal(&lent.db, &lent.vault, &reply).map_err(Failure::Seal)?;
                Ok::<_, Failure<Error>>(lent.db.complete(ticket, &sealed)?)
            });
            stored.map_err(Failure::into_problem)?;
            Ok(reply)
        }
        Err(problem) => {
            // An error frees the key; where nobody knows what came of it, the next request goes on with the same intent.
            if problem.is_unsettled() {
                lent.db.give_up(ticket)?
            } else {
                lent.db.release(ticket)?
            }
            Err(problem)
        }
    }
}

fn in_progress() -> Problem {
    let detail = "the first request with this Idempotency-Key is still running";
    Problem::new(StatusCode::CONFLICT, "idempotency_in_progress", detail).retry_after(1)
}

fn reused() -> Problem {
    let detail = "this Idempotency-Key was used with another body";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
}

/// What can end a command: its own error, the sealing of its answer, or that the person is there no longer.
enum Failure<E> {
    Work(E),
    Seal(VaultError),
    Gone(identity::Error),
}

impl<E: Into<Problem>> Failure<E> {
    fn into_problem(self) -> Problem {
        match self {
            Self::Work(error) => error.into(),
            Self::Seal(error) => error.into(),
            Self::Gone(error) => error.into(),
        }
    }
}

impl<E: TransactionError> From<Error> for Failure<E> {
    fn from(error: Error) -> Self {
        Self::Work(error.into())
    }
}

impl<E: TransactionError> TransactionError for Failure<E> {
    fn database(&self) -> Option<&Error> {
        match self {
            Self::Work(error) => error.database(),
            Self::Seal(error) => error.database(),
            Self::Gone(error) => error.database(),
        }
    }
}
