//! Every list and every search of the document, over much: how Postgres goes about them, and that no page skips or repeats anything.

mod asked;
mod crowd;
mod exceptions;
mod paging;
mod plans;

use std::collections::BTreeSet;

use reqwest::Method;
use tests::{Answer, Person};

use crate::authorisation::cast::{Caller, Cast};
use crate::authorisation::document::Operation;

/// Reads that answer nobody here: a dialogue with a browser, and an archive behind a ticket from a mail.
const NEVER_ANSWERED: [&str; 3] = ["startOauth", "finishOauth", "getExportArchive"];

/// Without which an operation has no answer.
const NEEDED: [(&str, &str); 1] = [("searchJobTexts", "q=fence")];

/// An operation asked about something by somebody who may.
struct Asked<'a> {
    operation: &'a Operation,
    caller: Caller,
    person: &'a Person,
    path: String,
}

/// What has to be said to ask at all.
fn needed(operation: &Operation) -> &'static str {
    NEEDED.iter().find(|(id, _)| *id == operation.id).map_or("", |(_, needed)| needed)
}

/// Whether it has pages.
fn is_paged(operation: &Operation) -> bool {
    operation.filters.iter().any(|(name, _)| name == "cursor")
}

/// Every operation that reads, about whatever there is, by whoever may.
async fn askable<'a>(
    cast: &'a Cast,
    operations: &'a [Operation],
    mut see: impl FnMut(&Answer),
) -> Vec<Asked<'a>> {
    let mut found = Vec::new();
    let mut given: BTreeSet<&str> = BTreeSet::from(NEVER_ANSWERED);
    let reads =
        operations.iter().filter(|operation| operation.method == Method::GET && !operation.is_of_the_server);
    for operation in reads.clone() {
        let names = operation.names();
        let fitting =
            cast.scenes.iter().filter(|(_, things)| names.iter().all(|name| things.get(name).is_some()));
        // What names nothing is the same in every scene.
        for (scene, things) in fitting.take(if names.is_empty() { 1 } else { usize::MAX }) {
            for caller in Caller::ALL.into_iter().filter(|caller| caller.fits(operation.who)) {
                let (person, path) = (cast.person(caller, *scene), operation.about(things).path);
                let answer = person.get(&format!("{path}?{}", needed(operation))).await;
                // What is sealed for its row cannot be opened in a copy: an account of everything fails then, a list must not.
                assert!(answer.status < 500 || !is_paged(operation), "{} {}", answer.asked, answer.text());
                see(&answer);
                if answer.status == 200 {
                    given.insert(&operation.id);
                    found.push(Asked { operation, caller, person, path });
                }
            }
        }
    }
    let nobody: Vec<&str> =
        reads.map(|operation| operation.id.as_str()).filter(|id| !given.contains(id)).collect();
    assert!(nobody.is_empty(), "have the cast hold something of each: {nobody:?}");
    found
}
