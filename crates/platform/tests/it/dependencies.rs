//! Dependencies run one way: `kernel ← database ← outbox ← audit, files ← identity ← marketplace ← contracts ← escrow`, with
//! taxonomy under identity, notifications and the seed beside, platform on all of them and the gateway on that.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// What each crate of the house may stand on, in its code (tests may use more).
const MAY_USE: [(&str, &[&str]); 14] = [
    ("kernel", &[]),
    ("database", &["kernel"]),
    ("outbox", &["kernel", "database"]),
    ("audit", &["kernel", "database", "outbox"]),
    ("files", &["kernel", "database", "outbox"]),
    ("taxonomy", &[]),
    ("identity", &["kernel", "database", "outbox", "audit", "files", "taxonomy"]),
    ("marketplace", &["kernel", "database", "outbox", "audit", "files", "taxonomy", "identity"]),
    ("contracts", &["kernel", "database", "outbox", "audit", "identity", "marketplace"]),
    ("escrow", &["kernel", "database", "outbox", "audit", "identity", "marketplace", "contracts"]),
    ("notifications", &["kernel", "database", "outbox", "audit", "identity"]),
    (
        "platform",
        &[
            "kernel",
            "database",
            "outbox",
            "audit",
            "files",
            "identity",
            "marketplace",
            "contracts",
            "escrow",
            "notifications",
        ],
    ),
    ("seed", &["kernel", "database", "outbox", "audit", "taxonomy", "identity", "marketplace"]),
    ("testing", &["kernel", "database"]),
];

/// What a program that links the domains must never be made to carry. (`utoipa` is a feature of `kernel` that is off unless asked for.)
const NOT_IN_A_DOMAIN: [&str; 3] = ["actix-web", "actix-rt", "gateway"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .exec()
        .unwrap()
}

#[test]
fn every_crate_stands_only_on_those_below_it() {
    let metadata = metadata();
    let members: BTreeMap<_, _> = metadata
        .workspace_packages()
        .into_iter()
        .map(|package| (package.name.to_string(), package))
        .collect();
    for name in members.keys().filter(|name| !["gateway", "tests"].contains(&name.as_str())) {
        assert!(
            MAY_USE.iter().any(|(known, _)| known == name),
            "say in this test what `{name}` may stand on"
        );
    }
    for (name, allowed) in MAY_USE {
        let used = members[name]
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal)
            .map(|dependency| dependency.name.as_str());
        for dependency in used.filter(|dependency| members.contains_key(*dependency)) {
            assert!(allowed.contains(&dependency), "`{name}` must not stand on `{dependency}`");
        }
    }
}

#[test]
fn no_domain_carries_the_web() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().unwrap();
    let name = |id| metadata[id].name.to_string();
    for root in resolve.nodes.iter().filter(|node| name(&node.id) == "platform") {
        let mut seen = BTreeSet::new();
        let mut open = vec![&root.id];
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let node = resolve.nodes.iter().find(|node| node.id == *id).unwrap();
            open.extend(
                node.deps
                    .iter()
                    .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal))
                    .map(|dep| &dep.pkg),
            );
        }
        for id in seen {
            assert!(!NOT_IN_A_DOMAIN.contains(&name(id).as_str()), "platform carries `{}`", name(id));
        }
    }
}
