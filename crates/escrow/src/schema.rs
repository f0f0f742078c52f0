// Generated from the catalogue of schema `escrow`; BLESS=1 with the schema test writes it anew. Not for editing.

diesel::table! {
    escrow.accounts (id) {
        id -> Uuid,
        kind -> Text,
        currency -> Text,
        subject_id -> Uuid,
        contract_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    escrow.balances (account_id) {
        account_id -> Uuid,
        balance -> Int8,
    }
}

diesel::table! {
    escrow.entries (id) {
        id -> Int8,
        transaction_id -> Uuid,
        ordinal -> Int2,
        entry_count -> Int2,
        account_id -> Uuid,
        currency -> Text,
        amount -> Int8,
    }
}

diesel::table! {
    escrow.escrows (id) {
        id -> Uuid,
        contract_id -> Uuid,
        job_id -> Uuid,
        homeowner_id -> Uuid,
        contractor_id -> Uuid,
        currency -> Text,
        status -> Text,
        created_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    escrow.payment_milestones (payment_id, milestone_id) {
        payment_id -> Uuid,
        milestone_id -> Uuid,
        amount -> Int8,
        open -> Bool,
        funded -> Bool,
    }
}

diesel::table! {
    escrow.payments (id) {
        id -> Uuid,
        escrow_id -> Uuid,
        amount -> Int8,
        currency -> Text,
        status -> Text,
        provider -> Text,
        provider_intent_id -> Nullable<Text>,
        failure_code -> Nullable<Text>,
        processor_fee -> Int8,
        funded_amount -> Int8,
        created_at -> Timestamptz,
        lapses_at -> Timestamptz,
        settled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    escrow.payouts (id) {
        id -> Uuid,
        escrow_id -> Uuid,
        contractor_id -> Uuid,
        amount -> Int8,
        currency -> Text,
        status -> Text,
        provider_transfer_id -> Nullable<Text>,
        failure_code -> Nullable<Text>,
        created_at -> Timestamptz,
        settled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    escrow.provider_events (provider, event_id) {
        provider -> Text,
        event_id -> Text,
        kind -> Text,
        object_id -> Text,
        received_at -> Timestamptz,
        handled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    escrow.refunds (id) {
        id -> Uuid,
        payment_id -> Uuid,
        amount -> Int8,
        status -> Text,
        provider_refund_id -> Nullable<Text>,
        failure_code -> Nullable<Text>,
        created_at -> Timestamptz,
        settled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    escrow.release_schedule (id) {
        id -> Uuid,
        escrow_id -> Uuid,
        milestone_id -> Uuid,
        ordinal -> Int2,
        amount -> Int8,
        due_date -> Nullable<Date>,
        status -> Text,
    }
}

diesel::table! {
    escrow.releases (milestone_id, part) {
        milestone_id -> Uuid,
        part -> Int2,
        escrow_id -> Uuid,
        transaction_id -> Uuid,
        payout_id -> Nullable<Uuid>,
        amount -> Int8,
        fee -> Int8,
        netted -> Int8,
        share -> Int8,
        released_at -> Timestamptz,
    }
}

diesel::table! {
    escrow.snapshots (account_id, upto_entry) {
        account_id -> Uuid,
        upto_entry -> Int8,
        balance -> Int8,
        taken_at -> Timestamptz,
    }
}

diesel::table! {
    escrow.transactions (id) {
        id -> Uuid,
        kind -> Text,
        business_key -> Text,
        currency -> Text,
        entry_count -> Int2,
        contract_id -> Nullable<Uuid>,
        corrects -> Nullable<Uuid>,
        request_id -> Text,
        created_at -> Timestamptz,
    }
}

diesel::joinable!(balances -> accounts (account_id));

diesel::joinable!(payment_milestones -> payments (payment_id));

diesel::joinable!(payments -> escrows (escrow_id));

diesel::joinable!(payouts -> escrows (escrow_id));

diesel::joinable!(refunds -> payments (payment_id));

diesel::joinable!(release_schedule -> escrows (escrow_id));

diesel::joinable!(releases -> escrows (escrow_id));

diesel::joinable!(releases -> payouts (payout_id));

diesel::joinable!(releases -> transactions (transaction_id));

diesel::joinable!(snapshots -> accounts (account_id));

diesel::allow_tables_to_appear_in_same_query! {
    accounts,
    balances,
    entries,
    escrows,
    payment_milestones,
    payments,
    payouts,
    provider_events,
    refunds,
    release_schedule,
    releases,
    snapshots,
    transactions,
}
