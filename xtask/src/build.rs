//! `cargo xtask build`: assembles dist/, a static site with relative addresses that is also an npm package.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};
use xshell::cmd;

use crate::data::{IMAGENET, fetch_imagenet_once};
use crate::site::{Site, Weight, hash};
use crate::tools::Tools;
use crate::wasm;

/// The files of npm packages that dist/ contains: path in dist/, and path in the package.
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
    (
        "@preact/signals-core",
        &[
            ("index.js", "dist/signals-core.mjs"),
            ("index.d.ts", "dist/signals-core.d.ts"),
            ("LICENSE", "LICENSE"),
        ],
    ),
    ("client-zip", &[("index.js", "index.js"), ("index.d.ts", "index.d.ts"), ("LICENSE", "LICENSE.txt")]),
    (
        "but-unzip",
        &[("index.js", "index.browser.min.mjs"), ("index.d.ts", "index.d.ts"), ("LICENSE", "LICENSE")],
    ),
    ("uqr", &[("index.js", "dist/index.mjs"), ("index.d.ts", "dist/index.d.mts"), ("LICENSE", "LICENSE")]),
];

/// npm packages of many modules that dist/ contains as one: its folder, the package, and its entry module.
const BUNDLED: &[(&str, &str, &str)] = &[
    ("engine/vendor/hyparquet/", "hyparquet", "src/index.js"),
    ("engine/vendor/modern-tar/", "modern-tar", "dist/web/index.js"),
];

/// Path endings of files that no page fetches; they are there to be read.
const NOT_FETCHED: [&str; 3] = [".map", "/LICENSE", ".md"];

/// Files of the page with fixed addresses: its documents, and files that the browser itself checks for updates.
const ROOT: [&str; 5] =
    ["index.html", "bench.html", "service-worker.js", "service-worker.js.map", "files.js"];

/// The list of weights that a page offers, by its path in the page.
const MANIFEST: &str = "weights/manifest.json";

/// Builds what is out of date, including the weights for ImageNet that exist or can be fetched.
pub fn build_with_imagenet(tools: &Tools) -> Result<()> {
    fetch_imagenet_once(tools)?;
    assemble(tools, Some(&tools.root().join(IMAGENET)))
}

/// Builds what is out of date from the repository alone, so that tests and benchmarks use the same page everywhere.
pub fn build(tools: &Tools) -> Result<()> {
    assemble(tools, None)
}

/// Builds the page, with the weights of a folder besides the repository's, and the npm package.
///
/// The page's files lie in a folder named after the build, a hash of them all. So a page gets its own files or none,
/// even if its host has been updated since it was loaded, and a host may keep the folders of earlier builds.
fn assemble(tools: &Tools, weights: Option<&Path>) -> Result<()> {
    let root = tools.root();
    let mut page = Site::default();
    page.folder("", &root.join("www"))?;
    for variant in &tools.variants {
        page.folder(&format!("engine/pkg/{}/", variant.name), &wasm::package(tools, variant)?)?;
    }
    page.folder("", &vendored(tools)?)?;
    let written = page.clone(); // bundlers and users of the package read the comments
    page.remove(|path| path.ends_with(".d.ts"));
    page.remove(|path| path == "files.js"); // a build writes its own
    if let Some(weights) = weights {
        add_weights(&mut page, weights, &root.join("target/weights"))?;
    }
    minify(tools, &mut page)?;

    let mut dist = Site::default();
    place(tools, &mut page, &mut dist)?;
    package(tools, &written, &mut dist)?;
    for name in ["_headers", "vercel.json", ".htaccess"] {
        dist.file(name, root.join("pkg-config/hosting").join(name));
    }
    dist.folder("data/cifar-10/", &root.join("data/cifar-10"))?; // from `cargo xtask data`, if at all
    dist.write(&root.join("dist"))?;
    check_sizes(tools, &page)
}

