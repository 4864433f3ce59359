//! `cargo xtask test`: every check, one stage after the other, up to the first that fails.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::cmd;

use crate::build::build;
use crate::imports;
use crate::setup::{Needs, install_node_modules, setup};
use crate::site::files;
use crate::tools::{Tools, WASM_TARGET};

type Stage = (&'static str, fn(&Tools) -> Result<()>);

/// Quick ones first.
const STAGES: &[Stage] = &[
    ("formatting", formatting),
    ("imports", imports::check),
    ("clippy", clippy),
    ("native", native),
    ("docs", docs),
    ("wasm", wasm),
    ("types", types),
    ("bundlers", bundlers),
    ("browser", browser),
];

/// What Prettier formats.
const PAGE: &[&str] = &["www/**/*.{js,css}", "{tests,benches,pkg-config}/**/*.{js,ts}", "src/**/*.ts"];

/// Runs the stages named, or all.
pub fn test(wanted: &[String]) -> Result<()> {
    for name in wanted {
        let known = STAGES.iter().any(|(stage, _)| stage == name);
        ensure!(known, "no stage is called {name}; see cargo xtask test --help");
    }
    let tools = setup(Needs::Test)?;
    let mut times = Vec::new();
    for (name, stage) in
        STAGES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name))
    {
        println!("\n── {name} ──");
        let start = Instant::now();
        stage(&tools).with_context(|| format!("the stage `{name}` failed"))?;
        times.push((name, start.elapsed()));
    }
    println!("\nAll is well:");
    for (name, time) in &times {
        println!("{name:12} {:6.1} s", time.as_secs_f64());
    }
    println!(
        "{:12} {:6.1} s",
        "together",
        times.iter().map(|(_, time)| time).sum::<Duration>().as_secs_f64()
    );
    Ok(())
}

/// Rust by rustfmt, the page and its tests by Prettier: `cargo fmt` and `npx prettier --write …` put them right.
fn formatting(tools: &Tools) -> Result<()> {
    tools.run(cmd!(tools.shell, "cargo fmt --all --check"))?;
    tools.run(cmd!(tools.shell, "node node_modules/prettier/bin/prettier.cjs --check {PAGE...}"))
}

/// The native code, without threads too, then what the wasm build makes of it.
fn clippy(tools: &Tools) -> Result<()> {
    let sh = &tools.shell;
    tools.run(cmd!(sh, "cargo clippy --workspace --all-targets -- -D warnings"))?;
    tools.run(cmd!(sh, "cargo clippy --no-default-features --all-targets -- -D warnings"))?;
    // One is enough: what differs without threads is known from above, and instructions make no difference.
    let variant = tools.variants.iter().find(|variant| variant.threads).context("no variant has threads")?;
    let args = variant.cargo_args();
    let wasm = cmd!(sh, "cargo clippy {args...} --all-targets --target {WASM_TARGET} -- -D warnings");
    tools.run(tools.for_wasm(wasm, variant)?)
}

fn native(tools: &Tools) -> Result<()> {
    tools.run(cmd!(tools.shell, "cargo test --workspace"))
}

fn docs(tools: &Tools) -> Result<()> {
    tools.run(cmd!(tools.shell, "cargo doc --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings"))
}

/// Kernels, golden values and `tests/web.rs` in a headless browser, with every variant.
fn wasm(tools: &Tools) -> Result<()> {
    let capabilities = capabilities(tools)?;
    for variant in &tools.variants {
        println!("\n{}", variant.name);
        let args = variant.cargo_args();
        let test = cmd!(
            tools.shell,
            "wasm-pack test --headless --chrome --mode no-install -- {args...} --lib --test golden --test web"
        );
        let test = tools.for_wasm(test, variant)?;
        tools.run(test.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &capabilities))?;
    }
    Ok(())
}

/// A copy of `webdriver.json` that names the browser: without, ChromeDriver takes what is installed where it looks.
fn capabilities(tools: &Tools) -> Result<PathBuf> {
    let mut capabilities: Value = serde_json::from_str(&tools.shell.read_file("webdriver.json")?)?;
    capabilities["goog:chromeOptions"]["binary"] = tools.chrome()?.to_string_lossy().into();
    let file = tools.root().join("target/webdriver.json");
    tools.shell.write_file(&file, capabilities.to_string())?;
    Ok(file)
}

/// The page's JSDoc types, against those of the wasm packages and the libraries in dist/, and the npm package's own.
fn types(tools: &Tools) -> Result<()> {
    build(tools)?;
    for project in ["tsconfig.json", "tsconfig.service-worker.json", "tests/tsconfig.json"] {
        tools.run(cmd!(tools.shell, "node node_modules/typescript/bin/tsc --project {project}"))?;
    }
    Ok(())
}

/// `tests/page/*.test.js`: the page's logic by itself; `tests/browser/*.test.js`: the built page in a headless browser.
fn browser(tools: &Tools) -> Result<()> {
    build(tools)?;
    let mut tests = Vec::new();
    for folder in ["tests/page", "tests/browser"].map(|folder| tools.root().join(folder)) {
        let found = files(&folder)?.into_iter().filter(|file| file.ends_with(".test.js"));
        tests.extend(found.map(|file| folder.join(file)));
    }
    let chrome = tools.chrome()?;
    // Two files at a time: pages wait more than they compute.
    let node = cmd!(tools.shell, "node --test --test-concurrency=2 --test-reporter spec {tests...}");
    tools.run(node.env("CHROME", chrome))
}

/// `tests/bundlers/`: the npm package in projects of those who install it.
fn bundlers(tools: &Tools) -> Result<()> {
    build(tools)?;
    let folder = tools.root().join("tests/bundlers");
    install_node_modules(tools, &folder)?;
    let test = folder.join("bundlers.test.js");
    let node = cmd!(tools.shell, "node --test --test-reporter spec {test}");
    tools.run(node.env("CHROME", tools.chrome()?))
}
