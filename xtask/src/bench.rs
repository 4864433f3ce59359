//! `cargo xtask bench`: ours beside its peers, in alternation in one run. What only this needs is installed into
//! `target/bench/`; the tables go to the README.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;
use xshell::cmd;

use crate::build::build;
use crate::setup::{Needs, setup};
use crate::tools::Tools;

/// What is measured.
#[derive(Clone, Copy, ValueEnum)]
pub enum What {
    /// Inference: in Chromium beside LiteRT.js, onnxruntime-web and TensorFlow.js, natively beside onnxruntime
    Browser,
    /// A training step: in Chromium, natively, and PyTorch's
    Train,
}

/// What the peers in the browser come as, and what bundles them.
const PEERS: &[&str] = &[
    "@litertjs/core",
    "onnxruntime-web",
    "@tensorflow/tfjs-core",
    "@tensorflow/tfjs-backend-wasm",
    "esbuild",
];

/// Measures. `instructions` is the wasm variant to use, and `instructions`-threads on several threads.
pub fn bench(what: What, instructions: &str) -> Result<()> {
    let tools = setup(Needs::Test)?;
    build(&tools)?;
    let sh = &tools.shell;
    let names = [instructions.to_owned(), format!("{instructions}-threads")];
    let known = |name: &&String| tools.variants.iter().any(|variant| variant.name == **name);
    let variants: Vec<_> = names.iter().take_while(known).collect();
    let chrome = tools.chrome().context("setup found no Chrome")?;
    tools.run(cmd!(sh, "cargo build --release --bin mobilenetv2"))?;
    let program = tools.root().join("target/release/mobilenetv2");
    match what {
        What::Browser => {
            let folder = packages(&tools, PEERS)?;
            let python = python(&tools, &["tensorflow", "onnxruntime"])?;
            let measure =
                cmd!(sh, "node benches/browser/browser.js {folder} {python} {program} {variants...}");
            tools.run(measure.env("CHROME", chrome))
        }
        What::Train => {
            let python = python(&tools, &["torch", "torchvision"])?;
            let measure = cmd!(sh, "node benches/browser/train.js {python} {program} {variants...}");
            tools.run(measure.env("CHROME", chrome))
        }
    }
}

/// A Python that has these packages, the newest when it was made.
fn python(tools: &Tools, packages: &[&str]) -> Result<PathBuf> {
    let sh = &tools.shell;
    let folder = tools.root().join("target/bench").join(packages[0]);
    let python = folder.join("bin/python");
    let installed = folder.join("installed");
    if !installed.exists() {
        tools.run(cmd!(sh, "python3 -m venv {folder}"))?;
        tools.run(cmd!(sh, "{python} -m pip install --quiet {packages...}"))?;
        sh.write_file(installed, packages.join(" "))?;
    }
    Ok(python)
}

/// A folder with these npm packages, the newest when it was made.
fn packages(tools: &Tools, packages: &[&str]) -> Result<PathBuf> {
    let sh = &tools.shell;
    let folder = tools.root().join("target/bench/web");
    let installed = folder.join("installed");
    if !installed.exists() {
        sh.create_dir(&folder)?;
        tools.run(cmd!(sh, "npm install --no-save --no-audit --no-fund --prefix {folder} {packages...}"))?;
        sh.write_file(installed, packages.join(" "))?;
    }
    Ok(folder)
}
