//! `cargo xtask fuzz`: feeds libFuzzer's inputs to everything that parses bytes, except Parquet files (`fuzz/README.md`).

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Args;
use xshell::{Shell, cmd};

use crate::setup::{Needs, setup};
use crate::tools::Tools;

/// A target, the maximum length of its inputs (that of valid ones), and a folder of initial inputs besides
/// `fuzz/corpus/`.
const TARGETS: &[(&str, usize, Option<&str>)] = &[
    ("weights", 40_000, Some(HEADERS)),
    ("tensors", 400, None),
    ("image", 4_000, Some("tests/golden/pictures")),
    ("archive", 12_000, None),
    ("project", 8_000, None),
    ("settings", 1_000, None),
    ("labels", 1_000, None),
];

const HEADERS: &str = "target/fuzz/headers";

/// Maximum runs of a target, however few seconds they take.
const RUNS: usize = 1_000_000;

/// The target and the duration.
#[derive(Args)]
pub struct FuzzArgs {
    /// The target, one of fuzz/fuzz_targets/; by default all, two at a time
    name: Option<String>,
    /// Seconds per target; a million runs end it earlier
    #[arg(long, default_value_t = 1800)]
    seconds: u64,
}

/// Builds the targets and runs one or all.
pub fn fuzz(args: &FuzzArgs) -> Result<()> {
    let wanted = |name: &str| args.name.as_deref().is_none_or(|wanted| wanted == name);
    ensure!(TARGETS.iter().any(|(name, ..)| wanted(name)), "expected a fuzz target: {}", names());
    run(&setup(Needs::Test)?, args.seconds, wanted)
}

/// The `fuzz` stage of `cargo xtask test`.
pub fn stage(tools: &Tools) -> Result<()> {
    run(tools, 20, |_| true)
}

fn run(tools: &Tools, seconds: u64, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let sh = &tools.shell;
    let version = cmd!(sh, "rustc -vV").quiet().read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let sanitizer = if has_sanitizer(tools, host)? { "address" } else { "none" };
    // Tracing comparisons would guide the inputs, but twice as many runs without it find more: the corpus has the magic
    // words.
    let build = cmd!(
        sh,
        "cargo fuzz build --sanitizer {sanitizer} --no-trace-compares --target {host} --target-dir target/fuzz"
    );
    // the compiler's flags are unstable
    tools.run(build.env("RUSTC_BOOTSTRAP", "1"))?;
    write_headers(tools)?;
    let chosen: Vec<_> = TARGETS.iter().filter(|(name, ..)| wanted(name)).collect();
    // a target keeps one processor busy
    for pair in chosen.chunks(2) {
        let root = &tools.root();
        thread::scope(|scope| {
            let running: Vec<_> = pair
                .iter()
                .map(|target| scope.spawn(move || run_target(root, host, target, seconds)))
                .collect();
            running.into_iter().try_for_each(|running| running.join().expect("no panic"))
        })?;
    }
    Ok(())
}

/// Runs a target in the project's root, and prints what it reports when it has ended.
fn run_target(
    root: &Path,
    host: &str,
    &(name, longest, valid): &(&str, usize, Option<&str>),
    seconds: u64,
) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(root);
    let found = format!("fuzz/artifacts/{name}/");
    // libFuzzer adds interesting inputs to the first folder, where the next run finds them
    let own = ["target/fuzz/corpus", "fuzz/corpus"].map(|at| format!("{at}/{name}"));
    for folder in own.iter().chain([&found]) {
        sh.create_dir(folder)?;
    }
    let program = root.join(format!("target/fuzz/{host}/release/{name}"));
    let options = [
        format!("-max_total_time={seconds}"),
        format!("-runs={RUNS}"),
        format!("-max_len={longest}"),
        format!("-artifact_prefix={found}"),
    ];
    // A wall clock would count a loaded machine's delays: the target enforces its own limit of one second of CPU time.
    let fuzz = cmd!(
        sh,
        "{program} {options...} -timeout=20 -verbosity=0 -print_funcs=0 -print_final_stats=1 {own...} {valid...}"
    )
    .env("ASAN_OPTIONS", "malloc_context_size=0:detect_leaks=0:allocator_may_return_null=1")
    .env("RAYON_NUM_THREADS", "1");
    let ended = fuzz.quiet().ignore_status().output()?;
    println!("\n{name}\n{}", String::from_utf8_lossy(&ended.stderr));
    ensure!(
        ended.status.success(),
        "a finding: {found} holds the input; fix the bug and keep the input in fuzz/corpus/{name}/"
    );
    Ok(())
}

/// Whether the Rust in PATH includes AddressSanitizer's runtime: rustup's does, Debian's does not.
fn has_sanitizer(tools: &Tools, host: &str) -> Result<bool> {
    let sysroot = cmd!(tools.shell, "rustc --print sysroot").quiet().read()?;
    let libraries = fs::read_dir(Path::new(&sysroot).join("lib/rustlib").join(host).join("lib"));
    Ok(libraries
        .into_iter()
        .flatten()
        .flatten()
        .any(|file| file.file_name().to_string_lossy().contains("_rt.asan")))
}

/// Writes initial inputs for weights: each library's small files, truncated after their headers. The target adds zeros.
fn write_headers(tools: &Tools) -> Result<()> {
    let golden = tools.root().join("tests/golden");
    let files =
        ["torchvision", "timm", "transformers", "pytorch-cifar"].map(|scheme| format!("schemes/{scheme}"));
    for file in files.iter().map(String::as_str).chain(["cifar"]) {
        let path = golden.join(format!("{file}.safetensors"));
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length) as usize);
        let header = bytes
            .get(..8 + length)
            .with_context(|| format!("{} is not a safetensors file", path.display()))?;
        tools.shell.write_file(format!("{HEADERS}/{}", file.replace('/', "-")), header)?;
    }
    Ok(())
}

fn names() -> String {
    TARGETS.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ")
}
