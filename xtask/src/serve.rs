//! `cargo xtask serve`: builds, then serves the page on localhost until Ctrl-C.

use anyhow::Result;
use xshell::cmd;

use crate::build::build_with_imagenet;
use crate::setup::{Needs, setup};

/// Never returns while the server runs.
pub fn serve(port: u16) -> Result<()> {
    let tools = setup(Needs::Build)?;
    build_with_imagenet(&tools)?;
    let port = port.to_string();
    let mut server = std::process::Command::from(cmd!(tools.shell, "node pkg-config/server.js {port}"));
    server.current_dir(tools.root());
    replace_process(server)
}

/// Becomes the server, so that whoever ends this process ends the server and not only what started it.
#[cfg(unix)]
fn replace_process(mut server: std::process::Command) -> Result<()> {
    Err(std::os::unix::process::CommandExt::exec(&mut server).into())
}

#[cfg(not(unix))]
fn replace_process(mut server: std::process::Command) -> Result<()> {
    let status = server.status()?;
    anyhow::ensure!(status.success(), "the server ended: {status}");
    Ok(())
}
