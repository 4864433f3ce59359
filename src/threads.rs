//! Work on several threads where there are some.

/// Calls `work` on every item: on rayon's threads with the feature `threads`, else one after another.
#[cfg(feature = "threads")]
pub fn for_each<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Send + Sync) {
    use rayon::prelude::*;
    items.par_iter_mut().with_max_len(1).for_each(work);
}

/// Calls `work` on every item: on rayon's threads with the feature `threads`, else one after another.
#[cfg(not(feature = "threads"))]
pub fn for_each<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Send + Sync) {
    items.iter_mut().for_each(work);
}

/// Calls `work(index, chunk)` on chunks of `length` items, the last one shorter, likewise.
#[cfg(feature = "threads")]
pub fn for_each_chunk<T: Send>(items: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Send + Sync) {
    use rayon::prelude::*;
    items.par_chunks_mut(length).enumerate().for_each(|(index, chunk)| work(index, chunk));
}

/// Calls `work(index, chunk)` on chunks of `length` items, the last one shorter, likewise.
#[cfg(not(feature = "threads"))]
pub fn for_each_chunk<T: Send>(items: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Send + Sync) {
    items.chunks_mut(length).enumerate().for_each(|(index, chunk)| work(index, chunk));
}

/// Does `work`, which calls the functions above many times, on one of rayon's threads: only there can it share out
/// work at once, instead of waking a thread and waiting for it each time.
#[cfg(feature = "threads")]
pub fn run<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::join(work, || ()).0
}

/// Does `work`.
#[cfg(not(feature = "threads"))]
pub fn run<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    work()
}

/// Threads that can work at once.
pub fn count() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}
