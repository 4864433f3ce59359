//! `bench`: the speed of this machine, and where the time goes.

use std::sync::LazyLock;
use std::time::Instant;

use clap::value_parser;
use mobilenetv2::arch::{Config, Cost, Stem, Weights};
use mobilenetv2::error::{Error, Result};
use mobilenetv2::infer::Classifier;
use mobilenetv2::profile::Row;
use mobilenetv2::train::{Recipe, Trainer};
use ndarray::{Array1, Array4};
use serde::Serialize;

use crate::files::{print, print_json};
use crate::network::NetworkOptions;

/// Measure inference of one image, or a training step, on random numbers
///
/// Times are medians of the runs, after a warm-up of three. A multiply-add counts as two operations; backward counts as
/// twice forward.
#[derive(clap::Args)]
pub struct Args {
    /// Measure a training step: forward, backward and update
    #[arg(long)]
    train: bool,
    /// Measure inference op by op instead of with fused blocks
    #[arg(long, conflicts_with = "train")]
    op_by_op: bool,
    /// Images per training step
    #[arg(long, default_value_t = 32, requires = "train", value_name = "N")]
    batch: usize,
    /// Number of threads, at most one per core [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Number of measured runs
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Print the time of each operation of each layer; inference is then measured on one thread
    #[arg(long)]
    profile: bool,
    /// Print the result as JSON, with all times
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: NetworkOptions,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Report {
    width: f64,
    resolution: usize,
    images: usize,
    threads: usize,
    median_ms: f64,
    images_per_second: f64,
    gflops: f64,
    /// Memory beyond weights and images.
    working_bytes: u64,
    times_ms: Vec<f64>,
    /// Medians, in the order of the layers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profile: Vec<Row>,
}

const WARM_UP: usize = 3;

pub fn run(args: &Args) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(usize::MAX, usize::from);
    if let Some(threads) = args.threads.filter(|threads| !(1..=cores).contains(threads)) {
        return Err(Error::Argument(format!(
            "--threads must be 1 to {cores}, the number of cores, not {threads}"
        )));
    }
    let threads = if args.profile && !args.train { Some(1) } else { args.threads };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .build_global()
        .map_err(|error| Error::Argument(format!("threads cannot be started: {error}")))?;
    let config = args.network.over_preset(if args.train { Stem::Cifar } else { Stem::Imagenet })?;
    let report = if args.train { train(args, config)? } else { infer(args, config)? };
    if args.json { print_json(&report) } else { show(&report, args.train) }
}

fn infer(args: &Args, config: Config) -> Result<Report> {
    let weights = Weights::untrained(config.clone(), 1)?;
    let mut classifier =
        if args.op_by_op { Classifier::op_by_op(&weights)? } else { Classifier::new(&weights)? };
    let image = random(1, config.resolution).mapv(|byte| f32::from(byte) / 127.5 - 1.0);
    let times_ms = measure(args.runs, || {
        classifier.forward(image.view())?;
        Ok(())
    })?;
    let cost = Cost::new(&config);
    let mut report = report(&config, &cost, 1, classifier.working_bytes() as u64, times_ms);
    if args.profile {
        report.profile = profile(args.runs, 1, || {
            classifier.watch(Some(seconds));
            classifier.forward(image.view())?;
            Ok(classifier.profile().rows(&cost))
        })?;
    }
    Ok(report)
}

fn train(args: &Args, config: Config) -> Result<Report> {
    let recipe = Recipe { batch: args.batch, ..Recipe::default() };
    let cost = Cost::new(&config);
    // Checks the memory for the batch, before there are so many images.
    let mut trainer = Trainer::new(Weights::untrained(config.clone(), 1)?, recipe, args.batch)?;
    let images = random(args.batch, config.resolution);
    let labels: Array1<u32> = (0..config.classes as u32).cycle().take(args.batch).collect();
    let times_ms = measure(args.runs, || trainer.step(images.view(), labels.view()).map(|_| ()))?;
    let mut report = report(&config, &cost, args.batch, trainer.working_bytes(), times_ms);
    report.gflops *= 3.0;
    if args.profile {
        report.profile = profile(args.runs, args.batch, || {
            trainer.watch(Some(seconds));
            trainer.step(images.view(), labels.view())?;
            Ok(trainer.profile().rows(&cost))
        })?;
    }
    Ok(report)
}

