//! What the audit trail is told of a request: who asks for which operation on what, from where.

use std::net::IpAddr;

use audit::{ActorKind, Object};
use kernel::Actor;

use super::address::bucket;
use super::call::Call;
use crate::app::App;
use crate::operation::{Operation, Who};

/// The context of a request that was let through.
pub(crate) fn of(call: &Call) -> audit::Context {
    let operation = &call.entry.operation;
    context(&call.app, operation, call.actor.as_ref(), call.address, &call.path, &call.request_id)
}

/// The context of a request for this operation.
pub(crate) fn context(
    app: &App,
    operation: &Operation,
    actor: Option<&Actor>,
    address: IpAddr,
    path: &str,
    request_id: &str,
) -> audit::Context {
    let who = actor.map_or_else(|| audit::Who::of(nameless(operation.who)), audit::Who::from);
    let context = audit::Context::new(who, operation.id.clone(), request_id);
    let context = context.from(app.audit().address(&network(address)));
    objects(operation.path, path).into_iter().fold(context, audit::Context::about)
}

const fn nameless(who: Who) -> ActorKind {
    match who {
        Who::Signed => ActorKind::Provider,
        Who::Operator => ActorKind::Operator,
        Who::Anyone | Who::Newcomer | Who::SignedIn | Who::Homeowner | Who::Contractor | Who::Admin => {
            ActorKind::Anyone
        }
    }
}

/// What counts as one address.
fn network(address: IpAddr) -> Vec<u8> {
    match bucket(address) {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// The things that a path names: `/api/jobs/{jobId}` a job, `/api/bids/{id}` a bid.
fn objects(pattern: &str, path: &str) -> Vec<Object> {
    let mut found = Vec::new();
    let mut before = "";
    for (part, text) in pattern.split('/').zip(path.split('/')) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(parameter) => {
                let kind = match parameter.strip_suffix("Id") {
                    Some(kind) if !kind.is_empty() => kind,
                    _ => before.strip_suffix('s').unwrap_or(before),
                };
                found.extend(kernel::id::parse_any(text).ok().map(|id| Object::named(kind, text, id)));
            }
            None => before = part,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_things() {
        let job = "job_01h455vb4pex5vsknk084sn02q";
        let named = |pattern, path: &str| {
            objects(pattern, path).into_iter().map(|object| (object.kind, object.id)).collect::<Vec<_>>()
        };
        let one = |kind: &str, id: &str| vec![(kind.to_owned(), id.to_owned())];
        assert_eq!(named("/api/jobs/{jobId}", &format!("/api/jobs/{job}")), one("job", job));
        assert_eq!(named("/api/bids/{id}", &format!("/api/bids/{job}")), one("bid", job));
        let uuid = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(named("/api/bids/{id}", &format!("/api/bids/{uuid}")), one("bid", uuid));
        assert_eq!(named("/api/jobs/{jobId}", "/api/jobs/ada@example.com"), []);
        assert_eq!(named("/api/jobs/{jobId}", "/api/jobs/x_y"), []);
        assert_eq!(named("/api/jobs", "/api/jobs"), []);
    }
}
