//! `cargo xtask serve` and `cargo xtask dev`: serve the page in www/ on localhost until Ctrl-C.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use crate::build::overlay;
use crate::data::fetch_imagenet_once;
use crate::setup::{Needs, setup};
use crate::tools::Tools;
use crate::wasm::{self, Build};
use crate::watch::{Change, watch};

/// How long no further change must come: editors save in several steps, and several files at once.
const SETTLED: Duration = Duration::from_millis(50);

/// Serves as soon as the variant that most browsers choose is built. Meanwhile the rest follows: the other variants,
/// and weights for ImageNet, which a page finds when it is reloaded.
pub fn serve(port: u16) -> Result<()> {
    ensure_free(port)?;
    let tools = setup(Needs::Build)?;
    overlay(&tools)?;
    let mut variants = tools.variants.iter().rev(); // best instruction set first, with threads
    wasm::package(&tools, variants.next().context("there is no variant")?)?;
    let mut server = Server::start(&tools, port, Build::Ship)?;
    fetch_imagenet_once(&tools)?;
    overlay(&tools)?;
    for variant in variants {
        if let Err(error) = wasm::package(&tools, variant) {
            eprintln!(
                "\nthe variant {} failed to build; browsers that need it cannot run the page: {error:#}",
                variant.name
            );
        }
    }
    println!("\nBuilt for every browser: http://127.0.0.1:{port}/   (Ctrl-C ends it)");
    server.wait()
}

/// Serves with one variant, compiled quickly, and shows every change: one of Rust once it is compiled.
pub fn dev(port: u16, variant: &str) -> Result<()> {
    ensure_free(port)?;
    let tools = setup(Needs::Build)?;
    overlay(&tools)?;
    let variant = tools.variant(variant)?.clone();
    wasm::package_for_dev(&tools, &variant)?;
    let mut server = Server::start(&tools, port, Build::Dev)?;

    let (compile, wanted) = mpsc::channel();
    let pages = server.pages.clone();
    let _watcher = watch(&tools.root(), move |change| match change {
        Change::Page(path) => pages.changed(&path),
        Change::Core => drop(compile.send(())),
    })?;
    let pages = server.pages.clone();
    thread::spawn(move || {
        while wanted.recv().is_ok() {
            while wanted.recv_timeout(SETTLED).is_ok() {} // an editor may save several files
            match wasm::package_for_dev(&tools, &variant) {
                Ok(()) => pages.changed(""),
                Err(error) => eprintln!("\n{error:#}"),
            }
        }
    });
    server.wait()
}

/// Checks the port before minutes of building.
fn ensure_free(port: u16) -> Result<()> {
    TcpListener::bind(("127.0.0.1", port)).map(drop).with_context(|| {
        format!("port {port} is not available; choose another one: --port {}", port.wrapping_add(1))
    })
}

/// `pkg-config/page.js`. It exits when its standard input closes, so it ends with this process in any case.
struct Server {
    process: Child,
    pages: Pages,
}

impl Server {
    fn start(tools: &Tools, port: u16, build: Build) -> Result<Self> {
        let (port, packages) = (port.to_string(), build.packages(tools));
        let live = (build == Build::Dev).then_some("--live");
        let command = cmd!(tools.shell, "node pkg-config/page.js {port} {packages} {live...}");
        let mut command = Command::from(command);
        let mut process = command.current_dir(tools.root()).stdin(Stdio::piped()).spawn()?;
        let input = process.stdin.take().context("the server has no standard input")?;
        Ok(Server { process, pages: Pages(Arc::new(Mutex::new(input))) })
    }

    /// Waits until the server exits.
    fn wait(&mut self) -> Result<()> {
        let status = self.process.wait()?;
        ensure!(status.success(), "the server ended: {status}");
        Ok(())
    }
}

/// The open documents.
#[derive(Clone)]
struct Pages(Arc<Mutex<ChildStdin>>);

impl Pages {
    /// Reports a changed file of www/ to them, or another change if `path` is empty.
    fn changed(&self, path: &str) {
        let mut input = self.0.lock().expect("nobody panics while writing");
        let _ = writeln!(input, "{path}"); // `wait` notices if the server has exited
    }
}
