//! `classify`: the classes of pictures.

use std::path::{Path, PathBuf};

use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::data::image::Image;
use mobilenetv2::error::{Error, Result};
use mobilenetv2::infer::{Classifier, Prediction, top};
use serde::Serialize;

use crate::files;
use crate::network::NetworkOptions;

/// Classify pictures (JPEG, PNG, WebP, GIF, BMP)
#[derive(clap::Args)]
pub struct Args {
    /// The network's weights, a safetensors file
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// Class names, if the weights have none: a JSON array, a JSON object from numbers to names, or one name per line
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// How many of the most probable classes to show
    #[arg(long, default_value_t = 5, value_name = "K")]
    top: usize,
    /// Print one line of JSON per picture
    #[arg(long)]
    json: bool,
    /// Pictures
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    network: NetworkOptions,
}

pub fn run(args: &Args) -> Result<()> {
    let mut weights = args.network.read_weights(&args.weights)?;
    if let Some(labels) = &args.labels {
        weights.labels = files::read_labels(labels, weights.config.classes)?;
    }
    let mut classifier = Classifier::new(&weights)?;
    let mut failed = 0;
    for path in &args.images {
        match classify(&mut classifier, &weights, path, args.top) {
            Ok(predictions) => print(args, &weights, path, predictions)?,
            Err(error) => {
                // One bad picture does not keep the others from being classified.
                eprintln!("error: {error}");
                failed += 1;
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::Image(format!("{failed} of {} pictures could not be read", args.images.len()))),
    }
}

fn classify(
    classifier: &mut Classifier,
    weights: &Weights,
    path: &Path,
    best: usize,
) -> Result<Vec<Prediction>> {
    let Config { crop, mean, std, .. } = weights.config;
    let seen = Image::decode_center_crop(&files::read_picture(path)?, crop, classifier.resolution())
        .map_err(|error| files::wrong(path, error))?;
    let logits = classifier.forward(seen.normalized(mean, std).view())?;
    Ok(top(logits.row(0), best))
}

/// A picture's line of JSON.
#[derive(Serialize)]
struct Line {
    file: String,
    top: Vec<Guess>,
}

#[derive(Serialize)]
struct Guess {
    class: usize,
    label: String,
    probability: f32,
}

fn print(args: &Args, weights: &Weights, path: &Path, predictions: Vec<Prediction>) -> Result<()> {
    let guess = |Prediction { class, probability }| Guess { class, label: weights.label(class), probability };
    let line = Line { file: path.display().to_string(), top: predictions.into_iter().map(guess).collect() };
    if args.json {
        return files::print_json(&line);
    }
    files::print(line.file)?;
    line.top
        .iter()
        .try_for_each(|guess| files::print(format!("{:7.2} %  {}", 100.0 * guess.probability, guess.label)))
}
