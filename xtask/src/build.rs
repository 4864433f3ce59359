//! `cargo xtask build`: assembles dist/, a static site with relative addresses that is an npm package as well.

use std::path::PathBuf;

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

/// Ends of the paths of what no page fetches: what developers read, and what tells a host how to serve the rest.
const NOT_FETCHED: [&str; 8] =
    [".d.ts", ".map", "/LICENSE", ".md", "package.json", "_headers", "vercel.json", ".htaccess"];

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
            site.file(format!("vendor/{library}/{path}"), from.join(source));
        }
    }
    minify(tools, &mut site)?;
    site.folder("", &declare_types(tools)?)?;
    site.file("package.json", root.join("pkg-config/package.json"));
    for name in ["_headers", "vercel.json", ".htaccess"] {
        site.file(name, root.join("pkg-config/hosting").join(name));
    }
    site.file("files.js", list_files(tools, &site)?);
    site.folder("data/cifar-10/", &root.join("data/cifar-10"))?; // from `cargo xtask data`, if at all
    site.write(&root.join("dist"))?;
    check_sizes(tools, &site)
}

/// Puts scripts and styles without comments and long names in the place of those written by people, and beside each a
/// source map: by it a browser's developer tools, and only they, show and debug the text as it was written.
fn minify(tools: &Tools, site: &mut Site) -> Result<()> {
    let folder = tools.root().join("target/minified");
    tools.shell.remove_path(&folder)?;
    let entries: Vec<String> = site
        .iter()
        .filter(|(path, _)| path.ends_with(".js") || path.ends_with(".css"))
        .map(|(path, source)| {
            let (name, _) = path.rsplit_once('.').expect("it has an ending");
            format!("{name}={}", source.display())
        })
        .collect();
    let command = "node_modules/.bin/esbuild";
    let no_tsconfig = "{}"; // ours would put "use strict" into every module, which is strict without
    tools.run(
        cmd!(
            tools.shell,
            "{command} {entries...} --minify --sourcemap --tsconfig-raw={no_tsconfig} --log-level=warning --outdir={folder}"
        )
        .quiet(),
    )?;
    site.folder("", &folder)
}

/// Writes `engine.d.ts` and what it needs, for TypeScript pages that use the npm package, and returns the folder.
fn declare_types(tools: &Tools) -> Result<PathBuf> {
    let folder = tools.root().join("target/types");
    tools.shell.remove_path(&folder)?;
    tools.run(
        cmd!(
            tools.shell,
            "node node_modules/typescript/bin/tsc --project pkg-config/tsconfig.json --outDir {folder}"
        )
        .quiet(),
    )?;
    Ok(folder)
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
