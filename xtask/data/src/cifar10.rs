//! CIFAR-10, from any source, to the mosaics that the page loads.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::ExtendedColorType;
use image::codecs::webp::WebPEncoder;
use indicatif::{ProgressBar, ProgressStyle};
use mobilenetv2::arch::Config;
use mobilenetv2::data::{Dataset, cifar10, load_train_and_test};
use mobilenetv2::ndarray::Axis;

use crate::archive::unpack;
use crate::download::{fetch, is_url, part_of};

/// The authors' binary version (A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009), and its
/// SHA-256.
const OFFICIAL: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
const SHA256: &str = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd";

/// Folder of the unpacked archive, and of the mosaics while they are being written.
const BATCHES: &str = "batches";
const MOSAICS: &str = "mosaics";

/// Fills the folder `into` from the authors' server, or from an address, an archive, a folder of record files or a
/// folder of mosaics, and describes the result. The mosaics are built elsewhere until they are complete and checked.
pub fn prepare(from: Option<&str>, into: &Path) -> Result<String> {
    if from.is_none() && into.exists() {
        return Ok(format!("{} already exists; remove it to fetch it again", into.display()));
    }
    let into = &end_of_link(into)?;
    let work = part_of(into);
    fs::create_dir_all(&work).with_context(|| format!("cannot write {}", work.display()))?;
    let source = match from {
        None => fetch(OFFICIAL, Some(SHA256), &work)?,
        Some(url) if is_url(url) => fetch(url, None, &work)?,
        Some(path) => PathBuf::from(path),
    };
    clear(&work)?; // do not mix in the leftovers of an interrupted run
    let result = lay_out(&source, &work, into);
    if result.is_ok() {
        fs::remove_dir_all(&work)?;
    } else {
        clear(&work)?;
        // remove the download, which must not be found again; a person's own file stays
        if source.starts_with(&work) {
            fs::remove_file(&source)?;
        }
        let _ = fs::remove_dir(&work); // keeps an interrupted download that can be resumed
    }
    result
}

/// The folder to fill, resolving links. Its content is going to be replaced, so it must contain nothing else.
fn end_of_link(into: &Path) -> Result<PathBuf> {
    if !into.exists() {
        return Ok(into.to_owned());
    }
    let into = fs::canonicalize(into).with_context(|| format!("cannot read {}", into.display()))?;
    for entry in fs::read_dir(&into).with_context(|| format!("{} is not a folder", into.display()))? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        ensure!(
            is_part(&name) || name.starts_with('.'),
            "{} contains {name}, which is not part of CIFAR-10 and would be lost: choose another folder",
            into.display()
        );
    }
    Ok(into)
}

