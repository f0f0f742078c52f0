-- The state of the simulated payment provider: an outside system that happens to live in the same server. No other
-- schema points here and this one points nowhere; it is read and written on connections of its own.

CREATE SCHEMA simulated_provider;

-- What was answered to a key, so that the same request is answered the same and does nothing twice.
CREATE TABLE simulated_provider.requests (
    key         text        PRIMARY KEY,
    operation   text        NOT NULL,
    fingerprint text        NOT NULL,
    object_id   text,
    refusal     text,
    created_at  timestamptz NOT NULL
);

CREATE TABLE simulated_provider.intents (
    id             text        PRIMARY KEY,
    reference      text        NOT NULL,
    transfer_group text        NOT NULL,
    amount         bigint      NOT NULL CONSTRAINT intent_amount CHECK (amount > 0),
    currency       text        NOT NULL,
    status         text        NOT NULL CONSTRAINT intent_status CHECK (status IN (
        'requires_confirmation', 'processing', 'succeeded', 'declined', 'canceled')),
    client_secret  text        NOT NULL,
    payment_method text,
    decline_code   text,
    fee            bigint      NOT NULL DEFAULT 0,
    refunded       bigint      NOT NULL DEFAULT 0,
    -- A processing intent comes to its end by itself at this time.
    settles_at     timestamptz,
    created_at     timestamptz NOT NULL,
    CONSTRAINT intent_refunded CHECK (refunded BETWEEN 0 AND amount)
);
CREATE INDEX intents_settling ON simulated_provider.intents (settles_at) WHERE status = 'processing';

-- Contractors' accounts; `reference` is what the platform calls the contractor.
CREATE TABLE simulated_provider.accounts (
    id         text        PRIMARY KEY,
    reference  text        NOT NULL CONSTRAINT one_account_a_reference UNIQUE,
    enabled    boolean     NOT NULL,
    created_at timestamptz NOT NULL
);

-- Everything that moved the platform's balance: charges less fees in, transfers and refunds out.
CREATE TABLE simulated_provider.balance_movements (
    id         text        PRIMARY KEY,
    kind       text        NOT NULL CONSTRAINT movement_kind CHECK (kind IN ('charge', 'transfer', 'refund')),
    -- The intent of a charge or a refund, the account of a transfer.
    object_id  text        NOT NULL,
    reference  text        NOT NULL,
    amount     bigint      NOT NULL CONSTRAINT movement_amount CHECK (amount <> 0),
    currency   text        NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX balance_movements_reference ON simulated_provider.balance_movements (reference);

-- The platform's balance; locked to move it, and never below zero: a provider pays out only what it has.
CREATE TABLE simulated_provider.balances (
    currency text   PRIMARY KEY,
    amount   bigint NOT NULL CONSTRAINT balance_not_below_zero CHECK (amount >= 0)
);

-- What is to be told to the platform, and how it is to arrive: `copies` times, not before `due_at`.
CREATE TABLE simulated_provider.webhooks (
    id           text        PRIMARY KEY,
    number       bigint      GENERATED ALWAYS AS IDENTITY,
    kind         text        NOT NULL,
    object_id    text        NOT NULL,
    copies       smallint    NOT NULL CONSTRAINT webhook_copies CHECK (copies BETWEEN 1 AND 10),
    due_at       timestamptz NOT NULL,
    attempts     smallint    NOT NULL DEFAULT 0,
    delivered_at timestamptz,
    given_up_at  timestamptz,
    created_at   timestamptz NOT NULL
);
CREATE INDEX webhooks_due ON simulated_provider.webhooks (due_at, number)
    WHERE delivered_at IS NULL AND given_up_at IS NULL;

SELECT app.grant_runtime('simulated_provider');
