//! Test data that are not in the repository.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The path of data in the folder named by the environment variable MOBILENETV2_DATA, else in `../shared/data`. Returns
/// None and reports it if they are missing.
///
/// # Panics
/// If they are missing and the environment variable REQUIRE_DATA is set.
pub fn shared(path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = std::env::var_os("MOBILENETV2_DATA").map_or(beside, PathBuf::from).join(path);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("REQUIRE_DATA").is_some_and(|required| !required.is_empty());
    assert!(!required, "{} is missing, and REQUIRE_DATA is set", path.display());
    skipped(&format!("{} is absent", path.display()));
    None
}

/// Reports why a test, or a part of one, is skipped.
pub fn skipped(why: &str) {
    // written to standard error directly: libtest shows the output of `eprintln!` only if a test fails
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
