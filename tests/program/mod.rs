//! The command line, run as a user would.
#![allow(dead_code)] // each test uses some of it

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::weights::{self, Precision};
use serde_json::Value;

/// A folder for a test's files, empty at the start.
pub fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("command-line").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs the program with words as arguments; a word that begins with @ is a file in the folder.
pub fn run(folder: &Path, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mobilenetv2"));
    for word in words.split_whitespace() {
        match word.strip_prefix('@') {
            Some(file) => command.arg(folder.join(file)),
            None => command.arg(word),
        };
    }
    command.output().unwrap()
}

/// The lines of JSON that a successful run prints.
pub fn json(folder: &Path, words: &str) -> Vec<Value> {
    told(folder, words).0
}

/// The same, with the output on standard error.
pub fn told(folder: &Path, words: &str) -> (Vec<Value>, String) {
    let output = run(folder, words);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{words}: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), errors)
}

/// The message of a run that fails and prints nothing else.
pub fn error(folder: &Path, words: &str) -> String {
    let output = run(folder, words);
    assert!(!output.status.success(), "{words} did not fail");
    assert!(output.stdout.is_empty(), "{words}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

/// The fields of an object.
pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A file that PyTorch made.
pub fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file)
}

/// A small untrained network on disk.
pub fn write_weights(folder: &Path, name: &str) {
    let config = Config { width: 0.1, resolution: 32, classes: 3, ..Config::cifar() };
    fs::write(folder.join(name), weights::save(&Weights::random(config, 1), Precision::Full)).unwrap();
}

/// A picture in PNG.
pub fn write_picture(path: &Path, width: u32, height: u32) {
    let pixel = |x, y| image::Rgb([(x * 5) as u8, (y * 3) as u8, 99]);
    image::RgbImage::from_fn(width, height, pixel).save(path).unwrap();
}
