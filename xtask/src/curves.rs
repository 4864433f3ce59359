//! `cargo xtask curves`: from what `mobilenetv2 train --json` printed of two trainings that differ in the activation alone,
//! the curves that the page shows.

use std::path::{self, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::tools::Tools;

const CURVES: &str = "www/curves/activation.json";

/// What the trainings have in common, and their logs.
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

/// A line of the log: a step, or an epoch with what it reached on held-out images.
#[derive(Deserialize)]
struct Line {
    step: u32,
    loss: Option<f64>,
    accuracy: Option<f64>,
    held_out: Option<HeldOut>,
}
#[derive(Deserialize)]
struct HeldOut {
    loss: f64,
    accuracy: f64,
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

fn read(activation: &'static str, log: &str) -> Result<Run> {
    let (mut training, mut held_out) = (Vec::new(), Vec::new());
    let (mut losses, mut accuracies, mut steps) = (0.0, 0.0, 0.0);
    for line in log.lines() {
        let Line { step, loss, accuracy, held_out: evaluated } = serde_json::from_str(line)?;
        if let (Some(loss), Some(accuracy)) = (loss, accuracy) {
            losses += loss;
            accuracies += accuracy;
            steps += 1.0;
        }
        if let Some(HeldOut { loss, accuracy }) = evaluated {
            training.push(Point { step, loss: round(losses / steps), accuracy: round(accuracies / steps) });
            held_out.push(Point { step, loss: round(loss), accuracy });
            (losses, accuracies, steps) = (0.0, 0.0, 0.0);
        }
    }
    Ok(Run { activation, training, held_out })
}

/// As many digits as a curve shows.
fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
