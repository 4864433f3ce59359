//! The fused network against itself: op by op, on other threads, other instruction sets, in other row tiles.

use wasm_bindgen_test::wasm_bindgen_test;

use ndarray::Array4;

use super::*;

/// `count` images of numbers between -1 and 1.
fn noise(count: usize, size: usize) -> Array4<f32> {
    let values = crate::kernel::reference::numbers(1, count * size * size * 3);
    Array4::from_shape_vec((count, size, size, 3), values).unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn batches_and_single_images_agree() {
    let mut classifier =
        Classifier::new(&Weights::random(Config { width: 0.35, ..Config::cifar() }, 4)).unwrap();
    let images = noise(5, 32);
    let together = classifier.forward(images.view()).unwrap();
    for (image, expected) in images.outer_iter().zip(together.rows()) {
        let alone = classifier.forward(image.insert_axis(Axis(0))).unwrap();
        assert_eq!(alone.row(0), expected);
    }
    let channels_first = images.permuted_axes([0, 3, 1, 2]).as_standard_layout().into_owned();
    let error = classifier.forward(channels_first.view()).unwrap_err().to_string();
    assert_eq!(error, "images have the shape [5, 3, 32, 32]; expected [N, 32, 32, 3]");
    let transposed = channels_first.view().permuted_axes([0, 2, 3, 1]);
    assert!(classifier.forward(transposed).unwrap_err().to_string().contains("`as_standard_layout`"));
}

/// Row partitions, channel partitions, row tiles and their seams, at more threads than some maps have rows.
#[test]
#[cfg(not(target_arch = "wasm32"))]
fn logits_are_bit_identical_at_any_number_of_threads() {
    let residual = Config { width: 0.1, ..Config::cifar() };
    let projected = Config { shortcut: Shortcut::Projected, expand_first: true, ..Config::cifar() };
    let larger = Config { width: 0.35, resolution: 160, ..Config::cifar() };
    let expansions = Config { shortcut: Shortcut::Expansions, ..residual.clone() };
    let [v1, plain] = [Architecture::MobilenetV1, Architecture::Plain].map(|architecture| Config {
        architecture,
        width: 0.25,
        ..Config::cifar()
    });
    let imagenet = |width, resolution| Config { width, resolution, ..Config::imagenet() };
    let imagenet = [imagenet(1.0, 224), imagenet(0.35, 96), imagenet(0.5, 72)];
    for config in [residual, projected, larger, expansions, v1, plain].into_iter().chain(imagenet) {
        let weights = Weights::random(config, 4);
        let image = noise(1, weights.config.resolution);
        let classify = || Classifier::new(&weights).unwrap().forward(image.view()).unwrap();
        let logits = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(classify)
        };
        let expected = logits(1);
        for threads in [2, 3, 8] {
            assert_eq!(logits(threads), expected, "{:?} on {threads} threads", weights.config);
        }
        assert_eq!(classify(), expected, "{:?} from outside the thread pool", weights.config);
    }
}

/// A classifier may be built in one thread pool and used in another, which has its own workers.
#[test]
#[cfg(not(target_arch = "wasm32"))]
fn logits_are_bit_identical_in_another_thread_pool() {
    let weights = Weights::random(Config { width: 0.35, resolution: 96, ..Config::imagenet() }, 4);
    let images = noise(3, 96);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let expected = pool(1).install(|| Classifier::new(&weights).unwrap().forward(images.view()).unwrap());
    for (made, used) in [(8, 2), (1, 3)] {
        let mut classifier = pool(made).install(|| Classifier::new(&weights).unwrap());
        let logits = pool(used).install(|| classifier.forward(images.view()).unwrap());
        assert_eq!(logits, expected, "made on {made} threads, used on {used}");
    }
}

#[test]
#[cfg(not(target_arch = "wasm32"))]
fn instruction_sets_agree_to_the_bit_where_they_round_alike() {
    use crate::kernel::{levels, same_to_the_bit};
    let weights = Weights::random(Config { width: 0.35, resolution: 96, ..Config::imagenet() }, 4);
    let image = noise(1, 96);
    let found: Vec<_> = levels()
        .into_iter()
        .map(|level| {
            (
                level,
                Classifier::at(level, &weights, Run::of(&weights.config))
                    .unwrap()
                    .forward(image.view())
                    .unwrap(),
            )
        })
        .collect();
    for pair in found.windows(2) {
        let [(level, wide), (other, narrow)] = pair else { unreachable!() };
        assert!(!same_to_the_bit(*level, *other) || wide == narrow, "{level:?}, {other:?}");
        for (a, b) in wide.iter().zip(narrow) {
            assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{level:?}, {other:?}: {a}, {b}");
        }
    }
}

