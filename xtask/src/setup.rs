//! `cargo xtask setup`: installs what the other tasks need and this machine lacks, and nothing else.
//!
//! System packages come from rustup or, for root on Debian, from apt. Everything else stays in the project: `.tools/`
//! (wasm-bindgen, wasm-pack, cargo-fuzz, geckodriver) and `node_modules/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use xshell::cmd;

use crate::tools::{Tools, version_of};

/// Oldest supported Rust (`rust-version` of Cargo.toml) and Node.js.
const RUST: (u32, u32) = (1, 95);
const NODE: (u32, u32) = (20, 12);
/// Versions to install if PATH has none; any version will do.
const WASM_PACK: &str = "0.15.1";
const CARGO_FUZZ: &str = "0.13.2";
const GECKODRIVER: &str = "0.37.1";
/// Programs that drive WebKit: its driver, and a virtual screen.
pub const WEBKIT: [&str; 2] = ["WebKitWebDriver", "Xvfb"];

/// The standard library's sources in a Rust installation.
const STD_SOURCES: &str = "lib/rustlib/src/rust/library/std/Cargo.toml";

/// The purpose of the tools.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    Build,
    Test,
    /// Firefox and WebKit in addition to Chromium, and their drivers.
    Engines,
}

/// Something that the machine lacks.
struct Lack {
    /// Debian packages that provide it; none if there are none.
    packages: &'static [&'static str],
    /// What a person can do about it.
    by_hand: &'static str,
}

/// Ensures that everything is installed, and returns it.
pub fn setup(needs: Needs) -> Result<Tools> {
    let mut tools = Tools::new()?;
    // if one is named, no other has to be installed
    if needs >= Needs::Test && tools.shell.var_os("CHROME").is_some() {
        tools.chrome()?;
    }
    if needs >= Needs::Engines && tools.shell.var_os("FIREFOX").is_some() {
        tools.firefox()?;
    }
    let mut lacks = find_lacks(&mut tools, needs);
    if !lacks.is_empty() && install_packages(&tools, &lacks) {
        lacks = find_lacks(&mut tools, needs);
    }
    if !lacks.is_empty() {
        bail!("{}", advice(&lacks));
    }
    if needs >= Needs::Test {
        install_cargo_tools(&tools, needs)?;
    }
    install_node_modules(&tools, &tools.root())?;
    Ok(tools)
}

/// What links code for aarch64, and runs it or code for other processors of x86-64.
pub struct Cross {
    pub gcc: PathBuf,
    pub qemu_aarch64: PathBuf,
    pub qemu_x86_64: PathBuf,
}

/// Ensures that code for other processors can be linked and run.
pub fn setup_cross(tools: &Tools) -> Result<Cross> {
    let programs = || {
        Some(Cross {
            gcc: tools.find("aarch64-linux-gnu-gcc")?,
            qemu_aarch64: tools.find("qemu-aarch64-static")?,
            qemu_x86_64: tools.find("qemu-x86_64-static")?,
        })
    };
    let lacks = [Lack {
        packages: &["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user-static"],
        by_hand: "install a GCC for aarch64-linux-gnu with its C library, and QEMU's static user programs",
    }];
    if programs().is_none() {
        install_packages(tools, &lacks);
    }
    programs().with_context(|| advice(&lacks))
}

