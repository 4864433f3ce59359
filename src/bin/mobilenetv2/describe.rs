//! `describe`: the cost of a network.

use mobilenetv2::arch::{Config, Cost, Stem};
use mobilenetv2::error::Result;

use crate::files;
use crate::network::NetworkOptions;

/// Describe a network: parameters, multiply-adds and activation memory, layer by layer
#[derive(clap::Args)]
pub struct Args {
    /// Print the description as JSON, with counts and bytes
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: NetworkOptions,
}

pub fn run(args: &Args) -> Result<()> {
    let config = args.network.over_preset(Stem::Imagenet)?;
    let cost = Cost::new(&config);
    if args.json {
        return files::print_json(&cost);
    }
    let Config { width, resolution, classes, .. } = config;
    let title = config.architecture.title();
    files::print(format!("{title}, width {width}, {resolution} × {resolution}, {classes} classes"))?;
    files::print(format!(
        "{:20} {:>14} {:>14} {:>2} {:>10} {:>12}",
        "layer", "input", "output", "s", "parameters", "MACs"
    ))?;
    for layer in &cost.layers {
        let shape = |size: usize, channels: usize| format!("{size}² × {channels}");
        files::print(format!(
            "{:20} {:>14} {:>14} {:>2} {:>10} {:>12}",
            layer.name,
            shape(layer.size_in, layer.c_in),
            shape(layer.size_out, layer.c_out),
            layer.stride,
            layer.parameters,
            layer.macs,
        ))?;
    }
    files::print(format!("parameters  {}", cost.parameters))?;
    files::print(format!("MACs        {}", cost.macs))?;
    let kib = |bytes: u64| bytes as f64 / 1024.0;
    files::print(format!("memory      {:.0} KiB op by op", kib(cost.memory.by_operation)))?;
    files::print(format!("            {:.0} KiB block by block", kib(cost.memory.by_block)))
}
