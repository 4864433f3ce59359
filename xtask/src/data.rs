//! `cargo xtask data`: fetches what the page can train on and lays it out in data/.

use std::path;

use anyhow::Result;
use clap::ValueEnum;
use xshell::cmd;

use crate::tools::Tools;

/// The data sets there are.
#[derive(Clone, ValueEnum)]
pub enum Name {
    #[value(name = "cifar-10")]
    Cifar10,
}

/// Runs the program that does it; a path is the caller's.
pub fn data(name: &Name, from: Option<&str>) -> Result<()> {
    let Name::Cifar10 = name;
    let tools = Tools::new()?;
    let source = match from {
        Some(path) if !path.contains("://") => Some(path::absolute(path)?.into_os_string()),
        address => address.map(Into::into),
    };
    let from = source.map(|source| ["--from".into(), source]).into_iter().flatten();
    tools.run(cmd!(tools.shell, "cargo run --package xtask-data -- {from...} data/cifar-10"))
}
