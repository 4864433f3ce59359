//! `cargo xtask data`: fetches what the page can train on and classify with, and lays it out in data/.

use std::env;
use std::net::{TcpStream, ToSocketAddrs};
use std::path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use xshell::cmd;

use crate::tools::Tools;

/// Where weights for ImageNet are put; a build takes them from there.
pub const IMAGENET: &str = "data/imagenet";
/// The manifest of the page, with what publishers have.
const PUBLISHED: &str = "www/weights/manifest.json";
/// What says that a build has tried to fetch them.
const TRIED: &str = "target/imagenet-tried";
/// Where most people who publish weights have them.
const HOST: &str = "huggingface.co";
/// A host that has not answered by then is out of a build's reach.
const PATIENCE: Duration = Duration::from_secs(3);

/// What there is.
#[derive(clap::Subcommand)]
pub enum Data {
    /// CIFAR-10, to train on
    #[command(name = "cifar-10")]
    Cifar10 {
        /// Instead of its authors' server: an address or a path of the archive, or a folder with its records or
        /// with mosaics
        #[arg(long, value_name = "PATH-OR-URL")]
        from: Option<String>,
    },
    /// Weights trained on ImageNet, which the page then begins with; without options Google's of width 1 at 224²
    Imagenet {
        /// Instead of their publishers' host: an address or a path of a safetensors file
        #[arg(long, value_name = "PATH-OR-URL")]
        from: Option<String>,
        /// Width multiplier
        #[arg(long)]
        width: Option<f64>,
        /// Side of the pictures in pixels
        #[arg(long)]
        resolution: Option<u32>,
    },
}

/// Runs the program that does it; a path is the caller's.
pub fn data(data: &Data) -> Result<()> {
    run(&Tools::new()?, data)
}

/// Fetches the weights for ImageNet that a page begins with, unless there are some, or a build has tried before: that is
/// noted in target/. Where it does not succeed the page is built without them.
pub fn fetch_imagenet_once(tools: &Tools) -> Result<()> {
    let sh = &tools.shell;
    // a machine that only tests (CI) says so, and fetches what it is told to
    if sh.path_exists(IMAGENET) || sh.path_exists(TRIED) || env::var_os("CI").is_some() {
        return Ok(());
    }
    sh.write_file(TRIED, "")?;
    let obstacle = match reaches(HOST, 443, PATIENCE) {
        false => format!("{HOST} cannot be reached"),
        true => match run(tools, &Data::Imagenet { from: None, width: None, resolution: None }) {
            Ok(()) => return Ok(()),
            Err(_) => "they could not be fetched".to_owned(), // why, the program has said
        },
    };
    println!(
        "The page is built without weights for ImageNet: {obstacle}. `cargo xtask data imagenet` tries again, with --from \
         it takes a file."
    );
    Ok(())
}

/// Whether a host answers in time. Looking up its address has no limit of its own, so a thread does it.
fn reaches(host: &'static str, port: u16, patience: Duration) -> bool {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut addresses = (host, port).to_socket_addrs().into_iter().flatten();
        let reached = addresses.any(|address| TcpStream::connect_timeout(&address, patience).is_ok());
        sender.send(reached)
    });
    receiver.recv_timeout(patience).unwrap_or(false)
}

fn run(tools: &Tools, data: &Data) -> Result<()> {
    let (name, from, options, places) = match data {
        Data::Cifar10 { from } => ("cifar-10", from, Vec::new(), vec!["data/cifar-10"]),
        Data::Imagenet { from, width, resolution } => {
            let width = width.map(|width| format!("--width={width}"));
            let resolution = resolution.map(|resolution| format!("--resolution={resolution}"));
            let options = width.into_iter().chain(resolution).collect();
            ("imagenet", from, options, vec![PUBLISHED, IMAGENET])
        }
    };
    let source = match from {
        Some(path) if !path.contains("://") => Some(path::absolute(path)?.into_os_string()),
        address => address.as_ref().map(Into::into),
    };
    let from = source.map(|source| ["--from".into(), source]).into_iter().flatten();
    tools
        .run(cmd!(tools.shell, "cargo run --package xtask-data -- {name} {from...} {options...} {places...}"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_host_is_reached_or_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(reaches("127.0.0.1", port, PATIENCE));
        drop(listener);
        assert!(!reaches("127.0.0.1", port, PATIENCE));
        assert!(!reaches("host.invalid", port, PATIENCE));
    }
}
