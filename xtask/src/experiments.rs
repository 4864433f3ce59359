//! `cargo xtask duels` and `cargo xtask experiments`: train networks that differ in one thing, over several seeds, so that the
//! page can say what the difference is worth.
//!
//! Both read the same kind of table: common settings by the core's names, and what each side changes. A finished training is
//! not repeated, and an interrupted one continues.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{self, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xshell::cmd;

use crate::bench::command_line;
use crate::curves::{HeldOut, round};
use crate::tools::Tools;

/// The page's ready-made comparisons, and what they gave.
const DUELS: &str = "www/duels/duels.json";
const OUTCOMES: &str = "www/duels/outcomes.json";
/// Longer trainings on CIFAR-10, and the folder of their curves.
const EXPERIMENTS: &str = "xtask/experiments.json";
const CURVES: &str = "www/curves";
/// The experiments that the page offers.
const OFFERED: &str = "www/curves/recorded.json";
/// Checkpoints, weights and logs.
const WORK: &str = "target/experiments";

#[derive(clap::Args)]
pub struct Args {
    /// Only the one of this name
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Trainings of each side, with the seeds 1, 2 …
    #[arg(long, value_name = "N")]
    seeds: Option<u32>,
    /// CIFAR-10, for experiments
    #[arg(long, value_name = "DIR", default_value = "data/cifar-10")]
    data: PathBuf,
}

/// Networks that differ in what a side sets.
#[derive(Deserialize)]
struct Comparison {
    name: String,
    settings: Map<String, Value>,
    sides: Vec<Map<String, Value>>,
}

/// What a ready-made comparison gave: accuracies of each side, one per seed.
#[derive(Serialize)]
struct Outcome {
    sides: Vec<Vec<f64>>,
    steps: u64,
    command: String,
    machine: String,
}

/// A recorded experiment, as the page draws it.
#[derive(Serialize, Deserialize)]
struct Recorded {
    name: String,
    settings: Map<String, Value>,
    command: String,
    sides: Vec<Side>,
}
#[derive(Serialize, Deserialize)]
struct Side {
    settings: Map<String, Value>,
    runs: Vec<Run>,
}
#[derive(Clone, Serialize, Deserialize)]
struct Run {
    seed: u32,
    /// Of the code that trained it.
    commit: String,
    epochs: Vec<Epoch>,
}

/// Runs of all experiments, by the options of the command line. Experiments share a side that all of them have.
type Runs = BTreeMap<Vec<String>, BTreeMap<u32, Run>>;

/// An epoch's line in a training's log, and its figures on the held-out images.
#[derive(Deserialize)]
struct Line {
    epoch: u32,
    step: u64,
    held_out: HeldOut,
}
#[derive(Clone, Serialize, Deserialize)]
struct Epoch {
    step: u64,
    loss: f64,
    accuracy: f64,
}

/// Trains each side of the page's ready-made comparisons, five times unless told otherwise. A training is one epoch of drawn
/// images, as many as its steps need, judged by the 1,000 images that the page uses.
pub fn duels(args: &Args) -> Result<()> {
    let tools = Tools::new()?;
    let program = command_line(&tools)?;
    let mut outcomes: BTreeMap<String, Value> = read(&tools.root().join(OUTCOMES))?;
    for Comparison { name, settings, sides } in chosen(&tools, DUELS, args)? {
        let whole = |key: &str| {
            settings.get(key).and_then(Value::as_u64).with_context(|| format!("{name}: no {key}"))
        };
        let (steps, batch) = (whole("steps")?, whole("batch")?);
        let images = (steps * batch).to_string();
        let mut accuracies = vec![Vec::new(); sides.len()];
        for seed in 1..=args.seeds.unwrap_or(5) {
            for (side, own) in sides.iter().enumerate() {
                let options = options(&settings, own)?;
                let data = ["--data", "shapes", "--shapes", &images, "--epochs", "1"].map(str::to_owned);
                let label = format!("{name}, side {side}, seed {seed}");
                let epochs = train(&tools, &program, seed, &[&data[..], &options].concat())?;
                let accuracy = epochs.last().with_context(|| format!("{label} has no result"))?.accuracy;
                println!("{label}: {:.1} %", 100.0 * accuracy);
                accuracies[side].push(accuracy);
            }
        }
        let command = format!("cargo xtask duels --only {name}");
        let outcome = Outcome { sides: accuracies, steps, command, machine: machine() };
        outcomes.insert(name, serde_json::to_value(outcome)?);
        write(&tools.root().join(OUTCOMES), &outcomes)?;
    }
    Ok(())
}

/// Trains each side of the experiments on CIFAR-10, three times unless told otherwise. Writes the curves after each training, and
/// has the page offer an experiment once all of its sides have one. What the curves hold already is not trained again, whichever
/// machine trained it.
pub fn experiments(args: &Args) -> Result<()> {
    let tools = Tools::new()?;
    let program = command_line(&tools)?;
    let data = ["--data".to_owned(), path::absolute(&args.data)?.display().to_string()];
    let commit = cmd!(tools.shell, "git rev-parse --short HEAD").read()?;
    let mut runs = recorded_runs(&tools)?;
    for comparison in chosen(&tools, EXPERIMENTS, args)? {
        for seed in 1..=args.seeds.unwrap_or(3) {
            for (side, own) in comparison.sides.iter().enumerate() {
                let options = options(&comparison.settings, own)?;
                let known = runs.entry(options.clone()).or_default();
                if let Entry::Vacant(missing) = known.entry(seed) {
                    let epochs = train(&tools, &program, seed, &[&options[..], &data].concat())?;
                    missing.insert(Run { seed, commit: commit.clone(), epochs });
                }
                let accuracy = known[&seed].epochs.last().map_or(0.0, |epoch| 100.0 * epoch.accuracy);
                println!("{}, side {side}, seed {seed}: {accuracy:.2} %", comparison.name);
                record(&tools, &comparison, &runs)?;
            }
        }
    }
    Ok(())
}

