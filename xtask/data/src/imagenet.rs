//! Weights trained on ImageNet, from any source, in the form that the page loads: 16-bit floats with metadata.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use mobilenetv2::arch::{Config, Stem, Weights};
use mobilenetv2::weights::{PartialConfig, Precision, load, parse_labels, save};
use serde_json::{Map, Value, json};

use crate::download::{checksum_of_host, fetch, is_url, part_of};

/// Names of ImageNet's classes, for weights without names.
const CLASSES: &str = include_str!("../../../www/weights/imagenet-classes.txt");
/// Default width and resolution.
const WIDTH: f64 = 1.0;
const RESOLUTION: u64 = 224;
/// The list of a folder's weights, in the format of `www/weights/manifest.json`.
const MANIFEST: &str = "manifest.json";

/// An entry of a manifest.
type Entry = Map<String, Value>;

/// The weights to fetch.
#[derive(clap::Args)]
pub struct Wanted {
    /// Source instead of the publishers' host: address or path of a safetensors file
    #[arg(long)]
    from: Option<String>,
    /// Width multiplier
    #[arg(long)]
    width: Option<f64>,
    /// Side of the pictures in pixels
    #[arg(long)]
    resolution: Option<u64>,
}

/// Adds weights to those in the folder `into`, from their publishers' host, an address or a file, and describes them.
/// `published` is the manifest of published weights, whose facts also hold for the converted ones.
pub fn prepare(wanted: &Wanted, published: &Path, into: &Path) -> Result<String> {
    let entry = match &wanted.from {
        None => published_entry(wanted, &read_manifest(published)?)?,
        Some(from) => entry_from(from),
    };
    let mut entries = match into.join(MANIFEST) {
        manifest if manifest.exists() => read_manifest(&manifest)?,
        _ => Vec::new(),
    };
    let there = entries.iter().find(|other| wanted.from.is_none() && text(other, "id") == text(&entry, "id"));
    if let Some(file) = there.map(|entry| into.join(text(entry, "file"))).filter(|file| file.exists()) {
        return Ok(format!("{} already exists; remove it to fetch it again", file.display()));
    }

    let known = known(wanted, &entry);
    let weights = match wanted.from.as_deref().unwrap_or(text(&entry, "file")) {
        url if is_url(url) => download(url, &known, &part_of(into))?,
        path => convert(Path::new(path), path, &known)?,
    };
    let bytes = save(&weights, Precision::Half);
    let entry = complete(entry, &weights.config, bytes.len());
    let file = into.join(text(&entry, "file"));
    let Config { width, resolution, .. } = weights.config;
    let size = bytes.len() as f64 / 1e6;
    let message = format!("{}: width {width} at {resolution}², {size:.1} MB", file.display());

    fs::create_dir_all(into).with_context(|| format!("cannot write {}", into.display()))?;
    write_whole(&file, &bytes)?;
    entries.retain(|other| text(other, "id") != text(&entry, "id"));
    entries.push(entry);
    // the page starts with the first
    entries.sort_by_key(|entry| !(is(entry, "width", WIDTH) && is(entry, "resolution", RESOLUTION)));
    write_whole(&into.join(MANIFEST), (serde_json::to_string_pretty(&entries)? + "\n").as_bytes())?;
    Ok(message)
}

fn read_manifest(path: &Path) -> Result<Vec<Entry>> {
    let context = || format!("cannot read {}", path.display());
    serde_json::from_slice(&fs::read(path).with_context(context)?).with_context(context)
}

fn text<'a>(entry: &'a Entry, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether the entry has this value.
fn is<T>(entry: &Entry, key: &str, expected: T) -> bool
where
    Value: PartialEq<T>,
{
    entry.get(key).is_some_and(|value| *value == expected)
}

