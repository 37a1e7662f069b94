//! The process: arguments in, exit code out.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: hands on the arguments, the environment and standard error"
)]

use std::process::ExitCode;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(exit) = imgbuild::command::become_leashed(std::env::args_os(), &mut std::io::stderr()) {
        return ExitCode::from(exit);
    }
    let exit = imgbuild::command::run(std::env::args_os(), &|name| std::env::var_os(name));
    ExitCode::from(exit as u8)
}
