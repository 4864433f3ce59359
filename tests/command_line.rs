//! The command line, run as a user would: the JSON contracts, the errors, the files written.
#![cfg(feature = "cli")]

mod data;
mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::weights::{self, PartialConfig, Precision};
use program::{error, folder, json, keys, run, write_picture, write_weights};
use serde_json::Value;

#[test]
fn describe() {
    let folder = folder("describe");
    let lines = json(&folder, "describe --width 0.35 --resolution 96 --classes 10 --input imagenet --json");
    let [description] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(keys(description), ["layers", "macs", "memory", "parameters"]);
    assert_eq!(description["parameters"], 408_938);
    assert_eq!(keys(&description["memory"]), ["by_block", "by_operation"]);
    assert_eq!(description["layers"].as_array().unwrap().len(), 53);
    let [cifar] = &json(&folder, "describe --input cifar --json")[..] else { panic!() };
    assert_eq!(cifar["parameters"], 2_236_682);
    assert_eq!((cifar["macs"].as_f64().unwrap() / 1e6).round(), 88.0);

    let plain = String::from_utf8(run(&folder, "describe").stdout).unwrap();
    assert!(plain.contains("parameters  3504872"), "{plain}");
    let v1 = String::from_utf8(run(&folder, "describe --architecture mobilenet-v1").stdout).unwrap();
    assert!(v1.starts_with("MobileNetV1, width 1,"), "{v1}");
    assert!(v1.contains("parameters  4231976") && v1.contains("MACs        568740352"), "{v1}");
    assert!(error(&folder, "describe --width 9").contains("width must be 0.1 to 4, not 9"));
    let wrong = error(&folder, "describe --input mars");
    assert!(
        wrong.contains("invalid value 'mars' for '--input") && wrong.contains("imagenet, cifar"),
        "{wrong}"
    );
}

/// A profile counts every multiply-add of the network, and in backward twice as many, except for the stem's input,
/// which has no gradient.
#[test]
fn bench_profiles_the_whole_network() {
    let folder = folder("bench");
    let options = "--width 0.35 --resolution 32 --json";
    let macs = |line: &Value, operation: &str| {
        let rows = line["profile"].as_array().unwrap().iter().filter(|row| row["operation"] == operation);
        rows.map(|row| row["macs"].as_u64().unwrap()).sum::<u64>()
    };
    let step = "--train --batch 3 --input cifar";
    for (words, network) in [
        ("", ""),
        ("--op-by-op", ""),
        ("", "--architecture plain"),
        (step, ""),
        (step, "--shortcut expansions"),
        (step, "--architecture mobilenet-v1"),
    ] {
        let (input, images) = if words == step { ("cifar", 3) } else { ("imagenet", 1) };
        let described = &json(&folder, &format!("describe {options} --input {input} {network}"))[0];
        let layers = described["layers"].as_array().unwrap();
        let [all, stem] =
            [&described["macs"], &layers[0]["macs"]].map(|macs| images * macs.as_u64().unwrap());
        let bench = &json(&folder, &format!("bench --profile --runs 2 {options} {words} {network}"))[0];
        assert_eq!(bench["times_ms"].as_array().unwrap().len(), 2);
        assert_eq!(macs(bench, "forward"), all, "{words} {network}");
        let backward = if words == step { 2 * all - stem } else { 0 };
        assert_eq!(macs(bench, "backward"), backward, "{words} {network}");
    }
    assert!(error(&folder, "bench --runs 0").contains("0 is not in 1..=100000"));
    for threads in ["0", "100000"] {
        let message = error(&folder, &format!("bench --threads {threads}"));
        assert!(message.contains("--threads must be 1 to ") && message.contains(threads), "{message}");
    }
}

#[test]
fn every_command_has_help() {
    let folder = folder("help");
    for command in ["describe", "classify", "train", "eval", "convert", "replay", "bench"] {
        let output = run(&folder, &format!("{command} --help"));
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("--json"), "{command}");
    }
}

