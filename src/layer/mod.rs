//! Guest files as a tree, and its way into a compressed layer and an overlay (pure, writes to `impl Write`).
pub mod path;
pub use path::{GuestPath, GuestPathError, Mode, ModeError};
