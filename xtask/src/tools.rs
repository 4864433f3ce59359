//! The programs that the tasks run, and their environment.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use xshell::{Cmd, Shell};

/// Name of the target in rustc and cargo.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// One wasm build of `pkg-config/variants.toml`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Variant {
    pub name: String,
    pub kernel_features: Option<String>,
    #[serde(default)]
    pub threads: bool,
    pub wasm_opt: Vec<String>,
}

impl Variant {
    /// Cargo's options: the crate's features without the command line, and the kernels' instruction set.
    pub fn cargo_args(&self) -> Vec<String> {
        let mut args = vec!["--no-default-features".to_owned()];
        if self.threads {
            args.push("--features=threads".to_owned());
        }
        if let Some(features) = &self.kernel_features {
            let features = format!("-Ctarget-feature={features}");
            // Only crates with kernels get them: all others, and the standard library, are compiled once for two
            // variants.
            for package in ["mobilenetv2", "fearless_simd"] {
                for (profile, flags) in [
                    ("dev", vec![&*features]),
                    ("wasm-dev", vec![&features]),
                    ("wasm", vec![PANIC_LOCATIONS, &features]),
                ] {
                    args.push(format!("--config=profile.{profile}.package.{package}.rustflags={flags:?}"));
                }
            }
        }
        args
    }
}

/// Panics in shipped code have a message but no location: those are 9 kB of a page. Other builds name file, line and column.
const PANIC_LOCATIONS: &str = "-Zlocation-detail=none";

/// Linker options for threads that share a module's memory, each with its own stack and thread-locals. A shared memory
/// reserves its maximum from the start; phones refuse more than 2 GiB.
const SHARED_MEMORY: [&str; 7] = [
    "--shared-memory",
    "--import-memory",
    "--max-memory=2147483648",
    "--export=__wasm_init_tls",
    "--export=__tls_size",
    "--export=__tls_align",
    "--export=__tls_base",
];

/// Upper bounds in kB after gzip.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Budget {
    pub variant: u64,
    pub page: u64,
    pub page_without: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variants {
    variant: Vec<Variant>,
    budget: Budget,
}

/// The shell, in the repository's root and with the project's own tools first in PATH, and the configuration.
pub struct Tools {
    pub shell: Shell,
    pub variants: Vec<Variant>,
    pub budget: Budget,
    /// Whether Debian's Rust in /usr/bin compiles WebAssembly, and not the Rust in PATH.
    pub debian_rust: bool,
}

