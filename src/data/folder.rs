//! Data sets on disk (native only). A folder is one of these:
//!
//! - mosaics of CIFAR-10: `train_00.webp` …, `test_00.webp` …, each kind with its `train_labels.bin`, `test_labels.bin`;
//! - the official binary CIFAR-10: `data_batch_1.bin` …, `test_batch.bin`;
//! - class folders: a folder a class, in it JPEG, PNG or WebP images of any size; or `train` with such folders, and
//!   `test` (or `val`) with the same.
//!
//! Images of class folders are cut and resized as a classifier does it, so that an evaluation sees what it sees.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Dataset, cifar10, names};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::threads;

/// In class folders without a division, one image in so many of each class is held out.
const HELD_OUT: usize = 10;

/// The images to train on and those to test with. Class folders without a division of their own give every tenth
/// image of a class to the latter.
///
/// Class folders are prepared for `config`'s resolution and crop; CIFAR-10 stays 32 × 32.
///
/// # Errors
/// [`Error::Data`] or [`Error::File`] if `path` holds no data set, a part of it is missing or it is damaged. An unreadable
/// image in a class folder is no error: it is left out and named in [`Dataset::unreadable`].
pub fn load_train_and_test(path: &Path, config: &Config) -> Result<(Dataset, Dataset)> {
    match recognise(path)? {
        Layout::Mosaics(files) => Ok((mosaics(&files, "train")?, mosaics(&files, "test")?)),
        Layout::Batches(files) => Ok((batches(&files, "data_batch_")?, batches(&files, "test_batch")?)),
        Layout::Divided { train, test } => {
            let (data, mut held_out) = (class_folders(&train, config)?, class_folders(&test, config)?);
            held_out.align(&data.names)?;
            Ok((data, held_out))
        }
        Layout::ClassFolders => {
            let all = class_folders(path, config)?;
            let mut seen = vec![0; all.names.len()];
            let held_out: Vec<bool> = all
                .labels
                .iter()
                .map(|&label| {
                    seen[label as usize] += 1;
                    seen[label as usize] % HELD_OUT == 2
                })
                .collect();
            let (train, test) = (all.filter(|i| !held_out[i]), all.filter(|i| held_out[i]));
            Ok((Dataset { unreadable: all.unreadable, ..train }, test))
        }
    }
}

/// The images to test with; of class folders without a division, all.
///
/// # Errors
/// As [`load_train_and_test`].
pub fn load_test(path: &Path, config: &Config) -> Result<Dataset> {
    match recognise(path)? {
        Layout::Mosaics(files) => mosaics(&files, "test"),
        Layout::Batches(files) => batches(&files, "test_batch"),
        Layout::Divided { train, test } => {
            let mut data = class_folders(&test, config)?;
            data.align(&class_names(&subfolders(&train)?))?;
            Ok(data)
        }
        Layout::ClassFolders => class_folders(path, config),
    }
}

/// What a folder holds; the files are sorted by name.
enum Layout {
    Mosaics(Vec<PathBuf>),
    Batches(Vec<PathBuf>),
    Divided { train: PathBuf, test: PathBuf },
    ClassFolders,
}

fn recognise(path: &Path) -> Result<Layout> {
    let entries = entries(path)?;
    let is = |entry: &PathBuf, extension: &str, starts: [&str; 2]| {
        entry.extension().is_some_and(|e| e == extension)
            && starts.iter().any(|start| name(entry).starts_with(start))
    };
    if entries.iter().any(|entry| is(entry, "webp", ["train_", "test_"])) {
        return Ok(Layout::Mosaics(entries));
    }
    if entries.iter().any(|entry| is(entry, "bin", ["data_batch_", "test_batch"])) {
        return Ok(Layout::Batches(entries));
    }
    let folder = |name: &str| Some(path.join(name)).filter(|folder| folder.is_dir());
    if let (Some(train), Some(test)) = (folder("train"), folder("test").or_else(|| folder("val"))) {
        return Ok(Layout::Divided { train, test });
    }
    if entries.iter().any(|entry| entry.is_dir()) {
        return Ok(Layout::ClassFolders);
    }
    Err(Error::Data(format!(
        "{} holds no data set: expected are a folder for each class, mosaics (train_00.webp …, train_labels.bin) or \
         the files of CIFAR-10 (data_batch_1.bin …)",
        path.display()
    )))
}

