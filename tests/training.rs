//! What training guarantees besides correct gradients: it learns, it is reproducible, it does not allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ndarray::{Array1, Array2, Array4, ArrayView4, aview1, s};

use mobilenetv2::arch::{Architecture, Config, FEATURES, Shortcut, Weights, tensors};
use mobilenetv2::evaluate::Evaluation;
use mobilenetv2::infer::Classifier;
use mobilenetv2::train::{Recipe, Schedule, Trainer, checkpoint};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Images of noise, different for each seed, with labels in turn.
fn batch(seed: u64, count: usize, resolution: usize) -> (Array4<u8>, Array1<u32>) {
    let mut images = Array4::zeros((count, resolution, resolution, 3));
    fastrand::Rng::with_seed(seed).fill(images.as_slice_mut().unwrap());
    (images, (0..count as u32).map(|i| i % 10).collect())
}

fn small() -> Config {
    Config { width: 0.25, resolution: 16, dropout: 0.2, ..Config::cifar() }
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn a_small_network_overfits_32_images() {
    let recipe = Recipe {
        batch: 32,
        schedule: Schedule::Constant,
        crop_padding: 0,
        flip: false,
        weight_decay: 0.0,
        ..Recipe::default()
    };
    let config = Config { dropout: 0.0, ..small() };
    let mut trainer = Trainer::new(Weights::random(config, 1), recipe, 32).unwrap();
    let (images, labels) = batch(1, 32, 16);
    let first = trainer.step(images.view(), labels.view()).unwrap();
    let last = (0..80).map(|_| trainer.step(images.view(), labels.view()).unwrap()).last().unwrap();
    assert!(first.loss > 1.5, "untrained, the loss is near ln 10: {first:?}");
    assert!(last.loss < 0.05 && last.accuracy == 1.0, "{last:?}");
    let evaluation = trainer.evaluate(images.view(), labels.view()).unwrap();
    assert!(evaluation.correct >= 31, "running averages have followed: {evaluation:?}");
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    for config in networks() {
        let one = three_steps(&config, 1);
        assert!(one == three_steps(&config, 2), "{config:?}");
        assert!(one == three_steps(&config, 3), "{config:?}");
    }
}

/// One of each that differs in how it is trained.
fn networks() -> [Config; 4] {
    let [v1, plain] = [Architecture::MobilenetV1, Architecture::Plain]
        .map(|architecture| Config { architecture, ..small() });
    [small(), Config { shortcut: Shortcut::Expansions, ..small() }, v1, plain]
}

/// Weights and an evaluation after three steps of different batches.
fn three_steps(config: &Config, threads: usize) -> (Weights, Evaluation) {
    pool(threads).install(|| {
        let recipe = Recipe { batch: 13, ..Recipe::default() };
        let mut trainer = Trainer::new(Weights::random(config.clone(), 1), recipe, 100).unwrap();
        for seed in 0..3 {
            let (images, labels) = batch(seed, 13 - seed as usize, 16);
            trainer.step(images.view(), labels.view()).unwrap();
        }
        let (images, labels) = batch(9, 5, 16);
        let evaluation = trainer.evaluate(images.view(), labels.view()).unwrap();
        (trainer.weights().clone(), evaluation)
    })
}

#[test]
fn a_step_allocates_nothing() {
    pool(1).install(|| networks().into_iter().for_each(a_step_of_it_allocates_nothing));
}

fn a_step_of_it_allocates_nothing(config: Config) {
    let recipe = Recipe { batch: 16, sizes: vec![16, 20], average: 0.9, ..Recipe::default() };
    let mut trainer = Trainer::new(Weights::random(config, 1), recipe, 100).unwrap();
    let (images, labels) = batch(3, 16, 16);
    trainer.step(images.view(), labels.view()).unwrap();
    let before = ALLOCATIONS.with(Cell::get);
    for _ in 0..3 {
        trainer.step(images.view(), labels.view()).unwrap();
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}

#[test]
fn frozen_modules_stay_unchanged_and_the_rest_learns() {
    let (images, labels) = batch(4, 16, 16);
    for freeze in [1, 5, FEATURES - 1, FEATURES] {
        let recipe = Recipe { batch: 16, freeze, average: 0.9, ..Recipe::default() };
        let mut trainer = Trainer::new(Weights::random(small(), 1), recipe, 100).unwrap();
        let before = trainer.weights().clone();
        for _ in 0..2 {
            trainer.step(images.view(), labels.view()).unwrap();
        }
        let layers = before.config.layers();
        for tensor in tensors(&layers) {
            let of = |weights: &Weights| {
                let flat = if tensor.role.trainable() { &weights.values } else { &weights.statistics };
                flat[tensor.span.clone()].to_vec()
            };
            let same = of(&before) == of(trainer.weights());
            assert_eq!(same, layers[tensor.layer].module() < freeze, "freeze {freeze}: {tensor:?}");
        }
    }
}

#[test]
fn a_frozen_network_computes_what_inference_computes() {
    let recipe = Recipe { batch: 8, crop_padding: 0, flip: false, freeze: FEATURES, ..Recipe::default() };
    let config = Config { dropout: 0.0, ..small() };
    let weights = Weights::random(config.clone(), 3);
    let (images, labels) = batch(6, 8, 16);
    let mut trainer = Trainer::new(weights.clone(), recipe, 100).unwrap();
    let features = trainer.features(images.view()).unwrap();
    let evaluated = trainer.evaluate(images.view(), labels.view()).unwrap();
    let mut classifier = Classifier::new(&weights).unwrap();
    let oracle = mobilenetv2::evaluate::evaluate(&mut classifier, images.view(), labels.view()).unwrap();
    assert_eq!(evaluated.predictions, oracle.predictions);
    assert!((evaluated.loss - oracle.loss).abs() < 1e-5, "{} {}", evaluated.loss, oracle.loss);

    // Pictures and their features give the same training.
    let mut other = Trainer::new(weights, trainer.recipe().clone(), 100).unwrap();
    for _ in 0..3 {
        let (from_images, from_features) = (
            trainer.step(images.view(), labels.view()).unwrap(),
            other.step_features(features.view(), labels.view()).unwrap(),
        );
        assert_eq!(from_images.loss, from_features.loss);
    }
    assert_eq!(trainer.weights(), other.weights());
    let (a, b) = (
        trainer.evaluate(images.view(), labels.view()),
        other.evaluate_features(features.view(), labels.view()),
    );
    assert_eq!(a.unwrap(), b.unwrap());
}

#[test]
fn features_require_that_only_the_classifier_learns() {
    let mut trainer =
        Trainer::new(Weights::random(small(), 1), Recipe { batch: 4, ..Recipe::default() }, 20).unwrap();
    let (images, labels) = batch(1, 2, 16);
    let expected = "features are constant only if the classifier alone learns: freeze must be 19, not 0";
    assert_eq!(trainer.features(images.view()).unwrap_err().to_string(), expected);
    assert_eq!(
        trainer.step_features(Array2::zeros((2, 1280)).view(), labels.view()).unwrap_err().to_string(),
        expected
    );
    let recipe = Recipe { freeze: FEATURES, ..trainer.recipe().clone() };
    let error = trainer.set_recipe(recipe.clone()).unwrap_err().to_string();
    assert_eq!(error, "freeze cannot change during a run: start a new run");
    let error = trainer.set_recipe(Recipe { batch: 2, ..trainer.recipe().clone() }).unwrap_err().to_string();
    assert_eq!(error, "batch cannot change from 4 to 2 during a run: start a new run");
    let mut trainer = Trainer::new(Weights::random(small(), 1), recipe, 20).unwrap();
    let mut error =
        |shape| trainer.step_features(Array2::zeros(shape).view(), labels.view()).unwrap_err().to_string();
    assert_eq!(error((2, 1279)), "features have the shape [2, 1279]; expected [N, 1280]");
    assert_eq!(error((3, 1280)), "labels have the shape [2]; expected [3]");
}

#[test]
fn averaged_weights_are_the_mean_of_the_steps() {
    let recipe = Recipe { batch: 8, ..Recipe::default() };
    let mut trainer = Trainer::new(Weights::random(small(), 1), recipe.clone(), 20).unwrap();
    let mut averaging =
        Trainer::new(Weights::random(small(), 1), Recipe { average: 0.5, ..recipe.clone() }, 20).unwrap();
    let (images, labels) = batch(1, 8, 16);
    let mut expected = trainer.weights().clone();
    for step in 1..=12 {
        assert_eq!(
            trainer.step(images.view(), labels.view()).unwrap(),
            averaging.step(images.view(), labels.view()).unwrap()
        );
        // The past counts little at first, and half from the eighth step on.
        let past = ((1.0 + f64::from(step)) / (10.0 + f64::from(step))).min(0.5);
        let latest = trainer.weights();
        let both = [(&mut expected.values, &latest.values), (&mut expected.statistics, &latest.statistics)];
        for (expected, latest) in
            both.into_iter().flat_map(|(expected, latest)| expected.iter_mut().zip(latest))
        {
            *expected = (past * f64::from(*expected) + (1.0 - past) * f64::from(*latest)) as f32;
        }
    }
    assert_eq!(averaging.latest_weights(), trainer.weights(), "averaging does not affect the training");
    let found = averaging.weights();
    let pairs = found.values.iter().zip(&expected.values);
    for (found, expected) in pairs.chain(found.statistics.iter().zip(&expected.statistics)) {
        assert!((found - expected).abs() < 1e-5 * expected.abs().max(0.1), "{found}, {expected}");
    }

    // The average is evaluated, and it ends with the averaging.
    let mut classifier = Classifier::new(averaging.weights()).unwrap();
    let oracle = mobilenetv2::evaluate::evaluate(&mut classifier, images.view(), labels.view()).unwrap();
    assert_eq!(averaging.evaluate(images.view(), labels.view()).unwrap(), oracle);
    averaging.set_recipe(recipe).unwrap();
    assert_eq!(averaging.weights(), trainer.weights());
    assert_eq!(
        averaging.evaluate(images.view(), labels.view()).unwrap(),
        trainer.evaluate(images.view(), labels.view()).unwrap()
    );
}

#[test]
fn a_restored_training_continues_bit_for_bit() {
    let recipe = Recipe { batch: 8, ..Recipe::default() };
    let mut trainer = Trainer::new(Weights::random(small(), 1), recipe.clone(), 20).unwrap();
    let (images, labels) = batch(1, 8, 16);
    trainer.step(images.view(), labels.view()).unwrap();
    let (weights, state) = (trainer.weights().clone(), trainer.state().clone());
    let expected = trainer.step(images.view(), labels.view()).unwrap();

    let mut other = Trainer::new(Weights::random(small(), 2), recipe, 20).unwrap();
    other.restore(weights, state).unwrap();
    assert_eq!(other.step(images.view(), labels.view()).unwrap(), expected);
    assert_eq!(other.weights(), trainer.weights());
}

#[test]
fn bad_batches_are_errors_and_change_nothing() {
    let recipe = Recipe { batch: 4, ..Recipe::default() };
    let mut trainer = Trainer::new(Weights::random(small(), 1), recipe, 20).unwrap();
    let before = trainer.weights().clone();
    let (images, _) = batch(1, 4, 16);
    let message =
        |found: mobilenetv2::error::Result<_>| -> String { found.map(|_: ()| ()).unwrap_err().to_string() };
    let mut step =
        |images: ArrayView4<u8>, labels: &[u32]| message(trainer.step(images, aview1(labels)).map(|_| ()));
    assert_eq!(step(images.slice(s![..0, .., .., ..]), &[]), "a batch has 1 to 4 images, not 0");
    assert_eq!(step(batch(1, 5, 16).0.view(), &[0; 5]), "a batch has 1 to 4 images, not 5");
    assert_eq!(step(images.view(), &[0; 5]), "labels have the shape [5]; expected [4]");
    assert_eq!(step(images.view(), &[0, 1, 2, 10]), "label 10 is not one of 10 classes");
    let narrow = images.slice(s![.., .., 1.., ..]);
    assert_eq!(step(narrow, &[0; 4]), "images have the shape [4, 16, 15, 3]; expected [N, S, S, 3]");
    let empty = images.slice(s![.., ..0, ..0, ..]);
    let expected = "images have the shape [4, 0, 0, 3]; expected [N, S, S, 3]";
    assert_eq!(step(empty, &[0; 4]), expected);
    assert_eq!(message(trainer.evaluate(empty, aview1(&[0; 4])).map(|_| ())), expected);
    let normalised = Array4::zeros((4, 8, 8, 3));
    let error = message(trainer.step_tensor(normalised.view(), aview1(&[0; 4])).map(|_| ()));
    assert_eq!(error, "images have the shape [4, 8, 8, 3]; expected [N, 16, 16, 3]");
    assert_eq!(trainer.weights(), &before);

    let recipe = Recipe { freeze: FEATURES, ..Recipe::default() };
    let mut trainer = Trainer::new(Weights::random(small(), 1), recipe, 20).unwrap();
    assert_eq!(message(trainer.features(empty).map(|_| ())), expected);
}

#[test]
fn a_batch_with_one_value_per_channel_is_an_error() {
    let config = Config { resolution: 8, ..small() };
    let recipe = Recipe { batch: 2, ..Recipe::default() };
    let mut trainer = Trainer::new(Weights::random(config, 1), recipe, 20).unwrap();
    let (images, labels) = batch(1, 2, 8);
    let message =
        trainer.step(images.slice(s![..1, .., .., ..]), labels.slice(s![..1])).unwrap_err().to_string();
    assert!(message.contains("too few for batch norm"), "{message}");
    trainer.step(images.view(), labels.view()).unwrap();
}

#[test]
fn divergence_is_reported() {
    let mut weights = Weights::random(small(), 1);
    weights.values[0] = f32::NAN;
    let (images, labels) = batch(1, 4, 16);
    let recipe = Recipe { batch: 4, ..Recipe::default() };
    let mut trainer = Trainer::new(weights, recipe, 20).unwrap();
    assert!(trainer.step(images.view(), labels.view()).unwrap().loss.is_nan());
    let message = "the training has diverged: its values are not all finite after step 1; try a lower learning rate, \
                   or a longer warm-up";
    assert_eq!(trainer.check_finite().unwrap_err().to_string(), message);
    assert!(checkpoint::save(&trainer).is_err());
}
