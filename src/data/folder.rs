//! Data sets on disk (native only), in the layouts that `layout.rs` recognises. Images are cropped and resized as for
//! classification, so that an evaluation gets the same inputs.

use std::path::Path;

use super::layout::{Class, Layout, find, recognise};
use super::photos::{Photos, Source};
use super::tree::File;
use super::{Dataset, cifar10, parquet};
use crate::arch::Config;
use crate::data::image::Image;
use crate::error::{Error, Result};

/// In a set without a split, one image in this many of each class is held out.
const HELD_OUT: usize = 10;

/// The training images and the test images. Class folders and Parquet files without a split of their own hold out every tenth
/// image of a class for the test.
///
/// Images are prepared for `config`'s resolution and crop; CIFAR-10's own files stay 32 × 32.
///
/// # Errors
/// [`Error::Data`] or [`Error::File`] if `path` holds no data set, a part of it is missing or damaged, or a class has
/// no training images. An unreadable image among others is not an error: it is left out and named in
/// [`Dataset::unreadable`].
pub fn load_train_and_test(path: &Path, config: &Config) -> Result<(Dataset, Dataset)> {
    let (train, test) = match recognise(path)? {
        Layout::Mosaics(files) => return Ok((mosaics(&files, "train")?, mosaics(&files, "test")?)),
        Layout::Batches(files) => {
            return Ok((batches(&files, "data_batch_")?, batches(&files, "test_batch")?));
        }
        Layout::Divided { train, test } => {
            let data = photos(train, config)?;
            let mut held_out = photos(test, config)?;
            held_out.align(&data.names)?;
            (data, held_out)
        }
        Layout::Classes(classes) => divide(photos(classes, config)?),
        Layout::Parquet { train, test } => {
            let (data, classes) = parquet::load(&train, None, config)?;
            match test.is_empty() {
                true => divide(data),
                false => (data, parquet::load(&test, Some(&classes), config)?.0),
            }
        }
    };
    for (label, name) in train.names.iter().enumerate() {
        if train.labels.iter().all(|other| *other != label as u32) {
            return Err(Error::Data(format!(
                "the class \"{name}\" of {} has no readable training image: add some, or remove the class",
                path.display()
            )));
        }
    }
    Ok((train, test))
}

/// Holds out every tenth image of a class.
fn divide(all: Dataset) -> (Dataset, Dataset) {
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
    (Dataset { unreadable: all.unreadable, ..train }, test)
}

/// The test images; all images of a set without a split.
///
/// # Errors
/// As [`load_train_and_test`], but classes may have no images.
pub fn load_test(path: &Path, config: &Config) -> Result<Dataset> {
    match recognise(path)? {
        Layout::Mosaics(files) => mosaics(&files, "test"),
        Layout::Batches(files) => batches(&files, "test_batch"),
        Layout::Divided { train, test } => {
            let mut data = photos(test, config)?;
            data.align(&train.into_iter().map(|class| class.name).collect::<Vec<_>>())?;
            Ok(data)
        }
        Layout::Classes(classes) => photos(classes, config),
        Layout::Parquet { train, test } if test.is_empty() => Ok(parquet::load(&train, None, config)?.0),
        Layout::Parquet { train, test } => {
            let classes = parquet::classes(&train)?;
            Ok(parquet::load(&test, Some(&classes), config)?.0)
        }
    }
}

/// All mosaics of a kind, "train" or "test": number i holds the images whose labels start at 1000 i.
fn mosaics(files: &[(String, File)], kind: &str) -> Result<Dataset> {
    let labels_name = format!("{kind}_labels.bin");
    let labels_file = find(files, &labels_name)
        .ok_or_else(|| Error::Data(format!("the data set is incomplete: {labels_name} is missing")))?;
    let all_labels = cifar10::parse_labels(&labels_file.read()?).map_err(|e| within(labels_file, e))?;
    let (mut all_images, mut labels) = (Vec::new(), Vec::new());
    for (name, file) in files {
        let number = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_')?.strip_suffix(".webp"));
        let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) else { continue };
        let here = all_labels.exact_chunks(cifar10::PER_MOSAIC).into_iter().nth(number).ok_or_else(|| {
            let count = all_labels.len();
            Error::Data(format!("{labels_name} has {count} labels, too few for {file}"))
        })?;
        let images = Image::decode(&file.read()?).and_then(|mosaic| cifar10::from_mosaic(&mosaic));
        all_images.extend(images.map_err(|e| within(file, e))?);
        labels.extend(here);
    }
    if labels.is_empty() {
        return Err(Error::Data(format!("{kind}_00.webp is missing beside {labels_file}")));
    }
    Ok(cifar10_dataset(all_images, labels))
}

