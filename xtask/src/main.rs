//! The project's tasks: `cargo xtask --help`.

mod bench;
mod build;
mod curves;
mod data;
mod experiments;
mod fuzz;
mod imports;
mod serve;
mod setup;
mod site;
mod stamp;
mod test;
mod tools;
mod wasm;
mod watch;
mod weights;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use setup::Needs;
use xshell::cmd;

/// Sets up, builds, serves and tests MobileNetV2 Lab
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Install what the other tasks need and this machine lacks
    Setup,
    /// Assemble dist/: the page and the npm package, ready for any static host
    Build,
    /// Serve the page on localhost, built as it ships
    Serve {
        /// Port of the address
        #[arg(long, default_value_t = 8000)]
        port: u16,
    },
    /// Serve the page and reload on every change: JavaScript and CSS at once, Rust once it is compiled
    Dev {
        /// Port of the address
        #[arg(long, default_value_t = 8000)]
        port: u16,
        /// The only wasm variant that is built; Safari needs simd128-threads
        #[arg(long, default_value = "relaxed-simd-threads")]
        variant: String,
    },
    /// Run all checks and tests, or the named stages
    Test {
        /// Any of: formatting, imports, clippy, native, docs, fuzz, wasm, types, bundlers, browser, walk; and, only on
        /// request, firefox (the stage wasm in Firefox), engines (the stage browser in Firefox) and emulated (golden values
        /// on other processors)
        stages: Vec<String>,
    },
    /// Fuzz everything that parses bytes, except Parquet files, with up to a million inputs each
    Fuzz(fuzz::FuzzArgs),
    /// Measure against the peers, which are installed into target/bench/, and write the tables of docs/performance.md
    Bench {
        what: bench::What,
        /// Single-threaded wasm variant; with several threads its -threads variant is used, if there is one
        #[arg(long, default_value = "relaxed-simd")]
        variant: String,
    },
    /// Fetch training data or weights that the repository does not contain into data/
    #[command(subcommand)]
    Data(data::Data),
    /// Write the files generated from the core's settings and constants: the page's form, types, docs/settings.md
    Generate,
    /// Train the page's ready-made comparisons over several seeds, and write what they give
    Duels(experiments::Args),
    /// Train the recorded comparisons on CIFAR-10 and write their curves: about a quarter of an hour each on two cores
    Experiments(experiments::Args),
    /// Write the page's curves for ReLU6 and ReLU from the logs of two trainings
    Curves(curves::Args),
    /// Add weights trained on CIFAR-10 to those the page ships, as 16-bit floats and with their accuracy
    Weights(weights::Args),
}

fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The test that compares those files can also write them.
fn generate() -> Result<()> {
    let tools = tools::Tools::new()?;
    tools.run(cmd!(tools.shell, "cargo test --quiet --test generated").env("WRITE_GENERATED", "1"))
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Setup => setup::setup(Needs::Engines).map(drop),
        Task::Build => build::build_with_imagenet(&setup::setup(Needs::Build)?),
        Task::Serve { port } => serve::serve(port),
        Task::Dev { port, variant } => serve::dev(port, &variant),
        Task::Test { stages } => test::test(&stages),
        Task::Fuzz(args) => fuzz::fuzz(&args),
        Task::Bench { what, variant } => bench::bench(what, &variant),
        Task::Data(data) => data::data(&data),
        Task::Generate => generate(),
        Task::Duels(args) => experiments::duels(&args),
        Task::Experiments(args) => experiments::experiments(&args),
        Task::Curves(args) => curves::curves(&args),
        Task::Weights(args) => weights::weights(&args),
    }
}
