//! The `NoCloud` seed as an ISO 9660 image (pure, writes to `impl Write`).