#[test]
fn classify_the_photos() {
    let Some(data) = data::shared("imagenet") else { return };
    let expected: Value = serde_json::from_slice(&fs::read(data.join("expected.json")).unwrap()).unwrap();
    let expected = expected.as_array().unwrap();
    let mut words = format!(
        "classify --json --weights {} --labels",
        data.join("mobilenet_v2_1.0_224.safetensors").display()
    );
    words += &format!(" {}", data.join("labels.txt").display());
    for photo in expected {
        words += &format!(" {}", data.join("photos").join(photo["file"].as_str().unwrap()).display());
    }
    let lines = json(&folder("photos"), &words);
    assert_eq!(lines.len(), expected.len());
    let labels = fs::read_to_string(data.join("labels.txt")).unwrap();
    let labels: Vec<&str> = labels.lines().collect();
    for (line, expected) in lines.iter().zip(expected) {
        assert_eq!(keys(line), ["file", "top"]);
        assert!(line["file"].as_str().unwrap().ends_with(expected["file"].as_str().unwrap()));
        let top = line["top"].as_array().unwrap();
        let found: Vec<u64> = top.iter().map(|p| p["class"].as_u64().unwrap()).collect();
        let classes: Vec<u64> =
            expected["top5"].as_array().unwrap().iter().map(|class| class.as_u64().unwrap()).collect();
        assert_eq!(found, classes, "{line}");
        for (prediction, probability) in top.iter().zip(expected["probability"].as_array().unwrap()) {
            assert_eq!(keys(prediction), ["class", "label", "probability"]);
            assert_eq!(prediction["label"], labels[prediction["class"].as_u64().unwrap() as usize]);
            let difference = prediction["probability"].as_f64().unwrap() - probability.as_f64().unwrap();
            assert!(difference.abs() < 1e-4, "{line}; expected {expected}, to four digits");
        }
    }
}

#[test]
fn classify_takes_any_picture_and_names_bad_ones() {
    let folder = folder("classify");
    write_weights(&folder, "w.safetensors");
    write_picture(&folder.join("wide.png"), 70, 20);
    write_picture(&folder.join("one.png"), 1, 1);
    fs::write(folder.join("text.png"), "not a picture").unwrap();
    fs::write(folder.join("empty.png"), "").unwrap();
    let photo = fs::read("www/samples/cat.jpg").unwrap();
    fs::write(folder.join("photo.jpg"), &photo).unwrap();
    fs::write(folder.join("cut.jpg"), &photo[..photo.len() / 2]).unwrap();
    let words =
        "classify --weights @w.safetensors --top 2 --resolution 64 --json @wide.png @one.png @photo.jpg";
    let lines = json(&folder, words);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["top"].as_array().unwrap().len(), 2);
    assert_eq!(lines[0]["top"][0]["label"], format!("class {}", lines[0]["top"][0]["class"]));

    // The bad ones are named, and the good one is classified all the same.
    let words = "classify --weights @w.safetensors --json @text.png @wide.png @empty.png @none.png @cut.jpg";
    let output = run(&folder, words);
    assert!(!output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
    let errors = String::from_utf8(output.stderr).unwrap();
    for part in ["text.png", "empty.png", "none.png", "cut.jpg: a damaged JPEG image", "4 of 5 pictures"] {
        assert!(errors.contains(part), "{part} in {errors}");
    }

    fs::write(folder.join("labels.txt"), "one\ntwo\n").unwrap();
    let message = error(&folder, "classify --weights @w.safetensors --labels @labels.txt @wide.png");
    assert!(message.contains("labels.txt: 2 labels; expected 3"), "{message}");
    let message = error(&folder, "classify --weights @wide.png @wide.png");
    assert!(message.contains("wide.png: this is not a safetensors file"), "{message}");
    let message = error(&folder, "classify --weights @w.safetensors --resolution 5000 @wide.png");
    assert!(message.contains("resolution must be 8 to 1024, not 5000"), "{message}");
}

