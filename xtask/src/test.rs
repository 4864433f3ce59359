//! `cargo xtask test`: every check, one stage after another, until one fails.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Cmd, cmd};

use crate::build::build;
use crate::fuzz;
use crate::imports;
use crate::setup::{Cross, Needs, WEBKIT, install_node_modules, setup, setup_cross};
use crate::site::files;
use crate::tools::{Tools, WASM_TARGET};

type Stage = (&'static str, fn(&Tools) -> Result<()>);

/// Quick ones first.
const STAGES: &[Stage] = &[
    ("formatting", formatting),
    ("imports", imports),
    ("clippy", clippy),
    ("native", native),
    ("docs", docs),
    ("fuzz", fuzz::stage),
    ("wasm", wasm),
    ("types", types),
    ("bundlers", bundlers),
    ("browser", browser),
    ("walk", walk),
];
/// Only on request: each takes minutes.
const ON_REQUEST: &[Stage] = &[("firefox", firefox), ("engines", engines), ("emulated", emulated)];
/// Stages that need browsers other than Chromium.
const OF_ENGINES: [&str; 3] = ["firefox", "walk", "engines"];

/// What Prettier formats.
const PAGE: &[&str] = &["www/**/*.{js,css}", "{tests,benches,pkg-config}/**/*.{js,ts}", "src/**/*.ts"];

/// Runs the named stages, or all.
pub fn test(wanted: &[String]) -> Result<()> {
    for name in wanted {
        let known = STAGES.iter().chain(ON_REQUEST).any(|(stage, _)| stage == name);
        ensure!(known, "unknown stage {name}; see cargo xtask test --help");
    }
    let stages: Vec<_> = match wanted {
        [] => STAGES.iter().collect(),
        _ => STAGES.iter().chain(ON_REQUEST).filter(|(name, _)| wanted.iter().any(|w| w == name)).collect(),
    };
    let engines = stages.iter().any(|(name, _)| OF_ENGINES.contains(name));
    let tools = setup(if engines { Needs::Engines } else { Needs::Test })?;
    let mut times = Vec::new();
    for (name, stage) in stages {
        println!("\n── {name} ──");
        let start = Instant::now();
        stage(&tools).with_context(|| format!("the stage `{name}` failed"))?;
        times.push((name, start.elapsed()));
    }
    println!("\nAll stages passed:");
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

/// Rust by rustfmt, the page and its tests by Prettier; `cargo fmt` and `npx prettier --write …` fix them.
fn formatting(tools: &Tools) -> Result<()> {
    tools.run(cmd!(tools.shell, "cargo fmt --all --check"))?;
    tools.run(cmd!(tools.shell, "node node_modules/prettier/bin/prettier.cjs --check {PAGE...}"))
}

/// The import rules: Rust by our table, the page by dependency-cruiser.
fn imports(tools: &Tools) -> Result<()> {
    imports::check(tools)?;
    let cruise = "node_modules/dependency-cruiser/bin/dependency-cruise.mjs";
    tools.run(cmd!(tools.shell, "node {cruise} --config pkg-config/imports.js www"))
}

/// The native code, also without threads, then the code of the wasm build.
fn clippy(tools: &Tools) -> Result<()> {
    let sh = &tools.shell;
    tools.run(cmd!(sh, "cargo clippy --workspace --all-targets -- -D warnings"))?;
    tools.run(cmd!(sh, "cargo clippy --no-default-features --all-targets -- -D warnings"))?;
    // One variant is enough: code without threads is checked above, and instruction sets make no difference.
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

/// Golden values on the instruction sets that this machine lacks or would not choose, in an emulator: x86-64 with AVX2 and
/// without AVX, where scalar code runs, and aarch64, the architecture of Apple's computers and most phones, with NEON, which
/// fuses multiply-add. There also kernels, layers, training and inference.
fn emulated(tools: &Tools) -> Result<()> {
    let Cross { gcc, qemu_aarch64, qemu_x86_64 } = setup_cross(tools)?;
    if cfg!(target_arch = "x86_64") {
        // QEMU's best one has AVX2 and no AVX-512, its plainest no AVX
        for processor in ["max", "qemu64"] {
            println!("\n{processor}");
            let runner = format!("{} -cpu {processor}", qemu_x86_64.display());
            let test = cmd!(tools.shell, "cargo test --test golden");
            tools.run(test.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner))?;
        }
    }
    println!("\naarch64");
    // its libraries lie where Debian's cross compilers put them
    let runner = format!("{} -L /usr/aarch64-linux-gnu", qemu_aarch64.display());
    let parts: [&[&str]; 2] =
        [&["--test", "golden"], &["--lib", "--", "kernel::", "layer::", "network::", "infer::"]];
    for part in parts {
        let test = cmd!(tools.shell, "cargo test -Zbuild-std --target aarch64-unknown-linux-gnu {part...}")
            // building the standard library is not a stable feature of cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", &gcc)
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", &runner);
        tools.run(tools.with_std_sources(test)?)?;
    }
    Ok(())
}

/// Kernels, golden values and `tests/web.rs` in headless Chromium, with every variant.
fn wasm(tools: &Tools) -> Result<()> {
    let mut capabilities = capabilities(tools)?;
    capabilities["goog:chromeOptions"]["binary"] = tools.chrome()?.to_string_lossy().into();
    wasm_in(tools, "--chrome", &capabilities)
}

/// The same in the browser that wasm-pack's option names.
fn wasm_in(tools: &Tools, browser: &str, capabilities: &Value) -> Result<()> {
    let file = tools.root().join("target/webdriver.json");
    tools.shell.write_file(&file, capabilities.to_string())?;
    for variant in &tools.variants {
        println!("\n{}", variant.name);
        let args = variant.cargo_args();
        let test = cmd!(
            tools.shell,
            "wasm-pack test --headless {browser} --mode no-install -- {args...} --lib --test golden --test web"
        );
        let test = tools.for_wasm(test, variant)?;
        // whole networks are trained: a busy machine takes longer than the 20 s that the runner grants
        tools.run(
            test.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &file).env("WASM_BINDGEN_TEST_TIMEOUT", "180"),
        )?;
    }
    Ok(())
}

/// The capabilities of `webdriver.json`, plus the browser's path: without it, a driver takes any browser that it finds.
fn capabilities(tools: &Tools) -> Result<Value> {
    Ok(serde_json::from_str(&tools.shell.read_file("webdriver.json")?)?)
}

/// The page's JSDoc types, checked against those of the wasm packages and the libraries in dist/, and the npm package's
/// own.
fn types(tools: &Tools) -> Result<()> {
    build(tools)?;
    for project in ["tsconfig.json", "tsconfig.workers.json", "tests/tsconfig.json"] {
        tools.run(cmd!(tools.shell, "node node_modules/typescript/bin/tsc --project {project}"))?;
    }
    Ok(())
}

/// `tests/page/*.test.js`: the page's logic by itself; `tests/browser/*.test.js`: the built page in headless Chromium.
fn browser(tools: &Tools) -> Result<()> {
    build(tools)?;
    let tests = [tests_in(tools, "tests/page")?, tests_in(tools, "tests/browser")?].concat();
    let chrome = tools.chrome()?;
    // Two files at a time: pages wait more than they compute.
    let node = cmd!(tools.shell, "node --test --test-concurrency=2 --test-reporter spec {tests...}");
    tools.run(node.env("CHROME", chrome))
}

/// `tests/bundlers/`: the npm package in its users' projects.
fn bundlers(tools: &Tools) -> Result<()> {
    build(tools)?;
    let folder = tools.root().join("tests/bundlers");
    install_node_modules(tools, &folder)?;
    let test = folder.join("bundlers.test.js");
    let node = cmd!(tools.shell, "node --test --test-reporter spec {test}");
    tools.run(node.env("CHROME", tools.chrome()?))
}

/// `tests/engines/walk.test.js`: one walk through the built page in Chromium, Firefox and WebKit.
fn walk(tools: &Tools) -> Result<()> {
    build(tools)?;
    let tests = tests_in(tools, "tests/engines")?;
    tools.run(in_engines(tools, cmd!(tools.shell, "node --test --test-reporter spec {tests...}"))?)
}

/// `tests/browser/*.test.js` again, in Firefox, except those that `tests/engines/impossible.js` lists.
fn engines(tools: &Tools) -> Result<()> {
    build(tools)?;
    tools.run(cmd!(tools.shell, "node tests/engines/suite.js").env("FIREFOX", tools.firefox()?))
}

/// The command, with the paths of the three browsers that are installed.
pub fn in_engines<'a>(tools: &Tools, command: Cmd<'a>) -> Result<Cmd<'a>> {
    let mut engines = vec!["chromium", "firefox"];
    match WEBKIT.iter().find(|program| tools.find(program).is_none()) {
        None => engines.extend(["webkit", "webkit-bare"]),
        Some(program) => println!("WebKit is skipped: {program} is not installed"),
    }
    let command = command.env("CHROME", tools.chrome()?).env("FIREFOX", tools.firefox()?);
    Ok(command.env("ENGINES", engines.join(",")))
}

/// The stage `wasm` again, in Firefox.
fn firefox(tools: &Tools) -> Result<()> {
    let mut capabilities = capabilities(tools)?;
    capabilities["moz:firefoxOptions"]["binary"] = tools.firefox()?.to_string_lossy().into();
    wasm_in(tools, "--firefox", &capabilities)
}

/// The test files in a folder.
fn tests_in(tools: &Tools, folder: &str) -> Result<Vec<PathBuf>> {
    let folder = tools.root().join(folder);
    Ok(files(&folder)?
        .into_iter()
        .filter(|file| file.ends_with(".test.js"))
        .map(|file| folder.join(file))
        .collect())
}
