//! Labelled images in memory: CIFAR-10, drawn shapes and, natively, folders of photos.

pub mod cifar10;
#[cfg(feature = "cli")]
mod folder;
pub mod image;
#[cfg(feature = "cli")]
mod layout;
#[cfg(feature = "cli")]
mod names;
mod order;
pub mod shapes;
#[cfg(feature = "cli")]
mod tree;

#[cfg(feature = "cli")]
pub use folder::{load_test, load_train_and_test};
pub use order::Order;

use crate::error::{Error, Result};

/// Square images of one size with their classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// (N, size, size, 3) bytes, RGB.
    pub images: Vec<u8>,
    /// Class of each image, an index into `names`.
    pub labels: Vec<u32>,
    /// Height and width of an image.
    pub size: usize,
    /// Names of the classes.
    pub names: Vec<String>,
    /// One message for each file that was left out because it could not be read.
    pub unreadable: Vec<String>,
    /// Whether the images lie in random order already, as those of CIFAR-10 do; see [`Order::new`].
    pub mixed: bool,
}

impl Dataset {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Image `index`, (size, size, 3).
    pub fn image(&self, index: usize) -> &[u8] {
        let bytes = 3 * self.size * self.size;
        &self.images[index * bytes..][..bytes]
    }

    /// Copies the images and labels at `indices` into a batch, replacing what it held.
    pub fn gather(&self, indices: &[u32], images: &mut Vec<u8>, labels: &mut Vec<u32>) {
        images.clear();
        labels.clear();
        for &index in indices {
            images.extend_from_slice(self.image(index as usize));
            labels.push(self.labels[index as usize]);
        }
    }

    /// Numbers the classes as a network does whose classes are `names`, so that a folder with some of the classes of
    /// ImageNet can be evaluated.
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

    /// Takes `count` images out, spread evenly over the whole: what is left, and those. To choose by, while the test
    /// images stay unseen.
    #[cfg(feature = "cli")]
    pub fn split_off(&self, count: usize) -> (Dataset, Dataset) {
        // Image i is the last of its stretch of len / count if the count of whole stretches rises after it.
        let chosen = |i: usize| (i + 1) * count / self.len() > i * count / self.len();
        (self.filter(|index| !chosen(index)), self.filter(chosen))
    }

    /// The images for which `chosen` is true, with their classes.
    #[cfg(feature = "cli")]
    fn filter(&self, chosen: impl Fn(usize) -> bool) -> Dataset {
        let indices: Vec<u32> =
            (0..self.len()).filter(|&index| chosen(index)).map(|index| index as u32).collect();
        let mut part =
            Dataset { size: self.size, names: self.names.clone(), mixed: self.mixed, ..Dataset::default() };
        self.gather(&indices, &mut part.images, &mut part.labels);
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset() -> Dataset {
        Dataset {
            images: (0..36).collect(),
            labels: vec![0, 1, 0],
            size: 2,
            names: vec!["cat".into(), "zebra".into()],
            ..Dataset::default()
        }
    }

    #[test]
    fn gather_copies_in_order() {
        let (mut images, mut labels) = (vec![9; 5], vec![9]);
        dataset().gather(&[1, 0], &mut images, &mut labels);
        assert_eq!(labels, [1, 0]);
        assert_eq!(images, (12..24).chain(0..12).collect::<Vec<u8>>());
    }

    #[cfg(feature = "cli")]
    #[test]
    fn split_off_is_even_and_loses_nothing() {
        let data = Dataset { images: vec![0; 30], labels: (0..10).collect(), size: 1, ..dataset() };
        let (rest, taken) = data.split_off(3);
        assert_eq!(taken.labels, [3, 6, 9]);
        assert_eq!(rest.labels, [0, 1, 2, 4, 5, 7, 8]);
    }

    #[test]
    fn classes_are_renumbered_by_name() {
        let mut data = dataset();
        let names: Vec<String> = ["zebra", "dog", "cat"].map(String::from).into();
        data.align(&names).unwrap();
        assert_eq!((data.labels, data.names), (vec![2, 0, 2], names));
        let message = dataset().align(&["cat".into()]).unwrap_err().to_string();
        assert!(message.contains("a class \"zebra\", which is not one of the network's 1"), "{message}");
    }
}
