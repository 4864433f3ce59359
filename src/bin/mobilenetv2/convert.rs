//! `convert`: weights in another precision, with other metadata, at a larger width, or as ONNX.

use std::path::PathBuf;

use mobilenetv2::arch::{Config, Cost};
use mobilenetv2::error::{Error, Result};
use mobilenetv2::train::Recipe;
use mobilenetv2::weights::{self, Precision};
use serde_json::json;

use crate::files;
use crate::network::NetworkOptions;
use crate::settings::finite;

/// Convert weights: precision, labels, width, and the metadata that describe the network; or export ONNX
#[derive(clap::Args)]
pub struct Args {
    /// The safetensors file to read
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The file to write; an ONNX model if it ends in .onnx
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write convolutions and classifier as 16-bit floats, at half the size
    #[arg(long)]
    half: bool,
    /// Class names: a JSON array, a JSON object from numbers to names, or one name per line
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Widen the network to this larger width without changing what it computes, to continue training from there;
    /// blocks with a shortcut at only one of the two widths do change
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
    Cost::new(config).layers.iter().map(|layer| layer.adds.is_some()).collect()
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
                "warning: some blocks have a shortcut at only one of the widths {} and {width}: the network has to \
                 relearn them before it is as good",
                narrow.width
            );
        }
    }
    let onnx = args.out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
    if onnx && args.half {
        return Err(Error::Argument(
            "ONNX models are always written in full precision: leave out --half".into(),
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
