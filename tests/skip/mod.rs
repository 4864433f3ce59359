//! How tests say that they do not run.

use std::fmt::Display;
use std::io::Write;

/// Writes to standard error itself: what a test prints with `eprintln!`, libtest shows only where it fails.
pub fn skipped(reason: impl Display) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}