/// The official files whose names begin with `start`.
fn batches(files: &[(String, File)], start: &str) -> Result<Dataset> {
    let (mut all_images, mut all_labels) = (Vec::new(), Vec::new());
    for (_, file) in files.iter().filter(|(name, _)| name.starts_with(start)) {
        let (images, labels) = cifar10::parse_records(&file.read()?).map_err(|e| within(file, e))?;
        all_images.extend(images);
        all_labels.extend(labels);
    }
    if all_labels.is_empty() {
        return Err(Error::Data(format!("CIFAR-10 is incomplete: {start}….bin is missing")));
    }
    Ok(cifar10_dataset(all_images, all_labels))
}

fn cifar10_dataset(images: Vec<u8>, labels: Vec<u32>) -> Dataset {
    let names = cifar10::NAMES.map(String::from).into();
    Dataset { mixed: true, ..Dataset::new(cifar10::SIZE, images, labels, names) }
}

/// The photos of all classes.
fn photos(classes: Vec<Class>, config: &Config) -> Result<Dataset> {
    let mut sources = Vec::new();
    for (class, label) in classes.iter().zip(0..) {
        for folder in &class.folders {
            sources.extend(folder.files()?.into_iter().map(|(_, file)| (Source::File(file), label)));
        }
    }
    let mut photos = Photos::default();
    photos.add(sources, config);
    photos.into_dataset(classes.into_iter().map(|class| class.name).collect(), config)
}

fn within(file: &File, error: Error) -> Error {
    Error::Data(format!("{file}: {error}"))
}

