//! Softmax cross-entropy with label smoothing.

use ndarray::{ArrayView1, ArrayViewMut2};

use crate::infer::{best, log_sum_exp};

/// The loss of some images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Σ over the images of the cross-entropy, in nats, divided by the size of the batch.
    pub loss: f64,
    /// Images whose most probable class is their label.
    pub correct: usize,
}

/// `loss = -Σ target · ln softmax(logits)`, divided by `batch`; replaces each logit with its gradient,
/// `(softmax(logits) - target) / batch`.
///
/// `logits` is (N, classes), `labels` (N). A target is `1 - smoothing` at the label plus `smoothing / classes` at
/// every class.
///
/// ```
/// use mobilenetv2::train::loss::cross_entropy;
///
/// let mut logits = ndarray::array![[0.0, 0.0]];
/// let loss = cross_entropy(logits.view_mut(), ndarray::aview1(&[1]), 0.0, 1);
/// assert!((loss.loss - f64::ln(2.0)).abs() < 1e-6);
/// assert_eq!(logits, ndarray::array![[0.5, -0.5]]);
/// ```
pub fn cross_entropy(
    mut logits: ArrayViewMut2<f32>,
    labels: ArrayView1<u32>,
    smoothing: f32,
    batch: usize,
) -> Loss {
    let classes = logits.ncols();
    let elsewhere = smoothing / classes as f32;
    let mut total = Loss::default();
    for (mut logits, label) in logits.rows_mut().into_iter().zip(labels) {
        let label = *label as usize;
        let log_sum = log_sum_exp(logits.view());
        let mean_logit = logits.iter().sum::<f32>() / classes as f32;
        // -Σ target · (logit - log_sum), with the targets summing to 1
        let expected = (1.0 - smoothing) * logits[label] + smoothing * mean_logit;
        total.loss += f64::from(log_sum - expected) / batch as f64;
        total.correct += usize::from(best(logits.view()) == label);
        for (class, logit) in logits.iter_mut().enumerate() {
            let target = elsewhere + if class == label { 1.0 - smoothing } else { 0.0 };
            *logit = (libm::expf(*logit - log_sum) - target) / batch as f32;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn gradient_matches_the_numeric_one() {
        let logits = array![[0.3f32, -1.2, 2.0], [0.1, 0.4, -0.5]];
        let labels = array![2, 0];
        for smoothing in [0.0, 0.1] {
            let value =
                |mut logits: Array2<f32>| cross_entropy(logits.view_mut(), labels.view(), smoothing, 2).loss;
            let mut gradient = logits.clone();
            assert_eq!(cross_entropy(gradient.view_mut(), labels.view(), smoothing, 2).correct, 1);
            for (i, gradient) in gradient.indexed_iter() {
                let step = 1e-2;
                let (mut up, mut down) = (logits.clone(), logits.clone());
                up[i] += step;
                down[i] -= step;
                let numeric = (value(up) - value(down)) / f64::from(2.0 * step);
                assert!(
                    (f64::from(*gradient) - numeric).abs() < 1e-4,
                    "{smoothing} {i:?}: {gradient} {numeric}"
                );
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn huge_logits_stay_finite() {
        let loss = cross_entropy(array![[1e30, -1e30]].view_mut(), array![1].view(), 0.0, 1);
        assert!(loss.loss.is_finite());
    }
}
