//! What ReLU destroys: the experiment of the paper's figure 1 (§3.2).
//!
//! A random matrix T embeds a curve of the plane in n dimensions, an activation is applied there, and the result is
//! projected back. Points that fewer than two dimensions let through coincide with other points of the plane, and no
//! later layer can tell them apart again.

use std::f32::consts::TAU;

use ndarray::{Array1, Array2, aview1};

use crate::arch::{Activation, normal};
use crate::error::{Error, Result};

/// Points of the curve.
const POINTS: usize = 600;
/// Turns of the spiral.
const TURNS: f32 = 2.5;

/// A curve before and after the activation.
pub struct Manifold {
    /// A spiral within the unit circle: x and y of each point, (points, 2).
    pub curve: Array2<f32>,
    /// The points after the activation, projected back, (points, 2).
    pub returned: Array2<f32>,
    /// Number of dimensions that let each point through unchanged, (points).
    pub alive: Array1<u32>,
    /// T, (n, 2).
    pub matrix: Array2<f32>,
}

impl Manifold {
    /// Embeds the spiral in `dimensions`, 2 – 64, and projects it back: `returned = Tᵀ · activation(T · curve)`.
    ///
    /// The columns of T (n, 2) are orthonormal, so that Tᵀ is its pseudo-inverse and no point comes back farther out
    /// than it was. `seed` draws T uniformly from all such matrices.
    ///
    /// # Errors
    /// [`Error::Argument`] if `dimensions` is out of range.
    ///
    /// ```
    /// use mobilenetv2::arch::Activation;
    /// use mobilenetv2::explain::Manifold;
    ///
    /// let spiral = Manifold::new(2, Activation::Relu, 1)?;
    /// let dead = spiral.alive.iter().filter(|alive| **alive == 0).count();
    /// assert!(dead > 0 && spiral.returned.dim() == spiral.curve.dim());
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn new(dimensions: usize, activation: Activation, seed: u64) -> Result<Self> {
        if !(2..=64).contains(&dimensions) {
            return Err(Error::Argument(format!("dimensions must be 2 to 64, not {dimensions}")));
        }
        let matrix = orthonormal(dimensions, seed);
        let (low, high) = activation.range();
        let (mut curve, mut returned) = (Array2::zeros((POINTS, 2)), Array2::zeros((POINTS, 2)));
        let mut alive = Array1::zeros(POINTS);
        for i in 0..POINTS {
            let radius = (i + 1) as f32 / POINTS as f32;
            let angle = f64::from(TAU * TURNS * radius);
            let (sine, cosine) = (libm::sin(angle) as f32, libm::cos(angle) as f32);
            let (x, y) = (radius * cosine, radius * sine);
            curve.row_mut(i).assign(&aview1(&[x, y]));
            for row in &matrix {
                let value = row[0] * x + row[1] * y;
                let activated = value.max(low).min(high);
                returned[[i, 0]] += row[0] * activated;
                returned[[i, 1]] += row[1] * activated;
                alive[i] += u32::from(low < value && value < high);
            }
        }
        let matrix = Array2::from_shape_vec((dimensions, 2), matrix.into_flattened()).expect("rows of two");
        Ok(Manifold { curve, returned, alive, matrix })
    }
}

/// A matrix of `rows` rows with two orthonormal columns: normal samples after Gram–Schmidt.
fn orthonormal(rows: usize, seed: u64) -> Vec<[f32; 2]> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut matrix: Vec<[f32; 2]> = (0..rows).map(|_| [normal(&mut rng), normal(&mut rng)]).collect();
    let dot = |matrix: &[[f32; 2]], a: usize, b: usize| matrix.iter().map(|row| row[a] * row[b]).sum::<f32>();
    let along = dot(&matrix, 0, 1) / dot(&matrix, 0, 0);
    matrix.iter_mut().for_each(|row| row[1] -= along * row[0]);
    for column in 0..2 {
        let length = dot(&matrix, column, column).sqrt();
        matrix.iter_mut().for_each(|row| row[column] /= length);
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_activation_the_curve_comes_back() {
        for dimensions in [2, 3, 30, 64] {
            let found = Manifold::new(dimensions, Activation::Linear, 7).unwrap();
            for (back, x) in found.returned.iter().zip(&found.curve) {
                assert!((back - x).abs() < 1e-5, "{dimensions} dimensions: {back}, {x}");
            }
            assert!(found.alive.iter().all(|alive| *alive == dimensions as u32));
        }
    }

    /// T · x points in every direction equally often, so each of its n signs is a coin toss: fewer than two are
    /// positive with a probability of (n + 1) / 2ⁿ.
    #[test]
    fn relu_loses_as_much_as_coin_tosses_predict() {
        for dimensions in [2, 3, 5, 8] {
            let mut lost = 0;
            const MATRICES: u64 = 1000;
            for seed in 0..MATRICES {
                let found = Manifold::new(dimensions, Activation::Relu, seed).unwrap();
                lost += found.alive.iter().filter(|alive| **alive < 2).count();
            }
            let share = lost as f64 / (MATRICES as usize * POINTS) as f64;
            let expected = (dimensions + 1) as f64 / f64::powi(2.0, dimensions as i32);
            assert!((share - expected).abs() < 0.015, "{dimensions} dimensions: {share}, not {expected}");
        }
    }

    #[test]
    fn no_dimension_leaves_0_and_one_leaves_a_line() {
        let found = Manifold::new(2, Activation::Relu, 1).unwrap();
        let points = |alive: u32| {
            let all = found.returned.rows().into_iter().zip(&found.alive);
            all.filter(move |(_, here)| **here == alive).map(|(point, _)| (point[0], point[1]))
        };
        assert!(points(0).count() > 0 && points(0).all(|point| point == (0.0, 0.0)));
        let directions: Vec<f32> = points(1).map(|(x, y)| x / y).collect();
        let lines =
            directions.iter().filter(|line| (*line - directions[0]).abs() > 1e-3 * directions[0].abs());
        let other = lines.clone().next().copied();
        assert!(lines.count() > 0, "each of the two dimensions has a line of its own");
        assert!(directions.iter().all(|line| {
            let near = |to: f32| (line - to).abs() < 1e-3 * to.abs();
            near(directions[0]) || near(other.unwrap())
        }));
    }

    #[test]
    fn too_few_and_too_many_dimensions_are_named() {
        for dimensions in [0, 1, 65] {
            let error = Manifold::new(dimensions, Activation::Relu, 1).err().unwrap().to_string();
            assert!(error.contains(&format!("2 to 64, not {dimensions}")), "{error}");
        }
    }
}
