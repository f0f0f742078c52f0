// Generated from the catalogue of schema `marketplace`; BLESS=1 with the schema test writes it anew. Not for editing.

diesel::table! {
    marketplace.attachment_files (file_id) {
        file_id -> Uuid,
        attachment_id -> Uuid,
        size -> Text,
        width -> Nullable<Int4>,
        height -> Nullable<Int4>,
    }
}

diesel::table! {
    marketplace.attachments (id) {
        id -> Uuid,
        job_id -> Nullable<Uuid>,
        bid_id -> Nullable<Uuid>,
        kind -> Text,
        added_at -> Timestamptz,
    }
}

diesel::table! {
    marketplace.bid_revisions (bid_id, revision) {
        bid_id -> Uuid,
        revision -> Int4,
        amount -> Int8,
        lines -> Jsonb,
        milestones -> Jsonb,
        terms -> Nullable<Text>,
        start_date -> Nullable<Date>,
        duration_days -> Nullable<Int4>,
        submitted_at -> Timestamptz,
        canonical -> Text,
        salt -> Text,
        receipt -> Text,
        valid_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    marketplace.bids (id) {
        id -> Uuid,
        job_id -> Uuid,
        contractor_id -> Uuid,
        status -> Text,
        revision -> Int4,
        amount -> Int8,
        currency -> Text,
        submitted_at -> Timestamptz,
        reason -> Nullable<Text>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    marketplace.directory (party_id) {
        party_id -> Uuid,
        listed -> Bool,
        display_name -> Text,
        headline -> Nullable<Text>,
        trades -> Array<Text>,
        skills -> Array<Text>,
        public_latitude -> Nullable<Float8>,
        public_longitude -> Nullable<Float8>,
        service_radius_km -> Nullable<Int4>,
        member_since -> Timestamptz,
        reviews -> Int4,
        rating_mean -> Nullable<Int4>,
        rating_rank -> Int4,
        checked_at -> Nullable<Timestamptz>,
        valid_until -> Nullable<Timestamptz>,
        checked -> Jsonb,
        named -> Text,
        told -> Text,
    }
}

diesel::table! {
    marketplace.dismissals (contractor_id, job_id) {
        contractor_id -> Uuid,
        job_id -> Uuid,
        dismissed_at -> Timestamptz,
    }
}

diesel::table! {
    marketplace.job_addresses (job_id) {
        job_id -> Uuid,
        street -> Text,
        unit -> Nullable<Text>,
        city -> Text,
        region -> Nullable<Text>,
        postal_code -> Nullable<Text>,
        country -> Text,
        latitude -> Nullable<Float8>,
        longitude -> Nullable<Float8>,
    }
}

diesel::table! {
    marketplace.job_field_changes (job_id, field) {
        job_id -> Uuid,
        field -> Text,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    marketplace.job_view_totals (job_id) {
        job_id -> Uuid,
        views -> Int8,
    }
}

diesel::table! {
    marketplace.job_views (job_id, day, viewer) {
        job_id -> Uuid,
        day -> Date,
        viewer -> Bytea,
        network -> Bytea,
        viewed_at -> Timestamptz,
    }
}

diesel::table! {
    marketplace.jobs (id) {
        id -> Uuid,
        homeowner_id -> Uuid,
        contractor_id -> Nullable<Uuid>,
        status -> Text,
        title -> Text,
        description -> Text,
        category -> Text,
        skills -> Array<Text>,
        city -> Text,
        region -> Nullable<Text>,
        country -> Text,
        public_latitude -> Nullable<Float8>,
        public_longitude -> Nullable<Float8>,
        budget_min -> Nullable<Int8>,
        budget_max -> Nullable<Int8>,
        currency -> Text,
        urgency -> Text,
        wanted_start -> Nullable<Date>,
        bidding_deadline -> Nullable<Timestamptz>,
        accept_until -> Nullable<Timestamptz>,
        reveal -> Text,
        published_at -> Nullable<Timestamptz>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        cell -> Nullable<Int4>,
        meanings -> Array<Text>,
    }
}

diesel::table! {
    marketplace.market_facts (job_id) {
        job_id -> Uuid,
        trade -> Text,
        country -> Text,
        region -> Nullable<Text>,
        currency -> Text,
        latitude -> Nullable<Float8>,
        longitude -> Nullable<Float8>,
        homeowner_id -> Uuid,
        posted_month -> Date,
        contractor_id -> Nullable<Uuid>,
        amount -> Nullable<Int8>,
        awarded_month -> Nullable<Date>,
    }
}

diesel::table! {
    marketplace.market_figures (id) {
        id -> Uuid,
        month -> Date,
        country -> Text,
        region -> Nullable<Text>,
        trade -> Text,
        currency -> Text,
        jobs -> Nullable<Int4>,
        homeowners -> Nullable<Int4>,
        contractors -> Nullable<Int4>,
        priced_jobs -> Nullable<Int4>,
        priced_people -> Nullable<Int4>,
        p10 -> Nullable<Int8>,
        p25 -> Nullable<Int8>,
        median -> Nullable<Int8>,
        p75 -> Nullable<Int8>,
        p90 -> Nullable<Int8>,
    }
}

diesel::table! {
    marketplace.market_months (month) {
        month -> Date,
        published_at -> Timestamptz,
    }
}

diesel::table! {
    marketplace.meanings (only_row) {
        only_row -> Bool,
        fingerprint -> Text,
    }
}

diesel::table! {
    marketplace.performance (contractor_id, measure) {
        contractor_id -> Uuid,
        measure -> Text,
        things -> Int4,
        good -> Int4,
        median_seconds -> Nullable<Int8>,
        public_things -> Int4,
        public_good -> Int4,
        public_median_seconds -> Nullable<Int8>,
    }
}

diesel::table! {
    marketplace.performance_facts (contractor_id, measure, thing_id) {
        contractor_id -> Uuid,
        measure -> Text,
        thing_id -> Uuid,
        job_id -> Uuid,
        homeowner_id -> Uuid,
        good -> Nullable<Bool>,
        seconds -> Nullable<Int8>,
        released -> Bool,
    }
}

diesel::table! {
    marketplace.ratings (subject_id) {
        subject_id -> Uuid,
        reviews -> Int4,
        rating_sum -> Int8,
        quality_sum -> Int8,
        timeliness_sum -> Int8,
        communication_sum -> Int8,
    }
}

diesel::table! {
    marketplace.review_decisions (id) {
        id -> Uuid,
        review_id -> Uuid,
        decided_by -> Uuid,
        outcome -> Text,
        reason -> Text,
        reports -> Int4,
        decided_at -> Timestamptz,
    }
}

diesel::table! {
    marketplace.review_reports (id) {
        id -> Uuid,
        review_id -> Uuid,
        reporter_id -> Uuid,
        reason -> Text,
        note -> Nullable<Text>,
        created_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    marketplace.review_windows (contract_id) {
        contract_id -> Uuid,
        job_id -> Uuid,
        homeowner_id -> Uuid,
        contractor_id -> Uuid,
        ended_at -> Timestamptz,
    }
}

diesel::table! {
    marketplace.reviews (id) {
        id -> Uuid,
        contract_id -> Uuid,
        job_id -> Uuid,
        author_id -> Uuid,
        author_role -> Text,
        subject_id -> Uuid,
        rating -> Int2,
        quality -> Int2,
        timeliness -> Int2,
        communication -> Int2,
        body -> Nullable<Text>,
        status -> Text,
        created_at -> Timestamptz,
        published_at -> Nullable<Timestamptz>,
        version -> Int4,
        edited_at -> Nullable<Timestamptz>,
        reply -> Nullable<Text>,
        replied_at -> Nullable<Timestamptz>,
        removed_at -> Nullable<Timestamptz>,
        open_reports -> Int4,
        reported_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    marketplace.trending (job_id) {
        job_id -> Uuid,
        category -> Text,
        published_at -> Timestamptz,
        heat -> Float8,
        looks -> Int4,
        looked_at -> Timestamptz,
        refreshed_at -> Timestamptz,
        cell -> Nullable<Int4>,
    }
}

diesel::table! {
    marketplace.view_salts (day) {
        day -> Date,
        salt -> Bytea,
    }
}

diesel::table! {
    marketplace.words (word) {
        word -> Text,
        share -> Float8,
    }
}

diesel::joinable!(attachment_files -> attachments (attachment_id));

diesel::joinable!(attachments -> bids (bid_id));

diesel::joinable!(attachments -> jobs (job_id));

diesel::joinable!(bid_revisions -> bids (bid_id));

diesel::joinable!(bids -> jobs (job_id));

diesel::joinable!(dismissals -> jobs (job_id));

diesel::joinable!(job_addresses -> jobs (job_id));

diesel::joinable!(job_field_changes -> jobs (job_id));

diesel::joinable!(job_view_totals -> jobs (job_id));

diesel::joinable!(job_views -> jobs (job_id));

diesel::joinable!(market_facts -> jobs (job_id));

diesel::joinable!(market_figures -> market_months (month));

diesel::joinable!(review_decisions -> reviews (review_id));

diesel::joinable!(review_reports -> reviews (review_id));

diesel::joinable!(review_windows -> jobs (job_id));

diesel::joinable!(reviews -> jobs (job_id));

diesel::joinable!(reviews -> review_windows (contract_id));

diesel::joinable!(trending -> jobs (job_id));

diesel::allow_tables_to_appear_in_same_query! {
    attachment_files,
    attachments,
    bid_revisions,
    bids,
    directory,
    dismissals,
    job_addresses,
    job_field_changes,
    job_view_totals,
    job_views,
    jobs,
    market_facts,
    market_figures,
    market_months,
    meanings,
    performance,
    performance_facts,
    ratings,
    review_decisions,
    review_reports,
    review_windows,
    reviews,
    trending,
    view_salts,
    words,
}
