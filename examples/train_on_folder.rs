//! Trains a small network on a folder with one folder of pictures per class, and saves its weights.
//!
//! `cargo run --release --example train_on_folder -- my-pictures my.safetensors 10`

use std::error::Error;
use std::path::Path;
use std::{env, fs, process};

use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::data::{Order, load_train_and_test};
use mobilenetv2::train::{Recipe, Trainer, checkpoint};
use mobilenetv2::weights::Precision;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, out, epochs] = &arguments[..] else {
        eprintln!("usage: train_on_folder FOLDER OUT.safetensors EPOCHS");
        process::exit(2);
    };
    let config = Config { width: 0.35, ..Config::cifar() };
    let (train, test) = load_train_and_test(Path::new(folder), &config)?;

    let recipe = Recipe { batch: train.len().min(32), ..Recipe::default() };
    let weights = Weights::untrained(Config { classes: train.names.len(), ..config }, recipe.seed)?;
    let batch = recipe.batch;
    let mut trainer = Trainer::new(weights, recipe, train.len())?;
    trainer.set_labels(train.names.clone())?;

    let mut order = Order::new(trainer.recipe().seed, train.len(), train.mixed)?;
    for epoch in 1..=epochs.parse::<u64>()? {
        while trainer.state().images < epoch * train.len() as u64 {
            let (images, labels) = train.gather(&order.take(trainer.state().images, batch)); // (N, R, R, 3) and (N)
            trainer.step(images.view(), labels.view())?;
        }
        let found = trainer.evaluate(test.images.view(), test.labels.view())?;
        println!("epoch {epoch}: loss {:.3}, {} of {} right", found.loss, found.correct, found.total);
    }
    fs::write(out, checkpoint::save_weights(&trainer, Precision::Half)?)?;
    Ok(())
}