/// The mosaics of a kind, "train" or "test", however many there are: number i holds the labels from 1000 i on.
fn mosaics(files: &[PathBuf], kind: &str) -> Result<Dataset> {
    let labels_name = format!("{kind}_labels.bin");
    let labels_path = find(files, &labels_name)?;
    let all_labels = cifar10::parse_labels(&read(labels_path)?).map_err(|e| within(labels_path, e))?;
    let mut data = cifar10_dataset();
    for path in files {
        let name = name(path);
        let number = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_')?.strip_suffix(".webp"));
        let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) else { continue };
        let labels = all_labels.chunks_exact(cifar10::PER_MOSAIC).nth(number).ok_or_else(|| {
            let count = all_labels.len();
            Error::Data(format!("{labels_name} has {count} labels, too few for {}", path.display()))
        })?;
        let images = Image::decode(&read(path)?).and_then(|mosaic| cifar10::from_mosaic(&mosaic));
        data.images.extend(images.map_err(|e| within(path, e))?);
        data.labels.extend(labels);
    }
    if data.is_empty() {
        return Err(Error::Data(format!("there is no {kind}_00.webp beside {}", labels_path.display())));
    }
    Ok(data)
}

/// The official files whose names begin so.
fn batches(files: &[PathBuf], start: &str) -> Result<Dataset> {
    let mut data = cifar10_dataset();
    for path in files.iter().filter(|path| name(path).starts_with(start)) {
        let (images, labels) = cifar10::parse_records(&read(path)?).map_err(|e| within(path, e))?;
        data.images.extend(images);
        data.labels.extend(labels);
    }
    if data.is_empty() {
        return Err(Error::Data(format!("CIFAR-10 is incomplete: no file {start}….bin")));
    }
    Ok(data)
}

fn cifar10_dataset() -> Dataset {
    Dataset { size: cifar10::SIZE, names: cifar10::NAMES.map(String::from).into(), ..Dataset::default() }
}

/// A photo on its way in.
struct Photo {
    path: PathBuf,
    label: u32,
    /// None until it is read.
    image: Option<Result<Image>>,
}

/// The photos of all class folders; classes are numbered in the order of their names.
fn class_folders(path: &Path, config: &Config) -> Result<Dataset> {
    let folders = subfolders(path)?;
    let mut data = Dataset { size: config.resolution, names: class_names(&folders), ..Dataset::default() };
    let mut photos = Vec::new();
    for (label, folder) in folders.iter().enumerate() {
        let files = entries(folder)?.into_iter().filter(|entry| entry.is_file());
        photos.extend(files.map(|path| Photo { path, label: label as u32, image: None }));
    }
    threads::for_each(&mut photos, |photo| {
        let image =
            read(&photo.path).and_then(|bytes| Image::decode(&bytes).map_err(|e| within(&photo.path, e)));
        photo.image = Some(image.map(|image| image.center_crop(config.crop, config.resolution)));
    });
    for Photo { label, image, .. } in photos {
        match image.expect("every photo was read") {
            Ok(image) => {
                data.images.extend(image.rgb());
                data.labels.push(label);
            }
            Err(error) => data.unreadable.push(error.to_string()),
        }
    }
    if data.is_empty() {
        let unreadable = data.unreadable.len();
        return Err(Error::Data(format!(
            "the {} class folders of {} hold no image that can be read ({unreadable} unreadable files)",
            folders.len(),
            path.display()
        )));
    }
    Ok(data)
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|entry| entry.is_dir()).collect())
}

