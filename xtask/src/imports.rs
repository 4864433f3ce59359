//! The import rule of ARCHITECTURE.md: imports only point down, and below the shells (`bin`, `wasm`) there is no I/O,
//! no printing, no clock and no JavaScript.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::site::files;
use crate::tools::Tools;

/// Every room of src/ and what it may import, from top to bottom: a row only names rows below it.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("bin", &["train", "evaluate", "infer", "profile", "weights", "data", "arch", "error"]),
    ("wasm", &["train", "evaluate", "explain", "infer", "weights", "data", "arch", "error"]),
    (
        "train",
        &["evaluate", "infer", "profile", "kernel", "weights", "data", "arch", "threads", "arrays", "error"],
    ),
    ("evaluate", &["infer", "data", "arch", "arrays", "error"]),
    ("explain", &["infer", "arch", "error"]),
    ("infer", &["profile", "kernel", "arch", "threads", "arrays", "error"]),
    ("profile", &["arch"]),
    ("kernel", &["arch"]),
    ("weights", &["arch", "error"]),
    ("data", &["arch", "threads", "error"]),
    ("arch", &["error"]),
    ("arrays", &["error"]),
    ("threads", &[]),
    ("error", &[]),
];

/// Files below the shells that do read files: only the command line includes them (feature `cli`).
const NATIVE: &[&str] = &["data/tree.rs"];

/// Modules of the standard library that only shells may use.
const SHELL_ONLY_STD: &[&str] = &["fs", "net", "process", "time"];

/// Everything else that only shells may use.
const SHELL_ONLY: &[&str] = &[
    "stdin()",
    "stdout()",
    "stderr()",
    "print!(",
    "println!(",
    "dbg!(",
    "js_sys",
    "web_sys",
    "wasm_bindgen",
];

/// Fails on every import that points up and on everything that belongs in a shell.
pub fn check(tools: &Tools) -> Result<()> {
    let src = tools.root().join("src");
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for path in files(&src)?.iter().filter(|path| *path != "lib.rs") {
        let (violations, imported) = examine(path, &tools.shell.read_file(src.join(path))?);
        wrong.extend(violations);
        used.extend(imported.into_iter().map(|import| (room(path).to_owned(), import)));
    }
    for (room, allowed) in MAY_IMPORT {
        let unused = allowed.iter().filter(|import| !used.contains(&((*room).into(), (**import).into())));
        wrong.extend(unused.map(|import| format!("`{room}` is allowed to import {import}, but does not")));
    }
    ensure!(wrong.is_empty(), "the import rule (ARCHITECTURE.md) is broken:\n    {}", wrong.join("\n    "));
    Ok(())
}

/// The room of a path relative to src/: a folder, or a file beside the folders.
fn room(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or(path)
}

/// The violations in a source file, whose path is relative to src/, and the rooms that it imports.
fn examine(path: &str, source: &str) -> (Vec<String>, BTreeSet<String>) {
    let room = room(path);
    let shell = matches!(room, "bin" | "wasm") || NATIVE.contains(&path);
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else {
        return (vec![format!("src/{path}: `{room}` has no row in {}", file!())], BTreeSet::new());
    };

    let source = if path.ends_with("/tests.rs") { String::new() } else { code(source) };
    let mut wrong = Vec::new();
    let mut imported = imports(&source, if room == "bin" { "mobilenetv2::" } else { "crate::" });
    if path == format!("{room}.rs") || path == format!("{room}/mod.rs") {
        imported.extend(imports(&source, "super::")); // there `super` is the crate
    }
    imported.remove(room);
    let up = imported.iter().filter(|import| !allowed.contains(&import.as_str()));
    wrong.extend(up.map(|import| format!("src/{path} imports {import}")));
    if !shell {
        let of_std = imports(&source, "std::").into_iter().filter(|name| SHELL_ONLY_STD.contains(&&**name));
        wrong.extend(of_std.map(|name| format!("src/{path} uses std::{name}")));
        let used = SHELL_ONLY.iter().filter(|word| source.contains(*word));
        wrong.extend(used.map(|word| format!("src/{path} uses {word}")));
    }
    (wrong, imported)
}

