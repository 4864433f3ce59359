//! Property tests: resizing any part of a picture of any size, against the triangle filter by its definition, in 64
//! bits.

use proptest::prelude::*;

use super::{Area, Image, Orientation, RowResampler, Span, View};

/// The weights of each pixel when `low..high` of a row of `size` pixels becomes `resolution` pixels.
fn weights(low: f64, high: f64, size: usize, resolution: usize) -> Vec<Vec<f64>> {
    let scale = (high - low) / resolution as f64;
    let support = scale.max(1.0);
    let pixel = |i| {
        let center = low + (i as f64 + 0.5) * scale;
        let weight = |x| (1.0 - ((x as f64 + 0.5 - center) / support).abs()).max(0.0);
        let total: f64 = (0..size).map(weight).sum();
        (0..size).map(|x| weight(x) / total).collect()
    };
    (0..resolution).map(pixel).collect()
}

fn naive(image: &Image, area: Area, resolution: usize) -> Vec<f64> {
    let columns = weights(area.left, area.right, image.width(), resolution);
    let rows = weights(area.top, area.bottom, image.height(), resolution);
    let mut out = Vec::new();
    for (row, column, colour) in
        (0..resolution * resolution * 3).map(|i| (i / 3 / resolution, i / 3 % resolution, i % 3))
    {
        let mut sum = 0.0;
        for (y, row) in rows[row].iter().enumerate() {
            for (x, column) in columns[column].iter().enumerate() {
                sum += row * column * f64::from(image.rgb()[(y * image.width() + x) * 3 + colour]);
            }
        }
        out.push(sum);
    }
    out
}

/// A side and a part of it, with edges at sixteenths of a pixel, which are exact in 32 bits too.
fn stretch() -> impl Strategy<Value = (usize, f64, f64)> {
    (1..40usize).prop_flat_map(|size| {
        (Just(size), 0..16 * size).prop_flat_map(|(size, low)| {
            (low + 1..=16 * size).prop_map(move |high| (size, low as f64 / 16.0, high as f64 / 16.0))
        })
    })
}

/// A span of an RGB picture, as RGBA.
fn cut(rgb: &[u8], width: usize, span: Span) -> Vec<u8> {
    let rows = rgb.chunks_exact(3 * width).skip(span.top).take(span.height);
    let pixels = rows.flat_map(|row| row.as_chunks::<3>().0.iter().skip(span.left).take(span.width));
    pixels.flat_map(|&[r, g, b]| [r, g, b, 255]).collect()
}

fn noise(seed: u64, pixels: usize) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..3 * pixels).map(|_| rng.u8(..)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn row_by_row_is_the_whole(
        (width, height) in (1..60usize, 1..60usize),
        exif in 1..9u8,
        fraction in 0.05..=1f32,
        resolution in 1..30usize,
        rows in 1..9usize,
        seed: u64,
    ) {
        let orientation = Orientation::from_exif(exif);
        let rgb = noise(seed, width * height);
        let mut resampler = RowResampler::center_crop(width, height, orientation, fraction, resolution).unwrap();
        rgb.chunks(3 * width * rows).for_each(|rows| resampler.push_rgb(rows).unwrap());
        let (seen_width, seen_height) = orientation.size(width, height);
        let seen = orientation.apply(width, height, rgb);
        let whole = Image::from_rgb(seen_width, seen_height, seen).unwrap();
        assert!(resampler.finish().unwrap() == whole.center_crop(fraction, resolution));
    }

    #[test]
    fn any_part_comes_of_the_rows_that_it_needs(
        (width, left, right) in stretch(),
        (height, top, bottom) in stretch(),
        exif in 1..9u8,
        resolution in 1..30usize,
        rows in 1..9usize,
        seed: u64,
    ) {
        let orientation = Orientation::from_exif(exif);
        let (stored_width, stored_height) = orientation.size(width, height);
        let stored = noise(seed, stored_width * stored_height);
        let upright = orientation.apply(stored_width, stored_height, stored.clone());
        let upright = Image::from_rgb(width, height, upright).unwrap();
        let area = Area { left, top, right, bottom };
        for view in [View::Part(area), View::Bars([7, 8, 9])] {
            let new = |width, height, orientation| {
                RowResampler::new(width, height, orientation, view, resolution).unwrap()
            };
            let mut whole = new(width, height, Orientation::default());
            whole.push_rgb(upright.rgb()).unwrap();
            let whole = whole.finish().unwrap();

            let mut resampler = new(stored_width, stored_height, orientation);
            let span = resampler.span();
            for band in cut(&stored, stored_width, span).chunks(4 * span.width * rows) {
                resampler.push_span_rgba(band).unwrap();
            }
            prop_assert!(resampler.finish().unwrap() == whole, "{view:?}");
            if let View::Part(area) = view {
                prop_assert!(whole == upright.resize(area, resolution));
            }
        }
    }

    #[test]
    fn resizing_is_the_triangle_filter(
        (width, left, right) in stretch(),
        (height, top, bottom) in stretch(),
        resolution in 1..30usize,
        seed: u64,
    ) {
        let image = Image::from_rgb(width, height, noise(seed, width * height)).unwrap();
        let area = Area { left, top, right, bottom };
        let resized = image.resize(area, resolution);
        // Each of the two passes rounds to bytes, which is off by half a level at most.
        for (i, (found, expected)) in resized.rgb().iter().zip(naive(&image, area, resolution)).enumerate() {
            assert!((f64::from(*found) - expected).abs() < 1.01, "value {i}: {found}, {expected:.3}");
        }
    }
}
