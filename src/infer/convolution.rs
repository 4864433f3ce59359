//! A convolution alone, to compare the time of a plain one with that of a separable one.

use fearless_simd::Level;

use super::fold::Folded;
use super::operations::Operation;
use crate::arch::{Activation, Kind, Layer};
use crate::error::{Error, Result, ensure_memory};
use crate::kernel::depthwise::Geometry;
use crate::kernel::{MAX_LANES, best_level};
use crate::profile::Profile;
use crate::threads;

/// A 3×3 convolution of a square map with stride 1 and ReLU6, as one layer or as two: each channel on its own, then all of each
/// pixel (arXiv 1704.04861, §3.1). All weights are equal: it is made to be timed.
pub struct Convolution {
    level: Level,
    /// Each reads the output of the one before.
    operations: Vec<Operation>,
    /// The input, then each output.
    maps: Vec<Vec<f32>>,
    working: Vec<f32>,
}

impl Convolution {
    /// From `from` to `to` channels, multiples of 8 up to 2048, on maps of `size`² pixels, 1 – 1024.
    ///
    /// # Errors
    /// [`Error::Argument`] if one is out of range, [`Error::Memory`] if there is not enough for the maps.
    ///
    /// ```
    /// use mobilenetv2::infer::Convolution;
    ///
    /// let [plain, separable] = [false, true].map(|separable| Convolution::new(separable, 64, 128, 28).unwrap());
    /// assert_eq!(plain.macs(), 28 * 28 * 9 * 64 * 128);
    /// assert_eq!(separable.macs(), 28 * 28 * (9 * 64 + 64 * 128));
    /// ```
    pub fn new(separable: bool, from: usize, to: usize, size: usize) -> Result<Self> {
        let fits = |channels: usize| channels <= 2048 && channels > 0 && channels.is_multiple_of(MAX_LANES);
        if !(fits(from) && fits(to) && (1..=1024).contains(&size)) {
            return Err(Error::Argument(format!(
                "channels must be multiples of {MAX_LANES} up to 2048 and size 1 to 1024, not {from}, {to} and {size}"
            )));
        }
        // 64 bits, as these limits allow more than 4 GB
        let floats = (size * size) as u64 * (2 * from + to) as u64 + (9 * from * to) as u64;
        ensure_memory(floats * size_of::<f32>() as u64, "size", || {
            format!("a convolution of {from} to {to} channels on {size} × {size}")
        })?;
        let kinds: &[Kind] =
            if separable { &[Kind::Depthwise, Kind::Pointwise] } else { &[Kind::Convolution] };
        let mut convolution = Convolution {
            level: best_level(),
            operations: Vec::new(),
            maps: vec![vec![1.0; from * size * size]],
            working: Vec::new(),
        };
        for &kind in kinds {
            let layer = Layer {
                kind,
                block: None,
                input: None,
                adds: None,
                c_in: from,
                c_out: if kind == Kind::Depthwise { from } else { to },
                stride: 1,
                size_in: size,
                activation: Activation::Relu6,
            };
            let folded = Folded::uniform(convolution.level, layer, 0.01);
            let operation = Operation::alone(folded, Geometry { size, stride: 1, offset: 0 });
            convolution.maps.push(vec![0.0; layer.floats_out()]);
            let working = operation.working_floats(threads::count()).max(convolution.working.len());
            convolution.working.resize(working, 0.0);
            convolution.operations.push(operation);
        }
        Ok(convolution)
    }

    /// Multiply-adds of a run.
    pub fn macs(&self) -> usize {
        let macs = |operation: &Operation| operation.layer().weights() * operation.layer().size_in.pow(2);
        self.operations.iter().map(macs).sum()
    }

    /// Convolves, on all threads, and returns the output's first value.
    ///
    /// ```
    /// use mobilenetv2::infer::Convolution;
    ///
    /// // In the corner four taps of eight channels lie on a map of ones.
    /// let corner = Convolution::new(false, 8, 8, 4)?.run();
    /// assert!((corner - 4.0 * 8.0 * 0.01).abs() < 1e-6);
    /// let corner = Convolution::new(true, 8, 8, 4)?.run();
    /// assert!((corner - 4.0 * 0.01 * 8.0 * 0.01).abs() < 1e-6);
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn run(&mut self) -> f32 {
        let Convolution { level, operations, maps, working } = self;
        let mut profiles = vec![Profile::default(); threads::count()];
        threads::run(|| {
            for (index, operation) in operations.iter().enumerate() {
                let (before, after) = maps.split_at_mut(index + 1);
                operation.run(*level, &before[index], &mut after[0], working, &mut profiles);
            }
        });
        maps[operations.len()][0]
    }
}
