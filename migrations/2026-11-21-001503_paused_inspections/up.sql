-- Since when an inspection's clock stands still, because the homeowner is suspended. Its end moves by that time when it goes on.
ALTER TABLE contracts.milestones ADD COLUMN inspection_paused_at timestamptz,
    ADD CONSTRAINT milestones_paused_while_submitted CHECK (inspection_paused_at IS NULL OR status = 'SUBMITTED');