/// The runs in the files of curves.
fn recorded_runs(tools: &Tools) -> Result<Runs> {
    let mut runs = Runs::new();
    for Comparison { name, .. } in read::<Vec<Comparison>>(&tools.root().join(EXPERIMENTS))? {
        let file = curves(tools, &name);
        if file.exists() {
            let Recorded { settings, sides, .. } = read(&file)?;
            for side in sides {
                let known = runs.entry(options(&settings, &side.settings)?).or_default();
                known.extend(side.runs.into_iter().map(|run| (run.seed, run)));
            }
        }
    }
    Ok(runs)
}

/// Writes the curves of an experiment, and has the page offer it once all of its sides have one.
fn record(tools: &Tools, comparison: &Comparison, runs: &Runs) -> Result<()> {
    let Comparison { name, settings, sides } = comparison;
    let mut recorded = Vec::new();
    for own in sides {
        let known = runs.get(&options(settings, own)?);
        let runs = known.map_or_else(Vec::new, |known| known.values().cloned().collect());
        recorded.push(Side { settings: own.clone(), runs });
    }
    let complete = recorded.iter().all(|side| !side.runs.is_empty());
    let command = format!("cargo xtask experiments --only {name}");
    let (name, settings) = (name.clone(), settings.clone());
    write(&curves(tools, &name), &Recorded { name: name.clone(), settings, command, sides: recorded })?;
    let mut offered: BTreeSet<String> = read(&tools.root().join(OFFERED))?;
    if complete && offered.insert(name) {
        write(&tools.root().join(OFFERED), &offered)?;
    }
    Ok(())
}

/// The file of an experiment's curves.
fn curves(tools: &Tools, name: &str) -> PathBuf {
    tools.root().join(CURVES).join(format!("{name}.json"))
}

/// The comparisons of a table, or the one that was asked for.
fn chosen(tools: &Tools, table: &str, args: &Args) -> Result<Vec<Comparison>> {
    let mut all: Vec<Comparison> = read(&tools.root().join(table))?;
    if let Some(only) = &args.only {
        let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
        all.retain(|one| one.name == *only);
        ensure!(!all.is_empty(), "{table} has no {only}; it has {}", names.join(", "));
    }
    Ok(all)
}

/// The command line's options for a side's settings, by the core's names.
fn options(common: &Map<String, Value>, own: &Map<String, Value>) -> Result<Vec<String>> {
    let mut settings = common.clone();
    settings.extend(own.clone());
    let mut options = Vec::new();
    for (key, value) in settings {
        let value = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let name = match &*key {
            "data" | "steps" => continue, // what is trained on, and for how long, follow from them
            "stem" => "input".to_owned(),
            "decay_until_share" => "decay-until".to_owned(), // of one epoch
            _ => key.replace('_', "-"),
        };
        options.extend([format!("--{name}"), value]);
    }
    Ok(options)
}

/// Trains, or continues, unless the training has ended; returns its epochs. Comparisons share a side that all of them have.
fn train(tools: &Tools, program: &Path, seed: u32, options: &[String]) -> Result<Vec<Epoch>> {
    let mut hasher = DefaultHasher::new();
    (seed, options).hash(&mut hasher);
    let base = tools.root().join(WORK).join(format!("{:016x}", hasher.finish()));
    let [log, weights, checkpoint] =
        ["jsonl", "safetensors", "checkpoint"].map(|extension| base.with_extension(extension));
    fs::create_dir_all(tools.root().join(WORK))?;
    if !weights.exists() {
        let resume = checkpoint.exists().then_some("--resume");
        let seed = seed.to_string();
        let train = cmd!(
            tools.shell,
            "{program} train --json --out {weights} --checkpoint {checkpoint} {resume...} --seed {seed} {options...}"
        );
        let lines = File::options().create(true).append(true).open(&log)?;
        let ended = Command::from(train).stdout(lines).status()?;
        ensure!(ended.success(), "a training failed; its log is {}", log.display());
        fs::remove_file(&checkpoint)?;
    }
    // a training that was interrupted repeats what came after its checkpoint
    let mut found = BTreeMap::new();
    for line in fs::read_to_string(&log)?.lines().filter(|line| line.contains("held_out")) {
        let Line { epoch, step, held_out: HeldOut { loss, accuracy } } =
            serde_json::from_str(line).with_context(|| log.display().to_string())?;
        found.insert(epoch, Epoch { step, loss: round(loss), accuracy });
    }
    Ok(found.into_values().collect())
}

/// The processor's name and the number of threads.
fn machine() -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {threads} threads", name.map_or("unknown processor", |(_, name)| name))
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    Ok(fs::write(path, serde_json::to_string(value)? + "\n")?)
}
