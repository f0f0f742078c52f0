// Generated from the catalogue of schema `audit`; BLESS=1 with the schema test writes it anew. Not for editing.

diesel::table! {
    audit.checkpoints (number) {
        number -> Int8,
        taken_at -> Timestamptz,
        sequences -> Array<Int8>,
        hashes -> Bytea,
        previous -> Bytea,
        key_id -> Text,
        signature -> Bytea,
    }
}

diesel::table! {
    audit.entries (id) {
        id -> Uuid,
        chain -> Int2,
        sequence -> Int8,
        prev_hash -> Bytea,
        hash -> Bytea,
        occurred_at -> Timestamptz,
        actor_kind -> Text,
        actor_role -> Nullable<Text>,
        actor_party -> Nullable<Uuid>,
        actor_person -> Nullable<Uuid>,
        actor_session -> Nullable<Uuid>,
        action -> Text,
        outcome -> Text,
        refusal -> Nullable<Text>,
        times -> Int4,
        objects -> Array<Text>,
        object_ids -> Array<Uuid>,
        changes -> Jsonb,
        address_key -> Nullable<Bytea>,
        request_id -> Text,
        sealed_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit.heads (chain) {
        chain -> Int2,
        sequence -> Int8,
        hash -> Bytea,
    }
}

diesel::allow_tables_to_appear_in_same_query! {
    checkpoints,
    entries,
    heads,
}
