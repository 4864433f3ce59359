//! How gradients flow back through the network, and where each of them lies.
//!
//! A layer's output is read by other layers and added to the outputs of others; its gradient is the sum of what comes back
//! from them. Backward walks the layers from the last to the first:
//!
//! ```text
//!            output += adds          the sum passes its gradient on, as it is, to what was added
//!  forward   input ─→ convolution ─→ norm, activation ─→ output        (written, or read lazily)
//!  backward  input ←─ convolution ←─── split ←────────── output
//!              ↑                         masks by the activation and sums what batch norm needs; where the only reader has
//!              add                       done so already, there is nothing to split
//! ```
//!
//! If a layer's input already has a gradient, such as a shortcut's, the layer adds it to the one that it writes.

use crate::arch::{Kind, Layer, Lifetime, share_memory};

/// A span among the gradients of one image; for n images both ends are n times as large.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    start: usize,
    end: usize,
}

impl Place {
    /// The span for this many images.
    pub fn of(self, images: usize) -> std::ops::Range<usize> {
        self.start * images..self.end * images
    }
}

/// Where the gradients at a layer lie.
#[derive(Clone, Copy, Debug)]
pub struct LayerGradients {
    /// The gradient of the layer's output; where there is nothing to split, that of its normalised value.
    pub output: Place,
    /// Receives the gradient of the normalised value; none if `output` already is that gradient.
    pub split: Option<Place>,
    /// Where the gradient of the input goes; none: the image, which needs none.
    pub input: Option<Place>,
    /// An earlier gradient of the same input, to be added.
    pub add: Option<Place>,
    /// Whether the input's gradient is then complete: no other layer still has to add to it.
    pub whole: bool,
}

/// Whether training writes the layer's output, instead of having its readers apply batch norm and activation: bottlenecks,
/// which are small and often read twice, and sums.
pub fn written(layers: &[Layer], index: usize) -> bool {
    let layer = &layers[index];
    let read = layers.iter().any(|other| other.input == Some(index));
    layer.adds.is_some() || layer.kind == Kind::Project && read
}

/// Plans the gradients of `layers`, the last of which is the classifier: where those of each convolution lie, and how many
/// floats all of them take per image.
pub fn plan(layers: &[Layer]) -> (Vec<LayerGradients>, usize) {
    let convolutions = layers.len() - 1;
    let mut tensors: Vec<Lifetime> = Vec::new();
    let mut write = |floats, moment| {
        tensors.push(Lifetime { floats, first: moment, last: moment });
        tensors.len() - 1
    };
    // Of each layer's output: its gradient so far, and whether a reader has masked it.
    let mut gradients: Vec<Option<(usize, bool)>> = vec![None; convolutions];
    let (mut found, mut uses) = (Vec::new(), Vec::new());
    if let Some(last) = gradients.last_mut() {
        *last = Some((write(layers[convolutions - 1].floats_out(), 0), true)); // the pool's
    }
    for (index, layer) in layers[..convolutions].iter().enumerate().rev() {
        // First the split, then the convolution.
        let moment = 2 * (convolutions - index);
        let (output, masked) = gradients[index].expect("every output is needed");
        if let Some(adds) = layer.adds {
            assert!(gradients[adds].is_none(), "an output is added before it is read");
            gradients[adds] = Some((output, false));
        }
        let split = (!masked).then(|| write(layer.floats_out(), moment));
        uses.push((output, moment));
        uses.push((split.unwrap_or(output), moment + 1));
        let (mut input, mut add, mut whole) = (None, None, false);
        if let Some(read) = layer.input {
            whole = !layers[..index].iter().any(|earlier| earlier.input == Some(read));
            add = gradients[read].map(|(gradient, _)| gradient);
            uses.extend(add.map(|add| (add, moment + 1)));
            let floats = layers[read].floats_out();
            let target = write(floats, moment + 1);
            // A plain convolution adds its input's gradient up, tap by tap, and masks none of it.
            let masked = whole && layer.kind != Kind::Convolution && !written(layers, read);
            gradients[read] = Some((target, masked));
            input = Some(target);
        }
        found.push((output, split, input, add, whole));
    }
    for (tensor, moment) in uses {
        tensors[tensor].last = tensors[tensor].last.max(moment);
    }
    let (places, floats) = share_memory(&tensors);
    let place = |tensor: usize| Place { start: places[tensor].start, end: places[tensor].end };
    let placed = found.into_iter().rev().map(|(output, split, input, add, whole)| LayerGradients {
        output: place(output),
        split: split.map(place),
        input: input.map(place),
        add: add.map(place),
        whole,
    });
    (placed.collect(), floats)
}
