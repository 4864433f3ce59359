//! The import rule of ARCHITECTURE.md: imports point down only, and below the shells (`bin`, `wasm`) there is no
//! I/O, no printing, no clock and no JavaScript.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use crate::site::files;
use crate::tools::Tools;

/// Modules that all but `kernel` may import; they import only each other.
const LEAVES: &[&str] =
    &["config", "cost", "error", "json", "memory", "parameters", "profile", "recipe", "threads"];

/// Every other module and what it may import besides the leaves. From top to bottom: a row names rows below it.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("bin", &["checkpoint", "train", "evaluate", "infer", "data", "weights", "image"]),
    ("wasm", &["checkpoint", "train", "evaluate", "infer", "data", "weights", "image", "manifold"]),
    ("checkpoint", &["train", "weights", "optim"]),
    ("train", &["evaluate", "infer", "augment", "network", "optim", "schedule", "kernel"]),
    ("evaluate", &["infer", "augment", "loss"]),
    ("infer", &["layer", "workspace", "kernel"]),
    ("data", &["image"]),
    ("weights", &[]),
    ("widen", &[]),
    ("manifold", &[]),
    ("augment", &["image"]),
    ("image", &[]),
    ("network", &["block", "loss", "layer", "workspace", "kernel"]),
    ("block", &["layer", "workspace", "kernel"]),
    ("loss", &[]),
    ("optim", &["kernel"]),
    ("schedule", &[]),
    ("layer", &["workspace", "kernel"]),
    ("workspace", &["kernel"]),
    ("kernel", &[]),
];

/// What below the shells reads files all the same: only the command line has it (feature `cli`).
const NATIVE: &[&str] = &["data/tree.rs"];

/// What of the standard library only the shells may use.
const SHELL_ONLY_STD: &[&str] = &["fs", "net", "process", "time"];

/// What else only they may.
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

/// Fails with every import that points up and everything that belongs into a shell.
pub fn check(tools: &Tools) -> Result<()> {
    let src = tools.root().join("src");
    let exports = exports(&tools.shell.read_file("src/lib.rs")?);
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for path in files(&src)?.iter().filter(|path| *path != "lib.rs") {
        let (violations, imported) = examine(path, &tools.shell.read_file(src.join(path))?, &exports);
        wrong.extend(violations);
        used.extend(imported.into_iter().map(|import| (module(path).to_owned(), import)));
    }
    for (module, allowed) in MAY_IMPORT {
        let unused = allowed.iter().filter(|import| !used.contains(&((*module).into(), (**import).into())));
        wrong.extend(unused.map(|import| format!("`{module}` may import {import}, but does not")));
    }
    ensure!(wrong.is_empty(), "the import rule (ARCHITECTURE.md) is broken:\n    {}", wrong.join("\n    "));
    Ok(())
}

/// The module of a path relative to src/.
fn module(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or(path)
}

/// What is wrong with a source file, whose path is relative to src/, and which modules it imports.
fn examine(path: &str, source: &str, exports: &BTreeMap<String, String>) -> (Vec<String>, BTreeSet<String>) {
    let module = module(path);
    let shell = matches!(module, "bin" | "wasm") || NATIVE.contains(&path);
    let row = MAY_IMPORT.iter().find(|(name, _)| *name == module);
    let leaf = LEAVES.contains(&module);
    if row.is_none() && !leaf {
        return (vec![format!("src/{path}: `{module}` has no row in {}", file!())], BTreeSet::new());
    }
    let allowed = |import: &str| {
        import == module
            || row.is_some_and(|(_, allowed)| allowed.contains(&import))
            || LEAVES.contains(&import) && module != "kernel"
    };

    let source = code(source);
    let mut wrong = Vec::new();
    let mut imported = imports(&source, if module == "bin" { "mobilenetv2::" } else { "crate::" });
    if path == format!("{module}.rs") || path == format!("{module}/mod.rs") {
        imported.extend(imports(&source, "super::")); // there it is the crate
    }
    let imported: BTreeSet<String> =
        imported.into_iter().map(|import| exports.get(&import).cloned().unwrap_or(import)).collect();
    wrong
        .extend(imported.iter().filter(|i| !allowed(i)).map(|import| format!("src/{path} imports {import}")));
    if !shell {
        let of_std = imports(&source, "std::").into_iter().filter(|name| SHELL_ONLY_STD.contains(&&**name));
        wrong.extend(of_std.map(|name| format!("src/{path} uses std::{name}")));
        let used = SHELL_ONLY.iter().filter(|word| source.contains(*word));
        wrong.extend(used.map(|word| format!("src/{path} uses {word}")));
    }
    (wrong, imported)
}

