//! Training images on their way to the network: resized, randomly cropped, randomly mirrored, normalised.
//!
//! Order and semantics are those of torchvision's `RandomCrop(resolution, padding)`, `RandomHorizontalFlip()`,
//! `ToTensor()`, `Normalize(mean, std)`: padding is black before it is normalised. With all randomness off, images are
//! prepared as in evaluation.
//!
//! An image that needs no resizing goes straight from its bytes to the network's input. Nothing is allocated after the
//! first batch.

use std::ops::Range;

use fastrand::Rng;
use ndarray::{Array4, ArrayView4};

use super::Recipe;
use crate::arch::Config;
use crate::arrays::{image_shape, values};
use crate::data::image::{Area, Resampler, normalize};
use crate::error::Result;

/// The augmentation of a batch, with its buffers.
pub struct Augment {
    resolution: usize,
    mean: [f32; 3],
    std: [f32; 3],
    crop_padding: usize,
    flip: bool,
    cutout: usize,
    /// Side of the images that the renderings are prepared for; 0 before the first batch.
    size: usize,
    renderings: Vec<Rendering>,
    /// An image after resizing, (side, side, 3).
    resized: Vec<u8>,
}

/// What happens to an image: the part that the network sees, and what is missing of it. In pixels of the resized image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Index of the size in the recipe's.
    rendering: usize,
    /// Height and width to which the image is resized.
    pub size: usize,
    /// Column of the image where the window begins; below 0 in the padding.
    pub left: isize,
    /// Row of the image where the window begins.
    pub top: isize,
    /// Whether left and right are exchanged.
    pub mirrored: bool,
    /// The window's rows that are blanked, after mirroring; none without a cut-out.
    pub rows: Range<usize>,
    /// The columns of those rows.
    pub columns: Range<usize>,
}

/// What a network in training by `recipe` sees of images, (N, R, R, 3), normalised, and the window of each. `images` is (N, S,
/// S, 3) RGB bytes of any size S; `seed` is the state of the generator, [`State::rng`](super::State::rng) in a training.
///
/// # Errors
/// [`Error::Argument`](crate::error::Error::Argument) if a knob or a setting is out of range,
/// [`Error::Shape`](crate::error::Error::Shape) if the images are not square.
///
/// ```
/// use mobilenetv2::arch::Config;
/// use mobilenetv2::data::shapes;
/// use mobilenetv2::train::{Recipe, augment::augmented};
///
/// let (config, recipe) = (Config::cifar(), Recipe { cutout: 8, ..Recipe::default() });
/// let (inputs, windows) = augmented(&config, &recipe, 7, shapes::dataset(1, 0, 4, 32).images.view())?;
/// assert_eq!((inputs.dim(), windows.len()), ((4, 32, 32, 3), 4));
/// assert!(windows.iter().all(|window| window.left.abs() <= 4 && window.rows.len() <= 8));
/// # Ok::<(), mobilenetv2::error::Error>(())
/// ```
pub fn augmented(
    config: &Config,
    recipe: &Recipe,
    seed: u64,
    images: ArrayView4<u8>,
) -> Result<(Array4<f32>, Vec<Window>)> {
    config.validate()?;
    recipe.validate()?;
    let (count, size) = image_shape(&images, None)?;
    let mut inputs = Array4::zeros((count, config.resolution, config.resolution, 3));
    let mut windows = Vec::with_capacity(count);
    Augment::of(config, recipe).run_telling(
        &mut Rng::with_seed(seed),
        values("images", &images)?,
        size,
        inputs.as_slice_mut().expect("a new array"),
        &mut |window| windows.push(window),
    );
    Ok((inputs, windows))
}

/// A size to which images are resized.
struct Rendering {
    size: usize,
    /// None if the images have that size already.
    resampler: Option<Resampler>,
}

impl Augment {
    /// Augments images for the input of `config`. A window of its resolution is placed at random on the image, which
    /// gets `crop_padding` black pixels on every side; if `flip`, half of the windows are mirrored.
    ///
    /// An image is first resized to the resolution or, if `sizes` is not empty, to one of `sizes` at random. A small
    /// image is then seen whole, with black around it, a large one in part.
    ///
    /// Last, a square of `cutout` × `cutout` pixels, centred anywhere in the window, becomes the mean colour (DeVries
    /// and Taylor 2017); the window's border may cut it off.
    pub fn new(config: &Config, crop_padding: usize, flip: bool, sizes: &[usize], cutout: usize) -> Self {
        let sizes = if sizes.is_empty() { &[config.resolution] } else { sizes };
        Augment {
            resolution: config.resolution,
            mean: config.mean,
            std: config.std,
            crop_padding,
            flip,
            cutout,
            size: 0,
            renderings: sizes.iter().map(|&size| Rendering { size, resampler: None }).collect(),
            resized: Vec::new(),
        }
    }