/// Every instruction set, both strides at odd and even sizes, every shortcut that fuses. (In a browser
/// `tests/golden.rs` runs networks op by op.)
#[test]
#[cfg(not(target_arch = "wasm32"))]
fn op_by_op_gives_the_logits_of_the_fused_network() {
    use crate::arch::Padding;
    let imagenet = |width, resolution| Config { width, resolution, ..Config::imagenet() };
    let cifar = Config { width: 0.5, padding: Padding::Same, ..Config::cifar() };
    let projected = Config { shortcut: Shortcut::Projected, expand_first: true, ..cifar.clone() };
    let none = Config { shortcut: Shortcut::None, expansion: 1, ..cifar.clone() };
    let networks = [imagenet(0.35, 96), imagenet(0.75, 75), imagenet(1.4, 64), cifar, projected, none];
    for config in networks {
        let weights = Weights::random(config, 4);
        let image = noise(2, weights.config.resolution);
        for level in crate::kernel::levels() {
            let [fused, op_by_op] = [Run::Fused, Run::OpByOp].map(|run| {
                let mut classifier = Classifier::at(level, &weights, run).unwrap();
                let features = classifier.features(image.view()).unwrap();
                (classifier.forward(image.view()).unwrap(), features)
            });
            let pairs = op_by_op.0.iter().zip(&fused.0).chain(op_by_op.1.iter().zip(&fused.1));
            for (a, b) in pairs {
                assert!((a - b).abs() < 1e-5 * (1.0 + b.abs()), "{level:?}, {:?}: {a}, {b}", weights.config);
            }
        }
    }
}

#[test]
#[cfg(not(target_arch = "wasm32"))]
fn row_tiles_change_memory_but_not_a_bit_of_the_logits() {
    let mut classifier = Classifier::new(&Weights::random(Config::imagenet(), 2)).unwrap();
    let image = Array4::from_shape_fn((1, 224, 224, 3), |(_, y, x, c)| ((y * 7 + x * 3 + c) % 11) as f32);
    let logits = classifier.forward(image.view()).unwrap();
    let bytes = classifier.working_bytes();
    let mut before = 0;
    for rows in [1, 2, 5, 112] {
        classifier.set_row_tile(Some(rows)).unwrap();
        assert_eq!(classifier.forward(image.view()).unwrap(), logits, "{rows} rows");
        assert!(classifier.working_bytes() >= before, "{rows} rows");
        before = classifier.working_bytes();
    }
    assert!(bytes < before);
    classifier.set_row_tile(None).unwrap();
    assert_eq!(classifier.working_bytes(), bytes);
}

/// What the tensors take is the least that they can: the peak of those that must exist at once.
#[test]
#[cfg(not(target_arch = "wasm32"))]
fn tensors_op_by_op_take_the_peak_that_describe_tells() {
    use crate::arch::Cost;
    for architecture in [Architecture::MobilenetV2, Architecture::MobilenetV1, Architecture::Plain] {
        for shortcut in [Shortcut::Bottlenecks, Shortcut::Expansions] {
            let config = Config { architecture, shortcut, width: 0.5, ..Config::imagenet() };
            let classifier = Classifier::op_by_op(&Weights::random(config.clone(), 1)).unwrap();
            let Execution::OpByOp(operations) = &classifier.execution else { unreachable!() };
            // The image counts as an input there, and lies elsewhere here.
            let peak = Cost::new(&config).layers[1..].iter().map(|l| l.memory.by_operation).max();
            assert_eq!(Some(operations.tensor_bytes() as u64), peak, "{config:?}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn resolution_out_of_range_changes_nothing() {
    let mut classifier = Classifier::new(&Weights::random(Config::cifar(), 4)).unwrap();
    let error = classifier.set_resolution(4).unwrap_err();
    assert!(matches!(error, Error::Argument(_)));
    assert_eq!(classifier.resolution(), 32);
}
