-- Who was told what, and what became of it on each channel.
CREATE SCHEMA notifications;

-- One person told of one event: stored before anything leaves, and once, whatever happens afterwards.
CREATE TABLE notifications.notifications (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES outbox.events (id),
    person_id uuid NOT NULL REFERENCES identity.people (id),
    template text NOT NULL CHECK (template <> ''),
    template_version smallint NOT NULL CHECK (template_version > 0),
    category text NOT NULL
        CHECK (category IN ('SECURITY', 'ACCOUNT', 'JOBS', 'BIDS', 'CONTRACTS', 'PAYMENTS', 'REVIEWS')),
    -- Whether the inbox shows it; what only goes by mail has no text here.
    in_inbox boolean NOT NULL,
    -- Rendered once, for the inbox. Erasable: erasure empties both and keeps the row.
    title text,
    body text,
    -- Ids of what it is about, for clients to lead there.
    subjects jsonb NOT NULL CHECK (jsonb_typeof(subjects) = 'object'),
    created_at timestamptz NOT NULL,
    read_at timestamptz,
    CONSTRAINT notifications_text_whole CHECK ((title IS NULL) = (body IS NULL)),
    CONSTRAINT notifications_text_in_inbox CHECK (in_inbox OR title IS NULL),
    CONSTRAINT notifications_read_in_inbox CHECK (in_inbox OR read_at IS NULL)
);
CREATE UNIQUE INDEX notifications_once ON notifications.notifications (event_id, person_id);
CREATE INDEX notifications_inbox ON notifications.notifications (person_id, created_at, id) WHERE in_inbox;
CREATE INDEX notifications_unread ON notifications.notifications (person_id, created_at, id)
    WHERE in_inbox AND read_at IS NULL;
CREATE INDEX notifications_person ON notifications.notifications (person_id);

-- One channel of one notification. Neither address nor rendered text: both are looked up when it is sent.
CREATE TABLE notifications.deliveries (
    id uuid PRIMARY KEY,
    notification_id uuid NOT NULL REFERENCES notifications.notifications (id),
    channel text NOT NULL CHECK (channel IN ('IN_APP', 'EMAIL')),
    state text NOT NULL CHECK (state IN ('PENDING', 'SENT', 'STOPPED', 'FAILED')),
    -- Why it was not sent, or why the last try failed: a code.
    reason text CHECK (reason ~ '^[a-z0-9_]+$'),
    attempts smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    created_at timestamptz NOT NULL,
    last_attempt_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT deliveries_finished CHECK ((state = 'PENDING') = (finished_at IS NULL)),
    CONSTRAINT deliveries_stopped_with_reason CHECK (state IN ('PENDING', 'SENT') OR reason IS NOT NULL)
);
-- Never twice for one event, person and channel: the notification stands for the first two.
CREATE UNIQUE INDEX deliveries_once ON notifications.deliveries (notification_id, channel);
CREATE INDEX deliveries_pending ON notifications.deliveries (created_at) WHERE state = 'PENDING';

SELECT app.grant_runtime('notifications');
