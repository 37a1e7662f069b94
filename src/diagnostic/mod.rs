//! Source text and positions in it, diagnostics, and their rendering (pure).
