//! Python, which tests compare with where it is installed.

use std::io::Write;
use std::process::Command;

/// The program `python3`, or what the environment variable PYTHON names; None, said aloud, unless it has all `modules`.
pub fn with(modules: &str) -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let imported = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    if imported.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    // to standard error itself: what a test prints with `eprintln!`, libtest shows only where it fails
    let _ = writeln!(std::io::stderr(), "SKIPPED: no Python with {modules}");
    None
}
