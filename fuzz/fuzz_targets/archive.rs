//! Bytes as a CIFAR-10 archive: a `.tar.gz`, or the tar in it, packed here so that its checksum is right.
#![no_main]

#[path = "../../xtask/data/src/archive.rs"]
#[allow(dead_code)]
mod archive;

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use mobilenetv2::data::cifar10;
use mobilenetv2_fuzz::within;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Size of CIFAR-10's six batches, and a margin.
const BATCHES: u64 = 200_000_000;

fuzz_target!(init: limit_files(), |bytes: &[u8]| {
    unpack(bytes);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    if let Ok(packed) = gzip.write_all(bytes).and_then(|()| gzip.finish()) {
        unpack(&packed);
    }
    let _ = within(bytes.len(), 0, || cifar10::parse_records(bytes));
});

/// Makes the system kill the process if it writes a larger file, before it fills the disk.
fn limit_files() {
    setrlimit(Resource::Fsize, Rlimit { current: Some(BATCHES), maximum: Some(BATCHES) })
        .expect("a lower limit");
}

fn unpack(bytes: &[u8]) {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let packed = folder.path().join("cifar.tar.gz");
    fs::write(&packed, bytes).expect("a file");
    let into = folder.path().join("into");
    let _ = within(bytes.len(), 0, || archive::unpack(&packed, &into));
    assert!(size(&into) <= BATCHES, "more than six batches came out of {} bytes", bytes.len());
}

/// Bytes of the files in a folder.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}
