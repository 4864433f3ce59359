//! What `cargo xtask data` runs. A program of its own, because it needs the crate `mobilenetv2` and much else that
//! the other tasks should not have to wait for.

mod archive;
mod cifar10;
mod download;
mod imagenet;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
enum Task {
    /// Lays out CIFAR-10 as the page loads it
    #[command(name = "cifar-10")]
    Cifar10 {
        /// Address or path to take it from
        #[arg(long)]
        from: Option<String>,
        /// Folder to write
        into: PathBuf,
    },
    /// Adds weights trained on ImageNet to a folder of such
    Imagenet {
        #[command(flatten)]
        wanted: imagenet::Wanted,
        /// Manifest with what publishers have
        published: PathBuf,
        /// Folder to write
        into: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Cifar10 { from, into } => cifar10::prepare(from.as_deref(), &into),
        Task::Imagenet { wanted, published, into } => imagenet::prepare(&wanted, &published, &into),
    };
    match done {
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
