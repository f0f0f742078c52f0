//! The fairtrade command.
fn main() {}
