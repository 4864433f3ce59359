//! Work on several threads where there are some.

#[cfg(feature = "threads")]
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

/// Calls `work` on every item: on rayon's threads with the feature `threads`, else one after another.
pub fn for_each<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Sync) {
    for_each_chunk(items, 1, |_, item| work(&mut item[0]));
}

/// Calls `work(index, chunk)` on chunks of `length` items (the last may be shorter), in the same way.
pub fn for_each_chunk<T: Send>(items: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    #[cfg(feature = "threads")]
    halve(items, length, 0, &work);
    #[cfg(not(feature = "threads"))]
    items.chunks_mut(length).enumerate().for_each(|(index, chunk)| work(index, chunk));
}

/// [`for_each_chunk`] on the chunks from number `first` on: one half here, the other on whichever thread is free.
/// Compiled once per type of item, not once per piece of work, which would make the page larger.
#[cfg(feature = "threads")]
fn halve<T: Send>(items: &mut [T], length: usize, first: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let chunks = items.len().div_ceil(length);
    if chunks < 2 {
        items.chunks_mut(length).for_each(|chunk| work(first, chunk));
        return;
    }
    let (left, right) = items.split_at_mut(chunks / 2 * length);
    let done = AtomicBool::new(false);
    let here = || {
        halve(left, length, first, work);
        linger(&done);
    };
    let there = || {
        halve(right, length, first + chunks / 2, work);
        done.store(true, Ordering::Release);
    };
    rayon::join(here, there);
}

/// How often a thread looks for work, or for the end of it, before it goes to sleep: for some hundred microseconds.
/// Waking it takes about fifty, as long as a layer of a small image; rayon by itself looks 32 times.
#[cfg(feature = "threads")]
const LOOKS: usize = 1 << 12;

/// Takes on work that other threads share until `over`, or until there has been none for a while. With more threads
/// than cores (RAYON_NUM_THREADS), a thread that looks for work would slow the others down.
#[cfg(feature = "threads")]
fn linger(over: &AtomicBool) {
    let mut looks = if crowded() { LOOKS } else { 0 };
    while looks < LOOKS && !over.load(Ordering::Acquire) {
        match rayon::yield_now() {
            Some(rayon::Yield::Executed) => looks = 0,
            _ => looks += 1,
        }
        std::hint::spin_loop();
    }
}

/// Whether there are more threads than cores. In a browser the page chooses the number of threads, so there are not.
#[cfg(feature = "threads")]
fn crowded() -> bool {
    #[cfg(not(target_arch = "wasm32"))]
    {
        static CORES: std::sync::LazyLock<usize> =
            std::sync::LazyLock::new(|| std::thread::available_parallelism().map_or(usize::MAX, usize::from));
        rayon::current_num_threads() > *CORES
    }
    #[cfg(target_arch = "wasm32")]
    false
}

/// Runs `work`, which calls the functions above many times, on the first of rayon's threads and keeps the others awake
/// meanwhile. Each thread then gets the same part of every image, whose values are in its caches. If one of rayon's
/// threads calls this, the others have work of their own, and `work` simply runs.
#[cfg(feature = "threads")]
pub fn run<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if rayon::current_thread_index().is_some() {
        return work();
    }
    let work = Mutex::new(Some(work));
    let over = AtomicBool::new(false);
    let results = rayon::broadcast(|thread| {
        if thread.index() > 0 {
            linger(&over);
            return None;
        }
        let work = work.lock().ok()?.take()?;
        let result = work();
        over.store(true, Ordering::Release);
        Some(result)
    });
    results.into_iter().flatten().next().expect("the first thread ran the work")
}

/// Runs `work`.
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
