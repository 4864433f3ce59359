//! `convert`: weights to other precision, with other metadata, to a larger width, or to ONNX.

use std::path::PathBuf;

use mobilenetv2::arch::{Config, Cost};
use mobilenetv2::error::{Error, Result};
use mobilenetv2::train::Recipe;
use mobilenetv2::weights::{self, Precision};
use serde_json::json;

use crate::files;
use crate::network::NetworkOptions;
use crate::settings::finite;

/// Convert weights: precision, labels, width, and the metadata that describe the network; or to ONNX
#[derive(clap::Args)]
pub struct Args {
    /// The safetensors file to read
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The file to write; an ONNX model if it ends in .onnx
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write convolutions and classifier in 16-bit floats, half the size
    #[arg(long)]
    half: bool,
    /// Names of the classes: a JSON array, a JSON object of numbers and names, or a name a line
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Give the network this larger width, at which it computes the same, to train on from there; all but blocks that
    /// have a shortcut at one of the two widths only
    #[arg(long, value_name = "WIDTH", value_parser = finite)]
    widen: Option<f64>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: NetworkOptions,
}

/// Which layers end a shortcut.
fn shortcuts(config: &Config) -> Vec<bool> {
    Cost::new(config).layers.iter().map(|layer| layer.shortcut).collect()
}

pub fn run(args: &Args) -> Result<()> {
    let mut weights = args.network.read_weights(&args.weights)?;
    if let Some(labels) = &args.labels {
        weights.labels = files::read_labels(labels, weights.config.classes)?;
    }
    if let Some(width) = args.widen {
        let narrow = weights.config.clone();
        weights = weights.widened(width, Recipe::default().seed)?;
        if shortcuts(&narrow) != shortcuts(&weights.config) {
            eprintln!(
                "warning: not all blocks with a shortcut at width {} have one at width {width}: the network has to learn \
                 them anew before it is as good",
                narrow.width
            );
        }
    }
    let onnx = args.out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
    if onnx && args.half {
        return Err(Error::Argument(
            "an ONNX model is written in full precision only: leave out --half".into(),
        ));
    }
    let bytes = match onnx {
        true => weights::to_onnx(&weights),
        false => weights::save(&weights, if args.half { Precision::Half } else { Precision::Full }),
    };
    files::write(&args.out, &bytes)?;

    let file = args.out.display().to_string();
    let parameters = weights.values.len();
    if args.json {
        let labels = weights.labels.len();
        let config = &weights.config;
        return files::print_json(&json!({
            "file": file, "bytes": bytes.len(), "parameters": parameters, "labels": labels, "config": config,
        }));
    }
    files::print(format!("{file}: {parameters} parameters, {} bytes", bytes.len()))
}
