//! `train`: from images to weights.

use std::path::{Path, PathBuf};

use clap::value_parser;
use indicatif::{ProgressBar, ProgressStyle};
use mobilenetv2::arch::{Config, Stem, Weights};
use mobilenetv2::data::Dataset;
use mobilenetv2::error::{Error, Result};
use mobilenetv2::evaluate::Evaluation;
use mobilenetv2::train::{Recipe, Step, Trainer, checkpoint};
use mobilenetv2::weights::Precision;
use serde::Serialize;
use serde_json::json;

use crate::network::NetworkOptions;
use crate::recipe::RecipeOptions;
use crate::{dataset, files};

/// Train a network
///
/// After each epoch the network is tried on images held out. The order of the images follows from seed and epoch
/// alone, so that a training that was interrupted goes on bit for bit: the same command with --resume.
#[derive(clap::Args)]
pub struct Args {
    /// CIFAR-10, or a folder with a folder of images a class; or the word shapes, for images drawn by the program
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to write the trained weights
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write the weights in 16-bit floats, half the size
    #[arg(long)]
    half: bool,
    /// Weights to start from, with a new classifier where the data have other classes [default: random ones]; a training
    /// that goes on has its own
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Passes over the images
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = value_parser!(u32).range(1..=1_000_000))]
    epochs: u32,
    /// Stop after this many steps in all, in the middle of an epoch if need be
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Number of drawn images an epoch
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = value_parser!(u32).range(1..=1_000_000))]
    shapes: u32,
    /// Hold out so many of the training images, evenly spread, and leave the test images alone
    #[arg(long, value_name = "N", default_value_t = 0)]
    hold_out: usize,
    /// Where to keep all that is needed to go on
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Steps from one checkpoint to the next [default: an epoch's]
    #[arg(long, value_name = "STEPS", requires = "checkpoint", value_parser = value_parser!(u64).range(1..))]
    checkpoint_every: Option<u64>,
    /// Go on from the checkpoint
    #[arg(long, requires = "checkpoint")]
    resume: bool,
    /// Print a line of JSON a step and an epoch
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
    let (mut trainer, train, test) = match &args.checkpoint {
        Some(path) if args.resume => resume(args, path)?,
        Some(path) if path.exists() => {
            let message = "holds a training: go on with it by --resume, or remove the file";
            return Err(files::wrong(path, message));
        }
        _ => start(args)?,
    };
    let Recipe { batch, seed, .. } = *trainer.recipe();
    let steps_per_epoch = trainer.state().images_per_epoch / batch as u64;
    let last = (u64::from(args.epochs) * steps_per_epoch).min(args.steps.unwrap_or(u64::MAX));
    let checkpoint_every = args.checkpoint_every.unwrap_or(steps_per_epoch);
    let bar = progress_bar(last, trainer.state().step);

    let (mut images, mut labels, mut loss) = (Vec::new(), Vec::new(), 0.0);
    let mut order = Order { epoch: u64::MAX, indices: Vec::new() };
    while trainer.state().step < last {
        let (epoch, place) = (trainer.state().step / steps_per_epoch, trainer.state().step % steps_per_epoch);
        order.turn_to(epoch, seed, train.len());
        train.gather(&order.indices[place as usize * batch..][..batch], &mut images, &mut labels);
        let step = trainer.step(&images, &labels)?;
        report_step(args, &bar, epoch + 1, step)?;
        loss = step.loss;
        if place + 1 == steps_per_epoch {
            let found = trainer.evaluate(&test.images, &test.labels)?;
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
            "warning: the weights in {} are of no use: their loss is {loss:.4}, where guessing would have {guessing:.4}. Try a \
             lower learning rate, or a longer warm-up",
            args.out.display()
        );
    }
    Ok(())
}

/// How many times the loss of guessing shows that a training has gone astray: so much is no bad start, and no unlucky batch.
const USELESS: f32 = 3.0;

/// The order in which the images of an epoch come.
struct Order {
    epoch: u64,
    indices: Vec<usize>,
}

impl Order {
    /// Shuffles for `epoch`, unless it is that epoch's already. Seed and epoch alone decide.
    fn turn_to(&mut self, epoch: u64, seed: u64, images: usize) {
        if self.epoch != epoch {
            let mut rng =
                fastrand::Rng::with_seed(fastrand::Rng::with_seed(seed).u64(..).wrapping_add(epoch));
            self.indices = (0..images).collect();
            rng.shuffle(&mut self.indices);
            self.epoch = epoch;
        }
    }
}

