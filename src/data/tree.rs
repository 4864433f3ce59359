//! Folders of a data set, on disk or in a zip, read alike: without junk, in natural order, with names in NFC.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use zip::ZipArchive;

use super::names;
use crate::data::image::MAX_FILE;
use crate::error::{Error, Result};

/// Maximum number of folders above a file in a zip.
const MAX_DEPTH: usize = 32;

/// A folder.
#[derive(Clone)]
pub(super) enum Folder {
    Disk(PathBuf),
    Zip {
        zip: Arc<Zip>,
        /// Names from the top, each followed by a slash.
        path: String,
    },
}

/// A file that can be read.
#[derive(Clone)]
pub(super) enum File {
    Disk(PathBuf),
    Zip { zip: Arc<Zip>, path: String, index: usize },
}

/// An entry of a folder.
pub(super) struct Entry {
    pub name: String,
    pub node: Node,
}

pub(super) enum Node {
    Folder(Folder),
    File(File),
}

/// An open zip. Nothing in it is ever written to disk, so a name in it cannot lead anywhere.
pub(super) struct Zip {
    path: PathBuf,
    archive: Mutex<ZipArchive<BufReader<fs::File>>>,
    /// The content of each folder: files by their index, folders without one.
    folders: BTreeMap<String, BTreeMap<String, Option<usize>>>,
}

impl Folder {
    /// Opens the folder or the zip at `path`.
    pub fn open(path: &Path) -> Result<Folder> {
        if !path.is_file() {
            return Ok(Folder::Disk(path.to_owned()));
        }
        let zip = Zip::open(path).map_err(|error| {
            Error::Data(format!("{}: expected a folder or a zip of one: {error}", path.display()))
        })?;
        Ok(Folder::Zip { zip: Arc::new(zip), path: String::new() })
    }

    /// The entries, in natural order, without junk.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = match self {
            Folder::Disk(folder) => disk_entries(folder)?,
            Folder::Zip { zip, path } => zip.entries(path),
        };
        entries.retain(|entry| !names::is_junk(&entry.name));
        entries.sort_by(|a, b| {
            names::natural(&a.name, &b.name).then_with(|| a.node.to_string().cmp(&b.node.to_string()))
        });
        Ok(entries)
    }

    /// The folders, with their names.
    pub fn folders(&self) -> Result<Vec<(String, Folder)>> {
        let folder = |Entry { name, node }| match node {
            Node::Folder(folder) => Some((name, folder)),
            Node::File(_) => None,
        };
        Ok(self.entries()?.into_iter().filter_map(folder).collect())
    }

    /// The files, with their names.
    pub fn files(&self) -> Result<Vec<(String, File)>> {
        let file = |Entry { name, node }| match node {
            Node::File(file) => Some((name, file)),
            Node::Folder(_) => None,
        };
        Ok(self.entries()?.into_iter().filter_map(file).collect())
    }
}

impl File {
    /// Opens the file, to read parts of it.
    pub fn open(&self) -> Result<fs::File> {
        match self {
            File::Disk(path) => {
                fs::File::open(path).map_err(|error| Error::File(format!("cannot read {self}: {error}")))
            }
            File::Zip { zip, .. } => Err(Error::Data(format!(
                "{self}: Parquet files are not read from a zip: unpack {} first",
                zip.path.display()
            ))),
        }
    }

    /// The file's bytes.
    pub fn read(&self) -> Result<Vec<u8>> {
        let wrong = |error: &dyn fmt::Display| Error::File(format!("cannot read {self}: {error}"));
        let mut bytes = Vec::new();
        match self {
            File::Disk(path) => {
                let file = fs::File::open(path).map_err(|error| wrong(&error))?;
                file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
            }
            File::Zip { zip, index, .. } => {
                let mut archive = zip.archive.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                let file = archive.by_index(*index).map_err(|error| wrong(&error))?;
                // the size that the archive states does not count, only what is decoded
                file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
            }
        }
        if bytes.len() as u64 > MAX_FILE {
            return Err(wrong(&format!("it is larger than {} million bytes", MAX_FILE / 1_000_000)));
        }
        Ok(bytes)
    }
}

fn disk_entries(folder: &Path) -> Result<Vec<Entry>> {
    let unreadable = |e| Error::File(format!("cannot read the folder {}: {e}", folder.display()));
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().map(|name| names::nfc(&name.to_string_lossy())).unwrap_or_default();
        if path.is_dir() {
            entries.push(Entry { name, node: Node::Folder(Folder::Disk(path)) });
        } else if path.is_file() {
            entries.push(Entry { name, node: Node::File(File::Disk(path)) });
        }
    }
    Ok(entries)
}

impl Zip {
    fn open(path: &Path) -> Result<Zip> {
        let file = fs::File::open(path).map_err(|error| Error::File(error.to_string()))?;
        let archive =
            ZipArchive::new(BufReader::new(file)).map_err(|error| Error::Data(error.to_string()))?;
        let mut folders: BTreeMap<String, BTreeMap<String, Option<usize>>> = BTreeMap::new();
        for index in 0..archive.len() {
            let Some(Ok(name)) = archive.name_for_index(index) else { continue };
            let mut folder = String::new();
            let parts: Vec<String> = name.split(['/', '\\']).map(names::nfc).collect();
            let (last, above) = parts.split_last().expect("at least one part");
            if above.len() > MAX_DEPTH {
                continue; // data sets are not that deep, and a name of 64 kB could hold 32,000 folders
            }
            for part in above {
                folders.entry(folder.clone()).or_default().entry(part.clone()).or_insert(None);
                folder += part;
                folder += "/";
            }
            if !last.is_empty() {
                folders.entry(folder).or_default().insert(last.clone(), Some(index));
            }
        }
        Ok(Zip { path: path.to_owned(), archive: Mutex::new(archive), folders })
    }

    fn entries(self: &Arc<Self>, folder: &str) -> Vec<Entry> {
        let entry = |(name, index): (&String, &Option<usize>)| {
            let (zip, path) = (Arc::clone(self), format!("{folder}{name}"));
            let node = match *index {
                Some(index) => Node::File(File::Zip { zip, path, index }),
                None => Node::Folder(Folder::Zip { zip, path: path + "/" }),
            };
            Entry { name: name.clone(), node }
        };
        self.folders.get(folder).map(|entries| entries.iter().map(entry).collect()).unwrap_or_default()
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Folder(folder) => folder.fmt(f),
            Node::File(file) => file.fmt(f),
        }
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Folder::Disk(path) => path.display().fmt(f),
            Folder::Zip { zip, path } => zip.path.join(path.trim_end_matches('/')).display().fmt(f),
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            File::Disk(path) => path.display().fmt(f),
            File::Zip { zip, path, .. } => zip.path.join(path).display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_very_many_folders_costs_nothing() {
        let path = tempfile::NamedTempFile::with_suffix(".zip").unwrap();
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        for name in ["a/0.png", &"a/".repeat(30_000)] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        }
        zip.finish().unwrap();
        let folders = Zip::open(path.path()).unwrap().folders;
        assert_eq!(folders.keys().collect::<Vec<_>>(), ["", "a/"]);
    }
}
