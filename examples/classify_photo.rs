//! Classifies a photo and prints the five most probable classes.
//!
//! `cargo run --release --example classify_photo -- www/weights/cifar10-1.safetensors photo.jpg`

use std::error::Error;
use std::{env, fs, process};

use mobilenetv2::data::image::Image;
use mobilenetv2::infer::{Classifier, top};
use mobilenetv2::weights::{self, PartialConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, photo] = &arguments[..] else {
        eprintln!("usage: classify_photo WEIGHTS.safetensors PHOTO");
        process::exit(2);
    };
    let weights = weights::load(&fs::read(file)?, &PartialConfig::new())?;
    let config = &weights.config;
    let mut classifier = Classifier::new(&weights)?;

    let photo = Image::decode_center_crop(&fs::read(photo)?, config.crop, config.resolution)?;
    let images = photo.normalized(config.mean, config.std); // (1, R, R, 3)
    let logits = classifier.forward(images.view())?; // (1, classes)
    for best in top(logits.row(0), 5) {
        println!("{:6.2} %  {}", 100.0 * best.probability, weights.label(best.class));
    }
    Ok(())
}
