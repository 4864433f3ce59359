//! The outlines of the ten kinds of objects, as signed distances.

use std::f32::consts::PI;

use fastrand::Rng;

use super::{length, within};

/// An upright outline that roughly fills the unit circle.
pub enum Shape {
    Circle,
    /// Half the width of the band.
    Ring(f32),
    /// Offset to the right of the circle that is cut out.
    Crescent(f32),
    Drop,
    Heart,
    Triangle,
    Square,
    /// Radius of the inner corners.
    Star(f32),
    /// Half the width of the bars.
    Cross(f32),
    /// Half the width of the shaft.
    Arrow(f32),
}

impl Shape {
    /// The outline of a class; its proportions vary.
    pub fn new(label: u32, rng: &mut Rng) -> Self {
        match label {
            0 => Shape::Circle,
            1 => Shape::Ring(within(rng, 0.12, 0.2)),
            2 => Shape::Crescent(within(rng, 0.4, 0.6)),
            3 => Shape::Drop,
            4 => Shape::Heart,
            5 => Shape::Triangle,
            6 => Shape::Square,
            7 => Shape::Star(within(rng, 0.4, 0.5)),
            8 => Shape::Cross(within(rng, 0.2, 0.34)),
            _ => Shape::Arrow(within(rng, 0.16, 0.26)),
        }
    }

    /// Signed distance to the outline; may be too small beyond outer corners.
    pub fn distance(&self, x: f32, y: f32) -> f32 {
        // Every shape but the crescent is symmetric.
        let side = x.abs();
        match *self {
            Shape::Circle => length(x, y) - 0.9,
            Shape::Ring(width) => (length(x, y) - 0.95 + width).abs() - width,
            Shape::Crescent(shift) => (length(x, y) - 0.95).max(0.8 - length(x - shift, y)),
            Shape::Drop => {
                // The hull of a circle and a tip: line and circle meet where the tangent touches.
                let (radius, center, tip) = (0.58, 0.36, -1.0);
                let y = y - center;
                let sin = radius / (center - tip);
                let cos = (1.0 - sin * sin).sqrt();
                if -y * cos > side * sin { side * cos - y * sin - radius } else { length(side, y) - radius }
            }
            Shape::Heart => {
                // Each side is a lobe about (0.46, -0.32). The lobes meet in a notch at y = -0.516; a tangent with the
                // normal (0.747, 0.664) leads down to the tip at y = 0.95. Between the directions of the notch and of
                // that normal, the tangent and the notch are nearest.
                let (x, y) = (side - 0.46, y + 0.32);
                let below_tangent = x * 0.664 < y * 0.747;
                let below_notch = x * 0.392 < y * 0.92;
                if below_tangent && below_notch {
                    (x * 0.747 + y * 0.664 - 0.5).max(-length(side, y + 0.196))
                } else {
                    length(x, y) - 0.5
                }
            }
            Shape::Triangle => (side * 0.866_025_4 - y * 0.5).max(y) - 0.5,
            Shape::Square => side.max(y.abs()) - 0.72,
            Shape::Star(inner) => {
                // Mirrored repeatedly into the tenth of the plane between the upper tip and the corner to its right.
                let (mut x, mut y) = (side, y);
                for normal in [3.0, 1.0, 3.0].map(|fifths: f32| fifths * PI / 5.0) {
                    let (sin, cos) = super::sin_cos(normal);
                    let beyond = (x * cos + y * sin).max(0.0) * 2.0;
                    (x, y) = ((x - beyond * cos).abs(), y - beyond * sin);
                }
                let (sin, cos) = super::sin_cos(PI / 5.0);
                edge([x, y], [0.0, -1.0], [inner * sin, -inner * cos])
            }
            Shape::Cross(width) => {
                let (long, short) = (side.max(y.abs()), side.min(y.abs()));
                (long - 0.9).max(short - width)
            }
            Shape::Arrow(width) => {
                let shaft = (side - width).max(y - 0.95).max(-y - 0.2);
                let head = edge([side, y], [0.0, -1.0], [0.8, 0.0]).max(y);
                shaft.min(head)
            }
        }
    }
}

/// Distance from the line through two points, positive on the right when going from `a` down to `b`.
fn edge([x, y]: [f32; 2], a: [f32; 2], b: [f32; 2]) -> f32 {
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    ((x - a[0]) * dy - (y - a[1]) * dx) / length(dx, dy)
}

#[cfg(test)]
mod tests {
    use super::super::NAMES;
    use super::*;

    /// An outline is negative inside, positive outside, and nowhere steeper than a distance.
    #[test]
    fn outlines_are_distances() {
        for label in 0..10 {
            for seed in 0..5 {
                let shape = Shape::new(label, &mut Rng::with_seed(seed));
                let at = |i: usize, j: usize| shape.distance(i as f32 * 0.02 - 1.5, j as f32 * 0.02 - 1.5);
                let (mut inside, mut steepest) = (0, 0.0_f32);
                for (i, j) in (0..150 * 150).map(|k| (k / 150, k % 150)) {
                    let d = at(i, j);
                    inside += usize::from(d < 0.0);
                    steepest = steepest.max((at(i + 1, j) - d).abs()).max((at(i, j + 1) - d).abs());
                    let reach = length(i as f32 * 0.02 - 1.5, j as f32 * 0.02 - 1.5);
                    assert!(d > 0.0 || reach < 1.07, "{} reaches {reach}", NAMES[label as usize]);
                }
                let area = inside as f32 * 0.02 * 0.02;
                assert!((0.5..2.6).contains(&area), "{} has area {area}", NAMES[label as usize]);
                assert!(steepest < 0.0201, "{} rises by {steepest} in 0.02", NAMES[label as usize]);
            }
        }
    }
}
