//! Data that tests use where they are there: they are not in the repository.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A path of the data in the folder that the environment variable MOBILENETV2_DATA names, else in `../shared/data`; None,
/// said aloud, where it is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = std::env::var_os("MOBILENETV2_DATA").map_or(beside, PathBuf::from).join(path);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{} is absent", path.display()));
    None
}

/// Says why a test, or a part of one, does not run.
pub fn skipped(why: &str) {
    // to standard error itself: what a test prints with `eprintln!`, libtest shows only where it fails
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
