//! One wasm variant: cargo → wasm-bindgen → wasm-opt.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use anyhow::Result;
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

/// Builds a variant's package, if anything it is made from has changed, and returns its folder.
pub fn package(tools: &Tools, variant: &Variant) -> Result<PathBuf> {
    let sh = &tools.shell;
    let args = variant.cargo_args();
    let build = cmd!(sh, "cargo build --profile wasm --lib {args...} --target {WASM_TARGET}");
    tools.run(tools.for_wasm(build, variant)?)?;

    // Cargo has put this variant's there, be it new or not; the rest is up to date if it was made from the same.
    let compiled = tools.wasm_target_dir().join(WASM_TARGET).join("wasm/mobilenetv2.wasm");
    let folder = tools.root().join("target/pkg").join(&variant.name);
    let made_from = fingerprint(&[
        &sh.read_binary_file(&compiled)?,
        &sh.read_binary_file("Cargo.lock")?,
        &sh.read_binary_file("package-lock.json")?,
        WASM_OPT.join(" ").as_bytes(),
        variant.wasm_opt.join(" ").as_bytes(),
    ]);
    let module = "mobilenetv2_bg.wasm";
    keep(sh, &folder, module, &made_from, || {
        tools.run(cmd!(sh, "wasm-bindgen --target web --out-dir {folder} {compiled}"))?;
        let wasm = folder.join(module);
        let enable = variant.wasm_opt.iter().map(|feature| format!("--enable-{feature}"));
        tools.run(cmd!(sh, "node node_modules/.bin/wasm-opt {WASM_OPT...} {enable...} {wasm} -o {wasm}"))
    })?;
    Ok(folder)
}

fn fingerprint(inputs: &[&[u8]]) -> String {
    let mut hasher = DefaultHasher::new();
    inputs.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
