//! `cargo xtask weights`: adds weights trained on CIFAR-10 to those the page ships, with their accuracy.

use std::collections::BTreeMap;
use std::path::{self, PathBuf};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xshell::{Cmd, cmd};

use crate::bench::command_line;
use crate::tools::Tools;

const MANIFEST: &str = "www/weights/manifest.json";
/// Folder of each test image's predicted class, for `tests/shipped.rs` and `tests/browser/shipped.test.js`.
const PREDICTIONS: &str = "tests/golden/shipped";
const RESOLUTIONS: [u32; 5] = [24, 32, 40, 48, 64];
const TRAINED_AT: u32 = 32;

/// Facts about a training that are not in the weights.
#[derive(clap::Args)]
pub struct Args {
    /// The weights, a safetensors file
    weights: PathBuf,
    /// The recipe that trained them, a file of the repository; several, in order, separated by commas
    #[arg(long, value_name = "FILE")]
    recipe: String,
    #[arg(long)]
    epochs: u32,
    /// Duration of the training
    #[arg(long)]
    minutes: u32,
    /// Width of the shipped weights from which the training started (convert --widen)
    #[arg(long, value_name = "WIDTH")]
    widened_from: Option<f64>,
    /// CIFAR-10
    #[arg(long, value_name = "DIR", default_value = "data/cifar-10")]
    data: PathBuf,
}

/// An entry of the manifest. `accuracy` is the share of correct images by resolution.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published: Option<bool>,
    name: BTreeMap<String, String>,
    width: f64,
    resolution: u32,
    classes: u32,
    stem: String,
    bytes: u64,
    accuracy: BTreeMap<u32, f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    training: Option<Training>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Training {
    activation: String,
    parameters: u64,
    macs: u64,
    recipe: String,
    epochs: u32,
    minutes: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    widened_from: Option<f64>,
}

/// Output of `convert`, `describe` and `eval`.
#[derive(Deserialize)]
struct Converted {
    bytes: u64,
    parameters: u64,
    config: Config,
}
#[derive(Deserialize)]
struct Config {
    width: f64,
    classes: u32,
    stem: String,
    activation: String,
}
#[derive(Deserialize)]
struct Described {
    macs: u64,
}
#[derive(Deserialize)]
struct Evaluated {
    accuracy: f64,
}

/// Evaluates the weights as 16-bit floats; changes nothing that ships until everything is known.
pub fn weights(args: &Args) -> Result<()> {
    let tools = Tools::new()?;
    let sh = &tools.shell;
    let program = command_line(&tools)?;
    let (from, data) = (path::absolute(&args.weights)?, path::absolute(&args.data)?);

    let temporary = sh.create_temp_dir()?;
    let [half, predictions] = ["half.safetensors", "predictions"].map(|name| temporary.path().join(name));
    let Converted { bytes, parameters, config } =
        json(cmd!(sh, "{program} convert --weights {from} --half --out {half} --json"))?;
    let Config { width, classes, stem, activation } = config;
    let id = format!("cifar10-{width}");
    let file = format!("{id}.safetensors");

    let (width_text, resolution) = (width.to_string(), TRAINED_AT.to_string());
    let Described { macs } = json(cmd!(
        sh,
        "{program} describe --width {width_text} --resolution {resolution} --input {stem} --json"
    ))?;
    let mut accuracy = BTreeMap::new();
    for resolution in RESOLUTIONS {
        let at = resolution.to_string();
        let mut eval = cmd!(sh, "{program} eval --weights {half} --data {data} --resolution {at} --json");
        if resolution == TRAINED_AT {
            eval = eval.arg("--predictions").arg(&predictions);
        }
        accuracy.insert(resolution, json::<Evaluated>(eval)?.accuracy);
    }

    let name = [("en", "CIFAR-10, ours"), ("ko", "CIFAR-10 (이 페이지 제공)")];
    let Args { recipe, epochs, minutes, widened_from, .. } = args;
    let training = Training {
        activation,
        parameters,
        macs,
        recipe: recipe.clone(),
        epochs: *epochs,
        minutes: *minutes,
        widened_from: *widened_from,
    };
    let (to, predictions_to) = (format!("www/weights/{file}"), format!("{PREDICTIONS}/{id}.txt"));
    let entry = Entry {
        id,
        file,
        published: None,
        name: name.map(|(language, text)| (language.into(), text.into())).into(),
        width,
        resolution: TRAINED_AT,
        classes,
        stem,
        bytes,
        accuracy,
        training: Some(training),
    };
    let manifest = add(&sh.read_file(MANIFEST)?, entry).context(MANIFEST)?;

    sh.copy_file(half, to)?;
    sh.create_dir(PREDICTIONS)?;
    sh.copy_file(predictions, predictions_to)?;
    sh.write_file(MANIFEST, manifest)?;
    Ok(())
}

/// The manifest with an entry in its family, ordered by width, replacing one with the same id; a new family comes
/// before those of other publishers.
fn add(manifest: &str, entry: Entry) -> Result<String> {
    let mut entries: Vec<Entry> = serde_json::from_str(manifest)?;
    entries.retain(|other| other.id != entry.id);
    let family = |other: &Entry| other.name == entry.name;
    let wider = |other: &Entry| family(other) && other.width > entry.width;
    let behind = entries.iter().rposition(family).map(|last| last + 1);
    let published = entries.iter().position(|other| other.published.is_some());
    let place = entries.iter().position(wider).or(behind).or(published).unwrap_or(entries.len());
    entries.insert(place, entry);
    Ok(serde_json::to_string_pretty(&entries)? + "\n")
}

fn json<T: DeserializeOwned>(command: Cmd) -> Result<T> {
    Ok(serde_json::from_str(&command.read()?)?)
}
