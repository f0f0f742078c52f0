//! What is written about people: every column that can hold a text says whether the text is personal and what becomes of it when
//! somebody has to be forgotten. A column that nobody declared fails the test.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::Text;
use testing::TestDatabase;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Words of the program, hashes, ids: nothing that a person wrote or that says who somebody is.
    NoPerson,
    /// A person's own words or particulars, in a row that may be changed or removed.
    Erasable,
    /// Personal, and readable only under a data key that can be destroyed.
    Sealed,
}
use Holds::{Erasable, NoPerson, Sealed};

/// Every such column, by table.
const COLUMNS: &[(&str, Holds, &str)] = &[
    ("app.idempotency_keys", NoPerson, "fingerprint key scope state"),
    ("app.idempotency_keys", Sealed, "answer"),
    ("app.quotas", NoPerson, "key"),
    ("audit.checkpoints", NoPerson, "hashes key_id previous signature"),
    (
        "audit.entries",
        NoPerson,
        "action actor_kind actor_role address_key changes hash objects outcome prev_hash refusal request_id",
    ),
    ("audit.heads", NoPerson, "hash"),
    ("contracts.contracts", NoPerson, "currency status termination_reason"),
    ("contracts.contracts", Erasable, "title"),
    ("contracts.contracts", Sealed, "particulars"),
    ("contracts.documents", NoPerson, "sha256"),
    ("contracts.documents", Sealed, "sealed_text"),
    ("contracts.milestones", NoPerson, "status"),
    ("contracts.milestones", Erasable, "title description deliverables"),
    ("contracts.signatures", NoPerson, "document_sha256"),
    ("contracts.signatures", Sealed, "sealed_evidence"),
    ("contracts.submissions", NoPerson, "outcome"),
    ("contracts.submissions", Erasable, "reason"),
    ("escrow.accounts", NoPerson, "currency kind"),
    ("escrow.entries", NoPerson, "currency"),
    ("escrow.escrows", NoPerson, "currency status"),
    ("escrow.payments", NoPerson, "currency failure_code provider provider_intent_id status"),
    ("escrow.payouts", NoPerson, "currency failure_code provider_transfer_id status"),
    ("escrow.provider_events", NoPerson, "event_id kind object_id provider"),
    ("escrow.refunds", NoPerson, "failure_code provider_refund_id status"),
    ("escrow.release_schedule", NoPerson, "status"),
    ("escrow.transactions", NoPerson, "business_key currency kind request_id"),
    ("files.files", NoPerson, "content_type purpose sha256 state storage_key"),
    ("files.files", Erasable, "name"),
    ("identity.contractor_profiles", Erasable, "bio headline skills trades"),
    ("identity.credentials", NoPerson, "kind time_zone"),
    ("identity.credentials", Erasable, "holder number place trade"),
    ("identity.data_keys", NoPerson, "master_key_id subject_kind wrapped_key"),
    ("identity.exports", NoPerson, "state"),
    ("identity.external_identities", NoPerson, "issuer provider"),
    ("identity.external_identities", Erasable, "subject"),
    ("identity.email_changes", Erasable, "email email_canonical former_email"),
    ("identity.known_addresses", NoPerson, "address_key"),
    ("identity.link_tokens", NoPerson, "purpose token_hash"),
    ("identity.link_tokens", Erasable, "email_canonical"),
    ("identity.mail_requests", NoPerson, "account_key address_key purpose"),
    (
        "identity.oauth_attempts",
        NoPerson,
        "browser_hash code_challenge provider redirect_uri role state_hash",
    ),
    ("identity.oauth_tickets", NoPerson, "code_challenge kind token_hash"),
    ("identity.oauth_tickets", Sealed, "sealed_identity"),
    ("identity.people", NoPerson, "password_hash pepper_id role time_zone"),
    ("identity.people", Erasable, "email email_canonical full_name name_key phone words"),
    ("identity.recovery_codes", NoPerson, "code_hash"),
    ("identity.refresh_tokens", NoPerson, "token_hash"),
    ("identity.second_factors", Sealed, "sealed_secret"),
    ("identity.sessions", NoPerson, "end_reason"),
    ("identity.sessions", Erasable, "device network"),
    ("identity.sign_in_challenges", NoPerson, "token_hash"),
    ("identity.sign_in_failures", NoPerson, "account_key address_key"),
    ("identity.suspensions", Erasable, "reason reinstate_reason"),
    ("identity.signing_keys", NoPerson, "kid master_key_id wrapped_key"),
    ("identity.verifications", NoPerson, "state"),
    ("identity.verifications", Erasable, "note reason"),
    ("marketplace.attachment_files", NoPerson, "size"),
    ("marketplace.attachments", NoPerson, "kind"),
    ("marketplace.bid_revisions", NoPerson, "receipt"),
    ("marketplace.bid_revisions", Erasable, "canonical lines milestones salt terms"),
    ("marketplace.bids", NoPerson, "currency status"),
    ("marketplace.bids", Erasable, "reason"),
    ("marketplace.directory", Erasable, "checked display_name headline named skills told trades"),
    ("marketplace.job_addresses", Erasable, "city country postal_code region street unit"),
    ("marketplace.job_field_changes", NoPerson, "field"),
    ("marketplace.job_views", NoPerson, "network viewer"),
    ("marketplace.jobs", NoPerson, "category country currency reveal status urgency"),
    ("marketplace.jobs", Erasable, "city description meanings region skills title"),
    ("marketplace.market_facts", NoPerson, "country currency trade"),
    ("marketplace.market_facts", Erasable, "region"),
    // A region stands here only when five people have written the same.
    ("marketplace.market_figures", NoPerson, "country currency region trade"),
    ("marketplace.meanings", NoPerson, "fingerprint"),
    ("marketplace.performance", NoPerson, "measure"),
    ("marketplace.performance_facts", NoPerson, "measure"),
    ("marketplace.review_decisions", NoPerson, "outcome"),
    ("marketplace.review_decisions", Erasable, "reason"),
    ("marketplace.review_reports", NoPerson, "reason"),
    ("marketplace.review_reports", Erasable, "note"),
    ("marketplace.reviews", NoPerson, "author_role status"),
    ("marketplace.reviews", Erasable, "body reply"),
    ("marketplace.trending", NoPerson, "category"),
    ("marketplace.view_salts", NoPerson, "salt"),
    ("marketplace.words", Erasable, "word"),
    ("notifications.deliveries", NoPerson, "channel reason state"),
    ("notifications.notifications", NoPerson, "category subjects template"),
    ("notifications.notifications", Erasable, "body title"),
    ("outbox.consumed", NoPerson, "consumer"),
    ("outbox.events", NoPerson, "aggregate_kind data name request_id trace_id"),
    ("outbox.subscriptions", NoPerson, "consumer event"),
    ("outbox.tasks", NoPerson, "key kind lane payload reason state trace_id"),
];

