CREATE SCHEMA contracts;

-- One row a contract: who, how much, under which terms, and how far it has come. What the two signed is in documents.
CREATE TABLE contracts.contracts (
    id uuid PRIMARY KEY,
    job_id uuid NOT NULL REFERENCES marketplace.jobs (id),
    bid_id uuid NOT NULL REFERENCES marketplace.bids (id),
    homeowner_id uuid NOT NULL,
    contractor_id uuid NOT NULL,
    -- The job's title; erasable, the wording that counts is in the sealed document.
    title text NOT NULL,
    price bigint NOT NULL CONSTRAINT contracts_price_positive CHECK (price > 0),
    currency text NOT NULL CONSTRAINT contracts_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
    status text NOT NULL CONSTRAINT contracts_status_known
        CHECK (status IN ('PENDING_SIGNATURES', 'ACTIVE', 'COMPLETED', 'TERMINATED')),
    -- The terms, copied, so that later changes of the settings leave this contract alone.
    rules_version smallint NOT NULL,
    fee_basis_points integer NOT NULL CONSTRAINT contracts_fee_range CHECK (fee_basis_points BETWEEN 0 AND 10000),
    inspection_days smallint NOT NULL CONSTRAINT contracts_inspection_range CHECK (inspection_days BETWEEN 1 AND 30),
    auto_release_hours smallint NOT NULL CONSTRAINT contracts_auto_release_range CHECK (auto_release_hours BETWEEN 0 AND 720),
    -- What the document says beside the milestones (names, place, wording of job and bid), encrypted.
    particulars bytea NOT NULL,
    -- The text that is to be signed, or was.
    document_version integer NOT NULL,
    version integer NOT NULL DEFAULT 1,
    sign_by timestamptz NOT NULL,
    activated_at timestamptz,
    work_started_at timestamptz,
    completed_at timestamptz,
    terminated_at timestamptz,
    termination_reason text CONSTRAINT contracts_termination_known CHECK (termination_reason IN ('unsigned')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT one_contract_per_job UNIQUE (job_id),
    CONSTRAINT one_contract_per_bid UNIQUE (bid_id),
    CONSTRAINT contracts_two_parties CHECK (homeowner_id <> contractor_id),
    CONSTRAINT contracts_active_is_signed CHECK (status NOT IN ('ACTIVE', 'COMPLETED') OR activated_at IS NOT NULL),
    CONSTRAINT contracts_completed_has_instant CHECK ((status = 'COMPLETED') = (completed_at IS NOT NULL)),
    CONSTRAINT contracts_terminated_has_reason
        CHECK ((status = 'TERMINATED') = (terminated_at IS NOT NULL AND termination_reason IS NOT NULL))
);
CREATE INDEX contracts_of_homeowner ON contracts.contracts (homeowner_id, created_at DESC, id DESC);
CREATE INDEX contracts_of_contractor ON contracts.contracts (contractor_id, created_at DESC, id DESC);
CREATE INDEX contracts_newest ON contracts.contracts (created_at DESC, id DESC);

-- Every text that ever was there to be signed, encrypted; its hash is in the clear, for it is what a party names when signing.
CREATE TABLE contracts.documents (
    contract_id uuid NOT NULL REFERENCES contracts.contracts (id),
    version integer NOT NULL CONSTRAINT documents_version_positive CHECK (version > 0),
    sha256 text NOT NULL CONSTRAINT documents_sha256_form CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    sealed_text bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, version)
);

-- A signature is voided when the text changes, never removed.
CREATE TABLE contracts.signatures (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES contracts.contracts (id),
    party_id uuid NOT NULL,
    document_version integer NOT NULL,
    document_sha256 text NOT NULL CONSTRAINT signatures_sha256_form CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
    -- From where it was given, encrypted and kept as long as the document.
    sealed_evidence bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    voided_at timestamptz,
    FOREIGN KEY (contract_id, document_version) REFERENCES contracts.documents (contract_id, version)
);
CREATE UNIQUE INDEX one_live_signature_per_party ON contracts.signatures (contract_id, party_id) WHERE voided_at IS NULL;
CREATE INDEX signatures_of_document ON contracts.signatures (contract_id, document_version);

