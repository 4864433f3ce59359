//! `train`: from images to weights.

use std::path::{Path, PathBuf};

use clap::value_parser;
use indicatif::{ProgressBar, ProgressStyle};
use mobilenetv2::arch::{Config, Stem, Weights};
use mobilenetv2::data::{Dataset, shapes};
use mobilenetv2::error::{Error, Result};
use mobilenetv2::evaluate::Evaluation;
use mobilenetv2::train::{Recipe, Step, Trainer, checkpoint};
use mobilenetv2::weights::Precision;
use serde::Serialize;
use serde_json::json;

use crate::dataset::{Images, Source};
use crate::network::NetworkOptions;
use crate::recipe::RecipeOptions;
use crate::{dataset, files};

/// Train a network
///
/// After each epoch the network is evaluated on held-out images. The order of the images follows from seed and epoch
/// alone, so an interrupted training continues bit for bit: run the same command with --resume.
#[derive(clap::Args)]
pub struct Args {
    /// CIFAR-10, a folder with one folder of images per class, a zip of it, or Parquet files; or the word shapes, for images
    /// drawn by the program
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Where to write the trained weights
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write the weights as 16-bit floats, at half the size
    #[arg(long)]
    half: bool,
    /// Weights to start from, with a new classifier if the data have other classes [default: random ones]; a resumed
    /// training has its own
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Passes over the images
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = value_parser!(u32).range(1..=1_000_000))]
    epochs: u32,
    /// Stop after this many steps in total, in the middle of an epoch if need be
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Number of drawn images per epoch; no drawing is repeated
    #[arg(long, default_value_t = shapes::PER_EPOCH as u32, value_name = "N", value_parser = value_parser!(u32).range(1..=1_000_000))]
    shapes: u32,
    /// Hold out this many of the training images, evenly spread, and leave the test images alone
    #[arg(long, value_name = "N", default_value_t = 0)]
    hold_out: usize,
    /// File for checkpoints, from which --resume continues
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Steps between checkpoints [default: one epoch]
    #[arg(long, value_name = "STEPS", requires = "checkpoint", value_parser = value_parser!(u64).range(1..))]
    checkpoint_every: Option<u64>,
    /// Continue from the checkpoint
    #[arg(long, requires = "checkpoint")]
    resume: bool,
    /// Print one line of JSON per step and per epoch
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: NetworkOptions,
    #[command(flatten)]
    recipe: RecipeOptions,
}

pub fn run(args: &Args) -> Result<()> {
    // Before hours of work, not after them.
    files::check_writable(&args.out)?;
    if let Some(path) = &args.checkpoint {
        files::check_checkpoint(path, &args.out)?;
    }
    let (mut trainer, mut images, test) = match &args.checkpoint {
        Some(path) if args.resume => resume(args, path)?,
        Some(path) if path.exists() => {
            let message = "holds a training: continue it with --resume, or remove the file";
            return Err(files::wrong(path, message));
        }
        _ => start(args)?,
    };
    let (batch, per_epoch) = (trainer.recipe().batch, images.per_epoch() as u64);
    let last =
        (u64::from(args.epochs) * per_epoch).div_ceil(batch as u64).min(args.steps.unwrap_or(u64::MAX));
    let checkpoint_every = args.checkpoint_every.unwrap_or(per_epoch.div_ceil(batch as u64));
    let bar = progress_bar(last, trainer.state().step);

    let mut loss = 0.0;
    while trainer.state().step < last {
        let position = trainer.state().images;
        let (taken, labels) = images.take(position, batch)?;
        let step = trainer.step(taken.view(), labels.view())?;
        let epoch = position / per_epoch;
        report_step(args, &bar, epoch + 1, step)?;
        loss = step.loss;
        if trainer.state().images / per_epoch > epoch {
            let found = trainer.evaluate(test.images.view(), test.labels.view())?;
            loss = found.loss;
            bar.suspend(|| report_epoch(args, epoch + 1, step.step, &found))?;
        }
        if let Some(path) = &args.checkpoint
            && (step.step % checkpoint_every == 0 || step.step == last)
        {
            files::write(path, &checkpoint::save(&trainer)?)?;
        }
    }
    bar.finish_and_clear();
    let precision = if args.half { Precision::Half } else { Precision::Full };
    files::write(&args.out, &checkpoint::save_weights(&trainer, precision)?)?;
    let guessing = (trainer.weights().config.classes.max(2) as f32).ln();
    if loss.is_nan() || loss > USELESS * guessing {
        eprintln!(
            "warning: the weights in {} are useless: their loss is {loss:.4}, against {guessing:.4} for guessing. Try a \
             lower learning rate, or a longer warm-up",
            args.out.display()
        );
    }
    Ok(())
}

/// A loss of this many times that of guessing shows that training has failed: a bad start or an unlucky batch does not
/// reach it.
const USELESS: f32 = 3.0;

type Run = (Trainer, Images, Dataset);

