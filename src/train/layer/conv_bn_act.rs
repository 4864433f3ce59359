//! A convolution with its batch norm, over all micro-batches of a batch: what a network is made of.

use std::mem::take;
use std::ops::Range;

use fearless_simd::Level;

use super::batch_norm::BatchNorm;
use super::{Gradient, GradientWriter, LazyInput, convolution, depthwise, pointwise, shortcut, stem};
use crate::arch::{Config, Kind, Layer, Role, Tensor};
use crate::kernel::depthwise::Geometry;
use crate::kernel::{dispatch, matmul};
use crate::profile::{Operation, Profile};
use crate::threads::{for_each, for_each_chunk};
use crate::train::gradients::{LayerGradients, Place};
use crate::train::workspace::{MICRO_BATCHES, MicroBatch, Tensors, at_once, batch_sums, clear_sums};

/// What a forward pass works on.
pub struct Forward<'a> {
    /// Instruction set.
    pub level: Level,
    /// The batch.
    pub micro_batches: &'a mut [MicroBatch],
    /// All trainable values.
    pub values: &'a [f32],
    /// All running averages.
    pub statistics: &'a mut [f32],
    /// Stopwatch.
    pub profile: &'a mut Profile,
}

/// What a backward pass works on.
pub struct Backward<'a> {
    /// Instruction set.
    pub level: Level,
    /// The batch.
    pub micro_batches: &'a mut [MicroBatch],
    /// All trainable values.
    pub values: &'a [f32],
    /// Their gradients, laid out alike.
    pub gradients: &'a mut [f32],
    /// Stopwatch.
    pub profile: &'a mut Profile,
}

/// What a layer reads or adds.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// The images.
    Image,
    /// Another convolution's output, read through its batch norm and activation.
    Convolution(&'a ConvBnAct),
    /// The output of the layer with this index, as training wrote it.
    Written(usize),
}

impl<'a> Input<'a> {
    /// The output of the layer with this index, one of `convolutions`; without an index, the images.
    pub fn of(convolutions: &'a [ConvBnAct], index: Option<usize>) -> Self {
        match index.map(|index| &convolutions[index]) {
            None => Input::Image,
            Some(conv) if conv.written => Input::Written(conv.index),
            Some(conv) => Input::Convolution(conv),
        }
    }

    /// What to read of a micro-batch: `floats` of the input's tensor.
    pub fn lazy(self, tensors: &'a Tensors, floats: usize) -> LazyInput<'a> {
        match self {
            Input::Image => LazyInput { x: &[], affine: None },
            Input::Convolution(conv) => {
                LazyInput { x: &tensors.outputs[conv.index][..floats], affine: Some(conv.norm.affine()) }
            }
            Input::Written(index) => LazyInput { x: &tensors.written[index][..floats], affine: None },
        }
    }

    /// The batch means that the writer of this input's gradient needs.
    fn mean(self) -> &'a [f32] {
        match self {
            Input::Convolution(conv) => &conv.norm.mean,
            Input::Image | Input::Written(_) => &[],
        }
    }
}

/// A convolution followed by batch norm and an activation.
pub struct ConvBnAct {
    /// Index into [`Config::layers`].
    pub index: usize,
    /// Kind and shape.
    pub layer: Layer,
    /// Batch norm of the current batch.
    pub norm: BatchNorm,
    /// Whether training writes its output ([`written`](crate::train::gradients::written)).
    pub written: bool,
    /// Whether batch norm uses its running averages and leaves them as they are.
    pub frozen: bool,
    geometry: Geometry,
    weight: Range<usize>,
    gamma: Range<usize>,
    beta: Range<usize>,
    running_mean: Range<usize>,
    running_var: Range<usize>,
    epsilon: f32,
    momentum: f32,
    /// Weights (k, n) packed for the matrix product, and transposed for its gradient; empty for a depthwise
    /// convolution.
    packed: [Vec<f32>; 2],
}