CREATE TABLE contracts.milestones (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES contracts.contracts (id),
    ordinal integer NOT NULL CONSTRAINT milestones_ordinal_positive CHECK (ordinal > 0),
    title text NOT NULL,
    description text,
    deliverables jsonb NOT NULL CONSTRAINT milestones_deliverables_list CHECK (jsonb_typeof(deliverables) = 'array'),
    amount bigint NOT NULL CONSTRAINT milestones_amount_positive CHECK (amount > 0),
    status text NOT NULL CONSTRAINT milestones_status_known CHECK (status IN (
        'PENDING', 'FUNDED', 'IN_PROGRESS', 'SUBMITTED', 'CHANGES_REQUESTED', 'APPROVED', 'RELEASED', 'CANCELLED')),
    start_date date,
    due_date date NOT NULL,
    -- How often it was submitted; the number of the submission that is under inspection. Scheduled tasks carry it, so that
    -- one of an earlier submission does nothing.
    submission integer NOT NULL DEFAULT 0 CONSTRAINT milestones_submission_range CHECK (submission >= 0),
    inspection_ends_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    funded_at timestamptz,
    started_at timestamptz,
    approved_at timestamptz,
    released_at timestamptz,
    -- Who asked for the release; none when the service did it by itself.
    released_by uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT one_milestone_per_place UNIQUE (contract_id, ordinal),
    CONSTRAINT milestones_dates_in_order CHECK (start_date IS NULL OR start_date <= due_date),
    CONSTRAINT milestones_inspected_while_submitted CHECK ((status = 'SUBMITTED') = (inspection_ends_at IS NOT NULL)),
    CONSTRAINT milestones_released_has_instant CHECK ((status = 'RELEASED') = (released_at IS NOT NULL))
);

-- What was submitted when, and what came of it.
CREATE TABLE contracts.submissions (
    milestone_id uuid NOT NULL REFERENCES contracts.milestones (id),
    number integer NOT NULL CONSTRAINT submissions_number_positive CHECK (number > 0),
    submitted_at timestamptz NOT NULL,
    inspection_ends_at timestamptz NOT NULL,
    outcome text CONSTRAINT submissions_outcome_known
        CHECK (outcome IN ('APPROVED', 'APPROVED_BY_SILENCE', 'CHANGES_REQUESTED')),
    -- Why changes were asked for, in the homeowner's words.
    reason text,
    decided_at timestamptz,
    PRIMARY KEY (milestone_id, number),
    CONSTRAINT submissions_decided_whole CHECK ((outcome IS NULL) = (decided_at IS NULL)),
    CONSTRAINT submissions_reason_of_changes CHECK (reason IS NULL OR outcome = 'CHANGES_REQUESTED')
);

-- A contract's milestones sum to its price. Checked at COMMIT, so that a transaction may shift amounts in several steps;
-- the contract's row is locked for it, or two transactions could each be right by what they see and wrong together.
CREATE FUNCTION contracts.check_milestones_sum() RETURNS trigger LANGUAGE plpgsql SET search_path = contracts, pg_temp AS $$
DECLARE
    touched uuid[];
    one uuid;
    agreed bigint;
    summed numeric;
BEGIN
    -- A branch each, because plpgsql resolves the fields of NEW for a whole expression at once.
    IF TG_TABLE_NAME = 'contracts' THEN
        touched := ARRAY[NEW.id];
    ELSIF TG_OP = 'INSERT' THEN
        touched := ARRAY[NEW.contract_id];
    ELSIF TG_OP = 'DELETE' THEN
        touched := ARRAY[OLD.contract_id];
    ELSE
        touched := ARRAY[OLD.contract_id, NEW.contract_id];
    END IF;
    FOREACH one IN ARRAY touched LOOP
        SELECT price INTO agreed FROM contracts.contracts WHERE id = one FOR NO KEY UPDATE;
        IF FOUND THEN
            SELECT coalesce(sum(amount), 0) INTO summed FROM contracts.milestones WHERE contract_id = one;
            IF summed <> agreed THEN
                RAISE EXCEPTION 'the milestones of contract % sum to %, its price is %', one, summed, agreed
                    USING ERRCODE = '23514', CONSTRAINT = 'milestones_sum_to_price', SCHEMA = 'contracts', TABLE = 'milestones';
            END IF;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER milestones_sum_to_price AFTER INSERT OR DELETE OR UPDATE OF amount, contract_id ON contracts.milestones
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION contracts.check_milestones_sum();
CREATE CONSTRAINT TRIGGER price_is_sum_of_milestones AFTER INSERT OR UPDATE OF price ON contracts.contracts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION contracts.check_milestones_sum();

-- What was there to be signed stays as it was.
CREATE FUNCTION contracts.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are kept as they are', TG_TABLE_NAME
        USING ERRCODE = '23514', CONSTRAINT = TG_TABLE_NAME || '_are_kept', SCHEMA = 'contracts', TABLE = TG_TABLE_NAME;
END
$$;
CREATE TRIGGER documents_are_kept BEFORE UPDATE OR DELETE ON contracts.documents
    FOR EACH ROW EXECUTE FUNCTION contracts.refuse_change();
-- A signature can be voided, once, and nothing else.
CREATE TRIGGER signatures_are_kept BEFORE DELETE OR UPDATE OF id, contract_id, party_id, document_version, document_sha256,
    sealed_evidence, signed_at ON contracts.signatures FOR EACH ROW EXECUTE FUNCTION contracts.refuse_change();
CREATE TRIGGER signatures_stay_voided BEFORE UPDATE OF voided_at ON contracts.signatures
    FOR EACH ROW WHEN (OLD.voided_at IS NOT NULL) EXECUTE FUNCTION contracts.refuse_change();

SELECT app.grant_runtime('contracts');