fn start(args: &Args) -> Result<Run> {
    let recipe = recipe(args, &Recipe::default())?;
    let (weights, images, test) = match &args.weights {
        Some(path) => {
            let mut weights = args.network.read_weights(path)?;
            let (images, test) = source(args, &recipe).open(&weights.config, &weights.labels)?;
            if images.names() != weights.labels {
                if weights.labels.is_empty() && weights.config.classes == images.names().len() {
                    dataset::report_order(images.names());
                }
                weights = weights.for_classes(images.names(), recipe.seed)?;
            }
            (weights, images, test)
        }
        None => {
            let config = args.network.over_preset(Stem::Cifar)?;
            let (images, test) = source(args, &recipe).open(&config, &[])?;
            let given = args.network.fields.contains_key("classes");
            let classes = if given { config.classes } else { images.names().len() };
            (Weights::untrained(Config { classes, ..config }, recipe.seed)?, images, test)
        }
    };
    dataset::check_classes(images.names(), &weights.config)?;
    let weights = Weights { labels: images.names().to_vec(), ..weights };
    let batch = whole_batch(&recipe, &images);
    let trainer = Trainer::new(weights, Recipe { batch, ..recipe }, images.per_epoch())?;
    Ok((trainer, images, test))
}

/// `base`, overridden by the options. Schedules end with this training unless an option says otherwise.
fn recipe(args: &Args, base: &Recipe) -> Result<Recipe> {
    args.recipe.over(&Recipe { decay_until: args.epochs as f32, ..base.clone() })
}

fn source<'a>(args: &'a Args, recipe: &Recipe) -> Source<'a> {
    let (shapes, hold_out) = (args.shapes as usize, args.hold_out);
    Source { path: &args.data, shapes, hold_out, seed: recipe.seed }
}

fn resume(args: &Args, path: &Path) -> Result<Run> {
    let bytes = files::read(path)?;
    let mut trainer = checkpoint::load(&bytes).map_err(|error| files::wrong(path, error))?;
    let Weights { config, labels, .. } = trainer.weights();
    if args.network.over(config)? != *config {
        return Err(files::wrong(
            path,
            "the checkpoint's network differs from the one that the options describe",
        ));
    }
    let recipe = recipe(args, trainer.recipe())?;
    if recipe.seed != trainer.recipe().seed {
        let (now, then) = (recipe.seed, trainer.recipe().seed);
        return Err(files::wrong(path, format!("the checkpoint has seed {then}, not {now}")));
    }
    let (images, test) = source(args, &recipe).open(config, labels)?;
    if labels.is_empty() {
        dataset::report_order(images.names());
    } else {
        // Numbers the classes as the network does, or names the class that it does not have.
        Dataset { names: images.names().to_vec(), ..Dataset::default() }.align(labels)?;
    }
    let batch = whole_batch(&recipe, &images);
    let (now, then) = (images.per_epoch() as u64, trainer.state().images_per_epoch);
    if now != then {
        return Err(files::wrong(path, format!("the checkpoint has {then} images per epoch, not {now}")));
    }
    trainer.set_recipe(Recipe { batch, ..recipe })?;
    Ok((trainer, images, test))
}

/// Images per step: the recipe's batch, or all images if there are fewer.
fn whole_batch(recipe: &Recipe, images: &Images) -> usize {
    let (batch, all) = (recipe.batch, images.per_epoch());
    if batch > all {
        eprintln!(
            "warning: the batch of {batch} is larger than the {all} training images: each step takes them all"
        );
    }
    batch.min(all)
}

fn progress_bar(last: u64, step: u64) -> ProgressBar {
    let style = "{wide_bar} {pos}/{len} steps, {per_sec}, {eta} left  {msg}";
    let style = ProgressStyle::with_template(style).expect("the template is right");
    ProgressBar::new(last).with_style(style).with_position(step)
}

/// A step's line of JSON.
#[derive(Serialize)]
struct Line {
    epoch: u64,
    #[serde(flatten)]
    step: Step,
}

fn report_step(args: &Args, bar: &ProgressBar, epoch: u64, step: Step) -> Result<()> {
    let Step { step: count, loss, accuracy, .. } = step;
    bar.set_position(count);
    bar.set_message(format!("epoch {epoch}, loss {loss:.3}, accuracy {:.1} %", 100.0 * accuracy));
    if args.json {
        bar.suspend(|| files::print_json(&Line { epoch, step }))?;
    }
    if loss.is_finite() {
        return Ok(());
    }
    bar.abandon();
    Err(Error::Diverged { step: count })
}

fn report_epoch(args: &Args, epoch: u64, step: u64, found: &Evaluation) -> Result<()> {
    let Evaluation { loss, correct, total, .. } = *found;
    let accuracy = correct as f64 / total as f64;
    if args.json {
        let held_out = json!({"loss": loss, "correct": correct, "total": total, "accuracy": accuracy});
        return files::print_json(&json!({"epoch": epoch, "step": step, "held_out": held_out}));
    }
    let percent = 100.0 * accuracy;
    files::print(format!(
        "epoch {epoch}, step {step}: held out {correct} of {total} right, {percent:.2} %, loss {loss:.4}"
    ))
}
