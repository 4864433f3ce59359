//! A block's output is bit-identical however it is divided: into partitions and tiles of any height, by rows or by
//! channels.

use proptest::prelude::*;

use super::*;
use crate::arch::{Padding, Shortcut, Stem, Weights};
use crate::infer::fold::fold;
use crate::kernel::{levels, reference};

fn config() -> impl Strategy<Value = Config> {
    let kinds = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (8..40usize, prop_oneof![Just(0.1), Just(0.35)], prop_oneof![Just(1), Just(2), Just(6)], kinds).prop_map(
        |(resolution, width, expansion, (cifar, same, projected, expand_first))| Config {
            resolution,
            width,
            expansion,
            classes: 1,
            stem: if cifar { Stem::Cifar } else { Stem::Imagenet },
            padding: if same { Padding::Same } else { Padding::Symmetric },
            shortcut: if projected { Shortcut::Projected } else { Shortcut::Bottlenecks },
            expand_first,
            ..Config::cifar()
        },
    )
}

/// The output of a block with its current division, (C, size, size).
fn output(block: &FusedBlock, level: Level, input: Input, threads: usize) -> Vec<f32> {
    let mut profiles = vec![Profile::default(); threads];
    let mut out = vec![f32::NAN; block.floats_out()];
    // what another block left there must not matter
    let mut working = vec![f32::NAN; block.working_floats(threads)];
    block.run(level, input, &mut out, &mut working, &mut profiles);
    block.map(&out).to_planes(level).into_raw_vec_and_offset().0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_partition_gives_the_same(
        config in config(),
        index in prop_oneof![Just(0usize), 0..17usize],
        partition: prop::sample::Index,
        tile: prop::sample::Index,
        threads in 1..6usize,
        seed: u64,
    ) {
        let weights = Weights::random(config.clone(), seed);
        let layers = config.layers();
        let first = layers.iter().find(|layer| layer.block == Some(index)).unwrap();
        let channels = if index == 0 { 3 } else { first.c_in };
        let size = if index == 0 { config.resolution } else { first.size_in };
        let values = reference::numbers(seed, channels * size * size);
        let map = Map { channels, size, partition_rows: size, values: &values };
        let input = if index == 0 { Input::Image(&values) } else { Input::Map(map) };
        for level in levels() {
            let mut folded = fold(level, &weights, &layers, true).into_iter();
            let stem = folded.next().filter(|_| index == 0);
            let parts = folded.filter(|part| part.layer.block == Some(index));
            let mut block = FusedBlock::new(index, stem, parts);
            block.lay_out(level, &config, &layers, threads, None);
            let size = block.size_out();

            block.by_channels = false;
            block.divide(level, size, size);
            let expected = output(&block, level, input, 1);
            assert!(expected.iter().all(|value| value.is_finite()), "{level:?}: part of the output was not written");

            let partition = 1 + partition.index(size);
            let tile = 1 + tile.index(partition);
            block.divide(level, partition, tile);
            let found = output(&block, level, input, size.div_ceil(partition));
            assert!(found == expected, "{level:?}: partitions of {partition} rows, tiles of {tile} of {size}");

            block.by_channels = true;
            block.divide(level, size, size);
            let found = output(&block, level, input, threads);
            assert!(found == expected, "{level:?}: channels shared out among {threads} threads");
        }
    }
}