/// Tables whose rows may never change: what is personal in them has to be sealed.
const APPEND_ONLY: [&str; 7] = [
    "audit.checkpoints",
    "audit.entries",
    "contracts.documents",
    "contracts.signatures",
    "escrow.entries",
    "escrow.transactions",
    "outbox.events",
];

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    relation: String,
    #[diesel(sql_type = Text)]
    name: String,
}

/// Texts, documents, bytes and lists of them. The simulated provider is an outside system: what it keeps is not ours to declare.
const TEXT_COLUMNS: &str = "SELECT table_schema || '.' || table_name AS relation, column_name::text AS name
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema', 'public', 'simulated_provider')
      AND (data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea') OR udt_name IN ('_text', '_varchar', '_jsonb'))";

#[test]
fn every_text_says_whether_it_is_about_a_person() {
    let database = TestDatabase::new();
    let found: Vec<Column> = database
        .owner
        .read(|conn| Ok::<_, database::Error>(diesel::sql_query(TEXT_COLUMNS).load(conn)?))
        .unwrap();
    let found: BTreeSet<(String, String)> =
        found.into_iter().map(|column| (column.relation, column.name)).collect();
    let declared = declared();
    let missing: Vec<_> = found.iter().filter(|column| !declared.contains_key(*column)).collect();
    let gone: Vec<_> = declared.keys().filter(|column| !found.contains(*column)).collect();
    assert!(missing.is_empty(), "say what becomes of these when somebody is forgotten: {missing:#?}");
    assert!(gone.is_empty(), "these are there no longer: {gone:#?}");
}

#[test]
fn what_can_never_be_changed_holds_nothing_personal_in_the_open() {
    let open: Vec<_> = COLUMNS
        .iter()
        .filter(|(table, holds, _)| APPEND_ONLY.contains(table) && *holds == Erasable)
        .collect();
    assert!(open.is_empty(), "seal these: {open:?}");
}

fn declared() -> BTreeMap<(String, String), Holds> {
    let mut declared = BTreeMap::new();
    for (table, holds, names) in COLUMNS {
        for name in names.split(' ') {
            let before = declared.insert(((*table).to_owned(), name.to_owned()), *holds);
            assert!(before.is_none(), "{table}.{name} is declared twice");
        }
    }
    declared
}
