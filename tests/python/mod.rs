//! Python, for tests that compare with it if it is installed.

use std::io::Write;
use std::process::Command;

/// The program `python3`, or the one that the environment variable PYTHON names. Returns None and reports it unless it
/// has all `modules`.
///
/// # Panics
/// If it has not and the environment variable REQUIRE_PYTHON is set.
pub fn with(modules: &str) -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let imported = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    if imported.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let required = std::env::var_os("REQUIRE_PYTHON").is_some_and(|required| !required.is_empty());
    assert!(!required, "{python} lacks some of {modules}, and REQUIRE_PYTHON is set");
    // written to standard error directly: libtest shows the output of `eprintln!` only if a test fails
    let _ = writeln!(std::io::stderr(), "SKIPPED: no Python with {modules}");
    None
}
