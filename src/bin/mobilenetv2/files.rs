//! Reading, writing and printing, with messages that name the file.

use std::fmt::Display;
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use mobilenetv2::data::image::MAX_FILE;
use mobilenetv2::error::{Error, Result};
use mobilenetv2::weights;
use serde::Serialize;
use tempfile::NamedTempFile;

pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| wrong(path, error))
}

/// Puts the file's name before the error.
pub fn wrong(path: &Path, error: impl Display) -> Error {
    Error::File(format!("{}: {error}", path.display()))
}

/// Class names from a file, which must have `classes` of them.
pub fn read_labels(path: &Path, classes: usize) -> Result<Vec<String>> {
    let labels = weights::parse_labels(&read(path)?).map_err(|error| wrong(path, error))?;
    if labels.len() == classes {
        return Ok(labels);
    }
    Err(wrong(path, format!("{} labels; expected {classes}, one per class", labels.len())))
}

/// A picture's bytes, up to a limit: a device may have no end.
pub fn read_picture(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| wrong(path, error))?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| wrong(path, error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(wrong(path, format!("is larger than {} million bytes", MAX_FILE / 1_000_000)));
    }
    Ok(bytes)
}

/// The target of a write.
enum Target {
    /// A file, existing or not, after following all links.
    File { path: PathBuf, permissions: Option<Permissions> },
    /// A device or a pipe, which is written to and cannot be replaced.
    Stream { pipe: bool },
}

impl Target {
    fn of(path: &Path) -> Result<Target> {
        let refuse = |what: &str| Err(wrong(path, what));
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = end_of_links(path);
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let Ok(folder) = fs::canonicalize(folder.unwrap_or(Path::new("."))) else {
                    return Err(wrong(&path, "the folder does not exist"));
                };
                let Some(name) = path.file_name() else { return refuse("names no file") };
                return Ok(Target::File { path: folder.join(name), permissions: None });
            }
            Err(error) => return Err(wrong(path, error)),
        };
        if found.is_dir() {
            return refuse("is a folder; name a file in it");
        }
        if !found.is_file() {
            return match kind(found.file_type()) {
                Kind::Device => Ok(Target::Stream { pipe: false }),
                Kind::Pipe => Ok(Target::Stream { pipe: true }),
                Kind::Other => refuse("is not a file, device or pipe that can be written to"),
            };
        }
        // A privileged user could still replace such a file by renaming; its owner did not mean that.
        if found.permissions().readonly() {
            return refuse("is read-only");
        }
        let open = fs::OpenOptions::new().write(true).open(path);
        let path = open.and_then(|_| fs::canonicalize(path)).map_err(|error| wrong(path, error))?;
        Ok(Target::File { path, permissions: Some(found.permissions()) })
    }
}

/// What an entry is if it is neither file nor folder.
enum Kind {
    Device,
    Pipe,
    Other,
}

#[cfg(unix)]
fn kind(found: fs::FileType) -> Kind {
    use std::os::unix::fs::FileTypeExt;
    match () {
        () if found.is_char_device() => Kind::Device,
        () if found.is_fifo() => Kind::Pipe,
        () => Kind::Other, // a disk, a socket
    }
}

#[cfg(not(unix))]
fn kind(_: fs::FileType) -> Kind {
    Kind::Other
}

/// Where links to a missing file lead.
fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    while let Ok(link) = fs::read_link(&path) {
        path = path.parent().unwrap_or(Path::new("")).join(link);
    }
    path
}

/// Checks that [`write`] will succeed, before the work that produces the file.
pub fn check_writable(path: &Path) -> Result<()> {
    match Target::of(path)? {
        Target::File { path: target, .. } => part(&target).map(|_| ()).map_err(|error| wrong(path, error)),
        Target::Stream { .. } => Ok(()),
    }
}

/// Checks that `checkpoint` can keep a training whose weights will be written to `out`.
pub fn check_checkpoint(checkpoint: &Path, out: &Path) -> Result<()> {
    check_writable(checkpoint)?;
    match (Target::of(checkpoint)?, Target::of(out)?) {
        (Target::Stream { .. }, _) => {
            Err(wrong(checkpoint, "is not a file, so a training could not resume from it"))
        }
        (Target::File { path: one, .. }, Target::File { path: other, .. })
            if one == other || same_file::is_same_file(&one, &other).unwrap_or(false) =>
        {
            let out = out.display();
            Err(wrong(
                checkpoint,
                format!("--checkpoint and --out name the same file ({out}): the weights would replace it"),
            ))
        }
        _ => Ok(()),
    }
}

/// Writes to a temporary file beside the target and renames it: a reader, or an interruption, finds the old or the new
/// file, never a part. A link stays and its target is replaced; a device or pipe is written to directly.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = match Target::of(path)? {
        Target::File { path: target, permissions } => replace(&target, permissions, bytes),
        Target::Stream { pipe } => {
            if pipe {
                eprintln!("{}: waiting for a reader of this pipe", path.display());
            }
            fs::OpenOptions::new().write(true).open(path).and_then(|mut stream| stream.write_all(bytes))
        }
    };
    written.map_err(|error| wrong(path, error))
}

fn replace(path: &Path, permissions: Option<Permissions>, bytes: &[u8]) -> io::Result<()> {
    let mut part = part(path)?;
    part.write_all(bytes)?;
    if let Some(permissions) = permissions {
        part.as_file().set_permissions(permissions)?;
    }
    part.as_file().sync_all()?;
    part.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// A temporary file beside this one, which vanishes unless it is renamed.
fn part(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("mobilenetv2-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    builder.tempfile_in(path.parent().unwrap_or(Path::new(".")))
}

/// Prints a line to standard output.
pub fn print(line: impl Display) -> Result<()> {
    // Not `println!`, which panics when the pipe's reader has left.
    writeln!(std::io::stdout(), "{line}").map_err(|error| Error::File(format!("standard output: {error}")))
}

pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(serde_json::to_string(value).expect("results are plain data"))
}
