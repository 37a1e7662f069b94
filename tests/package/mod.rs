//! `imgbuild lock`: what archives may say and what is made of it, hostile ones too, held against dpkg, apt and `GnuPG`.

mod apt;
mod archive;
mod choices;
mod hostile;
mod keeping;
mod oracles;
mod signer;