fn class_names(folders: &[PathBuf]) -> Vec<String> {
    folders.iter().map(|folder| name(folder)).collect()
}

/// What a folder holds, in natural order, without hidden files and junk.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |e| Error::File(format!("cannot read the folder {}: {e}", folder.display()));
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.retain(|entry| !names::is_junk(&name(entry)));
    entries.sort_by(|a, b| names::natural(&name(a), &name(b)).then_with(|| a.cmp(b)));
    Ok(entries)
}

/// The last part of a path, in NFC.
fn name(path: &Path) -> String {
    path.file_name().map(|name| names::nfc(&name.to_string_lossy())).unwrap_or_default()
}

fn find<'a>(files: &'a [PathBuf], wanted: &str) -> Result<&'a PathBuf> {
    let found = files.iter().find(|path| name(path) == wanted);
    found.ok_or_else(|| Error::Data(format!("the data set is incomplete: {wanted} is missing")))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::File(format!("cannot read {}: {e}", path.display())))
}

fn within(path: &Path, error: Error) -> Error {
    Error::Data(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn config() -> Config {
        Config { resolution: 8, ..Config::cifar() }
    }

    /// Writes a grey image, PNG whatever the name says.
    fn write_image(path: &Path, width: u32, height: u32, grey: u8) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let pixels = vec![grey; (width * height) as usize];
        let format = ::image::ImageFormat::Png;
        ::image::save_buffer_with_format(path, &pixels, width, height, ::image::ColorType::L8, format)
            .unwrap();
    }

    fn load_error(path: &Path) -> String {
        load_train_and_test(path, &config()).unwrap_err().to_string()
    }

    #[test]
    fn class_folders_are_classes_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for (class, count) in [("zebra", 3), ("ant", 25)] {
            for i in 0..count {
                write_image(&folder.path().join(class).join(format!("{i:02}.png")), 20 + i, 30, 10 + i as u8);
            }
        }
        fs::write(folder.path().join("ant/.hidden"), "").unwrap();
        fs::write(folder.path().join("ant/words.png"), "words").unwrap();
        let all = load_test(folder.path(), &config()).unwrap();
        assert_eq!(all.names, ["ant", "zebra"]);
        assert_eq!(all.labels, [[0; 25].as_slice(), &[1; 3]].concat());
        assert_eq!((all.size, all.image(24), all.image(25)), (8, [34; 192].as_slice(), [10; 192].as_slice()));
        assert_eq!(all.unreadable.len(), 1);
        assert!(all.unreadable[0].contains("words.png: not a readable"), "{}", all.unreadable[0]);

        let (train, test) = load_train_and_test(folder.path(), &config()).unwrap();
        assert_eq!((train.len(), train.unreadable.len()), (24, 1));
        assert_eq!(test.labels, [0, 0, 0, 1]);
        assert_eq!(
            test.images.as_chunks::<192>().0.iter().map(|i| i[0]).collect::<Vec<_>>(),
            [11, 21, 31, 11]
        );
    }

    #[test]
    fn junk_is_no_class_and_no_picture() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["10/1.png", "9/1.png", "9/.ipynb_checkpoints/1.png", "9/._1.png", "__MACOSX/9/1.png"] {
            write_image(&folder.path().join(path), 8, 8, 1);
        }
        fs::write(folder.path().join("10/Thumbs.db"), "words").unwrap();
        let data = load_test(folder.path(), &config()).unwrap();
        assert_eq!(
            (data.names, data.labels, data.unreadable),
            (vec!["9".into(), "10".into()], vec![0, 1], vec![])
        );
    }

    #[test]
    fn a_division_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        for (path, grey) in [("train/a/1.png", 1), ("train/b/1.png", 2), ("val/b/1.png", 3)] {
            write_image(&folder.path().join(path), 8, 8, grey);
        }
        let (train, test) = load_train_and_test(folder.path(), &config()).unwrap();
        assert_eq!((train.labels, test.labels), (vec![0, 1], vec![1]));
        assert_eq!(load_test(folder.path(), &config()).unwrap().images, test.images);
        write_image(&folder.path().join("val/c/1.png"), 8, 8, 4);
        assert!(load_error(folder.path()).contains("a class \"c\""));
    }

    #[test]
    fn official_batches() {
        let folder = tempfile::tempdir().unwrap();
        let record = |label: u8| [vec![label], vec![label; 3072]].concat();
        fs::write(folder.path().join("data_batch_2.bin"), [record(3), record(4)].concat()).unwrap();
        assert!(load_error(folder.path()).contains("test_batch"));
        fs::write(folder.path().join("test_batch.bin"), record(5)).unwrap();
        fs::write(folder.path().join("data_batch_1.bin"), record(9)).unwrap();
        let (train, test) = load_train_and_test(folder.path(), &config()).unwrap();
        assert_eq!((train.labels, test.labels), (vec![9, 3, 4], vec![5]));
        assert_eq!((train.size, &train.names[9]), (32, &"truck".to_string()));
        fs::write(folder.path().join("data_batch_1.bin"), &record(9)[1..]).unwrap();
        assert!(load_error(folder.path()).contains("data_batch_1.bin: CIFAR-10 batches consist of records"));
    }

    #[test]
    fn mosaics_of_any_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        let labels: Vec<u8> = (0..3000).map(|i| (i / 1000) as u8).collect();
        fs::write(path("train_labels.bin"), &labels).unwrap();
        fs::write(path("test_labels.bin"), &labels[..1000]).unwrap();
        write_image(&path("train_02.webp"), 1280, 800, 7);
        assert!(load_error(folder.path()).contains("no test_00.webp"));
        write_image(&path("test_00.webp"), 1280, 800, 8);
        let (train, test) = load_train_and_test(folder.path(), &config()).unwrap();
        assert_eq!((train.len(), train.labels[0], train.images[0]), (1000, 2, 7));
        assert_eq!((test.len(), test.labels[999], test.images[0]), (1000, 0, 8));
        write_image(&path("train_03.webp"), 1280, 800, 7);
        assert!(load_error(folder.path()).contains("train_labels.bin has 3000 labels"));
        fs::remove_file(path("test_labels.bin")).unwrap();
        assert!(
            load_test(folder.path(), &config())
                .unwrap_err()
                .to_string()
                .contains("test_labels.bin is missing")
        );
    }

    #[test]
    fn no_data_set_is_said_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load_error(folder.path()).contains("holds no data set"));
        assert!(load_error(&folder.path().join("nowhere")).contains("cannot read the folder"));
        fs::create_dir(folder.path().join("empty")).unwrap();
        assert!(load_error(folder.path()).contains("hold no image that can be read"));
    }

    #[test]
    fn the_real_cifar_10() {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
        let path = std::env::var_os("MOBILENETV2_DATA").map_or(beside, PathBuf::from).join("cifar-10");
        if !path.is_dir() {
            // past libtest, which shows what is printed only where a test fails
            let _ = writeln!(std::io::stderr(), "SKIPPED: no CIFAR-10 at {}", path.display());
            return;
        }
        let test = load_test(&path, &config()).unwrap();
        assert_eq!(test.len(), 10_000);
        for class in 0..10 {
            assert_eq!(test.labels.iter().filter(|label| **label == class).count(), 1000, "class {class}");
        }
        // The published mean of the colours, of the training images; the test images' differ a little.
        for (colour, expected) in [0.4914, 0.4822, 0.4465].into_iter().enumerate() {
            let sum: u64 = test.images.iter().skip(colour).step_by(3).map(|x| u64::from(*x)).sum();
            let mean = sum as f64 / 255.0 / (10_000.0 * 1024.0);
            assert!((mean - expected).abs() < 0.01, "colour {colour}: mean {mean}");
        }
    }
}
