-- A party's escrow accounts: for their own account of it, and to see what still is held.
CREATE INDEX escrows_of_homeowner ON escrow.escrows (homeowner_id);
CREATE INDEX escrows_of_contractor ON escrow.escrows (contractor_id);
