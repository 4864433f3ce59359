//! Each of `examples/*.rs`, run as a reader would. `cargo test` builds them; alone, `cargo build --examples` does.
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mobilenetv2::data::{image::Image, shapes};
use mobilenetv2::weights::{self, PartialConfig};

/// Runs an example with these arguments.
fn run(example: &str, arguments: &[&Path]) -> Output {
    // target/debug/deps/examples-… runs target/debug/examples/…
    let here = std::env::current_exe().unwrap();
    let folder = here.ancestors().nth(2).unwrap().join("examples");
    let program = folder.join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    let output = Command::new(&program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{}: {error}; `cargo build --examples` makes it", program.display()))
}

fn lines(example: &str, arguments: &[&Path]) -> Vec<String> {
    let output = run(example, arguments);
    assert!(output.status.success(), "{example}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("www/weights/cifar10-0.35.safetensors")
}

fn write_png(path: &Path, image: &Image) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (width, height) = (image.width() as u32, image.height() as u32);
    image::save_buffer(path, image.rgb(), width, height, image::ColorType::Rgb8).unwrap();
}

#[test]
fn classify_photo() {
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("grey.png");
    write_png(&photo, &Image::from_rgb(40, 30, vec![128; 40 * 30 * 3]).unwrap());
    let lines = lines("classify_photo", &[&shipped(), &photo]);
    let probability = |line: &String| line.split(" %").next().unwrap().trim().parse::<f32>().unwrap();
    let all: Vec<f32> = lines.iter().map(probability).collect();
    assert!(
        all.len() == 5 && all.is_sorted_by(|a, b| a >= b) && all.iter().sum::<f32>() <= 100.1,
        "{lines:?}"
    );
}

#[test]
fn train_on_folder() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = shapes::dataset(1, 0, 60, 32);
    for index in 0..drawn.len() {
        let image = Image::from_rgb(32, 32, drawn.image(index).iter().copied().collect()).unwrap();
        let class = if drawn.labels[index] < 5 { "round" } else { "pointed" };
        write_png(&folder.path().join(format!("data/{class}/{index}.png")), &image);
    }
    let out = folder.path().join("out.safetensors");
    let lines = lines("train_on_folder", &[&folder.path().join("data"), &out, Path::new("2")]);
    assert!(lines.len() == 2 && lines[1].starts_with("epoch 2: loss "), "{lines:?}");
    let weights = weights::load(&fs::read(out).unwrap(), &PartialConfig::new()).unwrap();
    assert_eq!(weights.labels, ["pointed", "round"]);
}

#[test]
fn read_tensor() {
    let name = "features.0.0.weight";
    let all = lines("read_tensor", &[&shipped()]);
    assert!(all.contains(&format!("{name} [16, 3, 3, 3]")), "{all:?}");
    let one = lines("read_tensor", &[&shipped(), Path::new(name)]);
    assert!(one[0].starts_with(&format!("{name} [16, 3, 3, 3]: [[[[")), "{one:?}");
}

#[test]
fn export_onnx() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.onnx");
    assert_eq!(lines("export_onnx", &[&shipped(), &out]), ["input (N, 3, 32, 32), output (N, 10)"]);
    assert!(fs::metadata(out).unwrap().len() > 1_000_000);
}

#[test]
fn without_arguments_each_says_how_it_is_used() {
    for example in ["classify_photo", "train_on_folder", "read_tensor", "export_onnx"] {
        let output = run(example, &[]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{example}");
        assert!(message.starts_with(&format!("usage: {example} ")), "{message}");
    }
}
