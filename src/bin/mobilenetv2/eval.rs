//! `eval`: accuracy on labelled images.

use std::path::PathBuf;

use mobilenetv2::error::Result;
use mobilenetv2::evaluate::evaluate;
use mobilenetv2::infer::Classifier;
use serde_json::json;

use crate::network::NetworkOptions;
use crate::{dataset, files};

/// Measure accuracy on labelled images
#[derive(clap::Args)]
pub struct Args {
    /// The network's weights, a safetensors file
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// CIFAR-10, a folder with one folder of images per class, a zip of it, or Parquet files; or the word shapes, for images
    /// drawn by the program
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Also write each image's most probable class, one number per line
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: NetworkOptions,
}

pub fn run(args: &Args) -> Result<()> {
    // Before the work, not after it.
    args.predictions.as_deref().map_or(Ok(()), files::check_writable)?;
    let weights = args.network.read_weights(&args.weights)?;
    let mut classifier = Classifier::new(&weights)?;
    let test = dataset::test(&args.data, &weights, classifier.config())?;
    let found = evaluate(&mut classifier, test.images.view(), test.labels.view())?;
    if let Some(path) = &args.predictions {
        let lines: String = found.predictions.iter().map(|class| format!("{class}\n")).collect();
        files::write(path, lines.as_bytes())?;
    }
    let absent = dataset::absent(&test);
    if !absent.is_empty() {
        let (names, few, all) = (dataset::some(&absent), absent.len(), test.names.len());
        eprintln!("warning: no images for {few} of the network's {all} classes, which do not count: {names}");
    }
    let accuracy = found.correct as f64 / found.total as f64;
    if args.json {
        return files::print_json(&json!({
            "correct": found.correct, "total": found.total, "accuracy": accuracy,
        }));
    }
    files::print(format!("{} of {} right, {:.2} %", found.correct, found.total, 100.0 * accuracy))
}
