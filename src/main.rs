//! The process: arguments in, exit code out.
#![expect(clippy::disallowed_methods, reason = "edge: hands the environment on")]

use std::process::ExitCode;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(exit) = imgbuild::machine::become_leashed(std::env::args_os()) {
        return ExitCode::from(exit);
    }
    let exit = imgbuild::command::run(std::env::args_os(), &|name| std::env::var_os(name));
    ExitCode::from(exit as u8)
}
