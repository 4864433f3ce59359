//! One wasm variant: cargo → wasm-bindgen → wasm-opt.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Result;
use wasm_bindgen_cli_support::Bindgen;
use xshell::cmd;

use crate::stamp::keep;
use crate::tools::{Tools, Variant, WASM_TARGET};

/// wasm-opt's options for every variant, and the features of rustc's default target.
const WASM_OPT: [&str; 8] = [
    "-O3",
    // Nothing of ours lies in the first kilobyte, the far end of the stack. So a constant added to an address can
    // become part of the instruction, which saves 2 kB and a few per cent of the time.
    "--low-memory-unused",
    // Functions that rustc did not inline stay functions even with a single caller: long functions compress worse, by 4
    // kB.
    "--one-caller-inline-max-function-size=20",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
];

/// How a variant is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// As it ships.
    Ship,
    /// Within seconds, with debug assertions: for `cargo xtask dev`.
    Dev,
}

impl Build {
    /// The folder with a subfolder for each variant's package.
    pub fn packages(self, tools: &Tools) -> PathBuf {
        tools.root().join(match self {
            Build::Ship => "target/pkg",
            Build::Dev => "target/pkg-dev",
        })
    }
}

/// Builds a variant's package, if its inputs have changed, and returns its folder.
pub fn package(tools: &Tools, variant: &Variant) -> Result<PathBuf> {
    let sh = &tools.shell;
    let compiled = compile(tools, variant, "wasm")?;
    let folder = Build::Ship.packages(tools).join(&variant.name);
    let made_from = fingerprint(&[
        &sh.read_binary_file(&compiled)?,
        &sh.read_binary_file("Cargo.lock")?,
        &sh.read_binary_file("package-lock.json")?,
        WASM_OPT.join(" ").as_bytes(),
        variant.wasm_opt.join(" ").as_bytes(),
    ]);
    let module = "mobilenetv2_bg.wasm";
    keep(sh, &folder, module, &made_from, || {
        bind(&compiled, &folder)?;
        let wasm = folder.join(module);
        let enable = variant.wasm_opt.iter().map(|feature| format!("--enable-{feature}"));
        tools.run(cmd!(sh, "node node_modules/.bin/wasm-opt {WASM_OPT...} {enable...} {wasm} -o {wasm}"))
    })?;
    Ok(folder)
}

/// Builds a variant's package within seconds; the result is slow.
pub fn package_for_dev(tools: &Tools, variant: &Variant) -> Result<()> {
    let compiled = compile(tools, variant, "wasm-dev")?;
    bind(&compiled, &Build::Dev.packages(tools).join(&variant.name))
}

/// Compiles a variant with a profile and returns the module, which cargo leaves in place if it is up to date.
fn compile(tools: &Tools, variant: &Variant, profile: &str) -> Result<PathBuf> {
    let args = variant.cargo_args();
    let build = cmd!(tools.shell, "cargo build --profile {profile} --lib {args...} --target {WASM_TARGET}");
    tools.run(tools.for_wasm(build, variant)?)?;
    Ok(tools.wasm_target_dir().join(WASM_TARGET).join(profile).join("mobilenetv2.wasm"))
}

/// Writes a module's JavaScript bindings and types. This calls the library behind the program wasm-bindgen, which
/// compiles in a tenth of the program's time and has the crate's version, since both are in one Cargo.lock.
fn bind(compiled: &Path, folder: &Path) -> Result<()> {
    Bindgen::new().input_path(compiled).web(true)?.typescript(true).generate(folder)
}

fn fingerprint(inputs: &[&[u8]]) -> String {
    let mut hasher = DefaultHasher::new();
    inputs.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
