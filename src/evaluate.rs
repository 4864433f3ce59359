//! Evaluation of a network on images that it was not trained on.

use ndarray::{ArrayView1, ArrayView2, ArrayView4, Axis};
use serde::Serialize;

use crate::arch::Config;
use crate::arrays::{check_labels, image_shape, values};
use crate::data::image::{Area, Resampler, normalize};
use crate::error::Result;
use crate::infer::{Classifier, best, confidence, log_sum_exp};

/// The performance of a network on images that it was not trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evaluation {
    /// Mean cross-entropy.
    pub loss: f32,
    /// Images that were classified correctly.
    pub correct: usize,
    /// Images in total.
    pub total: usize,
    /// The most probable class of each image.
    pub predictions: Vec<u32>,
    /// The probability of that class, 0 – 1.
    pub confidences: Vec<f32>,
}

impl Evaluation {
    /// Adds images by their `logits`, (N, classes), and `labels`, (N).
    pub(crate) fn add(&mut self, logits: ArrayView2<f32>, labels: ArrayView1<u32>) {
        let mut loss = 0.0;
        for (logits, label) in logits.rows().into_iter().zip(labels) {
            let class = best(logits);
            self.predictions.push(class as u32);
            self.confidences.push(confidence(logits));
            self.correct += usize::from(class == *label as usize);
            loss += f64::from(log_sum_exp(logits) - logits[*label as usize]) / self.total as f64;
        }
        self.loss += loss as f32;
    }
}

/// Images that are normalised at once: this many, or as many as there is room for if they are large.
const AT_ONCE: usize = 64;
const FLOATS_AT_ONCE: usize = AT_ONCE * 224 * 224 * 3;

/// Evaluates `classifier` on `images`, (N, S, S, 3) RGB bytes of any size S, whose `labels`, (N), are classes of its
/// network.
///
/// # Errors
/// [`Error::Shape`](crate::error::Error::Shape) if `images` are not square or labels and images differ in number,
/// [`Error::Argument`](crate::error::Error::Argument) if a label is not a class.
///
/// ```
/// use mobilenetv2::arch::{Config, Weights};
/// use mobilenetv2::data::shapes;
/// use mobilenetv2::evaluate::evaluate;
/// use mobilenetv2::infer::Classifier;
///
/// let mut untrained = Classifier::new(&Weights::random(Config { width: 0.1, ..Config::cifar() }, 1))?;
/// let test = shapes::dataset(2, 0, 20, 32);
/// let found = evaluate(&mut untrained, test.images.view(), test.labels.view())?;
/// println!("{} of {} right", found.correct, found.total);
/// # assert_eq!(found.predictions.len(), 20);
/// # Ok::<(), mobilenetv2::error::Error>(())
/// ```
pub fn evaluate(
    classifier: &mut Classifier,
    images: ArrayView4<u8>,
    labels: ArrayView1<u32>,
) -> Result<Evaluation> {
    let config = classifier.config().clone();
    let (count, _) = image_shape(&images, None)?;
    check_labels(&labels, count, config.classes)?;
    let mut found = Evaluation { total: count, ..Evaluation::default() };
    let mut rest = labels;
    for_each_input(&config, images, &mut |inputs| {
        let logits = classifier.forward(inputs)?;
        let (here, after) = rest.split_at(Axis(0), logits.nrows());
        found.add(logits.view(), here);
        rest = after;
        Ok(())
    })?;
    Ok(found)
}

/// Calls with some of the `images`, (N, S, S, 3), at a time, resized and normalised for the network of `config`.
pub(crate) fn for_each_input(
    config: &Config,
    images: ArrayView4<u8>,
    take: &mut dyn FnMut(ArrayView4<f32>) -> Result<()>,
) -> Result<()> {
    let (count, size) = image_shape(&images, None)?;
    if count == 0 {
        return Ok(());
    }
    let whole = Area::whole(size, size);
    let resolution = config.resolution;
    let mut resampler = (size != resolution).then(|| Resampler::new(size, size, whole, resolution));
    let input = resolution * resolution * 3;
    let mut resized = vec![0; if resampler.is_some() { input } else { 0 }];
    let at_once = (FLOATS_AT_ONCE / input).clamp(1, AT_ONCE).min(count);
    let mut inputs = vec![0.0; at_once * input];
    let (image, images) = (size * size * 3, values("images", &images)?);
    for images in images.chunks(at_once * image) {
        let count = images.len() / image;
        let inputs = &mut inputs[..count * input];
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
        let shape = (count, resolution, resolution, 3);
        take(ArrayView4::from_shape(shape, inputs).expect("whole images"))?;
    }
    Ok(())
}
