//! `cargo xtask build`: assembles dist/, a static site with relative addresses that is an npm package as well.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::site::{Site, Weight};
use crate::tools::Tools;
use crate::wasm;

/// What dist/ holds of each npm package: where a file lies in it, and where in the package.
const VENDORED: &[(&str, &[(&str, &str)])] = &[
    (
        "uplot",
        &[
            ("uPlot.esm.js", "dist/uPlot.esm.js"),
            ("uPlot.d.ts", "dist/uPlot.d.ts"),
            ("uPlot.min.css", "dist/uPlot.min.css"),
            ("LICENSE", "LICENSE"),
        ],
    ),
    (
        "idb",
        &[
            ("index.js", "build/index.js"),
            ("index.d.ts", "build/index.d.ts"),
            ("entry.d.ts", "build/entry.d.ts"),
            ("wrap-idb-value.d.ts", "build/wrap-idb-value.d.ts"),
            ("database-extras.d.ts", "build/database-extras.d.ts"),
            ("async-iterators.d.ts", "build/async-iterators.d.ts"),
            ("LICENSE", "LICENSE"),
        ],
    ),
    ("client-zip", &[("index.js", "index.js"), ("index.d.ts", "index.d.ts"), ("LICENSE", "LICENSE.txt")]),
    (
        "but-unzip",
        &[("index.js", "index.browser.min.mjs"), ("index.d.ts", "index.d.ts"), ("LICENSE", "LICENSE")],
    ),
];

/// Ends of the paths of what no page fetches: types, texts, and what tells a host how to serve the rest.
const NOT_FETCHED: [&str; 7] =
    [".d.ts", "/LICENSE", ".md", "package.json", "_headers", "vercel.json", ".htaccess"];

/// Builds what is not up to date.
pub fn build(tools: &Tools) -> Result<()> {
    let root = tools.root();
    let mut site = Site::default();
    site.folder("", &root.join("www"))?;
    for variant in &tools.variants {
        site.folder(&format!("pkg/{}/", variant.name), &wasm::package(tools, variant)?)?;
    }
    for (library, files) in VENDORED {
        let from = root.join("node_modules").join(library);
        for (path, source) in *files {
            let mut source = from.join(source);
            if path.ends_with(".js") {
                source = minified(tools, &source, &format!("{library}/{path}"))?;
            }
            site.file(format!("vendor/{library}/{path}"), source);
        }
    }
    site.file("package.json", root.join("pkg-config/package.json"));
    for name in ["_headers", "vercel.json", ".htaccess"] {
        site.file(name, root.join("pkg-config/hosting").join(name));
    }
    site.file("files.js", list_files(tools, &site)?);
    site.folder("data/cifar-10/", &root.join("data/cifar-10"))?; // from `cargo xtask data`, if at all
    site.write(&root.join("dist"))?;
    check_sizes(tools, &site)
}

/// The script without what only its readers need. The page's own scripts stay as they are: they are there to be read.
fn minified(tools: &Tools, source: &Path, name: &str) -> Result<PathBuf> {
    let file = tools.root().join("target/vendor").join(name);
    let command = "node_modules/.bin/esbuild";
    tools
        .run(cmd!(tools.shell, "{command} {source} --minify --log-level=warning --outfile={file}").quiet())?;
    Ok(file)
}

/// Whether a page may fetch the file of this path.
fn is_fetched(path: &str) -> bool {
    !NOT_FETCHED.iter().any(|end| path.ends_with(end))
}

/// Writes the list by which the service worker keeps the page: its files, and a hash of each.
fn list_files(tools: &Tools, site: &Site) -> Result<PathBuf> {
    let own = ["service-worker.js", "files.js"]; // the browser keeps these itself
    let hashes = site.hashes(|path| is_fetched(path) && !own.contains(&path))?;
    let list = tools.root().join("target/files.js");
    tools.shell.write_file(&list, format!("const FILES = {};\n", serde_json::to_string_pretty(&hashes)?))?;
    Ok(list)
}

/// Prints what the page weighs and fails where that is more than the budget of `pkg-config/variants.toml`.
fn check_sizes(tools: &Tools, site: &Site) -> Result<()> {
    let budget = &tools.budget;
    let report = |what: &str, weight: Weight, limit: u64| {
        let kb = |bytes: u64| bytes as f64 / 1000.0;
        println!("{what:24} {:7.1} kB {:7.1} kB gzipped of {limit} kB", kb(weight.raw), kb(weight.gzipped));
        ensure!(weight.gzipped <= limit * 1000, "{what} is over its budget (pkg-config/variants.toml)");
        Ok(())
    };

    let mut page = site.weigh(|path| {
        let excluded = budget.page_without.iter().any(|folder| path.starts_with(folder));
        is_fetched(path) && !path.starts_with("pkg/") && !excluded
    })?;
    let mut largest = Weight::default();
    for variant in &tools.variants {
        let folder = format!("pkg/{}/", variant.name);
        let weight = site.weigh(|path| is_fetched(path) && path.starts_with(&folder))?;
        report(&folder, weight, budget.variant)?;
        if weight.gzipped > largest.gzipped {
            largest = weight;
        }
    }
    page.raw += largest.raw;
    page.gzipped += largest.gzipped;
    report("page, largest variant", page, budget.page)
}
