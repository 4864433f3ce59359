//! The program behind `cargo xtask data`. It is separate because it depends on the crate `mobilenetv2` and others that
//! the remaining tasks should not have to compile.

mod archive;
mod cifar10;
mod download;
mod imagenet;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
enum Task {
    /// Lays out CIFAR-10 in the form that the page loads
    #[command(name = "cifar-10")]
    Cifar10 {
        /// Address or path of the source
        #[arg(long)]
        from: Option<String>,
        /// Folder to write
        into: PathBuf,
    },
    /// Adds weights trained on ImageNet to a folder
    Imagenet {
        #[command(flatten)]
        wanted: imagenet::Wanted,
        /// Manifest of published weights
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
