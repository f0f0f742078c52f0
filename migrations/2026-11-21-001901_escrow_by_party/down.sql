DROP INDEX escrow.escrows_of_contractor;
DROP INDEX escrow.escrows_of_homeowner;