/// Adds the weights of a folder that `cargo xtask data imagenet` fills, before all others, since a page starts with the
/// first. They replace the published weights from which they were made. The manifest is written to the folder `made`.
fn add_weights(page: &mut Site, from: &Path, made: &Path) -> Result<()> {
    let own = from.join("manifest.json");
    if !own.exists() {
        return Ok(());
    }
    let read = |path: &Path| -> Result<Vec<Map<String, Value>>> {
        let context = || format!("cannot read {}", path.display());
        serde_json::from_slice(&fs::read(path).with_context(context)?).with_context(context)
    };
    let mut entries = read(&own)?;
    for entry in &entries {
        let file = entry.get("file").and_then(Value::as_str).unwrap_or_default();
        let path = from.join(file);
        ensure!(path.is_file(), "{} lists {file:?}, which is missing beside it", own.display());
        page.file(format!("weights/{file}"), path);
    }
    let mut others = read(page.source(MANIFEST).context("the page has no weights")?)?;
    others.retain(|other| entries.iter().all(|entry| entry.get("id") != other.get("id")));
    entries.append(&mut others);
    let manifest = made.join("manifest.json");
    fs::create_dir_all(made)?;
    fs::write(&manifest, serde_json::to_string_pretty(&entries)?)?;
    page.file(MANIFEST, manifest);
    Ok(())
}

/// Collects the page's files from npm packages, with their types, and returns the folder.
fn vendored(tools: &Tools) -> Result<PathBuf> {
    let folder = tools.root().join("target/vendored");
    let mut site = Site::default();
    for (library, files) in VENDORED {
        let from = tools.root().join("node_modules").join(library);
        for (path, source) in *files {
            site.file(format!("vendor/{library}/{path}"), from.join(source));
        }
    }
    for (place, library, first) in BUNDLED {
        let from = tools.root().join("node_modules").join(library);
        let (module, bundle) = (from.join(first), tools.root().join("target/bundled").join(library));
        let command = "node_modules/.bin/esbuild";
        tools.run(
            cmd!(
                tools.shell,
                "{command} {module} --bundle --format=esm --log-level=warning --outfile={bundle}"
            )
            .quiet(),
        )?;
        site.file(format!("{place}index.js"), bundle);
        site.file(format!("{place}LICENSE"), from.join("LICENSE"));
    }
    site.write(&folder)?;
    Ok(folder)
}

/// Collects what a server overlays on www/ during development: the libraries and, if present, the weights for ImageNet
/// with the list of all weights. Returns the folder.
pub fn overlay(tools: &Tools) -> Result<PathBuf> {
    let root = tools.root();
    let mut site = Site::default();
    site.folder("", &vendored(tools)?)?;
    site.file(MANIFEST, root.join("www").join(MANIFEST));
    add_weights(&mut site, &root.join(IMAGENET), &root.join("target/weights"))?;
    let folder = root.join("target/overlay");
    site.write(&folder)?;
    Ok(folder)
}

/// Names the build and lays the page out: documents that refer to the build's folder, the service worker's list of
/// files, and the folder.
fn place(tools: &Tools, page: &mut Site, dist: &mut Site) -> Result<()> {
    let sh = &tools.shell;
    let files = page.hashes(is_fetched)?;
    let name = hash(serde_json::to_string(&files)?.as_bytes());
    let inside: Vec<&str> = files.keys().copied().filter(|path| !ROOT.contains(path)).collect();
    let mut hashes: BTreeMap<String, String> =
        inside.iter().map(|path| (format!("{name}/{path}"), files[path].clone())).collect();

    let folder = tools.root().join("target/documents");
    let mut documents = Site::default();
    for document in ROOT.into_iter().filter(|path| path.ends_with(".html")) {
        let mut text = sh.read_file(tools.root().join("www").join(document))?;
        for path in &inside {
            text = text.replace(&format!("=\"{path}\""), &format!("=\"{name}/{path}\""));
        }
        hashes.insert(document.to_owned(), hash(text.as_bytes()));
        sh.write_file(folder.join(document), text)?;
        documents.file(document, folder.join(document));
    }
    let list = folder.join("files.js");
    let hashes = serde_json::to_string_pretty(&hashes)?;
    sh.write_file(&list, format!("const BUILD = \"{name}\";\nconst FILES = {hashes};\n"))?;
    documents.file("files.js", list);

    for (path, source) in documents.iter() {
        page.file(path, source);
    }
    for (path, source) in page.iter() {
        let place = if ROOT.contains(&path) { path.to_owned() } else { format!("{name}/{path}") };
        dist.file(place, source);
    }
    Ok(())
}

