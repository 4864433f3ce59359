//! Labelled images in memory: CIFAR-10, drawn shapes and, natively, folders of photos and Parquet files.

pub mod cifar10;
#[cfg(feature = "cli")]
mod folder;
#[cfg(feature = "cli")]
mod guard;
pub mod image;
#[cfg(feature = "cli")]
mod layout;
#[cfg(feature = "cli")]
mod names;
mod order;
#[cfg(feature = "cli")]
mod parquet;
#[cfg(feature = "cli")]
mod photos;
pub mod shapes;
#[cfg(feature = "cli")]
mod tree;

#[cfg(feature = "cli")]
pub use folder::{load_test, load_train_and_test};
pub use order::Order;

use ndarray::{Array1, Array4, ArrayView3, Axis};

use crate::error::{Error, Result};

/// Square images of one size with their classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// (N, S, S, 3) bytes, RGB.
    pub images: Array4<u8>,
    /// Class of each image, an index into `names`, (N).
    pub labels: Array1<u32>,
    /// Names of the classes.
    pub names: Vec<String>,
    /// One message per file that was left out because it could not be read.
    pub unreadable: Vec<String>,
    /// Whether the images lie in random order already, as CIFAR-10's do; see [`Order::new`].
    pub mixed: bool,
}

impl Dataset {
    /// Images of `size` × `size` pixels, one after another, with their classes.
    fn new(size: usize, images: Vec<u8>, labels: Vec<u32>, names: Vec<String>) -> Self {
        let images = Array4::from_shape_vec((labels.len(), size, size, 3), images);
        let images = images.expect("a label for each image");
        Dataset { images, labels: labels.into(), names, ..Dataset::default() }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Height and width of an image, S.
    pub fn size(&self) -> usize {
        self.images.len_of(Axis(1))
    }

    /// Image `index`, (S, S, 3).
    ///
    /// # Panics
    /// If there are fewer images.
    pub fn image(&self, index: usize) -> ArrayView3<'_, u8> {
        self.images.index_axis(Axis(0), index)
    }

    /// A batch of the images at `indices`, (N, S, S, 3), and their labels, (N).
    ///
    /// # Panics
    /// If an index is out of range.
    ///
    /// ```
    /// let data = mobilenetv2::data::shapes::dataset(1, 0, 10, 16);
    /// let (images, labels) = data.gather(&[7, 2]);
    /// assert_eq!(images.dim(), (2, 16, 16, 3));
    /// assert_eq!(labels[0], data.labels[7]);
    /// ```
    pub fn gather(&self, indices: &[u32]) -> (Array4<u8>, Array1<u32>) {
        let indices: Vec<usize> = indices.iter().map(|&index| index as usize).collect();
        (self.images.select(Axis(0), &indices), self.labels.select(Axis(0), &indices))
    }

    /// Renumbers the classes as in a network whose classes are `names`, so that a folder with some of ImageNet's
    /// classes can be evaluated.
    ///
    /// # Errors
    /// [`Error::Data`] names the first class that the network does not have.
    pub fn align(&mut self, names: &[String]) -> Result<()> {
        let number = |name: &String| {
            let found = names.iter().position(|other| other == name);
            found.map(|class| class as u32).ok_or_else(|| {
                Error::Data(format!(
                    "the data have a class \"{name}\", which is not one of the network's {}",
                    names.len()
                ))
            })
        };
        let numbers: Vec<u32> = self.names.iter().map(number).collect::<Result<_>>()?;
        self.labels.iter_mut().for_each(|label| *label = numbers[*label as usize]);
        self.names = names.to_vec();
        Ok(())
    }

    /// Splits off `count` images, spread evenly: returns the rest, and those. They serve to make choices, while the
    /// test images stay unseen.
    #[cfg(feature = "cli")]
    pub fn split_off(&self, count: usize) -> (Dataset, Dataset) {
        // The images form `count` runs of len / count; the last image of each run is chosen.
        let chosen = |i: usize| (i + 1) * count / self.len() > i * count / self.len();
        (self.filter(|index| !chosen(index)), self.filter(chosen))
    }

    /// The images for which `chosen` is true, with their classes.
    #[cfg(feature = "cli")]
    fn filter(&self, chosen: impl Fn(usize) -> bool) -> Dataset {
        let indices: Vec<u32> =
            (0..self.len()).filter(|&index| chosen(index)).map(|index| index as u32).collect();
        let (images, labels) = self.gather(&indices);
        Dataset { images, labels, names: self.names.clone(), mixed: self.mixed, unreadable: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset() -> Dataset {
        Dataset::new(2, (0..36).collect(), vec![0, 1, 0], vec!["cat".into(), "zebra".into()])
    }

    #[test]
    fn gather_copies_in_order() {
        let (images, labels) = dataset().gather(&[1, 0]);
        assert_eq!(labels.to_vec(), [1, 0]);
        assert_eq!(images.dim(), (2, 2, 2, 3));
        assert_eq!(images.into_raw_vec_and_offset().0, (12..24).chain(0..12).collect::<Vec<u8>>());
    }

    #[cfg(feature = "cli")]
    #[test]
    fn split_off_is_even_and_loses_nothing() {
        let data = Dataset::new(1, vec![0; 30], (0..10).collect(), dataset().names);
        let (rest, taken) = data.split_off(3);
        assert_eq!(taken.labels.to_vec(), [3, 6, 9]);
        assert_eq!(rest.labels.to_vec(), [0, 1, 2, 4, 5, 7, 8]);
    }

    #[test]
    fn classes_are_renumbered_by_name() {
        let mut data = dataset();
        let names: Vec<String> = ["zebra", "dog", "cat"].map(String::from).into();
        data.align(&names).unwrap();
        assert_eq!((data.labels.to_vec(), data.names), (vec![2, 0, 2], names));
        let message = dataset().align(&["cat".into()]).unwrap_err().to_string();
        assert!(message.contains("a class \"zebra\", which is not one of the network's 1"), "{message}");
    }
}
