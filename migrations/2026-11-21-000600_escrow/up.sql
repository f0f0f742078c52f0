-- The ledger, and what stands on it: escrow accounts, payments, releases, payouts.
--
-- Ledger rows (accounts, transactions, entries, balances, snapshots) come to be through escrow.post() and
-- escrow.take_snapshots() only. Both run as the ledger role, which cannot log in; the runtime role may call them and
-- may read, nothing else. Every refusal carries SQLSTATE 23514 or 23505 and a constraint's name.

CREATE SCHEMA escrow;

-- ── The ledger ──────────────────────────────────────────────────────────────────────────────────────────────────

-- One account for each kind, currency and subject: the milestone of a held account, the contractor of a payable or a
-- debt; the house's own accounts have the nil UUID, so that the key is an ordinary unique index.
CREATE TABLE escrow.accounts (
    id          uuid        PRIMARY KEY,
    kind        text        NOT NULL CONSTRAINT account_kind CHECK (kind IN (
        'CARD_CLEARING', 'HELD', 'CONTRACTOR_PAYABLE', 'CONTRACTOR_DEBT',
        'PLATFORM_FEE', 'PROCESSOR_FEE', 'REFUND_CLEARING', 'DISPUTE_CLEARING')),
    currency    text        NOT NULL CONSTRAINT account_currency CHECK (currency ~ '^[A-Z]{3}$'),
    subject_id  uuid        NOT NULL,
    contract_id uuid,
    created_at  timestamptz NOT NULL,
    CONSTRAINT account_subject CHECK (
        (kind IN ('HELD', 'CONTRACTOR_PAYABLE', 'CONTRACTOR_DEBT'))
        = (subject_id <> '00000000-0000-0000-0000-000000000000')),
    CONSTRAINT account_contract CHECK ((kind = 'HELD') = (contract_id IS NOT NULL)),
    CONSTRAINT accounts_natural_key UNIQUE (kind, currency, subject_id),
    CONSTRAINT accounts_currency_key UNIQUE (id, currency)
);
CREATE INDEX accounts_contract ON escrow.accounts (contract_id) WHERE contract_id IS NOT NULL;

-- The header says how many entries follow and in which currency; the entries repeat both in their foreign key. So a
-- transaction is of one currency and closed: nothing can be added to it later.
CREATE TABLE escrow.transactions (
    id           uuid        PRIMARY KEY,
    kind         text        NOT NULL CONSTRAINT transaction_kind CHECK (kind IN (
        'DEPOSIT', 'RELEASE', 'PAYOUT', 'REFUND', 'CORRECTION')),
    business_key text        NOT NULL CONSTRAINT transaction_business_key_length
        CHECK (length(business_key) BETWEEN 3 AND 120),
    currency     text        NOT NULL,
    entry_count  smallint    NOT NULL CONSTRAINT transaction_entry_count CHECK (entry_count BETWEEN 2 AND 200),
    contract_id  uuid,
    corrects     uuid        REFERENCES escrow.transactions (id),
    request_id   text        NOT NULL CONSTRAINT transaction_request_id_length CHECK (length(request_id) <= 200),
    created_at   timestamptz NOT NULL,
    CONSTRAINT transactions_business_key UNIQUE (business_key),
    CONSTRAINT transactions_closed_key UNIQUE (id, currency, entry_count),
    CONSTRAINT transaction_corrects CHECK ((kind = 'CORRECTION') = (corrects IS NOT NULL))
);
CREATE INDEX transactions_contract ON escrow.transactions (contract_id) WHERE contract_id IS NOT NULL;
CREATE INDEX transactions_corrects ON escrow.transactions (corrects) WHERE corrects IS NOT NULL;

-- Credits are positive, debits negative.
CREATE TABLE escrow.entries (
    id             bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid     NOT NULL,
    ordinal        smallint NOT NULL,
    entry_count    smallint NOT NULL,
    account_id     uuid     NOT NULL,
    currency       text     NOT NULL,
    -- The bound is the largest whole number that JSON readers keep exact.
    amount         bigint   NOT NULL CONSTRAINT entry_amount
        CHECK (amount <> 0 AND amount BETWEEN -9007199254740991 AND 9007199254740991),
    CONSTRAINT entry_ordinal CHECK (ordinal BETWEEN 1 AND entry_count),
    CONSTRAINT entries_place UNIQUE (transaction_id, currency, entry_count, ordinal),
    CONSTRAINT entries_transaction FOREIGN KEY (transaction_id, currency, entry_count)
        REFERENCES escrow.transactions (id, currency, entry_count),
    CONSTRAINT entries_account FOREIGN KEY (account_id, currency) REFERENCES escrow.accounts (id, currency)
);
CREATE INDEX entries_account_order ON escrow.entries (account_id, currency, id);