impl ConvBnAct {
    /// Builds the convolution of layer `index`, whose output is `written` or read lazily.
    pub fn new(config: &Config, index: usize, layer: Layer, tensors: &[Tensor], written: bool) -> Self {
        let span = |role| {
            let tensor = tensors.iter().find(|tensor| tensor.layer == index && tensor.role == role);
            tensor.expect("every convolution has all its tensors").span.clone()
        };
        let length = matmul::packed_len(layer.inputs(), layer.c_out);
        let packed = match layer.kind {
            Kind::Depthwise => [0, 0],
            Kind::Stem => [length, 0],
            _ => [length; 2],
        };
        ConvBnAct {
            index,
            layer,
            norm: BatchNorm::new(layer.c_out, layer.activation.range()),
            written,
            frozen: false,
            geometry: Geometry::of(config, &layer),
            weight: span(Role::Weight),
            gamma: span(Role::Gamma),
            beta: span(Role::Beta),
            running_mean: span(Role::RunningMean),
            running_var: span(Role::RunningVar),
            epsilon: config.epsilon,
            momentum: config.batch_norm_momentum,
            packed: packed.map(|length| vec![0.0; length]),
        }
    }

    /// Packs the weights for this step.
    pub fn pack(&mut self, level: Level, values: &[f32]) {
        let (k, n) = (self.layer.inputs(), self.layer.c_out);
        let w = &values[self.weight.clone()];
        let [packed, transposed] = &mut self.packed;
        if !packed.is_empty() {
            dispatch!(level, simd => matmul::pack(simd, w, (k, n), false, packed));
        }
        if !transposed.is_empty() {
            dispatch!(level, simd => matmul::pack(simd, w, (n, k), true, transposed));
        }
    }

    /// Floats per image of the input and of the output.
    fn floats(&self) -> (usize, usize) {
        let Layer { c_in, size_in, .. } = self.layer;
        (c_in * size_in * size_in, self.layer.floats_out())
    }

    /// Pixels per image of the output.
    pub fn pixels(&self) -> usize {
        self.layer.size_out() * self.layer.size_out()
    }

    /// Values per channel in the whole batch.
    fn count(&self, micro_batches: &[MicroBatch]) -> usize {
        self.pixels() * micro_batches.iter().map(|micro_batch| micro_batch.images).sum::<usize>()
    }

    /// Convolves, and computes batch norm's statistics.
    pub fn forward(&mut self, pass: &mut Forward, input: Input) {
        let level = pass.level;
        let (floats_in, floats_out) = self.floats();
        let ConvBnAct { index, layer, geometry, packed: [packed, _], .. } = &*self;
        let (k, n) = (layer.inputs(), layer.c_out);
        let weights = &pass.values[self.weight.clone()];
        for_each(pass.micro_batches, |micro_batch| {
            let mut output = take(&mut micro_batch.tensors.outputs[*index]);
            let y = &mut output[..micro_batch.images * floats_out];
            let lazy = input.lazy(&micro_batch.tensors, micro_batch.images * floats_in);
            let scratch = &mut micro_batch.scratch;
            let (rows, padded_plane, sums) =
                (&mut scratch.rows[0], &mut scratch.padded_planes[0], &mut micro_batch.sums);
            match layer.kind {
                Kind::Stem => {
                    let image = &micro_batch.input[..micro_batch.images * floats_in];
                    dispatch!(level, simd => stem::forward(simd, *geometry, image, packed, n, y, rows, sums));
                }
                Kind::Depthwise => {
                    dispatch!(level, simd => depthwise::forward(simd, *geometry, lazy, weights, y, padded_plane, sums));
                }
                Kind::Convolution => {
                    dispatch!(level, simd => convolution::forward(simd, *geometry, lazy, packed, (k, n), y, rows, sums));
                }
                _ => {
                    dispatch!(level, simd => pointwise::forward(simd, lazy, packed, (k, n), y, rows, sums))
                }
            }
            micro_batch.tensors.outputs[*index] = output;
        });
        pass.profile.lap(self.index, Operation::Forward);
        let count = self.count(pass.micro_batches);
        let affine = (&pass.values[self.gamma.clone()], &pass.values[self.beta.clone()]);
        let [mean, var] = pass
            .statistics
            .get_disjoint_mut([self.running_mean.clone(), self.running_var.clone()])
            .expect("spans of two tensors do not overlap");
        let channels = self.layer.c_out;
        if self.frozen {
            clear_sums(pass.micro_batches, channels);
            self.norm.forward_frozen(affine, (mean, var), self.epsilon);
        } else {
            let sums = batch_sums(pass.micro_batches, channels);
            self.norm.forward(sums, count, affine, (mean, var), self.epsilon, self.momentum);
        }
        pass.profile.lap(self.index, Operation::Normalize);
    }