/// Removes the intermediate files of a source.
fn clear(work: &Path) -> Result<()> {
    for folder in [BATCHES, MOSAICS].map(|name| work.join(name)).iter().filter(|folder| folder.exists()) {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

/// Makes a source's mosaics and moves them into place once they are complete.
fn lay_out(source: &Path, work: &Path, into: &Path) -> Result<String> {
    let folder = folder_of(source, work)?;
    let (train, test) = load_train_and_test(&folder, &Config::cifar())?;
    let mosaics = work.join(MOSAICS);
    fs::create_dir(&mosaics)?;
    if is_mosaics(&folder) {
        copy_mosaics(&folder, &mosaics)?;
    } else {
        write_mosaics(&train, "train", &mosaics)?;
        write_mosaics(&test, "test", &mosaics)?;
    }

    if into.exists() {
        fs::remove_dir_all(into).with_context(|| format!("cannot replace {}", into.display()))?;
    }
    fs::rename(&mosaics, into).with_context(|| format!("cannot write {}", into.display()))?;
    Ok(format!("{}: {} training images, {} test images", into.display(), train.len(), test.len()))
}

/// The folder with the records or mosaics: the source itself, a folder in it, or the unpacked archive.
fn folder_of(source: &Path, work: &Path) -> Result<PathBuf> {
    ensure!(source.exists(), "{} does not exist", source.display());
    if source.is_file() {
        let batches = work.join(BATCHES);
        unpack(source, &batches)?;
        return Ok(batches);
    }
    let unpacked = source.join("cifar-10-batches-bin");
    let folder = if unpacked.is_dir() { unpacked } else { source.to_owned() };
    ensure!(
        is_mosaics(&folder) || folder.join("test_batch.bin").exists(),
        "{} contains neither CIFAR-10's records (data_batch_1.bin …, test_batch.bin) nor mosaics \
         (train_00.webp …, train_labels.bin …)",
        folder.display()
    );
    Ok(folder)
}

fn is_mosaics(folder: &Path) -> bool {
    folder.join("train_labels.bin").exists()
}

/// Whether a file of this name is a mosaic or its labels.
fn is_part(name: &str) -> bool {
    (name.starts_with("train_") || name.starts_with("test_"))
        && (name.ends_with(".webp") || name.ends_with("_labels.bin"))
}

fn copy_mosaics(from: &Path, into: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_part(&name) {
            fs::write(into.join(name), fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Writes `KIND_00.webp` …, lossless, and `KIND_labels.bin`.
fn write_mosaics(data: &Dataset, kind: &str, into: &Path) -> Result<()> {
    let per_mosaic = cifar10::PER_MOSAIC;
    ensure!(
        data.len().is_multiple_of(per_mosaic),
        "{} {kind} images do not fill mosaics of {per_mosaic}: some records are missing",
        data.len()
    );
    let bar = ProgressBar::new((data.len() / per_mosaic) as u64)
        .with_style(ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len} mosaics")?)
        .with_message(kind.to_owned());
    for (number, images) in data.images.axis_chunks_iter(Axis(0), per_mosaic).enumerate() {
        let mosaic = cifar10::to_mosaic(images)?;
        let (width, height) = (mosaic.width() as u32, mosaic.height() as u32);
        let mut bytes = Vec::new();
        WebPEncoder::new_lossless(&mut bytes).encode(mosaic.rgb(), width, height, ExtendedColorType::Rgb8)?;
        fs::write(into.join(format!("{kind}_{number:02}.webp")), bytes)?;
        bar.inc(1);
    }
    let labels: Vec<u8> = data.labels.iter().map(|&label| label as u8).collect();
    fs::write(into.join(format!("{kind}_labels.bin")), labels)?;
    bar.finish();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::download::tests::{answer, server};

    /// A thousand records with pseudo-random colours.
    fn records(seed: u64) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let mut bytes: Vec<u8> = (0..1000 * 3073).map(|_| next()).collect();
        bytes.iter_mut().step_by(3073).for_each(|label| *label %= 10);
        bytes
    }

    /// A folder with an archive of two record files, and the same files unpacked.
    fn sources() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = folder.path().join("cifar-10-batches-bin");
        fs::create_dir(&unpacked).unwrap();
        fs::write(unpacked.join("data_batch_1.bin"), records(1)).unwrap();
        fs::write(unpacked.join("test_batch.bin"), records(2)).unwrap();
        pack(&unpacked, &folder.path().join("a.tar.gz"));
        folder
    }

    fn pack(folder: &Path, archive: &Path) {
        let gzip = GzEncoder::new(File::create(archive).unwrap(), Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        tar.append_dir_all("cifar-10-batches-bin", folder).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
    }

    /// An archive that unpacks, but with damaged test images, and with one batch more than `sources`.
    fn pack_damaged(archive: &Path) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["data_batch_1.bin", "data_batch_2.bin"] {
            fs::write(folder.path().join(name), records(3)).unwrap();
        }
        fs::write(folder.path().join("test_batch.bin"), [0; 3000]).unwrap();
        pack(folder.path(), archive);
    }

    fn prepare_from(from: &Path, into: &Path) -> Result<String> {
        prepare(from.to_str(), into)
    }

    fn assert_is_whole(folder: &Path) {
        let (train, test) = load_train_and_test(folder, &Config::cifar()).unwrap();
        for (found, seed) in [(train, 1), (test, 2)] {
            let (images, labels) = cifar10::parse_records(&records(seed)).unwrap();
            assert!(found.images == images, "the pixels differ");
            assert_eq!(found.labels, labels);
        }
        assert!(!part_of(folder).exists());
    }

    #[test]
    fn archive_records_and_mosaics_give_the_same() {
        let sources = sources();
        let [a, b, c] = ["a", "b", "c"].map(|name| sources.path().join(name));
        let message = prepare_from(&sources.path().join("a.tar.gz"), &a).unwrap();
        assert!(message.ends_with("1000 training images, 1000 test images"), "{message}");
        assert_is_whole(&a);
        prepare_from(sources.path(), &b).unwrap();
        assert_is_whole(&b);
        prepare_from(&b, &c).unwrap();
        assert_is_whole(&c);
        assert!(prepare(None, &c).unwrap().contains("already exists"));
    }

    #[test]
    fn a_folder_with_other_files_is_not_replaced() {
        let sources = sources();
        let into = sources.path().join("photos");
        fs::create_dir(&into).unwrap();
        fs::write(into.join("cat.jpg"), "cat").unwrap();
        let error = prepare_from(&sources.path().join("a.tar.gz"), &into).unwrap_err().to_string();
        assert!(error.contains("contains cat.jpg, which is not part of CIFAR-10"), "{error}");
        assert_eq!(fs::read(into.join("cat.jpg")).unwrap(), b"cat");
    }

    #[test]
    fn damaged_sources_are_reported_and_leave_nothing() {
        let sources = sources();
        let into = sources.path().join("out");
        let message = |from: &Path| {
            let error = prepare_from(from, &into).unwrap_err();
            assert!(!into.exists() && !part_of(&into).exists());
            format!("{error:#}")
        };
        let archive = sources.path().join("a.tar.gz");
        let bytes = fs::read(&archive).unwrap();
        fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
        assert!(message(&archive).contains("a.tar.gz is not a complete .tar.gz archive"));
        let mut wrong = bytes;
        let middle = wrong.len() / 2;
        wrong[middle] ^= 1;
        fs::write(&archive, wrong).unwrap();
        assert!(message(&archive).contains("a.tar.gz is not a complete .tar.gz archive"));
        assert!(message(&sources.path().join("nothing")).ends_with("nothing does not exist"));

        let batch = sources.path().join("cifar-10-batches-bin/data_batch_1.bin");
        fs::write(&batch, &records(1)[..3073 * 999]).unwrap();
        assert!(message(sources.path()).contains("999 train images"));
        fs::write(&batch, &records(1)[..3000]).unwrap();
        assert!(message(sources.path()).contains("data_batch_1.bin"));
        fs::remove_file(batch.with_file_name("test_batch.bin")).unwrap();
        assert!(message(sources.path()).contains("contains neither"));
    }

    #[test]
    fn leftovers_of_another_run_are_not_mixed_in() {
        let sources = sources();
        let into = sources.path().join("out");
        let damaged = sources.path().join("damaged.tar.gz");
        pack_damaged(&damaged);
        let error = prepare_from(&damaged, &into).unwrap_err().to_string();
        assert!(error.contains("test_batch.bin"), "{error}");
        // the leftovers of a killed run
        for (folder, file) in [(BATCHES, "data_batch_2.bin"), (MOSAICS, "train_01.webp")] {
            let folder = part_of(&into).join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(file), records(3)).unwrap();
        }
        prepare_from(&sources.path().join("a.tar.gz"), &into).unwrap();
        assert_is_whole(&into);
        assert!(!into.join("train_01.webp").exists());
    }

    #[test]
    fn a_damaged_archive_is_fetched_again_and_an_interrupted_download_is_kept() {
        let sources = sources();
        let (good, damaged) = (sources.path().join("a.tar.gz"), sources.path().join("damaged.tar.gz"));
        pack_damaged(&damaged);
        let ok = |archive: &Path| answer("200 OK", "", fs::read(archive).unwrap());
        let (url, requests) = server(vec![ok(&damaged), ok(&good)]);
        let into = sources.path().join("out");
        let waiting = part_of(&into).join("other.tar.gz.part");
        fs::create_dir(part_of(&into)).unwrap();
        fs::write(&waiting, "half").unwrap();

        assert!(prepare(Some(&url), &into).unwrap_err().to_string().contains("test_batch.bin"));
        let left: Vec<_> = fs::read_dir(part_of(&into)).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(left, [waiting]);
        prepare(Some(&url), &into).unwrap();
        assert_is_whole(&into);
        assert_eq!(requests.join().unwrap().len(), 2);
    }
}
