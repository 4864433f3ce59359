//! The command line: the network, its training and its weights from a terminal.
//!
//! One file per subcommand. Results go to standard output, with `--json` as one line of JSON each; progress and errors
//! go to standard error, and an error makes the exit code non-zero.
#![deny(unsafe_code)]

mod bench;
mod classify;
mod convert;
mod dataset;
mod describe;
mod eval;
mod files;
mod network;
mod recipe;
mod replay;
mod settings;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// MobileNetV2: use it, train it, take it apart.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Describe(describe::Args),
    Classify(classify::Args),
    Train(Box<train::Args>),
    Eval(eval::Args),
    Convert(convert::Args),
    Replay(replay::Args),
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Describe(args) => describe::run(&args),
        Command::Classify(args) => classify::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
