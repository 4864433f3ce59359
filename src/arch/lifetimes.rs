//! When tensors are needed, and where they can lie so that those needed at the same time do not overlap.

use std::ops::Range;

use super::Layer;

/// Of each layer, the last one that needs its output, by reading or by adding it.
pub fn last_uses(layers: &[Layer]) -> Vec<usize> {
    let mut last: Vec<usize> = (0..layers.len()).collect();
    for (index, layer) in layers.iter().enumerate() {
        for needed in layer.input.into_iter().chain(layer.adds) {
            last[needed] = index;
        }
    }
    last
}

/// A tensor and the first and the last moment at which it is needed.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    /// Its size.
    pub floats: usize,
    /// When it is written.
    pub first: usize,
    /// When it is read for the last time.
    pub last: usize,
}

impl Lifetime {
    fn overlaps(&self, other: &Lifetime) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Places the tensors in one memory; returns their places and its length. Tensors needed longest are placed first, the
/// largest of them before the others, each at the lowest offset where it overlaps none that is needed at the same time.
/// For a MobileNet's inference the length is the minimum: what must exist at once.
pub fn share_memory(tensors: &[Lifetime]) -> (Vec<Range<usize>>, usize) {
    let mut places: Vec<Option<Range<usize>>> = vec![None; tensors.len()];
    let rank = |index: &usize| (tensors[*index].last - tensors[*index].first, tensors[*index].floats);
    let unplaced = |places: &[Option<Range<usize>>]| {
        (0..tensors.len()).rev().filter(|index| places[*index].is_none()).max_by_key(rank)
    };
    while let Some(next) = unplaced(&places) {
        let tensor = &tensors[next];
        let beside = tensors.iter().zip(&places).filter(|(other, _)| tensor.overlaps(other));
        let taken: Vec<Range<usize>> = beside.filter_map(|(_, place)| place.clone()).collect();
        let fits = |start: &usize| {
            taken.iter().all(|other| other.end <= *start || *start + tensor.floats <= other.start)
        };
        let start = taken.iter().map(|other| other.end).chain([0]).filter(fits).min();
        let start = start.expect("behind all others there is room");
        places[next] = Some(start..start + tensor.floats);
    }
    let places: Vec<Range<usize>> = places.into_iter().flatten().collect();
    let length = places.iter().map(|place| place.end).max().unwrap_or(0);
    (places, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_at_the_same_time_does_not_overlap() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..100 {
            let tensors: Vec<Lifetime> = (0..20)
                .map(|_| {
                    let first = rng.usize(..30);
                    Lifetime { floats: 8 * rng.usize(1..20), first, last: first + rng.usize(..5) }
                })
                .collect();
            let (places, length) = share_memory(&tensors);
            for (i, place) in places.iter().enumerate() {
                assert_eq!((place.len(), place.end <= length), (tensors[i].floats, true));
                for (j, other) in places.iter().enumerate().take(i) {
                    let apart = place.end <= other.start || other.end <= place.start;
                    assert!(apart || !tensors[i].overlaps(&tensors[j]), "{i} and {j} of {tensors:?}");
                }
            }
        }
    }
}
