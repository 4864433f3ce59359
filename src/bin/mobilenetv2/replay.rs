//! `replay`: training steps on given tensors, for comparison with another implementation.

use std::path::PathBuf;

use clap::Arg;
use mobilenetv2::arch::Config;
use mobilenetv2::data::image::normalize;
use mobilenetv2::error::{Error, Result};
use mobilenetv2::train::{Recipe, Schedule, Trainer, checkpoint};
use mobilenetv2::weights::{Container, Precision};
use ndarray::{Array1, Array4, ArrayD};
use safetensors::Dtype;
use serde::Serialize;

use crate::files;
use crate::network::NetworkOptions;
use crate::settings::{self, Given, overlay};

/// Train on one batch of tensors, without augmentation and dropout, and print each loss
///
/// The batch is a safetensors file. `labels` is (N), of integers. `images` is (N, H, W, 3) or (N, 3, H, W); the
/// metadatum `layout` says which, NHWC or NCHW, and may be missing if only one is possible. Floats are taken as already
/// normalised; bytes are normalised by the mean and std of the weights. The loss is printed before each update; rates
/// are constant, and the update is that of torch.optim.SGD and RMSprop.
#[derive(clap::Args)]
pub struct Args {
    /// The weights to start from, a safetensors file
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The batch, a safetensors file
    #[arg(long, value_name = "FILE")]
    batch: PathBuf,
    /// Number of steps
    #[arg(long, default_value_t = 10, value_name = "N")]
    steps: usize,
    /// Where to write the weights after the last step
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one line of JSON per step
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    recipe: Given<Update>,
    #[command(flatten)]
    network: NetworkOptions,
}

/// The recipe's settings that matter for one batch at a constant rate.
struct Update;

impl settings::Options for Update {
    const HEADING: &str = "Recipe";

    fn args() -> Vec<Arg> {
        let matters = |arg: &Arg| {
            let name = arg.get_id().as_str();
            matches!(
                name,
                "learning_rate"
                    | "momentum"
                    | "weight_decay"
                    | "optimizer"
                    | "rms_decay"
                    | "rms_epsilon"
                    | "label_smoothing"
            )
        };
        let args = <Recipe as settings::Options>::args().into_iter().filter(matters);
        args.map(|arg| if arg.get_id() == "learning_rate" { arg.long("lr") } else { arg }).collect()
    }
}

pub fn run(args: &Args) -> Result<()> {
    // Before the work, not after it.
    args.out.as_deref().map_or(Ok(()), files::check_writable)?;
    let mut weights = args.network.read_weights(&args.weights)?;
    let bytes = files::read(&args.batch)?;
    let batch = Container::parse(&bytes)
        .and_then(|file| Batch::read(&file, &weights.config))
        .map_err(|error| files::wrong(&args.batch, error))?;
    weights.config.resolution = batch.resolution;
    let base = Recipe { batch: batch.labels.len(), schedule: Schedule::Constant, ..Recipe::default() };
    let recipe = overlay(&base, &args.recipe.fields)?;
    let mut trainer = Trainer::new(weights, recipe, batch.labels.len())?;
    for _ in 0..args.steps {
        let step = trainer.step_tensor(batch.images.view(), batch.labels.view())?;
        if args.json {
            files::print_json(&Line { step: step.step, loss: step.loss })?;
        } else {
            files::print(format!("step {:4}  loss {:.6}", step.step, step.loss))?;
        }
    }
    match &args.out {
        Some(path) => files::write(path, &checkpoint::save_weights(&trainer, Precision::Full)?),
        None => Ok(()),
    }
}

/// A step's line of JSON.
#[derive(Serialize)]
struct Line {
    step: u64,
    loss: f32,
}

struct Batch {
    /// (N, R, R, 3), normalised.
    images: Array4<f32>,
    labels: Array1<u32>,
    resolution: usize,
}

impl Batch {
    fn read(file: &Container, config: &Config) -> Result<Self> {
        let shape = file.shape("images").ok_or_else(|| Error::Data("tensor images is missing".into()))?;
        let layout = file.metadata().find(|(key, _)| *key == "layout").map(|(_, layout)| layout);
        let (n, [h, w], channels_last) = match (shape, layout.map(str::to_ascii_uppercase).as_deref()) {
            (&[n, h, w, 3], Some("NHWC")) => (n, [h, w], true),
            (&[n, 3, h, w], Some("NCHW")) => (n, [h, w], false),
            (&[n, h, w, 3], None) if h != 3 => (n, [h, w], true),
            (&[n, 3, h, w], None) if w != 3 => (n, [h, w], false),
            _ => {
                return Err(Error::Data(format!(
                    "tensor images has shape {shape:?} and layout {}; expected (N, H, W, 3) with layout NHWC or \
                     (N, 3, H, W) with NCHW",
                    layout.unwrap_or("not stated")
                )));
            }
        };
        if h != w || h == 0 || n == 0 {
            return Err(Error::Data(format!(
                "tensor images has shape {shape:?}; expected square images, at least one"
            )));
        }
        let images = if file.dtype("images") == Some(Dtype::U8) {
            let bytes = pixels(file.integers("images")?, channels_last).mapv(|byte| byte as u8);
            let mut images = Array4::zeros(bytes.dim());
            let (from, to) = (bytes.as_slice(), images.as_slice_mut());
            normalize(from.expect("new"), config.mean, config.std, to.expect("new"));
            images
        } else {
            pixels(file.floats("images")?, channels_last)
        };
        Ok(Batch { images, labels: labels(file, n, config.classes)?, resolution: h })
    }
}

/// Images as (N, H, W, 3), with the channels of a pixel side by side.
fn pixels<T: Copy>(images: ArrayD<T>, channels_last: bool) -> Array4<T> {
    let images = images.into_dimensionality().expect("four axes");
    if channels_last { images } else { images.permuted_axes([0, 2, 3, 1]).as_standard_layout().into_owned() }
}

fn labels(file: &Container, images: usize, classes: usize) -> Result<Array1<u32>> {
    let shape = file.shape("labels").ok_or_else(|| Error::Data("tensor labels is missing".into()))?;
    if shape != [images] {
        return Err(Error::Data(format!(
            "tensor labels has shape {shape:?}; expected [{images}], one per image"
        )));
    }
    let class = |label: i64| match u32::try_from(label) {
        Ok(class) if (class as usize) < classes => Ok(class),
        _ => Err(Error::Data(format!(
            "tensor labels has the value {label}; expected classes 0 to {}",
            classes - 1
        ))),
    };
    file.integers("labels")?.into_iter().map(class).collect()
}