/// The published weights that match; the first if several have the same width and resolution.
fn published_entry(wanted: &Wanted, manifest: &[Entry]) -> Result<Entry> {
    let published = || manifest.iter().filter(|entry| entry.contains_key("published"));
    let (width, resolution) = match (wanted.width, wanted.resolution) {
        (None, None) => (Some(WIDTH), Some(RESOLUTION)),
        asked => asked,
    };
    let fits = |entry: &&Entry| {
        width.is_none_or(|width| is(entry, "width", width))
            && resolution.is_none_or(|resolution| is(entry, "resolution", resolution))
    };
    let mut entry = published().find(fits).cloned().with_context(|| {
        let told = |entry: &Entry| Some(format!("{} at {}", entry.get("width")?, entry.get("resolution")?));
        let all: Vec<_> = published().filter_map(told).collect();
        format!("no such weights are published; available, by width and resolution: {}", all.join(", "))
    })?;
    entry.remove("published");
    let url = text(&entry, "file").to_owned();
    entry.insert("source".into(), url.into());
    Ok(entry)
}

/// Facts about weights that no manifest lists, before they are read.
fn entry_from(from: &str) -> Entry {
    let mut entry = Entry::new();
    entry.insert("name".into(), json!({"en": "ImageNet", "ko": "ImageNet"}));
    entry.insert("accuracy".into(), json!({}));
    if is_url(from) {
        entry.insert("source".into(), from.into());
    }
    entry
}

/// What the file may leave open.
fn known(wanted: &Wanted, entry: &Entry) -> PartialConfig {
    let mut known = PartialConfig::new();
    for (key, asked) in
        [("width", wanted.width.map(Value::from)), ("resolution", wanted.resolution.map(Value::from))]
    {
        if let Some(value) = entry.get(key).cloned().or(asked) {
            known.insert(key.into(), value);
        }
    }
    known
}

/// Fetches a weights file. It is not kept, whatever it turns out to be; only an interrupted download is, to be resumed.
fn download(url: &str, known: &PartialConfig, work: &Path) -> Result<Weights> {
    let checksum = checksum_of_host(url)?;
    let weights = fetch(url, checksum.as_deref(), work).and_then(|file| {
        let weights = convert(&file, url, known);
        fs::remove_file(&file)?;
        weights
    });
    let _ = fs::remove_dir(work); // keeps an interrupted download that can be resumed
    weights
}

/// Reads a network for ImageNet and adds the class names. `from` is the file's name in messages.
fn convert(path: &Path, from: &str, known: &PartialConfig) -> Result<Weights> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut weights = load(&bytes, known).with_context(|| from.to_owned())?;
    let Config { classes, stem, width, resolution, .. } = weights.config;
    let names = parse_labels(CLASSES.as_bytes())?;
    ensure!(
        classes == names.len() && stem == Stem::Imagenet,
        "{from} has a network for {classes} classes; expected ImageNet's {}",
        names.len()
    );
    // the file's own metadata take precedence
    for (key, found) in [("width", json!(width)), ("resolution", json!(resolution))] {
        let expected = known.get(key).unwrap_or(&found);
        ensure!(*expected == found, "{from} has weights of {key} {found}; expected {expected}");
    }
    if weights.labels.is_empty() {
        weights.labels = names;
    }
    Ok(weights)
}