-- Only accounts with a floor have a balance row; it is locked to post, and its side is the account's natural one: what
-- is owed for held and payable, what is owed to us for debt.
CREATE TABLE escrow.balances (
    account_id uuid   PRIMARY KEY REFERENCES escrow.accounts (id),
    balance    bigint NOT NULL CONSTRAINT balance_not_below_zero CHECK (balance >= 0)
) WITH (fillfactor = 70);

-- For the others: the sum of an account's entries up to an entry. The balance now is the last snapshot plus what follows.
CREATE TABLE escrow.snapshots (
    account_id uuid        NOT NULL REFERENCES escrow.accounts (id),
    upto_entry bigint      NOT NULL,
    balance    bigint      NOT NULL,
    taken_at   timestamptz NOT NULL,
    PRIMARY KEY (account_id, upto_entry)
);

-- Whether an account has a floor, and with that a balance row.
CREATE FUNCTION escrow.has_floor(kind text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN kind IN ('HELD', 'CONTRACTOR_PAYABLE', 'CONTRACTOR_DEBT');

-- The side that an account's balance is told on: 1 for what we owe or earned, -1 for what we own or spent.
CREATE FUNCTION escrow.natural_side(kind text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN kind IN ('CARD_CLEARING', 'CONTRACTOR_DEBT', 'PROCESSOR_FEE') THEN -1 ELSE 1 END;

CREATE FUNCTION escrow.refuse_change() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = escrow, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the ledger is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = '23514', CONSTRAINT = 'append_only', TABLE = TG_TABLE_NAME, SCHEMA = 'escrow';
END $$;

CREATE FUNCTION escrow.open_balance() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = escrow, pg_temp AS $$
BEGIN
    INSERT INTO balances (account_id, balance) VALUES (NEW.id, 0);
    RETURN NULL;
END $$;

CREATE FUNCTION escrow.move_balances() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = escrow, pg_temp AS $$
BEGIN
    UPDATE balances b SET balance = b.balance + moved.delta
    FROM (
        SELECT n.account_id, (sum(n.amount) * natural_side(a.kind))::bigint AS delta
        FROM new_entries n JOIN accounts a ON a.id = n.account_id
        WHERE has_floor(a.kind)
        GROUP BY n.account_id, a.kind
    ) moved
    WHERE b.account_id = moved.account_id;
    RETURN NULL;
END $$;

-- At COMMIT: as many entries as the header says, and nothing left over.
CREATE FUNCTION escrow.check_transaction() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = escrow, pg_temp AS $$
DECLARE
    found_count bigint;
    found_sum   numeric;
BEGIN
    SELECT count(*), coalesce(sum(e.amount), 0) INTO found_count, found_sum
    FROM entries e WHERE e.transaction_id = NEW.id;
    IF found_sum <> 0 THEN
        RAISE EXCEPTION 'transaction % is not balanced: % is left over', NEW.id, found_sum
            USING ERRCODE = '23514', CONSTRAINT = 'transaction_balanced', TABLE = 'transactions', SCHEMA = 'escrow';
    END IF;
    IF found_count <> NEW.entry_count THEN
        RAISE EXCEPTION 'transaction % says % entries and has %', NEW.id, NEW.entry_count, found_count
            USING ERRCODE = '23514', CONSTRAINT = 'transaction_complete', TABLE = 'transactions', SCHEMA = 'escrow';
    END IF;
    RETURN NULL;
END $$;

-- Posts one decided transfer. What is decided (who gets how much, and whether) was decided by the caller's rules; here
-- the accounts are found or opened, the floored ones locked in the order of their ids, everything checked, then written.
-- The arrays hold one entry per place: the account by kind, currency and subject, an id for it should it be new, and the
-- amount, a credit positive.
CREATE FUNCTION escrow.post(
    transaction_id uuid, transaction_kind text, key text, contract uuid, corrected uuid, request text,
    new_account_ids uuid[], account_kinds text[], account_currencies text[], account_subjects uuid[], amounts bigint[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = escrow, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    places      integer := coalesce(cardinality(amounts), 0);
    accounts_of uuid[];
    short       record;
    posted_at   timestamptz := app.clock();
BEGIN
    IF places NOT BETWEEN 2 AND 200
        OR cardinality(new_account_ids) IS DISTINCT FROM places OR cardinality(account_kinds) IS DISTINCT FROM places
        OR cardinality(account_currencies) IS DISTINCT FROM places
        OR cardinality(account_subjects) IS DISTINCT FROM places
        OR array_position(amounts, NULL) IS NOT NULL OR array_position(account_kinds, NULL) IS NOT NULL
        OR array_position(account_currencies, NULL) IS NOT NULL
        OR array_position(account_subjects, NULL) IS NOT NULL
    THEN
        RAISE EXCEPTION 'entries need an account, a currency and an amount each, 2 to 200 of them'
            USING ERRCODE = '23514', CONSTRAINT = 'entries_shape', TABLE = 'entries', SCHEMA = 'escrow';
    END IF;
    IF EXISTS (SELECT 1 FROM unnest(account_currencies) c WHERE c <> account_currencies[1]) THEN
        RAISE EXCEPTION 'one transaction is of one currency'
            USING ERRCODE = '23514', CONSTRAINT = 'one_currency', TABLE = 'entries', SCHEMA = 'escrow';
    END IF;
    IF (SELECT sum(a) FROM unnest(amounts) a) <> 0 THEN
        RAISE EXCEPTION 'transaction % is not balanced', transaction_id
            USING ERRCODE = '23514', CONSTRAINT = 'transaction_balanced', TABLE = 'transactions', SCHEMA = 'escrow';
    END IF;

    -- First of all the business key: what is already done is told as done, not as a lack of money.
    INSERT INTO transactions (id, kind, business_key, currency, entry_count, contract_id, corrects, request_id, created_at)
    VALUES (transaction_id, transaction_kind, key, account_currencies[1], places, contract, corrected, request, posted_at);

    LOOP
        SELECT array_agg(a.id ORDER BY e.place) INTO accounts_of
        FROM unnest(account_kinds, account_currencies, account_subjects) WITH ORDINALITY
             AS e (kind, currency, subject, place)
        JOIN accounts a ON a.kind = e.kind AND a.currency = e.currency AND a.subject_id = e.subject;
        EXIT WHEN coalesce(cardinality(accounts_of), 0) = places;
        -- A concurrent opener may win: its row is read in the next round, after it committed.
        INSERT INTO accounts (id, kind, currency, subject_id, contract_id, created_at)
        SELECT e.id, e.kind, e.currency, e.subject, CASE WHEN e.kind = 'HELD' THEN contract END, posted_at
        FROM unnest(new_account_ids, account_kinds, account_currencies, account_subjects)
             AS e (id, kind, currency, subject)
        ORDER BY e.kind, e.subject
        ON CONFLICT ON CONSTRAINT accounts_natural_key DO NOTHING;
    END LOOP;

    IF EXISTS (
        SELECT 1 FROM accounts a
        WHERE a.id = ANY (accounts_of) AND a.kind = 'HELD' AND a.contract_id IS DISTINCT FROM contract
    ) THEN
        RAISE EXCEPTION 'held money moves only under its own contract'
            USING ERRCODE = '23514', CONSTRAINT = 'held_of_contract', TABLE = 'accounts', SCHEMA = 'escrow';
    END IF;

    PERFORM 1 FROM balances b WHERE b.account_id = ANY (accounts_of) ORDER BY b.account_id FOR UPDATE;
    SELECT a.kind, b.balance, moved.delta INTO short
    FROM (
        SELECT e.account_id, sum(e.amount) AS delta
        FROM unnest(accounts_of, amounts) AS e (account_id, amount) GROUP BY e.account_id
    ) moved
    JOIN accounts a ON a.id = moved.account_id
    JOIN balances b ON b.account_id = a.id
    WHERE b.balance + moved.delta * natural_side(a.kind) < 0
    ORDER BY a.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% has % and would be moved by %', short.kind, short.balance, short.delta
            USING ERRCODE = '23514', TABLE = 'balances', SCHEMA = 'escrow',
                  CONSTRAINT = lower(short.kind) || '_not_below_zero';
    END IF;

    INSERT INTO entries (transaction_id, ordinal, entry_count, account_id, currency, amount)
    SELECT transaction_id, e.place, places, e.account_id, account_currencies[1], e.amount
    FROM unnest(accounts_of, amounts) WITH ORDINALITY AS e (account_id, amount, place);
END $$;

-- Takes a snapshot of every account without a balance row that has entries since its last one, up to an entry below
-- which nothing can still appear: `horizon` is the next transaction id as it was when `upto` was read, and all older
-- transactions have ended. Answers how many were taken, or none (NULL) while one of them still runs.
CREATE FUNCTION escrow.take_snapshots(upto bigint, horizon xid8) RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = escrow, pg_temp AS $$
DECLARE
    taken bigint;
BEGIN
    IF pg_snapshot_xmin(pg_current_snapshot()) < horizon THEN
        RETURN NULL;
    END IF;
    INSERT INTO snapshots (account_id, upto_entry, balance, taken_at)
    SELECT a.id, take_snapshots.upto, coalesce(last.balance, 0) + since.amount, app.clock()
    FROM accounts a
    LEFT JOIN LATERAL (
        SELECT s.upto_entry, s.balance FROM snapshots s WHERE s.account_id = a.id ORDER BY s.upto_entry DESC LIMIT 1
    ) last ON true
    CROSS JOIN LATERAL (
        SELECT sum(e.amount)::bigint AS amount FROM entries e
        WHERE e.account_id = a.id AND e.currency = a.currency
            AND e.id > coalesce(last.upto_entry, 0) AND e.id <= take_snapshots.upto
    ) since
    WHERE NOT has_floor(a.kind) AND since.amount IS NOT NULL
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS taken = ROW_COUNT;
    RETURN taken;
END $$;

-- ── What stands on the ledger ───────────────────────────────────────────────────────────────────────────────────

CREATE TABLE escrow.escrows (
    id            uuid        PRIMARY KEY,
    contract_id   uuid        NOT NULL CONSTRAINT one_escrow_a_contract UNIQUE,
    job_id        uuid        NOT NULL,
    homeowner_id  uuid        NOT NULL,
    contractor_id uuid        NOT NULL,
    currency      text        NOT NULL CONSTRAINT escrow_currency CHECK (currency ~ '^[A-Z]{3}$'),
    status        text        NOT NULL CONSTRAINT escrow_status CHECK (status IN ('ACTIVE', 'CLOSED')),
    created_at    timestamptz NOT NULL,
    closed_at     timestamptz,
    CONSTRAINT escrow_closed CHECK ((status = 'CLOSED') = (closed_at IS NOT NULL))
);

CREATE TABLE escrow.release_schedule (
    id           uuid        PRIMARY KEY,
    escrow_id    uuid        NOT NULL REFERENCES escrow.escrows (id),
    milestone_id uuid        NOT NULL CONSTRAINT one_schedule_entry_a_milestone UNIQUE,
    ordinal      smallint    NOT NULL,
    amount       bigint      NOT NULL CONSTRAINT schedule_amount CHECK (amount > 0),
    due_date     date,
    status       text        NOT NULL CONSTRAINT schedule_status CHECK (status IN ('PENDING', 'RELEASED', 'CANCELLED')),
    CONSTRAINT schedule_place UNIQUE (escrow_id, ordinal)
);

CREATE TABLE escrow.payments (
    id                 uuid        PRIMARY KEY,
    escrow_id          uuid        NOT NULL REFERENCES escrow.escrows (id),
    amount             bigint      NOT NULL CONSTRAINT payment_amount CHECK (amount > 0),
    currency           text        NOT NULL,
    status             text        NOT NULL CONSTRAINT payment_status CHECK (status IN (
        'REQUIRES_CONFIRMATION', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'LAPSED')),
    provider           text        NOT NULL,
    provider_intent_id text        CONSTRAINT one_payment_an_intent UNIQUE,
    failure_code       text,
    processor_fee      bigint      NOT NULL DEFAULT 0 CONSTRAINT payment_processor_fee CHECK (processor_fee >= 0),
    funded_amount      bigint      NOT NULL DEFAULT 0,
    created_at         timestamptz NOT NULL,
    lapses_at          timestamptz NOT NULL,
    settled_at         timestamptz,
    CONSTRAINT payment_funded CHECK (funded_amount BETWEEN 0 AND amount),
    CONSTRAINT payment_settled CHECK ((status IN ('SUCCEEDED', 'FAILED', 'LAPSED')) = (settled_at IS NOT NULL))
);
CREATE INDEX payments_escrow ON escrow.payments (escrow_id, created_at);
CREATE INDEX payments_open ON escrow.payments (lapses_at) WHERE status IN ('REQUIRES_CONFIRMATION', 'PROCESSING');

-- What a payment is for. `open` while the payment can still succeed in time: one such a milestone.
CREATE TABLE escrow.payment_milestones (
    payment_id   uuid    NOT NULL REFERENCES escrow.payments (id),
    milestone_id uuid    NOT NULL,
    amount       bigint  NOT NULL CONSTRAINT payment_milestone_amount CHECK (amount > 0),
    open         boolean NOT NULL,
    funded       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (payment_id, milestone_id)
);
CREATE UNIQUE INDEX one_open_payment_a_milestone ON escrow.payment_milestones (milestone_id) WHERE open;
CREATE UNIQUE INDEX one_funding_a_milestone ON escrow.payment_milestones (milestone_id) WHERE funded;

-- What came in beyond what could be funded, on its way back to the payer.
CREATE TABLE escrow.refunds (
    id                 uuid        PRIMARY KEY,
    payment_id         uuid        NOT NULL CONSTRAINT one_surplus_refund_a_payment UNIQUE REFERENCES escrow.payments (id),
    amount             bigint      NOT NULL CONSTRAINT refund_amount CHECK (amount > 0),
    status             text        NOT NULL CONSTRAINT refund_status CHECK (status IN ('PENDING', 'DONE', 'FAILED')),
    provider_refund_id text,
    failure_code       text,
    created_at         timestamptz NOT NULL,
    settled_at         timestamptz
);

CREATE TABLE escrow.payouts (
    id                   uuid        PRIMARY KEY,
    escrow_id            uuid        NOT NULL REFERENCES escrow.escrows (id),
    contractor_id        uuid        NOT NULL,
    amount               bigint      NOT NULL CONSTRAINT payout_amount CHECK (amount > 0),
    currency             text        NOT NULL,
    status               text        NOT NULL CONSTRAINT payout_status CHECK (status IN (
        'PENDING', 'WAITING_ACCOUNT', 'PAID', 'FAILED')),
    provider_transfer_id text        CONSTRAINT one_payout_a_transfer UNIQUE,
    failure_code         text,
    created_at           timestamptz NOT NULL,
    settled_at           timestamptz
);
CREATE INDEX payouts_escrow ON escrow.payouts (escrow_id);
CREATE INDEX payouts_contractor ON escrow.payouts (contractor_id, created_at);
CREATE INDEX payouts_unpaid ON escrow.payouts (status, id) WHERE status <> 'PAID';

-- Part n of a milestone's release.
CREATE TABLE escrow.releases (
    milestone_id   uuid        NOT NULL,
    part           smallint    NOT NULL CONSTRAINT release_part CHECK (part > 0),
    escrow_id      uuid        NOT NULL REFERENCES escrow.escrows (id),
    transaction_id uuid        NOT NULL CONSTRAINT one_release_a_transaction UNIQUE REFERENCES escrow.transactions (id),
    payout_id      uuid        CONSTRAINT one_release_a_payout UNIQUE REFERENCES escrow.payouts (id),
    amount         bigint      NOT NULL CONSTRAINT release_amount CHECK (amount > 0),
    fee            bigint      NOT NULL CONSTRAINT release_fee CHECK (fee >= 0),
    netted         bigint      NOT NULL CONSTRAINT release_netted CHECK (netted >= 0),
    share          bigint      NOT NULL CONSTRAINT release_share CHECK (share >= 0),
    released_at    timestamptz NOT NULL,
    PRIMARY KEY (milestone_id, part),
    CONSTRAINT release_sum CHECK (fee + netted + share = amount)
);
CREATE INDEX releases_escrow ON escrow.releases (escrow_id);

-- What a provider told us of: which event, about which object. What happened is read back, so nothing else is kept.
CREATE TABLE escrow.provider_events (
    provider    text        NOT NULL,
    event_id    text        NOT NULL,
    kind        text        NOT NULL,
    object_id   text        NOT NULL,
    received_at timestamptz NOT NULL,
    handled_at  timestamptz,
    PRIMARY KEY (provider, event_id)
);

-- ── Who may ─────────────────────────────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE
    runtime text := nullif(current_setting('fairtrade.runtime_role', true), '');
    ledger  text := nullif(current_setting('fairtrade.ledger_role', true), '');
    name    text;
BEGIN
    IF runtime IS NULL OR ledger IS NULL THEN
        RAISE EXCEPTION 'fairtrade.runtime_role and fairtrade.ledger_role are not set: migrate with the fairtrade command';
    END IF;
    -- The trigger runs as whoever inserts, and inside post() that is the ledger role: even the owner of the tables goes
    -- through the function.
    EXECUTE format($f$
        CREATE FUNCTION escrow.only_by_function() RETURNS trigger LANGUAGE plpgsql
            SECURITY INVOKER SET search_path = escrow, pg_temp AS $body$
        BEGIN
            IF current_user <> %L THEN
                RAISE EXCEPTION '%% of %% past the posting function is refused', TG_OP, TG_TABLE_NAME
                    USING ERRCODE = '23514', CONSTRAINT = 'posted_by_function', TABLE = TG_TABLE_NAME, SCHEMA = 'escrow';
            END IF;
            RETURN NULL;
        END $body$
    $f$, ledger);

    EXECUTE format('GRANT USAGE ON SCHEMA app TO %I', ledger);
    EXECUTE format('GRANT EXECUTE ON FUNCTION app.clock() TO %I', ledger);
    EXECUTE format('GRANT SELECT ON app.clock_offset TO %I', ledger);
    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA escrow TO %I', ledger);
    EXECUTE format('GRANT SELECT, INSERT ON escrow.accounts, escrow.transactions, escrow.entries, escrow.balances,
                    escrow.snapshots TO %I', ledger);
    EXECUTE format('GRANT UPDATE ON escrow.balances TO %I', ledger);

    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA escrow FROM PUBLIC;
    EXECUTE format('GRANT EXECUTE ON FUNCTION escrow.only_by_function() TO %I', ledger);
    EXECUTE format('GRANT USAGE ON SCHEMA escrow TO %I', runtime);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA escrow TO %I', runtime);
    EXECUTE format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA escrow TO %I', runtime);
    EXECUTE format('GRANT INSERT, UPDATE ON escrow.escrows, escrow.release_schedule, escrow.payments,
                    escrow.payment_milestones, escrow.refunds, escrow.payouts, escrow.provider_events TO %I', runtime);
    EXECUTE format('GRANT INSERT ON escrow.releases TO %I', runtime);
    EXECUTE format('GRANT EXECUTE ON FUNCTION escrow.has_floor(text), escrow.natural_side(text),
                    escrow.take_snapshots(bigint, xid8),
                    escrow.post(uuid, text, text, uuid, uuid, text, uuid[], text[], text[], uuid[], bigint[])
                    TO %I', runtime);

    -- Last, so that the grants above are the migrating role's own.
    FOREACH name IN ARRAY ARRAY[
        'refuse_change()', 'open_balance()', 'move_balances()', 'check_transaction()', 'has_floor(text)',
        'natural_side(text)', 'take_snapshots(bigint, xid8)',
        'post(uuid, text, text, uuid, uuid, text, uuid[], text[], text[], uuid[], bigint[])'
    ] LOOP
        EXECUTE format('ALTER FUNCTION escrow.%s OWNER TO %I', name, ledger);
    END LOOP;
    EXECUTE format('REVOKE CREATE ON SCHEMA escrow FROM %I', ledger);
END $$;

CREATE TRIGGER accounts_by_function BEFORE INSERT ON escrow.accounts
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.only_by_function();
CREATE TRIGGER transactions_by_function BEFORE INSERT ON escrow.transactions
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.only_by_function();
CREATE TRIGGER entries_by_function BEFORE INSERT ON escrow.entries
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.only_by_function();
CREATE TRIGGER balances_by_function BEFORE INSERT OR UPDATE ON escrow.balances
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.only_by_function();
CREATE TRIGGER snapshots_by_function BEFORE INSERT ON escrow.snapshots
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.only_by_function();

CREATE TRIGGER accounts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON escrow.accounts
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.refuse_change();
CREATE TRIGGER transactions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON escrow.transactions
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.refuse_change();
CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON escrow.entries
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.refuse_change();
CREATE TRIGGER balances_never_go BEFORE DELETE OR TRUNCATE ON escrow.balances
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.refuse_change();
CREATE TRIGGER snapshots_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON escrow.snapshots
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.refuse_change();
CREATE TRIGGER releases_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON escrow.releases
    FOR EACH STATEMENT EXECUTE FUNCTION escrow.refuse_change();

CREATE TRIGGER accounts_open_balance AFTER INSERT ON escrow.accounts
    FOR EACH ROW WHEN (NEW.kind IN ('HELD', 'CONTRACTOR_PAYABLE', 'CONTRACTOR_DEBT'))
    EXECUTE FUNCTION escrow.open_balance();
CREATE TRIGGER entries_move_balances AFTER INSERT ON escrow.entries
    REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION escrow.move_balances();
CREATE CONSTRAINT TRIGGER transaction_balanced AFTER INSERT ON escrow.transactions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION escrow.check_transaction();
