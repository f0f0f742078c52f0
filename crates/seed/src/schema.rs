// Generated from the catalogue of schema `seed`; BLESS=1 with the schema test writes it anew. Not for editing.

diesel::table! {
    seed.seedings (number) {
        number -> Int8,
        people -> Int8,
        jobs -> Int8,
        bids -> Int8,
        seeded_at -> Timestamptz,
    }
}