/// The entry, completed from the weights themselves.
fn complete(mut entry: Entry, config: &Config, bytes: usize) -> Entry {
    let Config { width, resolution, classes, stem, .. } = config;
    let id = match text(&entry, "id") {
        "" => format!("imagenet-{width}-{resolution}"),
        id => id.to_owned(),
    };
    let said = json!({
        "file": format!("{id}.safetensors"), "id": id, "bytes": bytes,
        "width": width, "resolution": resolution, "classes": classes, "stem": stem,
    });
    entry.extend(said.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
    entry
}

/// Writes a file completely or not at all.
fn write_whole(path: &PathBuf, bytes: &[u8]) -> Result<()> {
    let part = part_of(path);
    fs::write(&part, bytes)
        .and_then(|()| fs::rename(&part, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::download::tests::{HELLO, answer, server};

    /// A small network for ImageNet at 224², in single precision and without names.
    fn weights() -> Vec<u8> {
        let config = Config { width: 0.1, ..Config::imagenet() };
        save(&Weights::random(config, 1), Precision::Full)
    }

    struct Folder(tempfile::TempDir);

    impl Folder {
        /// With a manifest of weights published at an address.
        fn new(url: &str) -> Folder {
            let folder = Folder(tempfile::tempdir().unwrap());
            let entry = json!({
                "id": "small", "file": url, "published": true, "name": {"en": "Small"}, "width": 0.1, "resolution": 224,
                "classes": 1000, "stem": "imagenet", "bytes": 5, "accuracy": {"224": 0.1},
            });
            fs::write(folder.path("published.json"), json!([entry]).to_string()).unwrap();
            folder
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn prepare(&self, from: Option<&Path>, width: Option<f64>) -> Result<String> {
            let from = from.map(|path| path.to_str().unwrap().to_owned());
            let wanted = Wanted { from, width, resolution: None };
            prepare(&wanted, &self.path("published.json"), &self.path("imagenet"))
        }

        fn manifest(&self) -> Vec<Entry> {
            read_manifest(&self.path("imagenet/manifest.json")).unwrap()
        }

        /// The files in the folders of finished and unfinished weights.
        fn files(&self) -> BTreeMap<String, u64> {
            let folders = ["imagenet", "imagenet.part"].map(|name| fs::read_dir(self.path(name)));
            let files = folders.into_iter().flatten().flatten().map(Result::unwrap);
            files
                .map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len()))
                .collect()
        }
    }

    fn whole(body: &[u8]) -> Vec<u8> {
        answer("200 OK", &format!("Content-Length: {}\r\n", body.len()), body)
    }

    fn no_checksum() -> Vec<u8> {
        answer("200 OK", "", "")
    }

    fn with_checksum(sha256: &str) -> Vec<u8> {
        answer("302 Found", &format!("X-Linked-ETag: \"{sha256}\"\r\nContent-Length: 0\r\n"), "")
    }

    #[test]
    fn a_file_becomes_an_entry_in_half_the_size() {
        let folder = Folder::new("");
        let file = folder.path("any.safetensors");
        fs::write(&file, weights()).unwrap();
        let message = folder.prepare(Some(&file), None).unwrap();
        assert!(message.contains("imagenet-0.1-224.safetensors: width 0.1 at 224²"), "{message}");
        let [entry] = &folder.manifest()[..] else { panic!("one entry") };
        assert_eq!(entry["file"], "imagenet-0.1-224.safetensors");
        assert_eq!(
            (&entry["width"], &entry["classes"], &entry["stem"]),
            (&json!(0.1), &json!(1000), &json!("imagenet"))
        );
        assert!(!entry.contains_key("source"));

        let bytes = fs::read(folder.path("imagenet/imagenet-0.1-224.safetensors")).unwrap();
        assert_eq!(entry["bytes"], bytes.len());
        assert!(bytes.len() < weights().len() * 6 / 10);
        let read = load(&bytes, &PartialConfig::new()).unwrap();
        assert_eq!((read.config.resolution, read.labels.len()), (224, 1000));
        assert_eq!(read.labels[0], "tench, Tinca tinca");
        folder.prepare(Some(&file), None).unwrap();
        assert_eq!(folder.manifest().len(), 1, "the entry is replaced");
    }

    #[test]
    fn published_weights_keep_their_facts_and_are_fetched_once() {
        let (url, requests) = server(vec![no_checksum(), whole(&weights())]);
        let folder = Folder::new(&url);
        folder.prepare(None, Some(0.1)).unwrap();
        assert_eq!(requests.join().unwrap().len(), 2);
        let [entry] = &folder.manifest()[..] else { panic!("one entry") };
        assert_eq!(
            (text(entry, "id"), text(entry, "file"), text(entry, "source")),
            ("small", "small.safetensors", &*url)
        );
        assert_eq!((&entry["accuracy"]["224"], entry.contains_key("published")), (&json!(0.1), false));
        assert!(folder.prepare(None, Some(0.1)).unwrap().contains("already exists"));
        assert_eq!(folder.files().into_keys().collect::<Vec<_>>(), ["manifest.json", "small.safetensors"]);

        let error = folder.prepare(None, None).unwrap_err().to_string();
        assert_eq!(error, "no such weights are published; available, by width and resolution: 0.1 at 224");
    }

    #[test]
    fn the_next_call_resumes_after_repeated_failures() {
        let bytes = weights();
        let half = bytes.len() / 2;
        let length = format!("Content-Length: {}\r\n", bytes.len());
        let rest = |from: usize, body: &[u8]| {
            let range = format!("Content-Range: bytes {from}-{}/{}\r\n", bytes.len() - 1, bytes.len());
            answer("206 Partial Content", &format!("{range}Content-Length: {}\r\n", bytes.len() - from), body)
        };
        let (url, requests) = server(vec![
            no_checksum(),
            answer("200 OK", &length, &bytes[..half]),
            rest(half, &[]),
            rest(half, &[]),
            no_checksum(),
            rest(half, &bytes[half..]),
        ]);
        let folder = Folder::new(&url);
        let error = folder.prepare(None, Some(0.1)).unwrap_err().to_string();
        assert!(error.contains("the same command fetches the rest"), "{error}");
        assert_eq!(folder.files().into_values().collect::<Vec<_>>(), [half as u64]);
        folder.prepare(None, Some(0.1)).unwrap();
        assert_eq!(requests.join().unwrap()[5].to_lowercase(), format!("range: bytes={half}-"));
        assert!(!folder.path("imagenet.part").exists());
    }

    #[test]
    fn answers_without_weights_are_reported_and_leave_nothing() {
        let bytes = weights();
        let other = save(&Weights::random(Config { width: 0.1, ..Config::cifar() }, 1), Precision::Full);
        let wider = save(&Weights::random(Config { width: 0.2, ..Config::imagenet() }, 1), Precision::Full);
        let page = answer("200 OK", "Content-Type: text/html\r\n", "<!doctype html><title>Sign in</title>");
        let short = whole(&bytes[..bytes.len() - 4]);
        let missing = answer("404 Not Found", "Content-Length: 0\r\n", "");
        let mut damaged = bytes.clone();
        *damaged.last_mut().unwrap() ^= 1;
        for (head, body, expected) in [
            (no_checksum(), missing, "answers 404 Not Found"),
            (no_checksum(), page, "this is a web page, not a safetensors file"),
            (no_checksum(), short, "it is truncated or damaged"),
            (no_checksum(), whole(&[]), "the file is empty"),
            (no_checksum(), whole(&other), "has a network for 10 classes; expected ImageNet's 1000"),
            (no_checksum(), whole(&wider), "has weights of width 0.2; expected 0.1"),
            (with_checksum(HELLO), whole(&damaged), HELLO),
        ] {
            let (url, requests) = server(vec![head, body]);
            let folder = Folder::new(&url);
            let error = format!("{:#}", folder.prepare(None, Some(0.1)).unwrap_err());
            assert!(error.contains(expected) && error.contains(&url), "{error}");
            assert!(folder.files().is_empty(), "{:?}", folder.files());
            requests.join().unwrap();
        }
        let folder = Folder::new("");
        let error = folder.prepare(Some(&folder.path("none")), None).unwrap_err().to_string();
        assert!(error.starts_with("cannot read"), "{error}");
    }

    #[test]
    fn the_page_s_manifest_has_the_default_and_googles_first() {
        let manifest = read_manifest(Path::new("../../www/weights/manifest.json")).unwrap();
        let of = |width, resolution| published_entry(&Wanted { from: None, width, resolution }, &manifest);
        assert_eq!(text(&of(None, None).unwrap(), "id"), "google-1.0");
        assert_eq!(text(&of(Some(0.35), None).unwrap(), "id"), "google-0.35");
        assert_eq!(text(&of(Some(0.5), Some(224)).unwrap(), "id"), "timm-0.5");
        assert!(of(Some(0.5), Some(96)).unwrap_err().to_string().contains("0.35 at 96, "));
    }
}
