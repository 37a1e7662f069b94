//! What was typed: the command line and its environment equivalents, nothing resolved.
