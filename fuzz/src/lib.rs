//! The limits for every parser under test: no escaping panic, one second, and bounded memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, Once};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

/// Seconds of CPU time for an input: a wall clock would blame the wrong input on a loaded machine.
const SECONDS: i64 = 1;
/// Bytes allowed for any input, and per byte of input.
const BYTES: usize = 64 << 20;
const BYTES_PER_BYTE: usize = 16;

/// Counts allocations and refuses those beyond the limit. A parser that asks first then reports an error; one that does
/// not is aborted, which libFuzzer reports as a finding.
struct Limited;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
/// Whether an allocation was refused: results of that input are not compared with anything.
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
        // both exist while the bytes move
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

/// Runs `parse` on an input of `input` bytes within the limits; its result may take `extra` bytes.
pub fn within<T>(input: usize, extra: usize, parse: impl FnOnce() -> T) -> T {
    // libFuzzer's own hook aborts the process on any panic, even one that the code under test catches.
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

/// Whether an allocation for the last input was refused.
pub fn refused() -> bool {
    REFUSED.load(Relaxed)
}

/// Aborts the process with a message: a finding.
fn fail(message: &str) -> ! {
    eprintln!("{message}");
    process::abort()
}

fn seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// An empty file, in memory if the system has such a folder.
pub fn file() -> NamedTempFile {
    NamedTempFile::new_in("/dev/shm").or_else(|_| NamedTempFile::new()).expect("a temporary file")
}

/// Maximum bytes of data that [`safetensors`] puts behind a header.
const DATA: usize = 1 << 20;

/// A safetensors file of a header and as much data as it announces: `data` first, then zeros. Beyond a megabyte the
/// data are left out.
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
