//! `cargo xtask data`: fetches data for training and weights for classification, and lays them out in data/.

use std::env;
use std::net::{TcpStream, ToSocketAddrs};
use std::path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use xshell::cmd;

use crate::tools::Tools;

/// Folder of the ImageNet weights, from which a build takes them.
pub const IMAGENET: &str = "data/imagenet";
/// The page's manifest, which lists the published weights.
const PUBLISHED: &str = "www/weights/manifest.json";
/// Marks that a build has tried to fetch them.
const TRIED: &str = "target/imagenet-tried";
/// The host of most published weights.
const HOST: &str = "huggingface.co";
/// How long a build waits for the host.
const PATIENCE: Duration = Duration::from_secs(3);

/// The data that can be fetched.
#[derive(clap::Subcommand)]
pub enum Data {
    /// CIFAR-10, to train on
    #[command(name = "cifar-10")]
    Cifar10 {
        /// Source instead of its authors' server: address or path of the archive, or a folder with its records or with
        /// mosaics
        #[arg(long, value_name = "PATH-OR-URL")]
        from: Option<String>,
    },
    /// Weights trained on ImageNet, with which the page then starts; by default Google's of width 1 at 224²
    Imagenet {
        /// Source instead of their publishers' host: address or path of a safetensors file
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

/// Runs the program that fetches the data; paths are relative to the caller's folder.
pub fn data(data: &Data) -> Result<()> {
    run(&Tools::new()?, data)
}

/// Fetches the ImageNet weights with which a page starts, unless some exist or a build has tried before, which it notes
/// in target/. If that fails, the page is built without them.
pub fn fetch_imagenet_once(tools: &Tools) -> Result<()> {
    let sh = &tools.shell;
    // CI sets this variable and fetches only what it is told to
    if sh.path_exists(IMAGENET) || sh.path_exists(TRIED) || env::var_os("CI").is_some() {
        return Ok(());
    }
    sh.write_file(TRIED, "")?;
    let obstacle = match reaches(HOST, 443, PATIENCE) {
        false => format!("{HOST} cannot be reached"),
        true => match run(tools, &Data::Imagenet { from: None, width: None, resolution: None }) {
            Ok(()) => return Ok(()),
            Err(_) => "the download failed".to_owned(), // the program has printed the reason
        },
    };
    println!(
        "Building the page without ImageNet weights: {obstacle}. `cargo xtask data imagenet` tries again; \
         --from takes a file."
    );
    Ok(())
}

/// Whether a host answers in time. The look-up of its address has no time limit, so a thread does it.
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
