-- Since when the contractor's licence or insurance does not hold any more, while the contract runs.
ALTER TABLE contracts.contracts ADD COLUMN verification_lapsed_at timestamptz;