/// Reproducible pseudo-random images, (N, R, R, 3).
fn random(count: usize, resolution: usize) -> Array4<u8> {
    let mut images = Array4::zeros((count, resolution, resolution, 3));
    fastrand::Rng::with_seed(1).fill(images.as_slice_mut().expect("a new array is contiguous"));
    images
}

/// Milliseconds of each run, after a warm-up.
fn measure(runs: u32, mut work: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    (0..WARM_UP).try_for_each(|_| work())?;
    let time = |_| {
        let start = Instant::now();
        work()?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    (0..runs).map(time).collect()
}

fn report(config: &Config, cost: &Cost, images: usize, working_bytes: u64, times_ms: Vec<f64>) -> Report {
    let median_ms = median(&times_ms);
    Report {
        width: config.width,
        resolution: config.resolution,
        images,
        threads: rayon::current_num_threads(),
        median_ms,
        images_per_second: images as f64 / median_ms * 1e3,
        gflops: gflops(cost.macs * images as u64, median_ms / 1e3),
        working_bytes,
        times_ms,
        profile: Vec::new(),
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn gflops(macs: u64, seconds: f64) -> f64 {
    2.0 * macs as f64 / seconds / 1e9
}

/// The clock of a profile.
fn seconds() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64()
}

/// The profile of `runs` runs on `images` images: the median of each operation.
fn profile(runs: u32, images: usize, mut work: impl FnMut() -> Result<Vec<Row>>) -> Result<Vec<Row>> {
    let runs = (0..runs).map(|_| work()).collect::<Result<Vec<_>>>()?;
    let mut rows = runs[0].clone();
    for (index, row) in rows.iter_mut().enumerate() {
        row.seconds = median(&runs.iter().map(|rows| rows[index].seconds).collect::<Vec<_>>());
        row.macs *= images as u64;
    }
    Ok(rows)
}

fn show(report: &Report, train: bool) -> Result<()> {
    let Report { width, resolution, images, threads, median_ms, images_per_second, gflops, .. } = report;
    let what = if train { format!("training step, batch {images}") } else { "inference".into() };
    print(format!(
        "{what}, width {width}, {resolution} × {resolution}, {threads} thread{}: {median_ms:.2} ms, \
         {images_per_second:.1} images/s, {gflops:.1} GFLOP/s",
        if *threads == 1 { "" } else { "s" }
    ))?;
    let megabytes = report.working_bytes as f64 / 1e6;
    print(format!(
        "memory beyond weights and images: {megabytes:.2} MB, {:.2} per image",
        megabytes / *images as f64
    ))?;
    if report.profile.is_empty() {
        return Ok(());
    }
    let total: f64 = report.profile.iter().map(|row| row.seconds).sum();
    print(format!("\n{:20} {:10} {:>9} {:>7} {:>8}", "layer", "operation", "ms", "share", "GFLOP/s"))?;
    for row in &report.profile {
        show_row(&row.layer, row, total)?;
    }
    print("\nby kind of layer")?;
    let mut kinds: Vec<(String, Row)> = Vec::new();
    for row in &report.profile {
        let kind = row.kind.map_or("network".into(), |kind| format!("{kind:?}").to_lowercase());
        match kinds.iter_mut().find(|(name, sum)| *name == kind && sum.operation == row.operation) {
            Some((_, sum)) => {
                sum.seconds += row.seconds;
                sum.macs += row.macs;
            }
            None => kinds.push((kind, row.clone())),
        }
    }
    kinds.sort_by(|(_, a), (_, b)| b.seconds.total_cmp(&a.seconds));
    kinds.iter().try_for_each(|(kind, row)| show_row(kind, row, total))?;
    print(format!("{:31} {:9.3}", "together", total * 1e3))
}

fn show_row(name: &str, row: &Row, total: f64) -> Result<()> {
    let speed = if row.macs > 0 { format!("{:8.1}", gflops(row.macs, row.seconds)) } else { String::new() };
    let operation = format!("{:?}", row.operation).to_lowercase();
    let share = 100.0 * row.seconds / total;
    print(format!("{name:20} {operation:10} {:9.3} {share:5.1} % {speed}", row.seconds * 1e3))
}
