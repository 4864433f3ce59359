//! Data that tests use where they are there: they are not in the repository.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A path of the data in the folder that the environment variable MOBILENETV2_DATA names, else in `../shared/data`; None,
/// said aloud, where it is absent.
///
/// # Panics
/// Where it is absent and the environment variable REQUIRE_DATA is set.
pub fn shared(path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = std::env::var_os("MOBILENETV2_DATA").map_or(beside, PathBuf::from).join(path);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("REQUIRE_DATA").is_some_and(|required| !required.is_empty());
    assert!(!required, "{} is absent, and REQUIRE_DATA is set", path.display());
    skipped(&format!("{} is absent", path.display()));
    None
}

/// Says why a test, or a part of one, does not run.
pub fn skipped(why: &str) {
    // to standard error itself: what a test prints with `eprintln!`, libtest shows only where it fails
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
