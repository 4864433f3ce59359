//! What every target holds its parser to: no panic that leaves it, a second at most, and bounded memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, Once};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

/// Seconds of this process's own time that an input may take: on a loaded machine a wall clock would blame the wrong one.
const SECONDS: i64 = 1;
/// Bytes that any input may take, and those that each of its own bytes may.
const BYTES: usize = 64 << 20;
const BYTES_PER_BYTE: usize = 16;

/// Counts what is allocated and refuses what is beyond the limit: a parser that asks first reports an error then, and one
/// that does not ask is ended, which libFuzzer takes for a finding.
struct Limited;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
/// Whether a request was refused: what happens to the input then is not compared with anything.
static REFUSED: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Limited = Limited;

impl Limited {
    fn take(&self, bytes: usize) -> bool {
        let before = LIVE.fetch_add(bytes, Relaxed);
        if before.saturating_add(bytes) <= LIMIT.load(Relaxed) {
            return true;
        }
        LIVE.fetch_sub(bytes, Relaxed);
        REFUSED.store(true, Relaxed);
        false
    }
}

// SAFETY: the system's allocator does the work; a null pointer is how an allocator refuses.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.take(layout.size()) { unsafe { System.alloc(layout) } } else { ptr::null_mut() }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.take(layout.size()) { unsafe { System.alloc_zeroed(layout) } } else { ptr::null_mut() }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // both are there while the bytes move
        if !self.take(size) {
            return ptr::null_mut();
        }
        let moved = unsafe { System.realloc(pointer, layout, size) };
        LIVE.fetch_sub(if moved.is_null() { size } else { layout.size() }, Relaxed);
        moved
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

static PANIC: Mutex<String> = Mutex::new(String::new());

/// Runs `parse` on an input of so many bytes within the limits; `extra` bytes are its result's by right.
pub fn within<T>(input: usize, extra: usize, parse: impl FnOnce() -> T) -> T {
    // libFuzzer's own hook ends the process at any panic, even at one that the code under test catches.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| panic::set_hook(Box::new(|info| *PANIC.lock().unwrap() = info.to_string())));
    REFUSED.store(false, Relaxed);
    let start = seconds();
    LIMIT.store(LIVE.load(Relaxed) + BYTES + BYTES_PER_BYTE * input + extra, Relaxed);
    let result = panic::catch_unwind(AssertUnwindSafe(parse));
    LIMIT.store(usize::MAX, Relaxed);
    let taken = seconds() - start;
    let result = result.unwrap_or_else(|_| fail(&PANIC.lock().unwrap()));
    if taken > SECONDS as f64 {
        fail(&format!("{taken:.1} s for {input} bytes"));
    }
    result
}

/// Whether memory was refused to the last input.
pub fn refused() -> bool {
    REFUSED.load(Relaxed)
}

/// Ends the process with a message: a finding.
fn fail(message: &str) -> ! {
    eprintln!("{message}");
    process::abort()
}

fn seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// An empty file, in memory where the system has such a folder.
pub fn file() -> NamedTempFile {
    NamedTempFile::new_in("/dev/shm").or_else(|_| NamedTempFile::new()).expect("a temporary file")
}

/// The most data that [`safetensors`] puts behind a header.
const DATA: usize = 1 << 20;

/// A safetensors file of a header and as many bytes of data as it announces, the first of them `data`, the others zero.
/// Announced lengths beyond a megabyte are not filled.
pub fn safetensors(header: &[u8], data: &[u8]) -> Vec<u8> {
    let announced = serde_json::from_slice::<Map<String, Value>>(header).map_or(0, |tensors| {
        let ends = tensors.values().filter_map(|tensor| tensor.get("data_offsets")?.get(1)?.as_u64());
        ends.max().unwrap_or(0) as usize
    });
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(&data[..data.len().min(announced)]);
    file.resize(8 + header.len() + announced.min(DATA), 0);
    file
}
