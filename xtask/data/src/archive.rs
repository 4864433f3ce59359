//! The official archive: which one it is, and what is taken out of it.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

/// SHA-256 of a file, in hexadecimal.
pub fn checksum(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Takes the record files, whatever folder they are in, out of a `.tar.gz`.
pub fn unpack(archive: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into)?;
    let damaged = || format!("{} is no whole .tar.gz archive", archive.display());
    let file = File::open(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    let mut tar = tar::Archive::new(MultiGzDecoder::new(BufReader::new(file)));
    let mut count = 0;
    for entry in tar.entries()? {
        let mut entry = entry.with_context(damaged)?;
        let path = entry.path().with_context(damaged)?.into_owned();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.ends_with(".bin") && (name.starts_with("data_batch_") || name.starts_with("test_batch")) {
            io::copy(&mut entry, &mut File::create(into.join(name))?).with_context(damaged)?;
            count += 1;
        }
    }
    // only at its end does gzip compare its checksum
    io::copy(&mut tar.into_inner(), &mut io::sink()).with_context(damaged)?;
    ensure!(
        count > 0,
        "{} holds no data_batch_….bin: it is not CIFAR-10's binary version",
        archive.display()
    );
    Ok(())
}
