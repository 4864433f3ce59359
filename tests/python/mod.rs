//! Python, which tests compare with where it is installed.

use std::io::Write;
use std::process::Command;

/// The program `python3`, or what the environment variable PYTHON names; None, said aloud, unless it has all `modules`.
///
/// # Panics
/// Where it has not and the environment variable REQUIRE_PYTHON is set.
pub fn with(modules: &str) -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let imported = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    if imported.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let required = std::env::var_os("REQUIRE_PYTHON").is_some_and(|required| !required.is_empty());
    assert!(!required, "{python} has not all of {modules}, and REQUIRE_PYTHON is set");
    // to standard error itself: what a test prints with `eprintln!`, libtest shows only where it fails
    let _ = writeln!(std::io::stderr(), "SKIPPED: no Python with {modules}");
    None
}
