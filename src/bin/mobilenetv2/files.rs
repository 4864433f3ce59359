//! Reading, writing and printing, with messages that name the file.

use std::fmt::Display;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use mobilenetv2::{Error, Result};
use serde::Serialize;

pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| wrong(path, error))
}

/// Puts the file's name before whatever is wrong with it.
pub fn wrong(path: &Path, error: impl Display) -> Error {
    Error::File(format!("{}: {error}", path.display()))
}

/// Class names from a file: a JSON array, or else a name a line.
pub fn read_labels(path: &Path, classes: usize) -> Result<Vec<String>> {
    let text = String::from_utf8(read(path)?).map_err(|error| wrong(path, error))?;
    let labels: Vec<String> = if text.trim_start().starts_with('[') {
        serde_json::from_str(&text).map_err(|error| wrong(path, error))?
    } else {
        text.lines().map(Into::into).collect()
    };
    if labels.len() == classes {
        return Ok(labels);
    }
    Err(wrong(path, format!("{} labels; expected {classes}, one a class", labels.len())))
}

/// Whether [`write`] will be able to: what makes the file takes long.
pub fn check_writable(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(wrong(path, "is a folder; name a file in it"));
    }
    let part = part(path);
    fs::File::create(&part).and_then(|_| fs::remove_file(&part)).map_err(|error| wrong(path, error))
}

/// Writes beside the file and renames: whoever reads it, or is interrupted, has the old or the new, never a part.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = part(path);
    let write = || {
        let mut file = fs::File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|error| wrong(path, error))
}

/// Where a file is written before it gets its name.
fn part(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// Prints a line to standard output.
pub fn print(line: impl Display) -> Result<()> {
    // Not `println!`, which panics when a pipe's reader has left.
    writeln!(std::io::stdout(), "{line}").map_err(|error| Error::File(format!("standard output: {error}")))
}

pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(serde_json::to_string(value).expect("results are plain data"))
}
