//! From an image's logits to probabilities, with `libm`, whose results are bit-identical on every platform.

use ndarray::ArrayView1;

/// A class and its probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Index of the class.
    pub class: usize,
    /// 0 – 1; over all classes they sum to 1.
    pub probability: f32,
}

/// The `k` most probable classes of one image, best first, by the softmax of its logits, (classes).
///
/// ```
/// let logits = ndarray::array![[0.0, 1.0, 3.0]];
/// let best = mobilenetv2::infer::top(logits.row(0), 2);
/// assert_eq!((best[0].class, best[1].class), (2, 1));
/// ```
pub fn top(logits: ArrayView1<f32>, k: usize) -> Vec<Prediction> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum = sum_exp(logits, highest);
    let mut predictions: Vec<Prediction> = logits
        .iter()
        .enumerate()
        .map(|(class, logit)| Prediction { class, probability: libm::expf(logit - highest) / sum })
        .collect();
    predictions.sort_unstable_by(|a, b| b.probability.total_cmp(&a.probability).then(a.class.cmp(&b.class)));
    predictions.truncate(k);
    predictions
}

/// The class with the highest of an image's logits, (classes); the first one if there are several.
///
/// ```
/// assert_eq!(mobilenetv2::infer::best(ndarray::aview1(&[0.5, 2.0, 2.0])), 1);
/// ```
pub fn best(logits: ArrayView1<f32>) -> usize {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best
}

/// The softmax probability, 0 – 1, of the [`best`] class, from an image's logits, (classes).
///
/// ```
/// assert_eq!(mobilenetv2::infer::confidence(ndarray::aview1(&[2.0, 2.0])), 0.5);
/// ```
pub fn confidence(logits: ArrayView1<f32>) -> f32 {
    1.0 / sum_exp(logits, logits[best(logits)])
}

/// ln Σ exp(logit) over an image's logits, (classes): `logit - log_sum_exp(logits)` is the log probability of a class.
///
/// ```
/// assert_eq!(mobilenetv2::infer::log_sum_exp(ndarray::aview1(&[1.0, 1.0])), 1.0 + f32::ln(2.0));
/// ```
pub fn log_sum_exp(logits: ArrayView1<f32>) -> f32 {
    let highest = logits[best(logits)];
    highest + libm::log(sum_exp(logits, highest).into()) as f32
}

/// Σ exp(logit - highest), which cannot overflow.
fn sum_exp(logits: ArrayView1<f32>, highest: f32) -> f32 {
    logits.iter().map(|logit| libm::expf(logit - highest)).sum()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn top_is_a_softmax_best_first() {
        let top = top(ndarray::aview1(&[0.0, f32::ln(3.0), f32::ln(4.0)]), 2);
        assert_eq!(top.iter().map(|p| p.class).collect::<Vec<_>>(), [2, 1]);
        assert!((top[0].probability - 0.5).abs() < 1e-6 && (top[1].probability - 0.375).abs() < 1e-6);
    }
}
