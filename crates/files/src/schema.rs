// Generated from the catalogue of schema `files`; BLESS=1 with the schema test writes it anew. Not for editing.

diesel::table! {
    files.files (id) {
        id -> Uuid,
        owner_id -> Uuid,
        purpose -> Text,
        name -> Text,
        storage_key -> Text,
        state -> Text,
        content_type -> Nullable<Text>,
        size_bytes -> Nullable<Int8>,
        sha256 -> Nullable<Bytea>,
        created_at -> Timestamptz,
        stored_at -> Nullable<Timestamptz>,
    }
}
