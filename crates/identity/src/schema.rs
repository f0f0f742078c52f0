// Generated from the catalogue of schema `identity`; BLESS=1 with the schema test writes it anew. Not for editing.

diesel::table! {
    identity.contractor_profiles (person_id) {
        person_id -> Uuid,
        headline -> Nullable<Text>,
        bio -> Nullable<Text>,
        trades -> Array<Text>,
        skills -> Array<Text>,
        service_radius_km -> Nullable<Int4>,
        public_latitude -> Nullable<Float8>,
        public_longitude -> Nullable<Float8>,
    }
}

diesel::table! {
    identity.credentials (id) {
        id -> Uuid,
        verification_id -> Uuid,
        ordinal -> Int4,
        kind -> Text,
        number -> Text,
        holder -> Text,
        place -> Text,
        time_zone -> Text,
        expires_on -> Date,
        trade -> Nullable<Text>,
        reminded_days -> Nullable<Int4>,
    }
}

diesel::table! {
    identity.data_keys (subject_kind, subject_id) {
        subject_kind -> Text,
        subject_id -> Uuid,
        wrapped_key -> Nullable<Bytea>,
        master_key_id -> Text,
        created_at -> Timestamptz,
        destroyed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.email_changes (person_id) {
        person_id -> Uuid,
        link_token_id -> Uuid,
        email -> Text,
        email_canonical -> Text,
        former_email -> Text,
        former_verified -> Bool,
        requested_at -> Timestamptz,
        completed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.exports (id) {
        id -> Uuid,
        person_id -> Uuid,
        state -> Text,
        requested_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        file_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    identity.external_identities (id) {
        id -> Uuid,
        person_id -> Uuid,
        provider -> Text,
        issuer -> Text,
        subject -> Text,
        linked_at -> Timestamptz,
    }
}

diesel::table! {
    identity.known_addresses (person_id, address_key) {
        person_id -> Uuid,
        address_key -> Bytea,
        signed_in_at -> Timestamptz,
    }
}

diesel::table! {
    identity.link_tokens (id) {
        id -> Uuid,
        person_id -> Uuid,
        purpose -> Text,
        token_hash -> Bytea,
        email_canonical -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.mail_requests (id) {
        id -> Uuid,
        purpose -> Text,
        person_id -> Nullable<Uuid>,
        account_key -> Bytea,
        address_key -> Bytea,
        requested_at -> Timestamptz,
        answered_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.oauth_attempts (id) {
        id -> Uuid,
        state_hash -> Bytea,
        browser_hash -> Bytea,
        provider -> Text,
        redirect_uri -> Text,
        role -> Nullable<Text>,
        code_challenge -> Nullable<Bytea>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.oauth_tickets (id) {
        id -> Uuid,
        kind -> Text,
        token_hash -> Bytea,
        sealed_identity -> Bytea,
        code_challenge -> Nullable<Bytea>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.people (id) {
        id -> Uuid,
        role -> Text,
        email -> Text,
        email_canonical -> Text,
        email_verified_at -> Nullable<Timestamptz>,
        password_hash -> Nullable<Text>,
        pepper_id -> Nullable<Text>,
        full_name -> Nullable<Text>,
        phone -> Nullable<Text>,
        time_zone -> Text,
        latitude -> Nullable<Float8>,
        longitude -> Nullable<Float8>,
        suspended_at -> Nullable<Timestamptz>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        password_set_at -> Timestamptz,
        second_factor_at -> Nullable<Timestamptz>,
        words -> Array<Text>,
        name_key -> Text,
        erased_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.recovery_codes (person_id, code_hash) {
        person_id -> Uuid,
        code_hash -> Bytea,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.refresh_tokens (token_hash) {
        token_hash -> Bytea,
        session_id -> Uuid,
        counter -> Int4,
        spent_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.second_factors (person_id) {
        person_id -> Uuid,
        sealed_secret -> Bytea,
        created_at -> Timestamptz,
        last_step -> Int8,
    }
}

diesel::table! {
    identity.sessions (id) {
        id -> Uuid,
        person_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<Text>,
        device -> Nullable<Text>,
        network -> Nullable<Text>,
        last_used_at -> Timestamptz,
        stepped_up_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.sign_in_challenges (token_hash) {
        token_hash -> Bytea,
        person_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    identity.sign_in_failures (id) {
        id -> Uuid,
        account_key -> Bytea,
        address_key -> Bytea,
        failed_at -> Timestamptz,
    }
}

diesel::table! {
    identity.signing_keys (kid) {
        kid -> Text,
        wrapped_key -> Bytea,
        master_key_id -> Text,
        created_at -> Timestamptz,
        signs_from -> Timestamptz,
        refused_from -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    identity.suspensions (id) {
        id -> Uuid,
        person_id -> Uuid,
        suspended_at -> Timestamptz,
        suspended_by -> Nullable<Uuid>,
        reason -> Nullable<Text>,
        reinstated_at -> Nullable<Timestamptz>,
        reinstated_by -> Nullable<Uuid>,
        reinstate_reason -> Nullable<Text>,
    }
}

diesel::table! {
    identity.verification_documents (file_id) {
        file_id -> Uuid,
        verification_id -> Uuid,
        added_at -> Timestamptz,
    }
}

diesel::table! {
    identity.verifications (id) {
        id -> Uuid,
        contractor_id -> Uuid,
        state -> Text,
        submitted_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
        decided_by -> Nullable<Uuid>,
        note -> Nullable<Text>,
        reason -> Nullable<Text>,
        valid_until -> Nullable<Timestamptz>,
        version -> Int4,
        expired_at -> Nullable<Timestamptz>,
        watched_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(contractor_profiles -> people (person_id));

diesel::joinable!(credentials -> verifications (verification_id));

diesel::joinable!(email_changes -> people (person_id));

diesel::joinable!(exports -> people (person_id));

diesel::joinable!(external_identities -> people (person_id));

diesel::joinable!(known_addresses -> people (person_id));

diesel::joinable!(link_tokens -> people (person_id));

diesel::joinable!(recovery_codes -> second_factors (person_id));

diesel::joinable!(refresh_tokens -> sessions (session_id));

diesel::joinable!(second_factors -> people (person_id));

diesel::joinable!(sessions -> people (person_id));

diesel::joinable!(sign_in_challenges -> people (person_id));

diesel::joinable!(verification_documents -> verifications (verification_id));

diesel::allow_tables_to_appear_in_same_query! {
    contractor_profiles,
    credentials,
    data_keys,
    email_changes,
    exports,
    external_identities,
    known_addresses,
    link_tokens,
    mail_requests,
    oauth_attempts,
    oauth_tickets,
    people,
    recovery_codes,
    refresh_tokens,
    second_factors,
    sessions,
    sign_in_challenges,
    sign_in_failures,
    signing_keys,
    suspensions,
    verification_documents,
    verifications,
}