impl Tools {
    pub fn new() -> Result<Tools> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root");
        let shell = Shell::new()?;
        shell.change_dir(root);
        shell.set_var("PATH", prepend(&root.join(".tools/bin"), &env::var_os("PATH").unwrap_or_default())?);
        shell.set_var("CARGO_TARGET_DIR", root.join("target"));
        let file = "pkg-config/variants.toml";
        let Variants { variant: variants, budget } =
            toml::from_str(&shell.read_file(file)?).with_context(|| file.to_owned())?;
        Ok(Tools { shell, variants, budget, debian_rust: false })
    }

    /// The repository's root.
    pub fn root(&self) -> PathBuf {
        self.shell.current_dir()
    }

    /// The wasm variant of this name.
    pub fn variant(&self, name: &str) -> Result<&Variant> {
        self.variants.iter().find(|variant| variant.name == name).with_context(|| {
            let all: Vec<_> = self.variants.iter().map(|variant| &*variant.name).collect();
            format!("unknown wasm variant {name}; pkg-config/variants.toml has {}", all.join(", "))
        })
    }

    /// The program's path, if it is installed.
    pub fn find(&self, program: impl AsRef<OsStr>) -> Option<PathBuf> {
        which::which_in(program, self.shell.var_os("PATH"), self.root()).ok()
    }

    /// Chrome or Chromium: the program that `CHROME` names, else an installed one.
    pub fn chrome(&self) -> Result<PathBuf> {
        self.browser(
            "CHROME",
            "Chrome or Chromium",
            &[
                "chromium",
                "chromium-browser",
                "google-chrome",
                "google-chrome-stable",
                "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            ],
        )
    }

    /// Firefox: the program that `FIREFOX` names, else an installed one.
    pub fn firefox(&self) -> Result<PathBuf> {
        const NAMES: [&str; 3] =
            ["firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"];
        self.browser("FIREFOX", "Firefox", &NAMES)
    }

    fn browser(&self, variable: &str, kind: &str, names: &[&str]) -> Result<PathBuf> {
        if let Some(named) = self.shell.var_os(variable) {
            let found = self.find(&named);
            return found.with_context(|| {
                format!("{variable} is {named:?}, which is not a program; expected {kind}")
            });
        }
        names.iter().find_map(|name| self.find(name)).with_context(|| format!("no {kind} is in PATH"))
    }

    /// Cargo's target folder for WebAssembly.
    pub fn wasm_target_dir(&self) -> PathBuf {
        self.root().join("target/wasm")
    }

    /// The command for a wasm variant: with its target features and a suitable toolchain.
    pub fn for_wasm<'a>(&self, command: Cmd<'a>, variant: &Variant) -> Result<Cmd<'a>> {
        // RUSTFLAGS, not the target's own variable, which an outer RUSTFLAGS would override
        let mut flags =
            format!("-C target-feature=+simd128{}", if variant.threads { ",+atomics" } else { "" });
        // LLVM's loop strength reduction computes an address for each constant offset, which a wasm load includes for
        // free
        flags += " -C llvm-args=-disable-lsr";
        // Kernels control vectorisation and unrolling themselves; elsewhere both only make a page 3 kB larger
        flags += " -C llvm-args=-unroll-runtime=false -C no-vectorize-slp";
        // The parts of kernels are inlined by attribute, and their iterators cost less than this threshold. LLVM's
        // default of 225 also inlines everything else, which adds 7 kB; at 70, a step takes a sixth longer
        flags += " -C llvm-args=-inlinedefault-threshold=80";
        for argument in SHARED_MEMORY.iter().filter(|_| variant.threads) {
            flags += &format!(" -C link-arg={argument}");
        }
        let command = command
            .env("RUSTFLAGS", flags)
            .env("CARGO_TARGET_DIR", self.wasm_target_dir())
            // building the standard library is unstable in cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
            .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size")
            // so is keeping this machine's folders out of panic messages
            .env("CARGO_UNSTABLE_TRIM_PATHS", "true")
            .env("CARGO_PROFILE_WASM_TRIM_PATHS", "all")
            // so are flags per profile
            .env("CARGO_UNSTABLE_PROFILE_RUSTFLAGS", "true")
            .env("CARGO_PROFILE_WASM_RUSTFLAGS", PANIC_LOCATIONS)
            // so is, before cargo 1.100, a folder for each build of a crate: two variants' builds would share a file
            // name
            .env("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true")
            // no browser reads the tests' debug information
            .env("CARGO_PROFILE_DEV_DEBUG", "none");
        self.with_std_sources(command)
    }

    /// The command, run by the toolchain that has the standard library's sources.
    pub fn with_std_sources<'a>(&self, command: Cmd<'a>) -> Result<Cmd<'a>> {
        if !self.debian_rust {
            return Ok(command);
        }
        Ok(command
            .env("PATH", prepend(Path::new("/usr/bin"), &self.shell.var_os("PATH").unwrap_or_default())?))
    }

    /// Runs a command and shows it with its output.
    pub fn run(&self, command: Cmd) -> Result<()> {
        Ok(fresh(command).run()?)
    }

    /// Whether a command succeeds; shows nothing.
    pub fn succeeds(&self, command: Cmd) -> bool {
        let output = fresh(command).quiet().ignore_status().output();
        output.is_ok_and(|output| output.status.success())
    }
}

/// Removes what the `cargo run` behind `cargo xtask` left in the environment: it would change another cargo's choice of
/// programs and libraries, and rebuild crates that depend on these variables.
fn fresh(command: Cmd) -> Cmd {
    let left = env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        ["CARGO", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"].contains(&&*name)
            || name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
    });
    left.fold(command, |command, name| command.env_remove(name))
}

/// A PATH with this folder first.
fn prepend(folder: &Path, path: &OsStr) -> Result<OsString> {
    Ok(env::join_paths(std::iter::once(folder.to_owned()).chain(env::split_paths(path)))?)
}

/// The first two numbers of a program's version: `rustc 1.96.0 (…)` → (1, 96), `v20.1.0` → (20, 1).
pub fn version_of(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut numbers = text[start..].split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chrome_names_the_browser() {
        let tools = Tools::new().unwrap();
        let cargo = tools.find("cargo").unwrap();
        tools.shell.set_var("CHROME", &cargo);
        assert_eq!(tools.chrome().unwrap(), cargo);
        for wrong in ["/nowhere/chrome", "./Cargo.toml", ""] {
            tools.shell.set_var("CHROME", wrong);
            let error = tools.chrome().unwrap_err().to_string();
            assert!(error.contains(&format!("{wrong:?}")), "{error}");
        }
    }
}
