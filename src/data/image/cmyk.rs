//! CMYK JPEGs, as Pillow shows them. libjpeg-turbo-rs 0.9 panics if a component other than the middle two is
//! subsampled, as in Pillow's files. So the planes are taken as stored and upsampled here by libjpeg's filters
//! (jdsample.c).

use libjpeg_turbo_rs::decode::color::ycck_to_cmyk_row;
use libjpeg_turbo_rs::{ColorSpace, Decoder, JpegError};

use crate::error::{Error, Result};

/// One component's samples, subsampled by whole factors.
struct Plane {
    samples: Vec<u8>,
    stride: usize,
    columns: usize,
    rows: usize,
    across: usize,
    down: usize,
}

/// Pushes a picture's rows as RGB.
pub(super) fn decode(
    decoder: Decoder,
    mut push: impl FnMut(&[u8]) -> Result<()>,
    wrong: impl Fn(JpegError) -> Error,
) -> Result<()> {
    let transformed = decoder.jpeg_color_space() == ColorSpace::Ycck;
    let factors: Vec<(usize, usize)> = decoder
        .header()
        .components
        .iter()
        .map(|c| (c.horizontal_sampling.into(), c.vertical_sampling.into()))
        .collect();
    let most = factors.iter().fold((1, 1), |most, one| (most.0.max(one.0), most.1.max(one.1)));
    if factors.iter().any(|&(x, y)| most.0 % x != 0 || most.1 % y != 0) {
        return Err(Error::Image(
            "expected a JPEG with whole subsampling factors, found fractional ones: convert it first".into(),
        ));
    }
    let raw = decoder.decode_raw().map_err(wrong)?;
    let (width, height) = (raw.width, raw.height);
    let planes: Vec<Plane> = (raw.planes.into_iter().zip(raw.plane_widths).zip(factors))
        .map(|((samples, stride), (x, y))| {
            let (across, down) = (most.0 / x, most.1 / y);
            let (columns, rows) = (width.div_ceil(across), height.div_ceil(down));
            Plane { samples, stride, columns, rows, across, down }
        })
        .collect();

    let mut lines: [Vec<u8>; 4] = std::array::from_fn(|_| vec![0; width + 2 * 4]);
    let (mut cmyk, mut rgb) = (vec![0; 4 * width], vec![0; 3 * width]);
    for y in 0..height {
        for (line, plane) in lines.iter_mut().zip(&planes) {
            plane.line(y, line);
        }
        let [a, b, c, black] = &lines;
        if transformed {
            ycck_to_cmyk_row(a, b, c, black, &mut cmyk, width);
        } else {
            for (x, pixel) in cmyk.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *pixel = [a[x], b[x], c[x], black[x]];
            }
        }
        for (rgb, &[c, m, y, k]) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(cmyk.as_chunks::<4>().0) {
            *rgb = [c, m, y].map(|ink| over_black(ink, k));
        }
        push(&rgb)?;
    }
    Ok(())
}

/// Ink and black, both stored inverted by Adobe, to a colour by Pillow's arithmetic (Convert.c, `cmyk2rgb`).
fn over_black(ink: u8, black: u8) -> u8 {
    let product = u32::from(255 - ink) * u32::from(black) + 128;
    black.saturating_sub((((product >> 8) + product) >> 8) as u8)
}

impl Plane {
    /// Row `y` of the picture; `line` may get a few samples more than the row has.
    fn line(&self, y: usize, line: &mut [u8]) {
        let near = &self.samples[y / self.down * self.stride..][..self.columns];
        // The next row on the farther side, or the same row at the border.
        let beside =
            if y.is_multiple_of(2) { (y / 2).saturating_sub(1) } else { (y / 2 + 1).min(self.rows - 1) };
        let far = |x: usize| u32::from(self.samples[beside * self.stride + x]);
        let last = self.columns - 1;
        match (self.across, self.down) {
            (1, 1) => line[..self.columns].copy_from_slice(near),
            (1, 2) => {
                let bias = if y.is_multiple_of(2) { 1 } else { 2 };
                for (x, out) in line[..self.columns].iter_mut().enumerate() {
                    *out = ((3 * u32::from(near[x]) + far(x) + bias) >> 2) as u8;
                }
            }
            (2, down @ (1 | 2)) if self.columns > 2 => {
                // Sums of 1 or 4 samples, then of 4 times as many; the two halves round in opposite directions.
                let sum = |x: usize| match down {
                    1 => u32::from(near[x]),
                    _ => 3 * u32::from(near[x]) + far(x),
                };
                let (left, right, shift) = if down == 1 { (1, 2, 2) } else { (8, 7, 4) };
                for x in 0..=last {
                    let before = sum(x.saturating_sub(1));
                    let after = sum((x + 1).min(last));
                    line[2 * x] = ((3 * sum(x) + before + left) >> shift) as u8;
                    line[2 * x + 1] = ((3 * sum(x) + after + right) >> shift) as u8;
                }
            }
            (across, _) => {
                for (out, &sample) in line.chunks_mut(across).zip(near) {
                    out.fill(sample);
                }
            }
        }
    }
}