    /// As `recipe` asks for it.
    pub fn of(config: &Config, recipe: &Recipe) -> Self {
        Augment::new(config, recipe.crop_padding, recipe.flip, &recipe.sizes, recipe.cutout)
    }

    /// Writes `images` (N, size, size, 3) to `out` (N, resolution, resolution, 3).
    ///
    /// Each image has its own generator, forked from `rng` in order: its augmentation depends only on its position, and
    /// `rng` advances by one draw per image whatever the settings.
    ///
    /// # Panics
    /// If the lengths do not match.
    pub fn run(&mut self, rng: &mut Rng, images: &[u8], size: usize, out: &mut [f32]) {
        self.run_telling(rng, images, size, out, &mut |_| ());
    }

    /// The same, and gives the window of each image to `tell`.
    pub fn run_telling(
        &mut self,
        rng: &mut Rng,
        images: &[u8],
        size: usize,
        out: &mut [f32],
        tell: &mut dyn FnMut(Window),
    ) {
        let (bytes, values) = (3 * size * size, 3 * self.resolution * self.resolution);
        let count = out.len() / values;
        assert_eq!(
            (images.len(), out.len()),
            (count * bytes, count * values),
            "expected {count} images of {size}²"
        );
        self.prepare(size);
        for (image, out) in images.chunks_exact(bytes).zip(out.chunks_exact_mut(values)) {
            let window = self.draw(rng.fork());
            self.render(&window, image, out);
            tell(window);
        }
    }

    /// Prepares for images of another size.
    fn prepare(&mut self, size: usize) {
        if self.size == size {
            return;
        }
        self.size = size;
        let whole = Area::whole(size, size);
        for rendering in &mut self.renderings {
            let needed = rendering.size != size;
            rendering.resampler = needed.then(|| Resampler::new(size, size, whole, rendering.size));
        }
        let largest = self.renderings.iter().map(|r| r.size).max().unwrap_or(0);
        self.resized.resize(3 * largest * largest, 0);
    }

    /// Draws what happens to an image that has been prepared for.
    fn draw(&self, mut rng: Rng) -> Window {
        // 64-bit numbers: a narrower type, such as a browser's usize, is drawn differently
        let rendering = rng.u64(..self.renderings.len() as u64) as usize;
        let (size, resolution) = (self.renderings[rendering].size as i64, self.resolution as i64);
        let padding = self.crop_padding as i64;
        let mut offset =
            || rng.i64((size - resolution).min(0) - padding..=(size - resolution).max(0) + padding) as isize;
        let (left, top) = (offset(), offset());
        let mirrored = self.flip && rng.bool();
        let mut span = || {
            if self.cutout == 0 {
                return 0..0;
            }
            let centre = rng.u64(..self.resolution as u64) as usize;
            let end = (centre + self.cutout.div_ceil(2)).min(self.resolution);
            centre.saturating_sub(self.cutout / 2)..end
        };
        let (rows, columns) = (span(), span());
        Window { rendering, size: size as usize, left, top, mirrored, rows, columns }
    }

