//! The official archive: its identity, and unpacking.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;

/// Bytes of the largest record file: ten thousand images.
const MOST_RECORDS: u64 = 10_000 * 3073;
/// Maximum unpacked size of an archive: the official one's 184 million bytes, and a margin.
const MOST_UNPACKED: u64 = 250_000_000;

/// Unpacks the record files, whatever folder they are in, from a `.tar.gz`.
pub fn unpack(archive: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into)?;
    let damaged = || format!("{} is not a complete .tar.gz archive", archive.display());
    let file = File::open(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    let unpacked = Limited { inner: MultiGzDecoder::new(BufReader::new(file)), left: MOST_UNPACKED };
    let mut tar = tar::Archive::new(unpacked);
    let mut count = 0;
    for entry in tar.entries()? {
        let mut entry = entry.with_context(damaged)?;
        let path = entry.path().with_context(damaged)?.into_owned();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.ends_with(".bin") && (name.starts_with("data_batch_") || name.starts_with("test_batch")) {
            // Checks kind and size first: a few bytes of an archive can stand for gigabytes of zeros.
            ensure!(
                entry.header().entry_type().is_file(),
                "{name} in {} is not a regular file",
                archive.display()
            );
            ensure!(
                entry.size() <= MOST_RECORDS,
                "{name} in {} has {} bytes; expected at most {MOST_RECORDS} in a file of CIFAR-10 records",
                archive.display(),
                entry.size()
            );
            let mut file = File::create_new(into.join(name))
                .with_context(|| format!("{name} in {} cannot be unpacked", archive.display()))?;
            io::copy(&mut entry, &mut file).with_context(damaged)?;
            count += 1;
        }
    }
    // gzip compares its checksum only at the end
    io::copy(&mut tar.into_inner(), &mut io::sink()).with_context(damaged)?;
    ensure!(
        count > 0,
        "{} contains no data_batch_….bin: it is not CIFAR-10's binary version",
        archive.display()
    );
    Ok(())
}

/// A stream that fails beyond a maximum length.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(length as u64).ok_or_else(|| {
            io::Error::other(format!("it unpacks to more than {} million bytes", MOST_UNPACKED / 1_000_000))
        })?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{EntryType, Header};

    use super::*;

    /// The error for an archive with an entry of this kind and size, all zeros, `times` times.
    fn message(name: &str, kind: EntryType, size: u64, times: usize) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar.gz");
        let mut tar = tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
        for _ in 0..times {
            let mut header = Header::new_gnu();
            header.set_path(name).unwrap();
            header.set_entry_type(kind);
            header.set_size(if kind == EntryType::Regular { size } else { 0 });
            if kind == EntryType::GNUSparse {
                // eight gigabytes, none of them stored
                let gnu = header.as_gnu_mut().unwrap();
                gnu.realsize = *b"77777777777\0";
                (gnu.sparse[0].offset, gnu.sparse[0].numbytes) = (gnu.realsize, *b"00000000000\0");
            }
            header.set_cksum();
            // entries that are too large are refused by their size alone
            let stored = if size > MOST_RECORDS { 0 } else { header.size().unwrap() };
            tar.append(&header, io::repeat(0).take(stored)).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        let into = folder.path().join("out");
        let error = unpack(&path, &into).unwrap_err();
        let written: u64 =
            fs::read_dir(&into).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(written <= MOST_RECORDS, "{written} bytes were written");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something was written elsewhere");
        format!("{error:#}")
    }

    #[test]
    fn entries_that_cannot_be_batches_are_refused() {
        let of = |kind, size| message("x/data_batch_1.bin", kind, size, 1);
        assert!(of(EntryType::GNUSparse, 0).contains("is not a regular file"));
        assert!(of(EntryType::Symlink, 0).contains("is not a regular file"));
        assert!(of(EntryType::Link, 0).contains("is not a regular file"));
        let message_of_large = of(EntryType::Regular, MOST_RECORDS + 1);
        assert!(message_of_large.contains("30730001 bytes; expected at most"), "{message_of_large}");
        assert!(message("data_batch_1.bin", EntryType::Regular, 3073, 2).contains("cannot be unpacked"));
        assert!(message("x/y", EntryType::Regular, 3073, 1).contains("contains no data_batch"));
    }

    #[test]
    fn an_endless_stream_is_cut_off() {
        let mut endless = Limited { inner: io::repeat(0), left: 1 << 20 };
        let error = io::copy(&mut endless, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("unpacks to more than 250 million bytes"));
    }
}
