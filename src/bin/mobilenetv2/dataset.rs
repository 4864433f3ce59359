//! The images that `train` and `eval` work on.

use std::path::Path;

use mobilenetv2::data::{self, Dataset, shapes};
use mobilenetv2::{Config, Error, Result, Weights};

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
        true => test_shapes(config),
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
    Ok(test)
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