#[test]
fn convert() {
    let folder = folder("convert");
    write_weights(&folder, "w.safetensors");
    fs::write(folder.join("labels.json"), "[\"cat\", \"dog\", \"말\"]").unwrap();
    let words = "convert --weights @w.safetensors --out @half.safetensors --half --labels @labels.json --padding same \
                 --mean 0.5,0.5,0.5 --json";
    let lines = json(&folder, words);
    assert_eq!(lines[0]["labels"], 3);
    let half =
        weights::load(&fs::read(folder.join("half.safetensors")).unwrap(), &PartialConfig::new()).unwrap();
    assert_eq!(half.labels, ["cat", "dog", "말"]);
    assert_eq!(half.config.mean, [0.5; 3]);
    assert_eq!(half.config.padding, mobilenetv2::arch::Padding::Same);
    assert_eq!(lines[0]["bytes"], fs::metadata(folder.join("half.safetensors")).unwrap().len());

    json(&folder, "convert --weights @w.safetensors --out @w.onnx --json");
    let written =
        weights::load(&fs::read(folder.join("w.safetensors")).unwrap(), &PartialConfig::new()).unwrap();
    assert!(fs::read(folder.join("w.onnx")).unwrap() == weights::to_onnx(&written), "another model");
    let message = error(&folder, "convert --weights @w.safetensors --out @h.onnx --half");
    assert!(message.contains("leave out --half"), "{message}");

    let message = error(&folder, "convert --weights @w.safetensors --out @x.safetensors --width 1");
    assert!(message.contains("the weights have width 0.1, 3 classes and expansion 6"), "{message}");
    let message = error(&folder, "convert --weights @none.safetensors --out @x.safetensors");
    assert!(message.contains("none.safetensors: No such file"), "{message}");
    assert!(!folder.join("x.safetensors").exists());
}

#[test]
fn options_take_precedence_over_a_file() {
    let folder = folder("options");
    let config = Config { width: 0.35, resolution: 16, ..Config::cifar() };
    let bytes = weights::save(&Weights::random(config, 1), Precision::Full);
    fs::write(folder.join("w.safetensors"), bytes).unwrap();
    let convert = "convert --weights @w.safetensors --out @x.safetensors --json";
    let config = &json(&folder, &format!("{convert} --padding same --crop 0.5 --resolution 24"))[0]["config"];
    assert_eq!(
        [&config["padding"], &config["crop"], &config["resolution"]],
        [&Value::from("same"), &0.5.into(), &24.into()]
    );
    let loss = |options: &str| {
        let train =
            "train --data shapes --shapes 8 --batch 8 --epochs 1 --json --out @y.safetensors --weights";
        json(&folder, &format!("{train} @w.safetensors {options}"))[0]["loss"].as_f64().unwrap()
    };
    assert_ne!(loss(""), loss("--padding same"));
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/samples/cat.jpg");
    let top = |options: &str| {
        json(&folder, &format!("classify --weights @w.safetensors --json {options} {}", photo.display()))
    };
    assert_ne!(top(""), top("--mean 0.1,0.1,0.1"));
    let message = error(&folder, "eval --weights @w.safetensors --data shapes --width 1.4");
    assert!(message.contains("w.safetensors: the weights have width 0.35, 10 classes"), "{message}");

    let widened = run(&folder, &format!("{convert} --widen 0.5"));
    assert!(String::from_utf8_lossy(&widened.stderr).contains("and 0.5: the network has to relearn them"));
    let widened = run(&folder, &format!("{convert} --widen 0.4"));
    assert!(widened.status.success());
}