/// Adds the npm package, unminified and under fixed names: the files that `pkg-config/package.json` lists, with types.
fn package(tools: &Tools, written: &Site, dist: &mut Site) -> Result<()> {
    #[derive(Deserialize)]
    struct Package {
        files: Vec<String>,
    }
    let root = tools.root();
    let Package { files } = serde_json::from_str(&tools.shell.read_file("pkg-config/package.json")?)?;
    let mut types = Site::default();
    types.folder("", &declare_types(tools)?)?;
    for (path, source) in written.iter().chain(types.iter()) {
        if files.iter().any(|name| path.starts_with(name.trim_end_matches('*'))) {
            dist.file(path, source);
        }
    }
    for name in ["package.json", "README.md"] {
        dist.file(name, root.join("pkg-config").join(name));
    }
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        dist.file(name, root.join(name));
    }
    Ok(())
}

/// Replaces scripts and styles by minified ones, each with a source map, through which a browser's developer tools show
/// and debug the original text.
fn minify(tools: &Tools, site: &mut Site) -> Result<()> {
    let folder = tools.root().join("target/minified");
    tools.shell.remove_path(&folder)?;
    let entries: Vec<String> = site
        .iter()
        .filter(|(path, _)| path.ends_with(".js") || path.ends_with(".css"))
        .map(|(path, source)| {
            let (name, _) = path.rsplit_once('.').expect("it has an extension");
            format!("{name}={}", source.display())
        })
        .collect();
    let command = "node_modules/.bin/esbuild";
    let no_tsconfig = "{}"; // ours would add "use strict" to every module, which is strict anyway
    tools.run(
        cmd!(
            tools.shell,
            "{command} {entries...} --minify --sourcemap --tsconfig-raw={no_tsconfig} --log-level=warning --outdir={folder}"
        )
        .quiet(),
    )?;
    site.folder("", &folder)
}

/// Writes `engine.d.ts` and the types that it needs, for TypeScript users of the npm package, and returns the folder.
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

/// Whether a page may fetch the file at this path.
fn is_fetched(path: &str) -> bool {
    !NOT_FETCHED.iter().any(|end| path.ends_with(end))
}

/// Prints the size of the page and fails if it exceeds the budget of `pkg-config/variants.toml`.
fn check_sizes(tools: &Tools, site: &Site) -> Result<()> {
    let budget = &tools.budget;
    let report = |what: &str, weight: Weight, limit: u64| {
        let kb = |bytes: u64| bytes as f64 / 1000.0;
        println!("{what:29} {:7.1} kB {:7.1} kB gzipped of {limit} kB", kb(weight.raw), kb(weight.gzipped));
        ensure!(weight.gzipped <= limit * 1000, "{what} is over its budget (pkg-config/variants.toml)");
        Ok(())
    };

    let mut page = site.weigh(|path| {
        let excluded = budget.page_without.iter().any(|folder| path.starts_with(folder));
        is_fetched(path) && !path.starts_with("engine/pkg/") && !excluded
    })?;
    let mut largest = Weight::default();
    for variant in &tools.variants {
        let folder = format!("engine/pkg/{}/", variant.name);
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use xshell::Shell;

    use super::*;

    #[test]
    fn fetched_weights_come_first_and_replace_the_published_ones() {
        let sh = Shell::new().unwrap();
        let temporary = sh.create_temp_dir().unwrap();
        let [www, from, made] = ["www", "from", "made"].map(|name| temporary.path().join(name));
        let entry = |id: &str, file: &str| json!({"id": id, "file": file});
        let shipped =
            json!([entry("ours", "ours.safetensors"), entry("theirs", "https://host/model.safetensors")]);
        sh.write_file(www.join(MANIFEST), shipped.to_string()).unwrap();
        let mut page = Site::default();
        page.folder("", &www).unwrap();
        add_weights(&mut page, &from, &made).unwrap();
        assert_eq!(page.iter().count(), 1, "nothing was fetched");

        sh.write_file(from.join("manifest.json"), json!([entry("theirs", "theirs.safetensors")]).to_string())
            .unwrap();
        let error = add_weights(&mut page, &from, &made).unwrap_err().to_string();
        assert!(error.ends_with("lists \"theirs.safetensors\", which is missing beside it"), "{error}");
        sh.write_file(from.join("theirs.safetensors"), "weights").unwrap();
        add_weights(&mut page, &from, &made).unwrap();
        let manifest: Value =
            serde_json::from_slice(&fs::read(page.source(MANIFEST).unwrap()).unwrap()).unwrap();
        assert_eq!(
            manifest,
            json!([entry("theirs", "theirs.safetensors"), entry("ours", "ours.safetensors")])
        );
        assert_eq!(page.source("weights/theirs.safetensors"), Some(&*from.join("theirs.safetensors")));
    }
}
