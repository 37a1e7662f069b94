//! Rebuilds when a file joins or leaves the folders that are compiled in: cargo sees only those that it knows.

fn main() {
    println!("cargo::rerun-if-changed=overlays");
    println!("cargo::rerun-if-changed=profiles");
}