/// What the machine still lacks after rustup has done what it can.
fn find_lacks(tools: &mut Tools, needs: Needs) -> Vec<Lack> {
    let sh = tools.shell.clone();
    let mut lacks = Vec::new();
    tools.debian_rust = false;
    if !has_std_sources(tools) {
        tools.debian_rust = has_debian_rust(tools);
        if !tools.debian_rust && !tools.succeeds(cmd!(sh, "rustup component add rust-src")) {
            lacks.push(Lack {
                packages: &["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "lld-22"],
                by_hand: "rustup component add rust-src",
            });
        }
    }
    let node = cmd!(sh, "node --version").quiet().ignore_stderr().read().ok();
    if node.and_then(|version| version_of(&version)) < Some(NODE) || tools.find("npm").is_none() {
        lacks.push(Lack {
            packages: &[],
            by_hand: "install Node.js 20.12 or newer with npm: https://nodejs.org",
        });
    }
    if needs >= Needs::Test {
        let installed = tools.succeeds(cmd!(sh, "cargo fmt --version"))
            && tools.succeeds(cmd!(sh, "cargo clippy --version"));
        if !installed && !tools.succeeds(cmd!(sh, "rustup component add rustfmt clippy")) {
            lacks.push(Lack {
                packages: &["rustfmt-web", "rust-web-clippy"],
                by_hand: "rustup component add rustfmt clippy",
            });
        }
        if tools.find("c++").is_none() {
            lacks.push(Lack { packages: &["g++"], by_hand: "install a C++ compiler, c++, for libFuzzer" });
        }
        if tools.chrome().is_err() || tools.find("chromedriver").is_none() {
            lacks.push(Lack {
                packages: &["chromium", "chromium-driver"],
                by_hand: "install Chrome or Chromium and, in PATH or in .tools/bin/, the ChromeDriver of its \
                          version. Here, for a stable one:\n    \
                          mkdir -p .tools/bin && ln -sf \"$(npx --yes @puppeteer/browsers install \
                          chromedriver@stable --path \"$PWD/.tools\" --format '{{path}}')\" .tools/bin",
            });
        }
    }
    if needs >= Needs::Engines {
        if tools.firefox().is_err() {
            lacks.push(Lack {
                packages: &["firefox-esr"],
                by_hand: "install Firefox: https://www.firefox.com",
            });
        }
        // WebKitGTK exists on Linux only; elsewhere the tests report that they skip it
        if cfg!(target_os = "linux") && WEBKIT.iter().any(|program| tools.find(program).is_none()) {
            lacks.push(Lack {
                packages: &["webkit2gtk-driver", "xvfb"],
                by_hand: "install WebKitGTK's WebKitWebDriver, and Xvfb",
            });
        }
    }
    lacks
}

/// Whether the Rust in PATH has the sources of its standard library. Every wasm variant compiles its own: the
/// precompiled one lacks threads and is larger.
fn has_std_sources(tools: &Tools) -> bool {
    let sysroot = cmd!(tools.shell, "rustc --print sysroot").quiet().ignore_stderr().read();
    sysroot.is_ok_and(|sysroot| Path::new(&sysroot).join(STD_SOURCES).exists())
}

/// Whether Debian's Rust is installed, with the sources of its standard library, clippy and a linker.
fn has_debian_rust(tools: &Tools) -> bool {
    let files =
        ["/usr/bin/cargo", "/usr/bin/cargo-clippy", "/usr/bin/lld-22", &format!("/usr/{STD_SOURCES}")];
    let version = cmd!(tools.shell, "/usr/bin/rustc --version").quiet().ignore_stderr().read().ok();
    files.iter().all(|file| Path::new(file).exists())
        && version.and_then(|version| version_of(&version)) >= Some(RUST)
}

/// Installs Debian packages; returns false if that is not possible.
fn install_packages(tools: &Tools, lacks: &[Lack]) -> bool {
    let sh = &tools.shell;
    let root = cmd!(sh, "id -u").quiet().ignore_stderr().read().is_ok_and(|id| id == "0");
    let packages: Vec<_> = lacks.iter().flat_map(|lack| lack.packages).collect();
    if !root || packages.is_empty() || tools.find("apt-get").is_none() {
        return false;
    }
    let install = cmd!(sh, "apt-get install --yes {packages...}").env("DEBIAN_FRONTEND", "noninteractive");
    tools.run(cmd!(sh, "apt-get update")).and_then(|()| tools.run(install)).is_ok()
}

/// Advice on what the machine still lacks.
fn advice(lacks: &[Lack]) -> String {
    let by_hand: String = lacks.iter().map(|lack| format!("\n    {}", lack.by_hand)).collect();
    let packages: Vec<_> = lacks.iter().flat_map(|lack| lack.packages).copied().collect();
    let apt = match packages.is_empty() {
        true => String::new(),
        false => format!("\nor, on Debian, as root:\n    apt-get install {}", packages.join(" ")),
    };
    format!("setup cannot install everything that is missing. Do this, then run it again:{by_hand}{apt}")
}

/// Installs tools for tests: wasm-bindgen's test runner in exactly the crate's version, wasm-pack and others, from PATH
/// or else compiled into `.tools/`. Building the page needs none of them.
fn install_cargo_tools(tools: &Tools, needs: Needs) -> Result<()> {
    let sh = &tools.shell;
    let version = wasm_bindgen_version(tools)?;
    let mut crates = Vec::new();
    let found = cmd!(sh, "wasm-bindgen --version").quiet().ignore_stderr().read().unwrap_or_default();
    if found != format!("wasm-bindgen {version}") || tools.find("wasm-bindgen-test-runner").is_none() {
        crates.push(format!("wasm-bindgen-cli@{version}"));
    }
    if tools.find("wasm-pack").is_none() {
        crates.push(format!("wasm-pack@{WASM_PACK}"));
    }
    if tools.find("cargo-fuzz").is_none() {
        crates.push(format!("cargo-fuzz@{CARGO_FUZZ}"));
    }
    if needs >= Needs::Engines && tools.find("geckodriver").is_none() {
        crates.push(format!("geckodriver@{GECKODRIVER}"));
    }
    if crates.is_empty() {
        return Ok(());
    }
    let install = |locked: Option<&str>| {
        let list = &crates;
        let install = cmd!(sh, "cargo install {locked...} --root .tools --target-dir target/tools {list...}");
        // They run for a second or two: optimising them would take longer than it saves.
        tools.run(install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"))
    };
    // A registry mirror may lack the locked versions of these crates' dependencies; later ones work too.
    install(Some("--locked"))
        .or_else(|_| install(None))
        .with_context(|| format!("install these, then start again: {}", crates.join(", ")))?;
    // delete the build's 500 MB, only the programs are needed
    sh.remove_path("target/tools")?;
    Ok(())
}

/// The version of wasm-bindgen in Cargo.lock.
fn wasm_bindgen_version(tools: &Tools) -> Result<String> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
    }
    let lock: Lock = toml::from_str(&tools.shell.read_file("Cargo.lock")?)?;
    let package = lock.package.into_iter().find(|package| package.name == "wasm-bindgen");
    Ok(package.context("Cargo.lock names no wasm-bindgen")?.version)
}

/// Installs the packages of a folder's package-lock.json, unless npm has installed exactly these.
pub fn install_node_modules(tools: &Tools, folder: &Path) -> Result<()> {
    let modified = |file| fs::metadata(folder.join(file)).and_then(|metadata| metadata.modified());
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_ok_and(|installed| modified("package-lock.json").is_ok_and(|wanted| wanted <= installed))
    {
        return Ok(());
    }
    tools.run(cmd!(tools.shell, "npm ci --no-audit --no-fund --prefix {folder}")).with_context(|| {
        format!("npm could not install the packages of {folder:?}; run `npm ci` there, then start again")
    })
}
