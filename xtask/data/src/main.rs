//! What `cargo xtask data` runs. A program of its own, because it needs the crate `mobilenetv2` and much else that
//! the other tasks should not have to wait for.

mod archive;
mod cifar10;
mod download;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Lays out CIFAR-10 as the page loads it
#[derive(Parser)]
struct Arguments {
    /// Address or path to take it from
    #[arg(long)]
    from: Option<String>,
    /// Folder to write
    into: PathBuf,
}

fn main() -> ExitCode {
    let Arguments { from, into } = Arguments::parse();
    match cifar10::prepare(from.as_deref(), &into) {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
