//! The tables of the bidding rules.