/// The source without comments and without the unit tests at its end, which may use anything, as a file of tests may.
fn code(source: &str) -> String {
    let end = source.find("#[cfg(test)]\nmod tests {").unwrap_or(source.len());
    source[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The first name after each `root`, including those in braces: `crate::{a::B, c}` → a, c.
fn imports(source: &str, root: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (start, _) in source.match_indices(root) {
        let rest = &source[start + root.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_items(group).iter().map(|item| first_name(item))),
            None => drop(names.insert(first_name(rest))),
        }
    }
    names
}

/// The items of a use group, from after its opening brace, split at commas outside inner braces.
fn group_items(group: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 1;
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match c {
            _ if depth == 0 => break,
            ',' if depth == 1 => items.push(String::new()),
            _ => items.last_mut().expect("never empty").push(c),
        }
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

fn first_name(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_name_only_rows_below_them() {
        for (row, (room, allowed)) in MAY_IMPORT.iter().enumerate() {
            for import in *allowed {
                let below = MAY_IMPORT[row + 1..].iter().any(|(name, _)| name == import);
                assert!(below, "{room} may import {import}, which is not a row below it");
            }
        }
    }

    #[test]
    fn wrong_imports_are_found_however_they_are_written() {
        let check = |path, source| examine(path, source).0;
        let clean = "// crate::train\nuse crate::{arch::Config, kernel::{a, b}};\n\
                     #[cfg(test)]\nmod tests {\n    use crate::train;\n}";
        assert_eq!(check("infer/map.rs", clean), Vec::<String>::new());
        assert_eq!(check("infer.rs", "fn f() { crate::train::g() }"), ["src/infer.rs imports train"]);
        assert_eq!(
            check("infer/mod.rs", "use crate::{\n    error::Error,\n    evaluate::{x, y},\n    train,\n};"),
            ["src/infer/mod.rs imports evaluate", "src/infer/mod.rs imports train"]
        );
        assert_eq!(check("kernel/mod.rs", "use crate::error::Error;"), ["src/kernel/mod.rs imports error"]);
        let behind_tests = "#[cfg(test)]\nmod tests;\nuse crate::train;";
        assert_eq!(check("infer/mod.rs", behind_tests), ["src/infer/mod.rs imports train"]);
        assert_eq!(check("infer/tests.rs", "use crate::train;"), Vec::<String>::new());
        let behind_a_test_item = "#[cfg(test)]\npub mod reference;\nuse crate::train;";
        assert_eq!(check("kernel/mod.rs", behind_a_test_item), ["src/kernel/mod.rs imports train"]);
        for path in ["infer.rs", "infer/mod.rs"] {
            assert_eq!(check(path, "use super::{train, error};"), [format!("src/{path} imports train")]);
        }
        assert_eq!(check("infer/map.rs", "use super::train;"), Vec::<String>::new(), "a part of infer");
        assert_eq!(
            check("bin/mobilenetv2.rs", "use mobilenetv2::explain;"),
            ["src/bin/mobilenetv2.rs imports explain"]
        );
        assert_eq!(check("data/image.rs", "fn f() { println!(\"\") }"), ["src/data/image.rs uses println!("]);
        assert_eq!(
            check("data/image.rs", "use std::{fmt, fs};\nfn f() { std::time::Instant::now() }"),
            ["src/data/image.rs uses std::fs", "src/data/image.rs uses std::time"]
        );
        assert_eq!(check("bin/mobilenetv2.rs", "fn f() { println!(\"\") }"), Vec::<String>::new());
        assert!(check("new.rs", "")[0].contains("no row"));
    }
}
