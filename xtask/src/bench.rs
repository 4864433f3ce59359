//! `cargo xtask bench`: measures the project and its peers alternately in one run. What only this task needs is
//! installed into `target/bench/`; the tables go to `docs/performance.md`.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use xshell::cmd;

use crate::build::{build, build_with_imagenet};
use crate::setup::{Needs, setup};
use crate::stamp::keep;
use crate::test::in_engines;
use crate::tools::Tools;

/// The benchmark.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Inference: in Chromium against LiteRT.js, onnxruntime-web and TensorFlow.js, natively against onnxruntime
    Browser,
    /// A training step: in Chromium and natively, against PyTorch and jax-js
    Train,
    /// The page's bench.html, in Chromium, Firefox and WebKitGTK, each with its own variant
    Engines,
    /// The page, from opening it to the first answer, with ImageNet's weights if they are there or can be fetched
    Opening,
}

/// npm packages of the browser peers, and the bundler for those of inference.
const INFERENCE: &[&str] = &[
    "@litertjs/core",
    "onnxruntime-web",
    "@tensorflow/tfjs-core",
    "@tensorflow/tfjs-backend-wasm",
    "esbuild",
];
const TRAINING: &[&str] = &["@jax-js/jax"];

/// Runs a benchmark. `instructions` is the wasm variant to use, and `instructions`-threads the one for several threads.
pub fn bench(what: What, instructions: &str) -> Result<()> {
    let variants = choose(&Tools::new()?, instructions)?;
    let tools = setup(if what == What::Engines { Needs::Engines } else { Needs::Test })?;
    if what == What::Opening {
        build_with_imagenet(&tools)?
    } else {
        build(&tools)?
    }
    let sh = &tools.shell;
    let measure = match what {
        What::Browser => {
            let folder = packages(&tools, "web", INFERENCE)?;
            let python = python(&tools, &["tensorflow", "onnxruntime"])?;
            let program = command_line(&tools)?;
            cmd!(sh, "node benches/browser/browser.js {folder} {python} {program} {variants...}")
        }
        What::Train => {
            let folder = packages(&tools, "web-training", TRAINING)?;
            let python = python(&tools, &["torch", "torchvision"])?;
            let program = command_line(&tools)?;
            cmd!(sh, "node benches/browser/train.js {folder} {python} {program} {variants...}")
        }
        What::Opening => cmd!(sh, "node benches/browser/opening.js"),
        What::Engines => in_engines(&tools, cmd!(sh, "node benches/browser/engines.js"))?,
    };
    tools.run(measure.env("CHROME", tools.chrome()?))
}

/// Builds the command line, and returns its path.
pub fn command_line(tools: &Tools) -> Result<PathBuf> {
    tools.run(cmd!(tools.shell, "cargo build --release --bin mobilenetv2"))?;
    Ok(tools.root().join("target/release/mobilenetv2"))
}

/// The names of the single-threaded variant and, if there is one, of the threaded one.
fn choose(tools: &Tools, instructions: &str) -> Result<Vec<String>> {
    let threaded = tools.variant(&format!("{instructions}-threads")).ok();
    Ok([tools.variant(instructions)?]
        .into_iter()
        .chain(threaded)
        .map(|variant| variant.name.clone())
        .collect())
}

/// A Python environment with these packages, created with the newest versions.
fn python(tools: &Tools, packages: &[&str]) -> Result<PathBuf> {
    let sh = &tools.shell;
    let folder = tools.root().join("target/bench").join(packages[0]);
    let python = folder.join("bin/python");
    keep(sh, &folder, "bin/python", &packages.join(" "), || {
        tools.run(cmd!(sh, "python3 -m venv {folder}"))?;
        tools.run(cmd!(sh, "{python} -m pip install --quiet {packages...}"))
    })?;
    Ok(python)
}

/// A folder with these npm packages, created with the newest versions.
fn packages(tools: &Tools, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let sh = &tools.shell;
    let folder = tools.root().join("target/bench").join(name);
    keep(sh, &folder, "node_modules", &packages.join(" "), || {
        tools.run(cmd!(sh, "npm install --no-save --no-audit --no-fund --prefix {folder} {packages...}"))
    })?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_variant_is_named_with_the_known_ones() {
        let tools = Tools::new().unwrap();
        assert_eq!(choose(&tools, "simd128").unwrap(), ["simd128", "simd128-threads"]);
        assert_eq!(choose(&tools, "simd128-threads").unwrap(), ["simd128-threads"]);
        let error = choose(&tools, "smid128").unwrap_err().to_string();
        assert!(error.contains("variant smid128;") && error.contains(" relaxed-simd, "), "{error}");
    }
}
