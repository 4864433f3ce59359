//! `cargo xtask curves`: converts the `mobilenetv2 train --json` logs of two trainings that differ only in the
//! activation into the curves that the page shows.

use std::collections::BTreeMap;
use std::path::{self, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::tools::Tools;

const CURVES: &str = "www/curves/activation.json";

/// The trainings' logs, and their common settings.
#[derive(clap::Args)]
pub struct Args {
    #[arg(long, value_name = "LOG")]
    relu6: PathBuf,
    #[arg(long, value_name = "LOG")]
    relu: PathBuf,
    #[arg(long)]
    width: f64,
    /// A file of the repository
    #[arg(long, value_name = "FILE")]
    recipe: String,
}

/// A line of the log: a step, or an epoch with its result on held-out images.
#[derive(Deserialize)]
struct Line {
    step: u32,
    loss: Option<f64>,
    accuracy: Option<f64>,
    held_out: Option<HeldOut>,
}
#[derive(Deserialize)]
pub struct HeldOut {
    pub loss: f64,
    pub accuracy: f64,
}

#[derive(Serialize)]
struct Curves<'a> {
    width: f64,
    recipe: &'a str,
    runs: [Run; 2],
}
#[derive(Serialize)]
struct Run {
    activation: &'static str,
    /// Means over each epoch.
    training: Vec<Point>,
    held_out: Vec<Point>,
}
#[derive(Serialize)]
struct Point {
    step: u32,
    loss: f64,
    accuracy: f64,
}

/// Writes the curves.
pub fn curves(Args { relu6, relu, width, recipe }: &Args) -> Result<()> {
    let tools = Tools::new()?;
    let run = |activation, log: &PathBuf| -> Result<Run> {
        let log = path::absolute(log)?;
        let text = tools.shell.read_file(&log)?;
        read(activation, &text).with_context(|| log.display().to_string())
    };
    let runs = [run("relu6", relu6)?, run("relu", relu)?];
    tools.shell.write_file(CURVES, serde_json::to_string(&Curves { width: *width, recipe, runs })? + "\n")?;
    Ok(())
}

/// An interrupted and resumed training repeats the steps since its checkpoint: the last line of each step counts.
fn read(activation: &'static str, log: &str) -> Result<Run> {
    let (mut steps, mut epochs) = (BTreeMap::new(), BTreeMap::new());
    for line in log.lines() {
        let Line { step, loss, accuracy, held_out } = serde_json::from_str(line)?;
        if let Some(HeldOut { loss, accuracy }) = held_out {
            epochs.insert(step, Point { step, loss: round(loss), accuracy });
        } else if let (Some(loss), Some(accuracy)) = (loss, accuracy) {
            steps.insert(step, (loss, accuracy));
        }
    }
    let mut begin = 1;
    let training = epochs.keys().map(|&step| {
        let epoch: Vec<(f64, f64)> = steps.range(begin..=step).map(|(_, &figures)| figures).collect();
        begin = step + 1;
        let mean = |figure: fn(&(f64, f64)) -> f64| {
            round(epoch.iter().map(figure).sum::<f64>() / epoch.len() as f64)
        };
        Point { step, loss: mean(|&(loss, _)| loss), accuracy: mean(|&(_, accuracy)| accuracy) }
    });
    let training = training.collect();
    Ok(Run { activation, training, held_out: epochs.into_values().collect() })
}

/// Rounds to the digits that a curve shows.
pub fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