#[test]
fn eval_a_folder_of_photos() {
    let Some(data) = data::shared("imagenet") else { return };
    // Class folders with three of the photos, named after their labels.
    let folder = folder("eval");
    for (label, photo) in [
        ("zebra", "n02391049_zebra.JPEG"),
        ("parachute, chute", "n03888257_parachute.JPEG"),
        ("lion, king of beasts, Panthera leo", "n02129165_lion.JPEG"),
    ] {
        fs::create_dir_all(folder.join("photos").join(label)).unwrap();
        fs::copy(data.join("photos").join(photo), folder.join("photos").join(label).join(photo)).unwrap();
    }
    let weights = data.join("mobilenet_v2_1.0_224.safetensors");
    let labels = data.join("labels.txt");
    let convert =
        format!("convert --weights {} --labels {} --out @w.safetensors", weights.display(), labels.display());
    assert!(run(&folder, &convert).status.success());
    let [found] = &json(&folder, "eval --weights @w.safetensors --data @photos --json")[..] else { panic!() };
    // As in expected.json, the lion is misclassified.
    assert_eq!((&found["correct"], &found["total"]), (&Value::from(2), &Value::from(3)));
}

/// Writes through links and into pipes and devices, and writes that are refused.
#[cfg(unix)]
#[test]
fn writing_replaces_nothing_but_files() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    let folder = folder("written");
    let path = |name: &str| folder.join(name);
    write_weights(&folder, "w.safetensors");
    let convert = |out: &str| format!("convert --weights @w.safetensors --json --out {out}");
    json(&folder, &convert("@expected.safetensors"));
    let expected = fs::read(path("expected.safetensors")).unwrap();
    let mode = |name: &str| fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;

    // A link stays, wherever it leads; the file behind it keeps its mode.
    fs::create_dir(path("far")).unwrap();
    fs::write(path("far/there"), "old").unwrap();
    fs::set_permissions(path("far/there"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("far/there", path("link")).unwrap();
    symlink("far/new", path("dangling")).unwrap();
    for (link, target) in [("link", "far/there"), ("dangling", "far/new")] {
        json(&folder, &convert(&format!("@{link}")));
        assert!(fs::symlink_metadata(path(link)).unwrap().is_symlink(), "{link}");
        assert!(fs::read(path(target)).unwrap() == expected, "{target}");
    }
    assert_eq!((mode("far/there"), mode("far/new")), (0o640, mode("w.safetensors")));

    // Pipes and devices are written to directly.
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    let pipe = path("pipe");
    let reader = std::thread::spawn(move || fs::read(pipe).unwrap());
    json(&folder, &convert("@pipe"));
    assert!(reader.join().unwrap() == expected);
    assert!(fs::symlink_metadata(path("pipe")).unwrap().file_type().is_fifo());
    let null = Command::new("mknod").arg(path("null")).args(["c", "1", "3"]).output().unwrap();
    if null.status.success() {
        json(&folder, &convert("@null"));
        assert!(fs::symlink_metadata(path("null")).unwrap().file_type().is_char_device());
        let message = error(&folder, "train --data shapes --out @x --checkpoint @null");
        assert!(message.contains("null: is not a file, so a training could not resume"), "{message}");
    } else {
        data::skipped("only root may make a device");
    }

    // Files that cannot be written are reported and stay as they were.
    fs::write(path("read-only"), "old").unwrap();
    fs::set_permissions(path("read-only"), fs::Permissions::from_mode(0o444)).unwrap();
    assert!(error(&folder, &convert("@read-only")).contains("read-only: is read-only"));
    assert!(error(&folder, "train --data shapes --out @read-only").contains("read-only: is read-only"));
    assert_eq!(fs::read(path("read-only")).unwrap(), b"old");
    for words in
        ["eval --weights @none --data @none --predictions", "replay --weights @none --batch @none --out"]
    {
        assert!(
            error(&folder, &format!("{words} @read-only")).contains("read-only: is read-only"),
            "{words}"
        );
    }
    assert!(error(&folder, &convert("@far")).contains("far: is a folder"));
    assert!(error(&folder, &convert("@none/x")).contains("the folder does not exist"));

    // A full disk, as far as the program can tell.
    fs::write(path("full"), "old").unwrap();
    let before = fs::read_dir(&folder).unwrap().count();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .args([env!("CARGO_BIN_EXE_mobilenetv2"), "convert", "--weights"])
        .args([path("w.safetensors"), "--out".into(), path("full")])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert_eq!(fs::read(path("full")).unwrap(), b"old");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), before, "a partial file was left behind");
}