    /// Writes the output: applies batch norm and activation, then adds `added`.
    pub fn write(&self, pass: &mut Forward, added: Option<Input>) {
        let level = pass.level;
        for_each(pass.micro_batches, |micro_batch| {
            let mut output = take(&mut micro_batch.tensors.written[self.index]);
            let out = &mut output[..micro_batch.images * self.layer.floats_out()];
            let y = &micro_batch.tensors.outputs[self.index][..out.len()];
            let added = added.map(|added| added.lazy(&micro_batch.tensors, out.len()));
            let pixels = micro_batch.images * self.pixels();
            dispatch!(level, simd => shortcut::forward(simd, y, self.norm.affine(), added, pixels, out));
            micro_batch.tensors.written[self.index] = output;
        });
        pass.profile.lap(self.index, Operation::Shortcut);
    }

    /// Turns the gradient of the output into that of the normalised value, in `to`, and sums it for batch norm.
    pub fn split(&self, pass: &mut Backward, output: Place, to: Place) {
        let level = pass.level;
        for_each(pass.micro_batches, |micro_batch| {
            let images = micro_batch.images;
            let [dout, dz] = micro_batch
                .gradients
                .get_disjoint_mut([output.of(images), to.of(images)])
                .expect("both are needed at once");
            let y = &micro_batch.tensors.outputs[self.index][..dz.len()];
            let writer = GradientWriter { dz, add: None, mean: &self.norm.mean, sums: &mut micro_batch.sums };
            let pixels = images * self.pixels();
            dispatch!(level, simd => shortcut::backward(simd, y, self.norm.affine(), dout, pixels, writer));
        });
        pass.profile.lap(self.index, Operation::Shortcut);
    }

