//! `imgbuild bundle`: what goes into a bundle, and how it is written.

use std::path::PathBuf;

use clap::Args;

use super::options::{Fetching, Inputs, SecretsFile};

/// What goes into a bundle, and how it is written.
#[derive(Args, Debug)]
pub struct BundleArgs {
    /// The nodes that will be built from it; all by default.
    #[arg(value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Include what every node of the profile needs.
    #[arg(long, conflicts_with = "nodes")]
    pub all: bool,
    /// The bundle.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Split it into FILE.001, FILE.002, ... of at most this many bytes: a number, or one with K, M or G.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub split: Option<u64>,
    /// Sign it with this minisign secret key; its password is taken from `IMGBUILD_SIGN_PASSWORD`.
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// Include this imgbuild program.
    #[arg(long)]
    pub with_program: bool,
    /// What people wrote of a cluster.
    #[command(flatten)]
    pub inputs: Inputs,
    /// The secrets, none of which goes into it.
    #[command(flatten)]
    pub secrets: SecretsFile,
    /// Where artifacts come from.
    #[command(flatten)]
    pub fetching: Fetching,
}

/// The smallest size that a file of a split bundle can have, in bytes.
const MIN_SPLIT: u64 = 1 << 10;

/// Reads a number of bytes such as `700M`, in powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: u64 =
        digits.parse().map_err(|_| "expected a number of bytes, or one with K, M or G".to_owned())?;
    let size = number.checked_mul(1 << shift).ok_or("that is more than can be counted")?;
    if size < MIN_SPLIT { Err(format!("at least {MIN_SPLIT} bytes")) } else { Ok(size) }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_numbers_of_bytes() {
        for (text, expected) in [("1024", Some(1024)), ("700M", Some(700 << 20)), ("2G", Some(2 << 30))] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
        for text in ["", "K", "1023", "-1K", "1k", "1.5G", "1 K", "99999999999G", "é"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
