//! The only room that prints: data goes to stdout, all that is said to people to stderr.

mod console;
mod event;
mod progress;

pub use console::Console;
pub use progress::Progress;
