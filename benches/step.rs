//! A whole training step, and the classification of a picture, on one thread and on all. "elem/s" counts images per
//! second.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::infer::Classifier;
use mobilenetv2::train::{Recipe, Trainer};
use ndarray::{Array1, Array4};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// One thread, and all.
fn pools() -> [ThreadPool; 2] {
    [1, 0].map(|threads| ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start"))
}

/// Forward, backward and update of the CIFAR network.
fn training(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("train");
    group.sample_size(10);
    for (width, batch) in [(1.0, 32), (1.0, 96), (0.35, 32), (0.35, 96)] {
        let config = Config { width, ..Config::cifar() };
        let mut images = Array4::zeros((batch, config.resolution, config.resolution, 3));
        fastrand::Rng::with_seed(1).fill(images.as_slice_mut().expect("a new array is contiguous"));
        let labels: Array1<u32> = (0..10).cycle().take(batch).collect();
        group.throughput(Throughput::Elements(batch as u64));
        for pool in pools() {
            let recipe = Recipe { batch, ..Recipe::default() };
            let mut trainer =
                Trainer::new(Weights::random(config.clone(), 1), recipe, batch).expect("there is memory");
            let name = format!("{width} batch {batch} threads {}", pool.current_num_threads());
            group.bench_function(name, |bencher| {
                let mut step = || trainer.step(images.view(), labels.view()).expect("the batch fits");
                bencher.iter(|| pool.install(&mut step));
            });
        }
    }
    group.finish();
}

fn inference(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("infer");
    group.throughput(Throughput::Elements(1));
    for (width, resolution) in [(1.0, 224), (1.0, 96), (0.35, 96)] {
        let config = Config { width, resolution, ..Config::imagenet() };
        let mut rng = fastrand::Rng::with_seed(1);
        let image = Array4::from_shape_simple_fn((1, resolution, resolution, 3), || rng.f32() * 2.0 - 1.0);
        for pool in pools() {
            let weights = Weights::random(config.clone(), 1);
            let mut classifier =
                pool.install(|| Classifier::new(&weights)).expect("the configuration is in range");
            let name = format!("{width} at {resolution} threads {}", pool.current_num_threads());
            group.bench_function(name, |bencher| {
                bencher.iter(|| pool.install(|| classifier.forward(image.view()).expect("the image fits")));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, training, inference);
criterion_main!(benches);
