//! The images that `train` and `eval` work on.

use std::path::Path;

use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::data::{self, Dataset, Order, shapes};
use mobilenetv2::error::{Error, Result, ensure_memory};
use ndarray::{Array1, Array4};

/// The name that stands for the drawn data set.
const SHAPES: &str = "shapes";
/// The images of a training, one batch after another: as the page has them, where it has the same.
pub enum Images {
    /// Drawn as they are needed, from the series of the recipe's seed.
    Drawn { per_epoch: usize, resolution: usize, seed: u64, names: Vec<String> },
    /// In memory.
    Stored { data: Box<Dataset>, order: Order },
}

impl Images {
    /// Images of an epoch.
    pub fn per_epoch(&self) -> usize {
        match self {
            Images::Drawn { per_epoch, .. } => *per_epoch,
            Images::Stored { data, .. } => data.len(),
        }
    }

    /// Names of the classes.
    pub fn names(&self) -> &[String] {
        match self {
            Images::Drawn { names, .. } => names,
            Images::Stored { data, .. } => &data.names,
        }
    }

    /// A batch: the images at `position`, counted from the beginning of the training, and the places after it, (N, S, S, 3), and
    /// their labels, (N).
    pub fn take(&mut self, position: u64, count: usize) -> Result<(Array4<u8>, Array1<u32>)> {
        match self {
            Images::Drawn { resolution, seed, names, .. } => {
                let mut batch = shapes::dataset(*seed, position, count, *resolution);
                batch.align(names)?;
                Ok((batch.images, batch.labels))
            }
            Images::Stored { data, order } => Ok(data.gather(&order.take(position, count))),
        }
    }
}

/// What a training is made of.
pub struct Source<'a> {
    /// A folder, an archive or [`SHAPES`].
    pub path: &'a Path,
    /// How many drawings count as an epoch.
    pub shapes: usize,
    /// How many of the training images are held out instead of the test images.
    pub hold_out: usize,
    pub seed: u64,
}

impl Source<'_> {
    /// Images to train on and to evaluate on; their classes are numbered as in `labels`, where these are theirs.
    pub fn open(&self, config: &Config, labels: &[String]) -> Result<(Images, Dataset)> {
        if self.path.as_os_str() == SHAPES {
            return self.draw(config, labels);
        }
        let (mut train, mut test) = data::load_train_and_test(self.path, config)?;
        report_unreadable(&train);
        report_unreadable(&test);
        if self.hold_out > 0 {
            let (held, all) = (self.hold_out, train.len());
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
        for class in absent(&train) {
            eprintln!("warning: there are no images of the class \"{class}\" to train on");
        }
        if train.align(labels).is_ok() {
            test.align(labels)?;
        }
        let order = Order::new(self.seed, train.len(), train.mixed)?;
        Ok((Images::Stored { data: Box::new(train), order }, test))
    }

    /// Drawings of the seed's series, and others that no training sees.
    fn draw(&self, config: &Config, labels: &[String]) -> Result<(Images, Dataset)> {
        let (first, count) = match self.hold_out {
            0 => (0, shapes::HELD_OUT_IMAGES),
            held => (shapes::HELD_OUT_IMAGES, held), // others than the test's
        };
        check_room(count, config)?;
        let mut test = shapes::dataset(shapes::HELD_OUT, first as u64, count, config.resolution);
        test.align(labels).ok();
        let (per_epoch, seed) = (self.shapes, self.seed);
        let names = test.names.clone();
        Ok((Images::Drawn { per_epoch, resolution: config.resolution, seed, names }, test))
    }
}

/// Images to test with, their classes numbered as those of the weights.
pub fn test(path: &Path, weights: &Weights, config: &Config) -> Result<Dataset> {
    let mut test = match path.as_os_str() == SHAPES {
        true => {
            check_room(shapes::HELD_OUT_IMAGES, config)?;
            shapes::dataset(shapes::HELD_OUT, 0, shapes::HELD_OUT_IMAGES, config.resolution)
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
    check_classes(&test.names, config)?;
    if weights.labels.is_empty() {
        report_order(&test.names);
    }
    Ok(test)
}

/// Says that the classes of weights without names are taken to be in the order of the data's.
pub fn report_order(names: &[String]) {
    eprintln!(
        "warning: the weights name no classes, so these are taken to be in the order of the data's: {}. `mobilenetv2 \
         convert --labels` gives them names",
        some(names)
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
pub fn check_classes(names: &[String], config: &Config) -> Result<()> {
    if names.len() == config.classes {
        return Ok(());
    }
    Err(Error::Data(format!("the data have {} classes, the network {}", names.len(), config.classes)))
}

fn report_unreadable(data: &Dataset) {
    for message in &data.unreadable {
        eprintln!("warning: left out: {message}");
    }
}
