ALTER TABLE contracts.milestones DROP COLUMN inspection_paused_at;