/// The source without comments and without the unit tests at its end, which may use what they like.
fn code(source: &str) -> String {
    let end = source.find("#[cfg(test)]\nmod tests").unwrap_or(source.len());
    source[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// First names after each `root`, those in braces included: `crate::{a::B, c}` → a, c.
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

/// The items of a use group, from after its opening brace, split at the commas that no inner brace encloses.
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

/// What lib.rs exports from its modules: `pub use config::Config;` → Config is config's.
fn exports(lib: &str) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    for line in code(lib).lines().filter_map(|line| line.strip_prefix("pub use ")) {
        let Some((module, items)) = line.split_once("::") else { continue };
        for item in group_items(items.trim_start_matches('{').trim_end_matches([';', '}'])) {
            exports.insert(first_name(&item), module.to_owned());
        }
    }
    exports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_name_only_rows_below_them() {
        for (row, (module, allowed)) in MAY_IMPORT.iter().enumerate() {
            for import in *allowed {
                let below = MAY_IMPORT[row + 1..].iter().any(|(name, _)| name == import);
                assert!(below, "{module} may import {import}, which is no row below it");
            }
        }
    }

    #[test]
    fn wrong_imports_are_found_however_they_are_written() {
        let exports = exports("pub use config::Config;\npub use error::{Error, Result};\n");
        let check = |path, source| examine(path, source, &exports).0;
        let clean = "// crate::network\nuse crate::{Config, kernel::{a, b}};\n\
                     #[cfg(test)]\nmod tests {\n    use crate::network;\n}";
        assert_eq!(check("layer/stem.rs", clean), Vec::<String>::new());
        assert_eq!(check("layer.rs", "fn f() { crate::network::g() }"), ["src/layer.rs imports network"]);
        assert_eq!(
            check("layer/mod.rs", "use crate::{\n    error::Error,\n    block::{x, y},\n    train,\n};"),
            ["src/layer/mod.rs imports block", "src/layer/mod.rs imports train"]
        );
        assert_eq!(check("kernel/mod.rs", "use crate::Error;"), ["src/kernel/mod.rs imports error"]);
        let behind_a_test_item = "#[cfg(test)]\npub mod reference;\nuse crate::network;";
        assert_eq!(check("layer.rs", behind_a_test_item), ["src/layer.rs imports network"]);
        for path in ["layer.rs", "layer/mod.rs"] {
            assert_eq!(check(path, "use super::{network, Error};"), [format!("src/{path} imports network")]);
        }
        assert_eq!(check("layer/stem.rs", "use super::network;"), Vec::<String>::new(), "a part of layer");
        assert_eq!(
            check("bin/mobilenetv2.rs", "use mobilenetv2::network;"),
            ["src/bin/mobilenetv2.rs imports network"]
        );
        assert_eq!(check("image.rs", "fn f() { println!(\"\") }"), ["src/image.rs uses println!("]);
        assert_eq!(
            check("image.rs", "use std::{fmt, fs};\nfn f() { std::time::Instant::now() }"),
            ["src/image.rs uses std::fs", "src/image.rs uses std::time"]
        );
        assert_eq!(check("bin/mobilenetv2.rs", "fn f() { println!(\"\") }"), Vec::<String>::new());
        assert!(check("new.rs", "")[0].contains("no row"));
    }
}