    /// Takes the gradient of the normalised value, whose sums the micro-batches hold. Computes the gradients of γ, β and
    /// the weights, and writes the input's.
    pub fn backward(&mut self, pass: &mut Backward, input: Input, gradients: &LayerGradients) {
        let level = pass.level;
        let count = self.count(pass.micro_batches);
        let [gamma, beta] = pass
            .gradients
            .get_disjoint_mut([self.gamma.clone(), self.beta.clone()])
            .expect("spans of two tensors do not overlap");
        self.norm.backward(batch_sums(pass.micro_batches, self.layer.c_out), count, (gamma, beta));
        pass.profile.lap(self.index, Operation::Normalize);

        let (floats_in, floats_out) = self.floats();
        let ConvBnAct { index, layer, geometry, norm, packed: [_, transposed], .. } = &*self;
        let (k, n) = (layer.inputs(), layer.c_out);
        let weights = &pass.values[self.weight.clone()];
        let LayerGradients { output, split, input: to, add, whole } = *gradients;
        let from = split.unwrap_or(output);
        let at_once = at_once(layer, pass.micro_batches[0].images);
        for_each(pass.micro_batches, |micro_batch| {
            let images = micro_batch.images;
            let place = |place: Option<Place>| place.map_or(0..0, |place| place.of(images));
            let [from, to, added] = micro_batch
                .gradients
                .get_disjoint_mut([from.of(images), place(to), place(add)])
                .expect("all are needed at once");
            let (inputs, outputs) = (images * floats_in, images * floats_out);
            let lazy = input.lazy(&micro_batch.tensors, inputs);
            let y = &micro_batch.tensors.outputs[*index][..outputs];
            let gradient = Gradient { dz: from, y, norm: norm.gradient() };
            let writer = GradientWriter {
                dz: to,
                add: add.map(|_| &*added),
                // A gradient that another reader adds to passes batch norm together with that reader's.
                mean: if whole { input.mean() } else { &[] },
                sums: &mut micro_batch.sums,
            };
            let scratch = &mut micro_batch.scratch;
            let dw = &mut scratch.dw[..if at_once { 0 } else { weights.len() }];
            let [rows_in, rows_out] = &mut scratch.rows;
            let rows = [rows_in.as_mut_slice(), rows_out.as_mut_slice()];
            match layer.kind {
                Kind::Stem => {
                    let image = &micro_batch.input[..inputs];
                    dispatch!(level, simd => stem::backward(simd, *geometry, image, gradient, n, dw, rows));
                }
                Kind::Depthwise => {
                    let [x, dy] = &mut scratch.padded_planes;
                    let padded_planes = [x.as_mut_slice(), dy.as_mut_slice()];
                    dispatch!(level, simd => {
                        depthwise::backward(simd, *geometry, lazy, gradient, weights, writer, dw, padded_planes);
                    });
                }
                Kind::Convolution => {
                    let (dx, add) = (writer.dz, writer.add);
                    let (dw, patch) = ((!at_once).then_some(dw), &mut scratch.patch);
                    dispatch!(level, simd => {
                        convolution::backward(
                            simd, *geometry, lazy, gradient, transposed, (k, n), dx, add, dw, rows, patch,
                        );
                    });
                }
                _ => {
                    let dw = (!at_once).then_some(dw);
                    dispatch!(level, simd => {
                        pointwise::backward(simd, lazy, gradient, transposed, (k, n), writer, dw, rows);
                    });
                }
            }
        });
        let dw = &mut pass.gradients[self.weight.clone()];
        if at_once {
            self.weights_gradient(level, pass.micro_batches, dw);
            pass.profile.lap(self.index, Operation::Backward);
        } else {
            pass.profile.lap(self.index, Operation::Backward);
            sum_over_micro_batches(pass.micro_batches, dw, |micro_batch| &micro_batch.scratch.dw);
            pass.profile.lap(self.index, Operation::Sum);
        }
    }

    /// The weights' gradient of a product, from rows that hold all pixels of each micro-batch. Threads share out the
    /// inputs and go through the micro-batches in order, which saves a gradient per micro-batch. That gradient is large
    /// where pixels are few.
    fn weights_gradient(&self, level: Level, micro_batches: &[MicroBatch], dw: &mut [f32]) {
        let (k, n, pixels) = (self.layer.inputs(), self.layer.c_out, self.pixels());
        // whole blocks and whole tiles
        let height = k.div_ceil(MICRO_BATCHES).next_multiple_of(24);
        for_each_chunk(dw, height * n, |index, dw| {
            dispatch!(level, simd => {
                for (i, micro_batch) in micro_batches.iter().enumerate() {
                    let [x, dy] = &micro_batch.scratch.rows;
                    let rows = micro_batch.images * pixels;
                    let x = &x[index * height * rows..][..dw.len() / n * rows];
                    matmul::accumulate(simd, x, &dy[..n * rows], rows, (dw.len() / n, n), i == 0, dw);
                }
            });
        });
    }
}

/// `sum = Σ part(micro_batch)` over the micro-batches, in order.
pub fn sum_over_micro_batches(
    micro_batches: &[MicroBatch],
    sum: &mut [f32],
    part: impl Fn(&MicroBatch) -> &[f32] + Sync,
) {
    const CHUNK: usize = 1 << 14;
    crate::threads::for_each_chunk(sum, CHUNK, |index, sum| {
        for (i, micro_batch) in micro_batches.iter().enumerate() {
            let part = &part(micro_batch)[index * CHUNK..][..sum.len()];
            if i == 0 {
                sum.copy_from_slice(part);
            } else {
                for (sum, part) in sum.iter_mut().zip(part) {
                    *sum += part;
                }
            }
        }
    });
}
