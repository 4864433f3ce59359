//! Softmax cross-entropy with label smoothing.

use crate::infer::{best, log_sum_exp};

/// The loss of some images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Σ over the images of the cross-entropy, in nats, divided by the size of the batch.
    pub loss: f64,
    /// Images whose best class is their label.
    pub correct: usize,
}

/// `loss = -Σ target · ln softmax(logits)`, divided by `batch`; each logit is replaced by its gradient,
/// `(softmax(logits) - target) / batch`.
///
/// `logits` is (N, classes), `labels` (N). A target is `1 - smoothing` at the label plus `smoothing / classes` at
/// every class.
pub fn cross_entropy(logits: &mut [f32], labels: &[u32], smoothing: f32, batch: usize) -> Loss {
    let classes = logits.len() / labels.len();
    let elsewhere = smoothing / classes as f32;
    let mut total = Loss::default();
    for (logits, label) in logits.chunks_exact_mut(classes).zip(labels) {
        let label = *label as usize;
        let log_sum = log_sum_exp(logits);
        let mean_logit = logits.iter().sum::<f32>() / classes as f32;
        // -Σ target · (logit - log_sum), with the targets summing to 1
        let expected = (1.0 - smoothing) * logits[label] + smoothing * mean_logit;
        total.loss += f64::from(log_sum - expected) / batch as f64;
        total.correct += usize::from(best(logits) == label);
        for (class, logit) in logits.iter_mut().enumerate() {
            let target = elsewhere + if class == label { 1.0 - smoothing } else { 0.0 };
            *logit = (libm::expf(*logit - log_sum) - target) / batch as f32;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn gradient_is_the_numeric_one() {
        let logits = [0.3f32, -1.2, 2.0, 0.1, 0.4, -0.5];
        let labels = [2, 0];
        for smoothing in [0.0, 0.1] {
            let value = |logits: &[f32]| cross_entropy(&mut logits.to_vec(), &labels, smoothing, 2).loss;
            let mut gradient = logits;
            assert_eq!(cross_entropy(&mut gradient, &labels, smoothing, 2).correct, 1);
            for i in 0..logits.len() {
                let step = 1e-2;
                let (mut up, mut down) = (logits, logits);
                up[i] += step;
                down[i] -= step;
                let numeric = (value(&up) - value(&down)) / f64::from(2.0 * step);
                assert!(
                    (f64::from(gradient[i]) - numeric).abs() < 1e-4,
                    "{smoothing} {i}: {} {numeric}",
                    gradient[i]
                );
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn huge_logits_stay_finite() {
        let loss = cross_entropy(&mut [1e30, -1e30], &[1], 0.0, 1);
        assert!(loss.loss.is_finite());
    }
}
