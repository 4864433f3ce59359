//! The images that `train` and `eval` work on.

use std::path::Path;

use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::data::{self, Dataset, shapes};
use mobilenetv2::error::{Error, Result, ensure_memory};

/// The name that stands for the drawn data set.
const SHAPES: &str = "shapes";
/// Series of drawn images to train on and to test with.
const TRAIN_SERIES: u64 = 1;
const TEST_SERIES: u64 = 2;
/// Drawn images to test with.
const TEST_SHAPES: usize = 1000;

/// Images to train on (`shapes` of them, if they are drawn) and to test with.
pub fn train_and_test(path: &Path, shapes: usize, config: &Config) -> Result<(Dataset, Dataset)> {
    if path.as_os_str() == SHAPES {
        check_room(shapes + TEST_SHAPES, config)?;
        let train = shapes::dataset(TRAIN_SERIES, 0, shapes, config.resolution);
        return Ok((train, test_shapes(config)));
    }
    let (train, test) = data::load_train_and_test(path, config)?;
    report_unreadable(&train);
    report_unreadable(&test);
    Ok((train, test))
}

/// Images to test with, their classes numbered as those of the weights.
pub fn test(path: &Path, weights: &Weights, config: &Config) -> Result<Dataset> {
    let mut test = match path.as_os_str() == SHAPES {
        true => {
            check_room(TEST_SHAPES, config)?;
            test_shapes(config)
        }
        false => data::load_test(path, config)?,
    };
    report_unreadable(&test);
    if test.is_empty() {
        return Err(Error::Data(format!("{} holds no images to test with", path.display())));
    }
    if !weights.labels.is_empty() {
        test.align(&weights.labels)?;
    }
    check_classes(&test, config)?;
    if weights.labels.is_empty() {
        report_order(&test);
    }
    Ok(test)
}

/// Says that the classes of weights without names are taken to be in the order of the data's.
pub fn report_order(data: &Dataset) {
    eprintln!(
        "warning: the weights name no classes, so these are taken to be in the order of the data's: {}. `mobilenetv2 \
         convert --labels` gives them names",
        some(&data.names)
    );
}

/// The classes of which the data have no images.
pub fn absent(data: &Dataset) -> Vec<&str> {
    let mut images = vec![0; data.names.len()];
    data.labels.iter().for_each(|label| images[*label as usize] += 1);
    let classes = data.names.iter().zip(images).filter(|(_, images)| *images == 0);
    classes.map(|(name, _)| name.as_str()).collect()
}

/// A few names, and how many more there are.
pub fn some<S: AsRef<str>>(names: &[S]) -> String {
    const FEW: usize = 5;
    let few: Vec<String> = names.iter().take(FEW).map(|name| format!("\"{}\"", name.as_ref())).collect();
    match names.len().saturating_sub(FEW) {
        0 => few.join(", "),
        more => format!("{} and {more} more", few.join(", ")),
    }
}

/// Checks that there is room for so many drawn images.
fn check_room(images: usize, config: &Config) -> Result<()> {
    let side = config.resolution;
    ensure_memory((images * side * side * 3) as u64, "number or resolution", || {
        format!("drawing {images} images of {side} × {side}")
    })
}

/// Checks that the data's classes are the network's.
pub fn check_classes(data: &Dataset, config: &Config) -> Result<()> {
    if data.names.len() == config.classes {
        return Ok(());
    }
    Err(Error::Data(format!("the data have {} classes, the network {}", data.names.len(), config.classes)))
}

fn test_shapes(config: &Config) -> Dataset {
    shapes::dataset(TEST_SERIES, 0, TEST_SHAPES, config.resolution)
}

fn report_unreadable(data: &Dataset) {
    for message in &data.unreadable {
        eprintln!("warning: left out: {message}");
    }
}