#[cfg(test)]
#[path = "../../tests/data/mod.rs"]
mod test_data;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn config() -> Config {
        Config { resolution: 8, ..Config::cifar() }
    }

    /// Writes a grey PNG image, whatever the name says.
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
        assert_eq!(all.labels.to_vec(), [[0; 25].as_slice(), &[1; 3]].concat());
        assert_eq!(all.images.dim(), (28, 8, 8, 3));
        assert!(
            all.image(24).iter().all(|value| *value == 34) && all.image(25).iter().all(|value| *value == 10)
        );
        assert_eq!(all.unreadable.len(), 1);
        assert!(all.unreadable[0].contains("words.png: not a readable image"), "{}", all.unreadable[0]);

        let (train, test) = load_train_and_test(folder.path(), &config()).unwrap();
        assert_eq!((train.len(), train.unreadable.len()), (24, 1));
        assert_eq!(test.labels.to_vec(), [0, 0, 0, 1]);
        assert_eq!([0, 1, 2, 3].map(|i| test.images[[i, 0, 0, 0]]), [11, 21, 31, 11]);
    }

    #[test]
    fn junk_is_neither_a_class_nor_a_picture() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["10/1.png", "9/1.png", "9/.ipynb_checkpoints/1.png", "9/._1.png", "__MACOSX/9/1.png"] {
            write_image(&folder.path().join(path), 8, 8, 1);
        }
        fs::write(folder.path().join("10/Thumbs.db"), "words").unwrap();
        let data = load_test(folder.path(), &config()).unwrap();
        assert_eq!(
            (data.names, data.labels.to_vec(), data.unreadable),
            (vec!["9".into(), "10".into()], vec![0, 1], vec![])
        );
    }

    /// Zips a folder, below a top folder of this name or without one.
    fn zip_of(folder: &Path, top: &str, to: &Path) {
        let mut zip = zip::ZipWriter::new(fs::File::create(to).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(inner) = folders.pop() {
            for entry in fs::read_dir(inner).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                zip.start_file(format!("{top}{name}"), options).unwrap();
                zip.write_all(&fs::read(&path).unwrap()).unwrap();
            }
        }
        zip.finish().unwrap();
    }

    #[test]
    fn a_project_is_read_as_a_folder_and_as_a_zip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("project");
        // "é" is one character in the description and two in the folder, as macOS unpacks it; the project has its own
        // order.
        let description = r#"{"format": "MobileNetV2 Lab project", "version": 1, "settings": {}, "trained": null,
            "classes": [{"name": "y/é", "folder": "01 y_é"}, {"name": "x", "folder": "02 x"}]}"#;
        for (name, grey) in [
            ("train/02 x/0010.gif", 10),
            ("train/02 x/0009.png", 9),
            ("train/01 y_e\u{301}/0002.jpg", 2),
            ("test/01 y_e\u{301}/0003.jpg", 3),
        ] {
            write_image(&path.join(name), 8, 8, grey);
        }
        fs::write(path.join("project.json"), description).unwrap();
        fs::write(path.join("weights.safetensors"), "").unwrap();
        let [flat, wrapped] = ["flat.zip", "wrapped.zip"].map(|name| folder.path().join(name));
        zip_of(&path, "", &flat);
        zip_of(&path, "my project/", &wrapped);
        for path in [path, flat, wrapped] {
            let (train, test) = load_train_and_test(&path, &config()).unwrap();
            assert_eq!(train.names, ["y/é", "x"]);
            assert_eq!((train.labels.to_vec(), test.labels.to_vec()), (vec![0, 1, 1], vec![0]));
            assert_eq!([0, 1, 2].map(|i| train.images[[i, 0, 0, 0]]), [2, 9, 10]);
            assert_eq!((test.names, test.images[[0, 0, 0, 0]]), (train.names, 3));
            assert_eq!(load_test(&path, &config()).unwrap().labels.to_vec(), [0]);
        }
        fs::write(folder.path().join("words.zip"), "words").unwrap();
        let message = load_error(&folder.path().join("words.zip"));
        assert!(message.contains("words.zip: expected a folder or a zip of one"), "{message}");
    }

    #[test]
    fn zips_of_class_folders_are_read_and_their_bombs_are_not() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["pets/b/1.png", "pets/a/1.png", "pets/__MACOSX/a/._1.png"] {
            write_image(&folder.path().join("in").join(path), 8, 8, 1);
        }
        let path = folder.path().join("pets.zip");
        zip_of(&folder.path().join("in/pets"), "pets\\", &path);
        let data = load_test(&path, &config()).unwrap();
        assert_eq!((data.names, data.labels.to_vec()), (vec!["a".into(), "b".into()], vec![0, 1]));
        fs::write(folder.path().join("in/pets/a/2.png"), "cut").unwrap();
        zip_of(&folder.path().join("in/pets"), "", &path);
        let unreadable = load_test(&path, &config()).unwrap().unreadable;
        assert!(unreadable[0].contains("pets.zip/a/2.png: not a readable image"), "{unreadable:?}");
    }

    #[test]
    fn names_that_differ_only_in_form_are_one_class() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["caf\u{e9}/1.png", "cafe\u{301}/2.png", "z/1.png"] {
            write_image(&folder.path().join(path), 8, 8, 1);
        }
        let data = load_test(folder.path(), &config()).unwrap();
        assert_eq!((data.names, data.labels.to_vec()), (vec!["café".into(), "z".into()], vec![0, 0, 1]));
    }

    #[test]
    fn a_class_without_images_is_named() {
        let folder = tempfile::tempdir().unwrap();
        write_image(&folder.path().join("a/1.png"), 8, 8, 1);
        fs::create_dir(folder.path().join("b")).unwrap();
        assert!(load_error(folder.path()).contains("the class \"b\""), "{}", load_error(folder.path()));
        assert_eq!(load_test(folder.path(), &config()).unwrap().len(), 1);
    }

    #[test]
    fn a_split_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        for (path, grey) in [("train/a/1.png", 1), ("train/b/1.png", 2), ("val/b/1.png", 3)] {
            write_image(&folder.path().join(path), 8, 8, grey);
        }
        let (train, test) = load_train_and_test(folder.path(), &config()).unwrap();
        assert_eq!((train.labels.to_vec(), test.labels.to_vec()), (vec![0, 1], vec![1]));
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
        assert_eq!((train.labels.to_vec(), test.labels.to_vec()), (vec![9, 3, 4], vec![5]));
        assert_eq!((train.size(), &train.names[9]), (32, &"truck".to_string()));
        fs::write(folder.path().join("data_batch_1.bin"), &record(9)[1..]).unwrap();
        assert!(load_error(folder.path()).contains("data_batch_1.bin: expected CIFAR-10 records"));
    }

    #[test]
    fn mosaics_of_any_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        let labels: Vec<u8> = (0..3000).map(|i| (i / 1000) as u8).collect();
        fs::write(path("train_labels.bin"), &labels).unwrap();
        fs::write(path("test_labels.bin"), &labels[..1000]).unwrap();
        write_image(&path("train_02.webp"), 1280, 800, 7);
        assert!(load_error(folder.path()).contains("test_00.webp is missing"));
        write_image(&path("test_00.webp"), 1280, 800, 8);
        let (train, test) = load_train_and_test(folder.path(), &config()).unwrap();
        assert_eq!((train.len(), train.labels[0], train.images[[0, 0, 0, 0]]), (1000, 2, 7));
        assert_eq!((test.len(), test.labels[999], test.images[[0, 0, 0, 0]]), (1000, 0, 8));
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
    fn a_missing_data_set_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load_error(folder.path()).contains("holds no data set"));
        assert!(load_error(&folder.path().join("nowhere")).contains("cannot read the folder"));
        fs::create_dir(folder.path().join("empty")).unwrap();
        assert!(load_error(folder.path()).contains("contain no readable image"));
    }

    #[test]
    fn the_real_cifar_10() {
        let Some(path) = test_data::shared("cifar-10") else { return };
        let test = load_test(&path, &config()).unwrap();
        assert_eq!(test.len(), 10_000);
        for class in 0..10 {
            assert_eq!(test.labels.iter().filter(|label| **label == class).count(), 1000, "class {class}");
        }
        // The published mean colours of the training images; those of the test images differ a little.
        for (colour, expected) in [0.4914, 0.4822, 0.4465].into_iter().enumerate() {
            let sum: u64 = test.images.iter().skip(colour).step_by(3).map(|x| u64::from(*x)).sum();
            let mean = sum as f64 / 255.0 / (10_000.0 * 1024.0);
            assert!((mean - expected).abs() < 0.01, "colour {colour}: mean {mean}");
        }
    }
}
