//! The process: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let exit = imgbuild::command::run(imgbuild::cli::Cli::parse());
    ExitCode::from(exit as u8)
}