    /// Writes what `window` shows of an image to `out` (resolution, resolution, 3), normalised.
    fn render(&mut self, window: &Window, image: &[u8], out: &mut [f32]) {
        let &Window { rendering, size, left, top, mirrored, .. } = window;
        let image = match &mut self.renderings[rendering].resampler {
            None => image,
            Some(resampler) => {
                let resized = &mut self.resized[..3 * size * size];
                resampler.run(image, resized);
                resized
            }
        };
        let black = std::array::from_fn(|c| -self.mean[c] / self.std[c]);
        // The window's columns that lie on the image.
        let covered = |from: isize| from.clamp(0, self.resolution as isize) as usize;
        let columns = covered(-left)..covered(size as isize - left);
        let source_left = left.clamp(0, size as isize) as usize;
        for (y, row) in out.chunks_exact_mut(3 * self.resolution).enumerate() {
            let pixels = row.as_chunks_mut::<3>().0;
            let source_y = y as isize + top;
            if !(0..size as isize).contains(&source_y) {
                pixels.fill(black);
                continue;
            }
            pixels[..columns.start].fill(black);
            pixels[columns.end..].fill(black);
            let source = 3 * (source_y as usize * size + source_left);
            let source = &image[source..source + 3 * columns.len()];
            normalize(source, self.mean, self.std, pixels[columns.clone()].as_flattened_mut());
            if mirrored {
                pixels.reverse();
            }
        }
        for row in out.chunks_exact_mut(3 * self.resolution).take(window.rows.end).skip(window.rows.start) {
            row[3 * window.columns.start..3 * window.columns.end].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(resolution: usize) -> Config {
        // Mean 0 and standard deviation 1 / 255 leave the bytes as they are.
        Config { resolution, mean: [0.0; 3], std: [1.0 / 255.0; 3], ..Config::cifar() }
    }

    /// Images whose pixels encode their position: red is the column, green the row, blue the image; none is black.
    fn images(count: usize, size: usize) -> Vec<u8> {
        let pixel = |i: usize| {
            let (n, y, x) = (i / (size * size), i / size % size, i % size);
            [x as u8 + 1, y as u8 + 1, n as u8 + 1]
        };
        (0..count * size * size).flat_map(pixel).collect()
    }

    /// Where the window lies, (left, top, mirrored), from any pixel on the image; checks that all pixels agree.
    fn window(out: &[f32], resolution: usize, size: usize) -> (isize, isize, bool) {
        let pixels = out.as_chunks::<3>().0;
        let on_image = |y: usize, x: usize| {
            let [r, g, _] = pixels[y * resolution + x].map(|v| v.round() as isize);
            (r > 0).then_some((r - 1, g - 1))
        };
        let (y, x) = (0..resolution * resolution)
            .map(|i| (i / resolution, i % resolution))
            .find(|&(y, x)| x + 1 < resolution && on_image(y, x).is_some() && on_image(y, x + 1).is_some())
            .expect("two neighbours on the image");
        let ((column, row), (next, _)) = (on_image(y, x).unwrap(), on_image(y, x + 1).unwrap());
        let mirrored = next < column;
        let place = |x: usize| if mirrored { resolution - 1 - x } else { x } as isize;
        let (left, top) = (column - place(x), row - y as isize);
        for (y, x) in (0..resolution * resolution).map(|i| (i / resolution, i % resolution)) {
            let expected = (place(x) + left, y as isize + top);
            let inside = |v: isize| (0..size as isize).contains(&v);
            let expected = (inside(expected.0) && inside(expected.1)).then_some(expected);
            assert_eq!(on_image(y, x), expected, "row {y}, column {x}");
        }
        (left, top, mirrored)
    }

    /// The windows on many images of `size` at `resolution`, which must be those that are told.
    fn windows(
        size: usize,
        resolution: usize,
        padding: usize,
        flip: bool,
        sizes: &[usize],
    ) -> Vec<(isize, isize, bool)> {
        let count = 200;
        let mut augment = Augment::new(&config(resolution), padding, flip, sizes, 0);
        let mut out = vec![f32::NAN; count * resolution * resolution * 3];
        let mut rng = Rng::with_seed(5);
        let mut found = Vec::new();
        for _ in 0..10 {
            let mut told = Vec::new();
            augment.run_telling(&mut rng, &images(count, size), size, &mut out, &mut |window| {
                told.push((window.left, window.top, window.mirrored));
            });
            let seen = out.chunks(resolution * resolution * 3).map(|out| window(out, resolution, size));
            let seen: Vec<_> = seen.collect();
            assert_eq!(seen, told);
            found.extend(seen);
        }
        found
    }

    fn range(values: impl Iterator<Item = isize> + Clone) -> (isize, isize) {
        (values.clone().min().unwrap(), values.max().unwrap())
    }

    #[test]
    fn crops_cover_their_range_evenly() {
        let windows = windows(12, 12, 4, false, &[]);
        assert_eq!(range(windows.iter().map(|w| w.0)), (-4, 4));
        assert_eq!(range(windows.iter().map(|w| w.1)), (-4, 4));
        assert!(windows.iter().all(|w| !w.2), "no mirrored image without flip");
        for offset in -4..=4 {
            // 2000 / 9 = 222, standard deviation 14
            let count = windows.iter().filter(|w| w.0 == offset).count();
            assert!((152..292).contains(&count), "{count} of 2000 at {offset}");
        }
        let diagonal = windows.iter().filter(|w| w.0 == w.1).count();
        assert!((152..292).contains(&diagonal), "{diagonal} of 2000 equal in both directions");
    }

    #[test]
    fn half_are_mirrored() {
        let mirrored = windows(12, 12, 0, true, &[]).iter().filter(|w| w.2).count();
        // standard deviation 22
        assert!((890..1110).contains(&mirrored), "{mirrored} of 2000");
    }

    #[test]
    fn a_larger_size_is_seen_in_part_and_a_smaller_one_whole() {
        assert_eq!(range(windows(20, 12, 0, false, &[20]).iter().map(|w| w.0)), (0, 8));
        assert_eq!(range(windows(20, 12, 2, false, &[20]).iter().map(|w| w.1)), (-2, 10));
        assert_eq!(range(windows(8, 12, 0, true, &[8]).iter().map(|w| w.0)), (-4, 0));
    }

    #[test]
    fn all_sizes_are_drawn() {
        // A white image on black: its area tells its size.
        let mut augment = Augment::new(&config(16), 0, false, &[8, 12, 16], 0);
        let white = vec![255; 300 * 10 * 10 * 3];
        let mut out = vec![0.0; 300 * 16 * 16 * 3];
        augment.run(&mut Rng::with_seed(3), &white, 10, &mut out);
        let area = |out: &[f32]| out.iter().filter(|v| **v > 128.0).count() / 3;
        let areas: Vec<usize> = out.chunks(16 * 16 * 3).map(area).collect();
        for size in [8, 12, 16] {
            // standard deviation 8
            let count = areas.iter().filter(|area| **area == size * size).count();
            assert!((60..140).contains(&count), "{count} of 300 at size {size}");
        }
    }

    #[test]
    fn without_randomness_it_normalizes() {
        let config = Config::cifar();
        let images = images(3, 32);
        let (mut out, mut expected) = (vec![0.0; images.len()], vec![0.0; images.len()]);
        Augment::new(&config, 0, false, &[], 0).run(&mut Rng::with_seed(1), &images, 32, &mut out);
        normalize(&images, config.mean, config.std, &mut expected);
        assert_eq!(out, expected);
    }

    #[test]
    fn a_window_may_miss_the_image() {
        let mut out = vec![f32::NAN; 50 * 8 * 8 * 3];
        Augment::new(&config(8), 64, true, &[], 0).run(&mut Rng::with_seed(1), &images(50, 8), 8, &mut out);
        assert!(out.chunks(8 * 8 * 3).any(|out| out.iter().all(|v| *v == 0.0)));
    }

    #[test]
    fn padding_is_black() {
        let config = Config { resolution: 8, ..Config::cifar() };
        let mut out = vec![0.0; 8 * 8 * 3];
        Augment::new(&config, 0, false, &[4], 0).run(&mut Rng::with_seed(1), &[0; 4 * 4 * 3], 4, &mut out);
        let mut black = vec![0.0; 8 * 8 * 3];
        normalize(&[0; 8 * 8 * 3], config.mean, config.std, &mut black);
        assert_eq!(out, black);
    }

    #[test]
    fn a_square_is_cut_out() {
        let mut augment = Augment::new(&config(12), 0, false, &[], 5);
        let mut out = vec![f32::NAN; 500 * 12 * 12 * 3];
        augment.run(&mut Rng::with_seed(1), &vec![255; out.len()], 12, &mut out);
        let areas: Vec<usize> = out
            .chunks(12 * 12 * 3)
            .map(|out| out.as_chunks::<3>().0.iter().filter(|pixel| **pixel == [0.0; 3]).count())
            .collect();
        // In a corner, as few as three of its five rows and columns are on the image.
        assert_eq!((areas.iter().min(), areas.iter().max()), (Some(&9), Some(&25)));
        let whole = areas.iter().filter(|area| **area == 25).count();
        // 500 · (8 / 12)² = 222, standard deviation 11
        assert!((165..280).contains(&whole), "{whole} of 500 squares are whole");
    }

    #[test]
    fn another_size_is_resized_to_the_resolution() {
        let config = config(24);
        let images = images(2, 40);
        let mut out = vec![0.0; 2 * 24 * 24 * 3];
        let mut augment = Augment::new(&config, 0, false, &[], 0);
        augment.run(&mut Rng::with_seed(1), &images, 40, &mut out);
        let resized: Vec<u8> = images
            .chunks(40 * 40 * 3)
            .flat_map(|i| {
                crate::data::image::Image::from_rgb(40, 40, i.into()).unwrap().center_crop(1.0, 24).into_rgb()
            })
            .collect();
        let bytes: Vec<u8> = out.iter().map(|v| v.round() as u8).collect();
        assert_eq!(bytes, resized);
    }

    #[test]
    fn an_image_depends_only_on_its_position() {
        let config = Config::cifar();
        let images = images(6, 32);
        let run = |seed, split: usize| {
            let mut augment = Augment::new(&config, 4, true, &[24, 32, 40], 0);
            let mut rng = Rng::with_seed(seed);
            let mut out = vec![0.0; images.len()];
            let (first, second) = out.split_at_mut(split * 32 * 32 * 3);
            augment.run(&mut rng, &images[..first.len()], 32, first);
            augment.run(&mut rng, &images[first.len()..], 32, second);
            out
        };
        assert_eq!(run(7, 0), run(7, 4));
        assert_ne!(run(7, 0), run(8, 0));
    }
}
