// Generated from the catalogue of schema `contracts`; BLESS=1 with the schema test writes it anew. Not for editing.

diesel::table! {
    contracts.contracts (id) {
        id -> Uuid,
        job_id -> Uuid,
        bid_id -> Uuid,
        homeowner_id -> Uuid,
        contractor_id -> Uuid,
        title -> Text,
        price -> Int8,
        currency -> Text,
        status -> Text,
        rules_version -> Int2,
        fee_basis_points -> Int4,
        inspection_days -> Int2,
        auto_release_hours -> Int2,
        particulars -> Bytea,
        document_version -> Int4,
        version -> Int4,
        sign_by -> Timestamptz,
        activated_at -> Nullable<Timestamptz>,
        work_started_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        terminated_at -> Nullable<Timestamptz>,
        termination_reason -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        verification_lapsed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contracts.documents (contract_id, version) {
        contract_id -> Uuid,
        version -> Int4,
        sha256 -> Text,
        sealed_text -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    contracts.milestones (id) {
        id -> Uuid,
        contract_id -> Uuid,
        ordinal -> Int4,
        title -> Text,
        description -> Nullable<Text>,
        deliverables -> Jsonb,
        amount -> Int8,
        status -> Text,
        start_date -> Nullable<Date>,
        due_date -> Date,
        submission -> Int4,
        inspection_ends_at -> Nullable<Timestamptz>,
        version -> Int4,
        funded_at -> Nullable<Timestamptz>,
        started_at -> Nullable<Timestamptz>,
        approved_at -> Nullable<Timestamptz>,
        released_at -> Nullable<Timestamptz>,
        released_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        inspection_paused_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contracts.signatures (id) {
        id -> Uuid,
        contract_id -> Uuid,
        party_id -> Uuid,
        document_version -> Int4,
        document_sha256 -> Text,
        sealed_evidence -> Bytea,
        signed_at -> Timestamptz,
        voided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contracts.submissions (milestone_id, number) {
        milestone_id -> Uuid,
        number -> Int4,
        submitted_at -> Timestamptz,
        inspection_ends_at -> Timestamptz,
        outcome -> Nullable<Text>,
        reason -> Nullable<Text>,
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(documents -> contracts (contract_id));

diesel::joinable!(milestones -> contracts (contract_id));

diesel::joinable!(signatures -> contracts (contract_id));

diesel::joinable!(submissions -> milestones (milestone_id));

diesel::allow_tables_to_appear_in_same_query! {
    contracts,
    documents,
    milestones,
    signatures,
    submissions,
}
