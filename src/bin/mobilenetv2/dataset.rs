//! The images for `train` and `eval`.

use std::path::Path;

use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::data::{self, Dataset, Order, shapes};
use mobilenetv2::error::{Error, Result, ensure_memory};
use ndarray::{Array1, Array4};

/// The name of the drawn data set.
const SHAPES: &str = "shapes";
/// The images of a training, one batch after another; the same as on the page for the same data.
pub enum Images {
    /// Drawn when needed, from the series of the recipe's seed.
    Drawn { per_epoch: usize, resolution: usize, seed: u64, names: Vec<String> },
    /// In memory.
    Stored { data: Box<Dataset>, order: Order },
}

impl Images {
    /// Images per epoch.
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

    /// A batch: the `count` images from `position` on, counted from the start of the training, (N, S, S, 3), and their
    /// labels, (N).
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

/// The data of a training.
pub struct Source<'a> {
    /// A folder, an archive or [`SHAPES`].
    pub path: &'a Path,
    /// Number of drawings per epoch.
    pub shapes: usize,
    /// Number of training images to hold out instead of the test images.
    pub hold_out: usize,
    pub seed: u64,
}

impl Source<'_> {
    /// Opens the training and the held-out images; their classes are numbered as in `labels` if those are the same
    /// names.
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
            eprintln!("warning: the class \"{class}\" has no training images");
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
            held => (shapes::HELD_OUT_IMAGES, held), // different from the test's
        };
        check_room(count, config)?;
        let mut test = shapes::dataset(shapes::HELD_OUT, first as u64, count, config.resolution);
        test.align(labels).ok();
        let (per_epoch, seed) = (self.shapes, self.seed);
        let names = test.names.clone();
        Ok((Images::Drawn { per_epoch, resolution: config.resolution, seed, names }, test))
    }
}

/// The test images, their classes numbered like those of the weights.
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

/// Warns that the classes of weights without names are assumed to be in the order of the data's.
pub fn report_order(names: &[String]) {
    eprintln!(
        "warning: the weights have no class names; assuming the order of the data's: {}. `mobilenetv2 convert --labels` \
         adds names",
        some(names)
    );
}

/// The classes without images in the data.
pub fn absent(data: &Dataset) -> Vec<&str> {
    let mut images = vec![0; data.names.len()];
    data.labels.iter().for_each(|label| images[*label as usize] += 1);
    let classes = data.names.iter().zip(images).filter(|(_, images)| *images == 0);
    classes.map(|(name, _)| name.as_str()).collect()
}

/// A few names, and the number of further ones.
pub fn some<S: AsRef<str>>(names: &[S]) -> String {
    const FEW: usize = 5;
    let few: Vec<String> = names.iter().take(FEW).map(|name| format!("\"{}\"", name.as_ref())).collect();
    match names.len().saturating_sub(FEW) {
        0 => few.join(", "),
        more => format!("{} and {more} more", few.join(", ")),
    }
}

/// Checks the memory for `images` drawn images.
fn check_room(images: usize, config: &Config) -> Result<()> {
    let side = config.resolution;
    ensure_memory((images as u64).saturating_mul((side * side * 3) as u64), "number or resolution", || {
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
