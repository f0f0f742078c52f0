//! The migrations are embedded: build anew when one is added.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
