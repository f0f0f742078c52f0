// Generated from the catalogue of schema `notifications`; BLESS=1 with the schema test writes it anew. Not for editing.

diesel::table! {
    notifications.deliveries (id) {
        id -> Uuid,
        notification_id -> Uuid,
        channel -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        attempts -> Int2,
        created_at -> Timestamptz,
        last_attempt_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    notifications.notifications (id) {
        id -> Uuid,
        event_id -> Uuid,
        person_id -> Uuid,
        template -> Text,
        template_version -> Int2,
        category -> Text,
        in_inbox -> Bool,
        title -> Nullable<Text>,
        body -> Nullable<Text>,
        subjects -> Jsonb,
        created_at -> Timestamptz,
        read_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(deliveries -> notifications (notification_id));

diesel::allow_tables_to_appear_in_same_query! {
    deliveries,
    notifications,
}