type Run = (Trainer, Dataset, Dataset);

fn start(args: &Args) -> Result<Run> {
    let recipe = recipe(args, &Recipe::default())?;
    let (weights, train, test) = match &args.weights {
        Some(path) => {
            let mut weights = args.network.read_weights(path)?;
            let (mut train, mut test) = load(args, &weights.config)?;
            if train.align(&weights.labels).is_ok() {
                test.align(&weights.labels)?;
            } else {
                if weights.labels.is_empty() && weights.config.classes == train.names.len() {
                    dataset::report_order(&train);
                }
                weights = weights.for_classes(&train.names, recipe.seed)?;
            }
            (weights, train, test)
        }
        None => {
            let config = args.network.over_preset(Stem::Cifar)?;
            let (train, test) = load(args, &config)?;
            let given = args.network.fields.contains_key("classes");
            let classes = if given { config.classes } else { train.names.len() };
            (Weights::untrained(Config { classes, ..config }, recipe.seed)?, train, test)
        }
    };
    dataset::check_classes(&train, &weights.config)?;
    let weights = Weights { labels: train.names.clone(), ..weights };
    let batch = whole_batch(&recipe, &train);
    let trainer = Trainer::new(weights, Recipe { batch, ..recipe }, whole_batches(&train, batch))?;
    Ok((trainer, train, test))
}

/// What the options say, over `base`: but schedules end with this training, unless one of them says otherwise.
fn recipe(args: &Args, base: &Recipe) -> Result<Recipe> {
    args.recipe.over(&Recipe { decay_until: args.epochs as f32, ..base.clone() })
}

fn resume(args: &Args, path: &Path) -> Result<Run> {
    let mut trainer = checkpoint::load(&files::read(path)?).map_err(|error| files::wrong(path, error))?;
    let Weights { config, labels, .. } = trainer.weights();
    if args.network.over(config)? != *config {
        return Err(files::wrong(
            path,
            "the training that it holds is of another network than the options say",
        ));
    }
    let (mut train, mut test) = load(args, config)?;
    if labels.is_empty() {
        dataset::report_order(&train);
    } else {
        train.align(labels)?;
        test.align(labels)?;
    }
    let recipe = recipe(args, trainer.recipe())?;
    if recipe.seed != trainer.recipe().seed {
        let (now, then) = (recipe.seed, trainer.recipe().seed);
        return Err(files::wrong(path, format!("that training is of seed {then}, not {now}")));
    }
    let batch = whole_batch(&recipe, &train);
    let (now, then) = (whole_batches(&train, batch), trainer.state().images_per_epoch);
    if now as u64 != then {
        return Err(files::wrong(path, format!("an epoch of that training has {then} images, not {now}")));
    }
    trainer.set_recipe(Recipe { batch, ..recipe })?;
    Ok((trainer, train, test))
}

/// Images of a step: the recipe's, or all where there are fewer.
fn whole_batch(recipe: &Recipe, train: &Dataset) -> usize {
    let (batch, images) = (recipe.batch, train.len());
    if batch > images {
        eprintln!(
            "warning: a batch of {batch} is more than the {images} images to train on: a step takes them all"
        );
    }
    batch.min(images)
}

/// Images of an epoch: a last, smaller batch would disturb batch norm and is left out.
fn whole_batches(train: &Dataset, batch: usize) -> usize {
    train.len() / batch * batch
}

/// The images to train on and those held out.
fn load(args: &Args, config: &Config) -> Result<(Dataset, Dataset)> {
    let (mut train, mut test) = dataset::train_and_test(&args.data, args.shapes as usize, config)?;
    if args.hold_out > 0 {
        let (held, all) = (args.hold_out, train.len());
        if held >= all {
            return Err(Error::Data(format!(
                "--hold-out must leave images to train on, not take {held} of {all}"
            )));
        }
        (train, test) = train.split_off(held);
    }
    if train.is_empty() || test.is_empty() {
        let message =
            format!("{} images to train on and {} to test with are too few", train.len(), test.len());
        return Err(Error::Data(message));
    }
    for class in dataset::absent(&train) {
        eprintln!("warning: there are no images of the class \"{class}\" to train on");
    }
    Ok((train, test))
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
