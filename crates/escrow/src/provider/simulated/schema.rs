// Generated from the catalogue of schema `simulated_provider`; BLESS=1 with the schema test writes it anew. Not for editing.

diesel::table! {
    simulated_provider.accounts (id) {
        id -> Text,
        reference -> Text,
        enabled -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    simulated_provider.balance_movements (id) {
        id -> Text,
        kind -> Text,
        object_id -> Text,
        reference -> Text,
        amount -> Int8,
        currency -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    simulated_provider.balances (currency) {
        currency -> Text,
        amount -> Int8,
    }
}

diesel::table! {
    simulated_provider.intents (id) {
        id -> Text,
        reference -> Text,
        transfer_group -> Text,
        amount -> Int8,
        currency -> Text,
        status -> Text,
        client_secret -> Text,
        payment_method -> Nullable<Text>,
        decline_code -> Nullable<Text>,
        fee -> Int8,
        refunded -> Int8,
        settles_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    simulated_provider.requests (key) {
        key -> Text,
        operation -> Text,
        fingerprint -> Text,
        object_id -> Nullable<Text>,
        refusal -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    simulated_provider.webhooks (id) {
        id -> Text,
        number -> Int8,
        kind -> Text,
        object_id -> Text,
        copies -> Int2,
        due_at -> Timestamptz,
        attempts -> Int2,
        delivered_at -> Nullable<Timestamptz>,
        given_up_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query! {
    accounts,
    balance_movements,
    balances,
    intents,
    requests,
    webhooks,
}
