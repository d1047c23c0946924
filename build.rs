//! Tells cargo what the code is made from besides itself: migrations are compiled in.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
