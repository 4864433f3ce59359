//! One wasm variant: cargo → wasm-bindgen → wasm-opt.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Result;
use wasm_bindgen_cli_support::Bindgen;
use xshell::cmd;

use crate::stamp::keep;
use crate::tools::{Tools, Variant, WASM_TARGET};

/// How wasm-opt is to work on every variant, and what rustc's default target uses.
const WASM_OPT: [&str; 8] = [
    "-O3",
    // Nothing of ours lies in the first kilobyte, the far end of the stack: so a constant added to an address can become
    // part of the instruction, which saves 2 kB and a few per cent of the time.
    "--low-memory-unused",
    // What rustc left a function stays one, though it has a single caller: long functions compress worse, by 4 kB.
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
    /// In seconds, with debug assertions: for `cargo xtask dev`.
    Dev,
}

impl Build {
    /// The folder that has a folder for each variant's package.
    pub fn packages(self, tools: &Tools) -> PathBuf {
        tools.root().join(match self {
            Build::Ship => "target/pkg",
            Build::Dev => "target/pkg-dev",
        })
    }
}

/// Builds a variant's package, if anything it is made from has changed, and returns its folder.
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

/// Builds a variant's package in seconds, slow as it is then.
pub fn package_for_dev(tools: &Tools, variant: &Variant) -> Result<()> {
    let compiled = compile(tools, variant, "wasm-dev")?;
    bind(&compiled, &Build::Dev.packages(tools).join(&variant.name))
}

/// Compiles a variant by a profile, and returns the module. Cargo has put this variant's there, be it new or not.
fn compile(tools: &Tools, variant: &Variant, profile: &str) -> Result<PathBuf> {
    let args = variant.cargo_args();
    let build = cmd!(tools.shell, "cargo build --profile {profile} --lib {args...} --target {WASM_TARGET}");
    tools.run(tools.for_wasm(build, variant)?)?;
    Ok(tools.wasm_target_dir().join(WASM_TARGET).join(profile).join("mobilenetv2.wasm"))
}

/// Writes a module as JavaScript imports it, with its types. This is the program wasm-bindgen, whose library compiles in a
/// tenth of the program's time, and in the version of the crate, since both are in one Cargo.lock.
fn bind(compiled: &Path, folder: &Path) -> Result<()> {
    Bindgen::new().input_path(compiled).web(true)?.typescript(true).generate(folder)
}

fn fingerprint(inputs: &[&[u8]]) -> String {
    let mut hasher = DefaultHasher::new();
    inputs.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
