// Generated from the catalogue of schema `outbox`; BLESS=1 with the schema test writes it anew. Not for editing.

diesel::table! {
    outbox.consumed (event_id, consumer) {
        event_id -> Uuid,
        consumer -> Text,
        consumed_at -> Timestamptz,
    }
}

diesel::table! {
    outbox.events (id) {
        id -> Uuid,
        ticket -> Int8,
        position -> Nullable<Int8>,
        aggregate_sequence -> Nullable<Int8>,
        aggregate_kind -> Text,
        aggregate_id -> Uuid,
        name -> Text,
        version -> Int2,
        request_id -> Text,
        trace_id -> Text,
        data -> Jsonb,
        occurred_at -> Timestamptz,
    }
}

diesel::table! {
    outbox.subscriptions (event, consumer) {
        event -> Text,
        consumer -> Text,
    }
}

diesel::table! {
    outbox.tasks (id) {
        id -> Uuid,
        ticket -> Int8,
        kind -> Text,
        key -> Nullable<Text>,
        lane -> Nullable<Text>,
        payload -> Jsonb,
        state -> Text,
        due_at -> Timestamptz,
        attempts -> Int2,
        max_attempts -> Int2,
        lease_token -> Nullable<Int8>,
        leased_until -> Nullable<Timestamptz>,
        reason -> Nullable<Text>,
        trace_id -> Text,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(consumed -> events (event_id));

diesel::allow_tables_to_appear_in_same_query! {
    consumed,
    events,
    subscriptions,
    tasks,
}
