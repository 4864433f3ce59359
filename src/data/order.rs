//! The order of a training's images: it follows from the seed alone, so that the same data and seed are the same
//! training on the command line, in a browser, and after any interruption.

use fastrand::Rng;

use crate::error::{Error, Result};

/// Images per file of a data set in random order, such as a mosaic of CIFAR-10.
const STRETCH: usize = 1000;

/// The images of a training as one stream: each epoch shows every image once, in its own order. A batch may begin in
/// one epoch and end in the next, so that no batch is smaller and no image is left out.
///
/// ```
/// use mobilenetv2::data::Order;
///
/// let mut order = Order::new(7, 10, false)?;
/// let mut epoch = order.take(0, 10);
/// assert_ne!(epoch, order.take(10, 10), "another order in the second epoch");
/// epoch.sort();
/// assert_eq!(epoch, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
/// # Ok::<(), mobilenetv2::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Order {
    seed: u64,
    images: usize,
    mixed: bool,
    /// The epoch whose order is in memory.
    epoch: Option<u64>,
    order: Vec<u32>,
}

impl Order {
    /// For `images` images, 1 – 2³² - 1. If they are `mixed`, which means in random order already, the first epoch goes
    /// through stretches of 1,000 neighbours in random order and shuffles each: as good an order as any, and training
    /// can start with the first file that is downloaded.
    ///
    /// # Errors
    /// [`Error::Argument`] if there are no images, or too many.
    pub fn new(seed: u64, images: usize, mixed: bool) -> Result<Order> {
        if images == 0 || u32::try_from(images).is_err() {
            return Err(Error::Argument(format!("a training needs 1 to {} images, not {images}", u32::MAX)));
        }
        Ok(Order { seed, images, mixed, epoch: None, order: Vec::new() })
    }

    /// The next `count` images from `position` on, counted from the start of the training.
    pub fn take(&mut self, position: u64, count: usize) -> Vec<u32> {
        (position..).take(count).map(|position| self.at(position)).collect()
    }

    fn at(&mut self, position: u64) -> u32 {
        let (epoch, place) = (position / self.images as u64, position % self.images as u64);
        if self.epoch != Some(epoch) {
            self.shuffle(epoch);
        }
        self.order[place as usize]
    }

    /// Computes the order of an epoch.
    fn shuffle(&mut self, epoch: u64) {
        let mut rng = Rng::with_seed(Rng::with_seed(self.seed).u64(..).wrapping_add(epoch));
        let images = self.images as u32;
        self.order.clear();
        if self.mixed && epoch == 0 {
            let mut starts: Vec<u32> = (0..images).step_by(STRETCH).collect();
            shuffle(&mut rng, &mut starts);
            for start in starts {
                let from = self.order.len();
                self.order.extend(start..images.min(start.saturating_add(STRETCH as u32)));
                shuffle(&mut rng, &mut self.order[from..]);
            }
        } else {
            self.order.extend(0..images);
            shuffle(&mut rng, &mut self.order);
        }
        self.epoch = Some(epoch);
    }
}

/// A Fisher–Yates shuffle with 64-bit numbers: `fastrand`'s own draws differ where `usize` has 32 bits, as in a
/// browser.
fn shuffle(rng: &mut Rng, items: &mut [u32]) {
    for last in (1..items.len()).rev() {
        items.swap(last, rng.u64(..=last as u64) as usize);
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn sorted(mut images: Vec<u32>) -> Vec<u32> {
        images.sort_unstable();
        images
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_order_is_the_same_everywhere() {
        assert_eq!(Order::new(1, 8, false).unwrap().take(6, 6), [4, 3, 5, 6, 1, 4]);
    }

    #[test]
    fn an_epoch_shows_each_image_once_wherever_a_batch_ends() {
        for (images, mixed) in [(1, false), (7, false), (2500, true), (2500, false)] {
            let mut order = Order::new(3, images, mixed).unwrap();
            let all: Vec<u32> = order.take(0, 3 * images);
            for epoch in all.chunks(images) {
                assert_eq!(sorted(epoch.to_vec()), (0..images as u32).collect::<Vec<_>>());
            }
            let mut again = Order::new(3, images, mixed).unwrap();
            let middle = images as u64 / 2;
            assert_eq!(again.take(middle, 2 * images), all[middle as usize..][..2 * images]);
        }
    }

    #[test]
    fn the_first_epoch_of_mixed_images_goes_stretch_by_stretch() {
        let mut order = Order::new(5, 2500, true).unwrap();
        let first = order.take(0, 2500);
        let stretches: Vec<u32> = first.iter().map(|image| image / 1000).collect();
        assert_eq!(stretches.chunk_by(|a, b| a == b).count(), 3);
        assert!(!first.is_sorted());
        let second = order.take(2500, 2500);
        assert!(second.chunk_by(|a, b| a / 1000 == b / 1000).count() > 1000);
    }

    #[test]
    fn seeds_and_epochs_have_orders_of_their_own() {
        let order = |seed, position| Order::new(seed, 100, false).unwrap().take(position, 100);
        assert_ne!(order(1, 0), order(2, 0));
        assert_ne!(order(1, 0), order(1, 100));
    }

    #[test]
    fn no_images_are_an_error() {
        let message = Order::new(1, 0, false).unwrap_err().to_string();
        assert_eq!(message, "a training needs 1 to 4294967295 images, not 0");
    }
}
