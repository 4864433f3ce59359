//! A folder that mirrors a list of files from elsewhere, and the size of its files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

/// The files of a site: the path of each in the site, with slashes, and its source.
#[derive(Clone, Default)]
pub struct Site(BTreeMap<String, PathBuf>);

impl Site {
    /// Adds a file.
    pub fn file(&mut self, path: impl Into<String>, source: impl Into<PathBuf>) {
        self.0.insert(path.into(), source.into());
    }

    /// Adds all files in a folder and its subfolders, under a prefix: "" or one that ends with a slash.
    pub fn folder(&mut self, prefix: &str, source: &Path) -> Result<()> {
        for path in files(source)? {
            self.file(format!("{prefix}{path}"), source.join(&path));
        }
        Ok(())
    }

    /// Removes all files whose path is unwanted.
    pub fn remove(&mut self, unwanted: impl Fn(&str) -> bool) {
        self.0.retain(|path, _| !unwanted(path));
    }

    /// The source of a file.
    pub fn source(&self, path: &str) -> Option<&Path> {
        self.0.get(path).map(PathBuf::as_path)
    }

    /// The path of each file in the site, and its source.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.0.iter().map(|(path, source)| (path.as_str(), source.as_path()))
    }

    /// Makes a folder contain exactly these files; unchanged ones are not written again.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for path in files(folder)?.iter().filter(|path| !self.0.contains_key(*path)) {
            fs::remove_file(folder.join(path))?;
            let within = Path::new(path).ancestors().skip(1).map(|parent| folder.join(parent));
            let _ = within.take_while(|parent| fs::remove_dir(parent).is_ok()).count(); // stops at a folder with other files
        }
        for (path, source) in self.iter() {
            let target = folder.join(path);
            let context = || format!("cannot copy {} to {}", source.display(), target.display());
            if same(source, &target).with_context(context)? {
                continue;
            }
            fs::create_dir_all(target.parent().expect("a file has a folder"))?;
            fs::copy(source, &target).with_context(context)?;
        }
        Ok(())
    }

    /// The hash of every wanted file.
    pub fn hashes(&self, wanted: impl Fn(&str) -> bool) -> Result<BTreeMap<&str, String>> {
        let wanted = self.iter().filter(|(path, _)| wanted(path));
        wanted.map(|(path, source)| Ok((path, hash(&fs::read(source)?)))).collect()
    }

    /// Total bytes of all wanted files: raw, and as a web host sends them.
    pub fn weigh(&self, wanted: impl Fn(&str) -> bool) -> Result<Weight> {
        let mut weight = Weight::default();
        for (_, source) in self.iter().filter(|(path, _)| wanted(path)) {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            weight.raw += io::copy(&mut File::open(source)?, &mut gzip)?;
            weight.gzipped += gzip.finish()?.len() as u64;
        }
        Ok(weight)
    }
}

/// The first 16 hexadecimal digits of SHA-256.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes, raw and gzipped.
#[derive(Clone, Copy, Default)]
pub struct Weight {
    pub raw: u64,
    pub gzipped: u64,
}

/// Paths of all files in a folder and its subfolders, relative to it, with slashes; none if it does not exist.
pub fn files(folder: &Path) -> Result<Vec<String>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(folder)?;
            paths.push(path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"));
        }
    }
    Ok(paths)
}

/// Whether a copy has its source's length and is not older.
fn same(source: &Path, copy: &Path) -> Result<bool> {
    let (source, Ok(copy)) = (fs::metadata(source)?, fs::metadata(copy)) else { return Ok(false) };
    Ok(source.len() == copy.len() && source.modified()? <= copy.modified()?)
}
