//! How well a network does on images it was not trained on.

use serde::Serialize;

use crate::arch::Config;
use crate::data::image::{Area, Resampler, normalize};
use crate::infer::{Classifier, best, confidence, log_sum_exp};

/// How well the network does on images it was not trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evaluation {
    /// Mean cross-entropy.
    pub loss: f32,
    /// Images whose best class was right.
    pub correct: usize,
    /// Images in all.
    pub total: usize,
    /// The best class of each image.
    pub predictions: Vec<u32>,
    /// How probable the network thinks that class is, 0 – 1.
    pub confidences: Vec<f32>,
}

impl Evaluation {
    /// Counts `logits`, (images, classes).
    pub(crate) fn add(&mut self, logits: &[f32], labels: &[u32]) {
        let mut loss = 0.0;
        for (logits, label) in logits.chunks_exact(logits.len() / labels.len()).zip(labels) {
            let class = best(logits);
            self.predictions.push(class as u32);
            self.confidences.push(confidence(logits));
            self.correct += usize::from(class == *label as usize);
            loss += f64::from(log_sum_exp(logits) - logits[*label as usize]) / self.total as f64;
        }
        self.loss += loss as f32;
    }
}

/// Images of an evaluation that are normalised at once: this many, or as many as there is room for where they are large.
const AT_ONCE: usize = 64;
const FLOATS_AT_ONCE: usize = AT_ONCE * 224 * 224 * 3;

/// How well `classifier` does on `images` (N, size, size, 3) of `labels` (N), which are classes of its network.
///
/// # Panics
/// If there are not as many images as labels, or a label is not a class.
pub fn evaluate(classifier: &mut Classifier, images: &[u8], size: usize, labels: &[u32]) -> Evaluation {
    assert_eq!(images.len(), labels.len() * size * size * 3, "an image a label");
    let config = classifier.config().clone();
    let mut found = Evaluation { total: labels.len(), ..Evaluation::default() };
    let mut logits = Vec::new();
    let mut rest = labels;
    for_each_input(&config, images, size, &mut |inputs| {
        classifier.forward(inputs, &mut logits);
        let (here, after) = rest.split_at(logits.len() / config.classes);
        found.add(&logits, here);
        rest = after;
    });
    found
}

/// Some of the `images` (N, size, size, 3) after the other, resized and normalised for the network of `config`.
pub(crate) fn for_each_input(config: &Config, images: &[u8], size: usize, take: &mut dyn FnMut(&[f32])) {
    if images.is_empty() {
        return;
    }
    let (image, input) = (size * size * 3, config.resolution * config.resolution * 3);
    let side = size as f64;
    let whole = Area { left: 0.0, top: 0.0, right: side, bottom: side };
    let mut resampler =
        (size != config.resolution).then(|| Resampler::new(size, size, whole, config.resolution));
    let mut resized = vec![0; if resampler.is_some() { input } else { 0 }];
    let at_once = (FLOATS_AT_ONCE / input).clamp(1, AT_ONCE).min(images.len() / image);
    let mut inputs = vec![0.0; at_once * input];
    for images in images.chunks(at_once * image) {
        let inputs = &mut inputs[..images.len() / image * input];
        for (image, input) in images.chunks_exact(image).zip(inputs.chunks_exact_mut(input)) {
            let pixels = match &mut resampler {
                None => image,
                Some(resampler) => {
                    resampler.run(image, &mut resized);
                    &resized
                }
            };
            normalize(pixels, config.mean, config.std, input);
        }
        take(inputs);
    }
}
