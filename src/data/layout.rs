//! The layout of a data set on disk (native only). A folder, or a zip of one, is one of these:
//!
//! - mosaics of CIFAR-10: `train_00.webp` …, `test_00.webp` …, each kind with its `train_labels.bin`, `test_labels.bin`;
//! - the official binary CIFAR-10: `data_batch_1.bin` …, `test_batch.bin`;
//! - a project saved by the page: `project.json`, and pictures in `train` and `test`;
//! - Parquet files: `train-….parquet` and `test-….parquet`, or folders `train` and `test` with such files; or a single file;
//! - class folders: one folder per class with images of any size; or `train` with such folders, and `test` (or `val`)
//!   with the same.
//!
//! `names.rs` defines how names are read: the order of classes and the held-out images depend on names alone.

use std::path::Path;

use serde::Deserialize;

use super::names;
use super::tree::{File, Folder};
use crate::error::{Error, Result};

/// The content of a folder, in natural order.
pub(super) enum Layout {
    Mosaics(Vec<(String, File)>),
    Batches(Vec<(String, File)>),
    Divided {
        train: Vec<Class>,
        test: Vec<Class>,
    },
    Classes(Vec<Class>),
    /// `test` is empty if the set has no split.
    Parquet {
        train: Vec<File>,
        test: Vec<File>,
    },
}

/// A class's name and the folders with its images: one, unless several names are the same in NFC.
pub(super) struct Class {
    pub name: String,
    pub folders: Vec<Folder>,
}

/// Recognises what is at a path: a folder, a zip of one, or a Parquet file.
pub(super) fn recognise(path: &Path) -> Result<Layout> {
    if path.is_file() && path.to_string_lossy().ends_with(PARQUET) {
        return Ok(Layout::Parquet { train: vec![File::Disk(path.to_owned())], test: Vec::new() });
    }
    look_into(&Folder::open(path)?)
}

fn look_into(folder: &Folder) -> Result<Layout> {
    let (files, folders) = (folder.files()?, folder.folders()?);
    let any = |extension: &str, starts: [&str; 2]| {
        files
            .iter()
            .any(|(name, _)| name.ends_with(extension) && starts.iter().any(|start| name.starts_with(start)))
    };
    if any(".webp", ["train_", "test_"]) {
        return Ok(Layout::Mosaics(files));
    }
    if any(".bin", ["data_batch_", "test_batch"]) {
        return Ok(Layout::Batches(files));
    }
    let named = |wanted: &str| folders.iter().find(|(name, _)| name == wanted).map(|(_, folder)| folder);
    if let Some(file) = find(&files, PROJECT) {
        return project(file, named("train"), named("test"));
    }
    if let Some(layout) = parquet(&files, &folders)? {
        return Ok(layout);
    }
    if let (Some(train), Some(test)) = (named("train"), named("test").or_else(|| named("val"))) {
        return Ok(Layout::Divided { train: classes(train.folders()?), test: classes(test.folders()?) });
    }
    // A zip of a folder usually holds just that folder.
    if let [(_, only)] = &folders[..]
        && (find(&only.files()?, PROJECT).is_some()
            || only.files()?.iter().any(is_parquet)
            || !only.folders()?.is_empty())
    {
        return look_into(only);
    }
    if !folders.is_empty() {
        return Ok(Layout::Classes(classes(folders)));
    }
    Err(Error::Data(format!(
        "{folder} holds no data set: expected are a folder for each class, a project saved by the page, Parquet files \
         (train-….parquet, test-….parquet), mosaics (train_00.webp …, train_labels.bin) or the files of CIFAR-10 \
         (data_batch_1.bin …)"
    )))
}

/// The ending of the names of Parquet files.
const PARQUET: &str = ".parquet";
/// Names of the test split, in order of preference.
const HELD_OUT: [&str; 6] = ["test", "validation", "valid", "val", "dev", "eval"];

fn is_parquet((name, _): &(String, File)) -> bool {
    name.ends_with(PARQUET)
}

/// Parquet files by split, with which their names begin or which is their folder's name. If no file is of a training split, the
/// set has no split.
fn parquet(files: &[(String, File)], folders: &[(String, Folder)]) -> Result<Option<Layout>> {
    let split =
        |name: &str| name.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_lowercase();
    let mut found: Vec<(String, File)> = files
        .iter()
        .filter(|file| is_parquet(file))
        .map(|(name, file)| (split(name), file.clone()))
        .collect();
    for (name, folder) in
        folders.iter().filter(|(name, _)| name == "train" || HELD_OUT.contains(&name.as_str()))
    {
        let inside = folder.files()?.into_iter().filter(is_parquet);
        found.extend(inside.map(|(_, file)| (name.clone(), file)));
    }
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<File> {
        found.iter().filter(|(split, _)| wanted(split)).map(|(_, file)| file.clone()).collect()
    };
    let first = |sets: Vec<Vec<File>>| sets.into_iter().find(|files| !files.is_empty());
    let train = first(vec![of(&|split| split == "train"), of(&|split| !HELD_OUT.contains(&split))]);
    let test = first(HELD_OUT.iter().map(|name| of(&|split| split == *name)).collect());
    Ok(match (train, test) {
        (Some(train), test) => Some(Layout::Parquet { train, test: test.unwrap_or_default() }),
        (None, Some(test)) => Some(Layout::Parquet { train: test, test: Vec::new() }),
        (None, None) => None,
    })
}

/// Folders by the names of their classes.
fn classes(folders: Vec<(String, Folder)>) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    for (name, folder) in folders {
        match classes.last_mut() {
            Some(last) if last.name == name => last.folders.push(folder),
            _ => classes.push(Class { name, folders: vec![folder] }),
        }
    }
    classes
}

/// The description of a project (`www/lab/projectfile.js` writes it).
const PROJECT: &str = "project.json";
const PROJECT_FORMAT: &str = "MobileNetV2 Lab project";

#[derive(Deserialize)]
struct Project {
    format: String,
    version: u32,
    classes: Vec<ProjectClass>,
}

#[derive(Deserialize)]
struct ProjectClass {
    name: String,
    folder: String,
}

/// The classes of a project, in its order and with its names.
fn project(file: &File, train: Option<&Folder>, test: Option<&Folder>) -> Result<Layout> {
    let wrong = |error: String| Error::Data(format!("{file} is not a project description: {error}"));
    let project: Project = serde_json::from_slice(&file.read()?).map_err(|error| wrong(error.to_string()))?;
    if project.format != PROJECT_FORMAT || project.version != 1 {
        let Project { format, version, .. } = project;
        return Err(wrong(format!("it says {format:?} {version}; expected {PROJECT_FORMAT:?} 1")));
    }
    let classes = |side: Option<&Folder>| -> Result<Vec<Class>> {
        let folders = side.map(Folder::folders).transpose()?.unwrap_or_default();
        let class = |ProjectClass { name, folder }: &ProjectClass| {
            let own = folders.iter().filter(|(name, _)| *name == names::nfc(folder));
            Class { name: names::nfc(name), folders: own.map(|(_, folder)| folder.clone()).collect() }
        };
        Ok(project.classes.iter().map(class).collect())
    };
    Ok(Layout::Divided { train: classes(train)?, test: classes(test)? })
}

/// The file of this name.
pub(super) fn find<'a>(files: &'a [(String, File)], wanted: &str) -> Option<&'a File> {
    files.iter().find(|(name, _)| name == wanted).map(|(_, file)| file)
}
