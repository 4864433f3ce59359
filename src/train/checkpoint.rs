//! A training on disk: everything that a [`Trainer`] needs to continue bit for bit.
//!
//! A checkpoint is a weights file in full precision with the optimiser's state beside the weights (`optimizer.momentum`
//! and, for RMSProp, `optimizer.square`: flat, in the order of [`Weights::values`]) and with the recipe and the
//! counters in its metadata. If the recipe averages weights, the file's weights are the average, and the latest ones
//! lie beside them (`optimizer.latest.values` and `optimizer.latest.statistics`, flat). [`weights::load`] reads a
//! checkpoint too, as the weights so far.

use serde_json::{Map, Value};

use super::optim::OptimizerState;
use super::{Recipe, State, Trainer};
use crate::arch::{Role, Weights, json, tensors};
use crate::error::{Error, Result};
use crate::weights::{self, Container, Entry, PartialConfig, Precision};

const MOMENTUM: &str = "optimizer.momentum";
const SQUARE: &str = "optimizer.square";
/// Limit for the counters in a file: more than any training reaches, and far from an overflow.
const MOST_STEPS: u64 = 1 << 48;
const LATEST: [&str; 2] = ["optimizer.latest.values", "optimizer.latest.statistics"];

/// Serialises a training.
///
/// # Errors
/// [`Error::Diverged`] if a value is not finite, since [`load`] would refuse it.
pub fn save(trainer: &Trainer) -> Result<Vec<u8>> {
    trainer.check_finite()?;
    let (mut entries, mut metadata) = weights::pack(trainer.weights(), Precision::Full);
    let State { step, images_per_epoch, images, rng, optimizer, average } = trainer.state();
    let Weights { values, statistics, .. } = trainer.latest_weights();
    let mut flat = vec![(MOMENTUM, &optimizer.momentum), (SQUARE, &optimizer.square)];
    if average.is_some() {
        flat.extend([(LATEST[0], values), (LATEST[1], statistics)]);
    }
    for (name, values) in flat {
        if !values.is_empty() {
            entries.push(Entry::floats(name.into(), vec![values.len()], values, Precision::Full));
        }
    }
    let recipe = serde_json::to_string(trainer.recipe()).expect("a recipe is plain data");
    metadata.push(("recipe".into(), recipe));
    let counters = [("step", step), ("images_per_epoch", images_per_epoch), ("images", images), ("rng", rng)];
    metadata.extend(counters.map(|(key, value)| (key.into(), value.to_string())));
    Ok(weights::write(entries, metadata))
}

/// Serialises the weights so far as a weights file.
///
/// # Errors
/// [`Error::Diverged`] if a value is not finite, since the file could not be read.
pub fn save_weights(trainer: &Trainer, precision: Precision) -> Result<Vec<u8>> {
    trainer.check_finite()?;
    Ok(weights::save(trainer.weights(), precision))
}

/// Restores the trainer that [`save`] was given.
///
/// # Errors
/// As [`weights::load`]; [`Error::Weights`] if the bytes are a weights file but not a checkpoint; [`Error::Argument`]
/// and [`Error::Memory`] as [`Trainer::new`].
pub fn load(bytes: &[u8]) -> Result<Trainer> {
    let (latest, recipe, state) = read(bytes)?;
    let mut trainer = Trainer::new(latest.clone(), recipe, state.images_per_epoch as usize)?;
    trainer.restore(latest, state)?;
    Ok(trainer)
}

/// The latest weights, the recipe and the state in a checkpoint.
fn read(bytes: &[u8]) -> Result<(Weights, Recipe, State)> {
    let file = Container::parse(bytes)?;
    let weights = weights::read(&file, &PartialConfig::new())?;
    let metadata = |key: &str| {
        let found = file.metadata().find(|(found, _)| *found == key);
        found.map(|(_, text)| text).ok_or_else(|| {
            let message = "not a training checkpoint: {key} is missing from the metadata";
            Error::weights("checkpoint-key", message, [("key", key.into())])
        })
    };
    let wrong_recipe = |reason: String| {
        Error::weights("checkpoint-recipe", "recipe in the metadata: {reason}", [("reason", reason)])
    };
    let recipe: Recipe = serde_json::from_str::<Map<String, Value>>(metadata("recipe")?)
        .map_err(|error| error.to_string())
        .and_then(|fields| json::settings(&fields))
        .map_err(wrong_recipe)?;
    recipe.validate().map_err(|error| wrong_recipe(error.to_string()))?;
    let counter = |key, least: u64, most: u64| {
        let text = metadata(key)?;
        let found = text.parse().ok().filter(|number| (least..=most).contains(number));
        found.ok_or_else(|| {
            Error::weights(
                "checkpoint-counter",
                "{key} in the metadata is {found}; expected a number from {least} to {most}",
                [
                    ("key", key.into()),
                    ("found", text.into()),
                    ("least", least.to_string()),
                    ("most", most.to_string()),
                ],
            )
        })
    };
    let (mut latest, mut average) = (weights, None);
    if file.shape(LATEST[0]).is_some() {
        let [values, statistics] = [file.numbers(LATEST[0])?, file.numbers(LATEST[1])?];
        if (values.len(), statistics.len()) != (latest.values.len(), latest.statistics.len()) {
            let message = "the checkpoint's latest weights belong to another network";
            return Err(Error::weights("checkpoint-latest", message, []));
        }
        let variances = tensors(&latest.config.layers()).into_iter().filter(|t| t.role == Role::RunningVar);
        for variance in variances {
            weights::check_not_negative(LATEST[1], &statistics[variance.span])?;
        }
        average = Some(latest.clone());
        latest = Weights { values, statistics, ..latest };
    }
    let step = counter("step", 0, MOST_STEPS)?;
    let state = State {
        step,
        images_per_epoch: counter("images_per_epoch", 1, u32::MAX.into())?,
        images: counter("images", 0, step * recipe.batch as u64)?,
        rng: counter("rng", 0, u64::MAX)?,
        optimizer: OptimizerState {
            momentum: file.numbers(MOMENTUM)?,
            square: if file.shape(SQUARE).is_some() { file.numbers(SQUARE)? } else { Vec::new() },
        },
        average,
    };
    weights::check_not_negative(SQUARE, &state.optimizer.square)?;
    Ok((latest, recipe, state))
}
