//! `train` and `replay`, run as a user would: their reports, interrupted and diverging trainings, data and files.
#![cfg(feature = "cli")]

mod program;

use std::fs;
use std::path::Path;

use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::weights::{self, PartialConfig, Precision};
use program::{error, folder, golden, json, keys, run, write_weights};
use serde_json::Value;

#[test]
fn replay_gives_pytorchs_losses() {
    let folder = folder("replay");
    for (optimizer, rate) in [("sgd", "5e-4"), ("nesterov", "5e-4"), ("rmsprop", "1e-4")] {
        let words = format!(
            "replay --weights {} --batch {} --steps 10 --lr {rate} --optimizer {optimizer} --rms-epsilon 0.1 --json \
             --out @after.safetensors",
            golden("imagenet.safetensors").display(),
            golden("imagenet.batch.safetensors").display(),
        );
        let lines = json(&folder, &words);
        let expected: Value = serde_json::from_slice(&fs::read(golden("imagenet.json")).unwrap()).unwrap();
        let expected = expected[optimizer]["losses"].as_array().unwrap();
        assert_eq!(lines.len(), expected.len());
        for (step, (line, expected)) in lines.iter().zip(expected).enumerate() {
            assert_eq!(keys(line), ["loss", "step"]);
            assert_eq!(line["step"], step + 1);
            let (found, expected) = (line["loss"].as_f64().unwrap(), expected.as_f64().unwrap());
            assert!(
                (found - expected).abs() < 2e-3,
                "{optimizer}: {found} at step {step}; expected {expected}"
            );
        }
        let after = fs::read(folder.join("after.safetensors")).unwrap();
        weights::load(&after, &PartialConfig::new()).unwrap();
    }
}

/// Writes a batch of floats or bytes.
fn write_batch(path: &Path, shape: &[usize], images: &[f32], labels: &[i32], layout: Option<&str>) {
    use safetensors::{Dtype, tensor::TensorView};
    let images: Vec<u8> = images.iter().flat_map(|v| v.to_le_bytes()).collect();
    let labels_bytes: Vec<u8> = labels.iter().flat_map(|v| v.to_le_bytes()).collect();
    let tensors = [
        ("images", TensorView::new(Dtype::F32, shape.into(), &images).unwrap()),
        ("labels", TensorView::new(Dtype::I32, vec![labels.len()], &labels_bytes).unwrap()),
    ];
    let metadata = layout.map(|layout| ("layout".into(), layout.into())).into_iter().collect();
    fs::write(path, safetensors::serialize(tensors, Some(metadata)).unwrap()).unwrap();
}

#[test]
fn replay_reads_both_layouts() {
    let folder = folder("layouts");
    write_weights(&folder, "w.safetensors");
    let (n, size) = (2, 16);
    let value = |image: usize, c: usize, pixel: usize| ((image * 7 + c * 3 + pixel) % 11) as f32 / 5.0 - 1.0;
    let (mut last, mut first) = (Vec::new(), Vec::new());
    for image in 0..n {
        (0..size * size).for_each(|pixel| last.extend((0..3).map(|c| value(image, c, pixel))));
        (0..3).for_each(|c| first.extend((0..size * size).map(|pixel| value(image, c, pixel))));
    }
    let replay = "replay --weights @w.safetensors --steps 2 --json --batch";
    write_batch(&folder.join("last"), &[n, size, size, 3], &last, &[0, 2], None);
    write_batch(&folder.join("first"), &[n, 3, size, size], &first, &[0, 2], Some("NCHW"));
    assert_eq!(json(&folder, &format!("{replay} @last")), json(&folder, &format!("{replay} @first")));

    write_batch(&folder.join("small"), &[n, 3, size, size], &first, &[0, 2], Some("nchw"));
    assert_eq!(json(&folder, &format!("{replay} @last")), json(&folder, &format!("{replay} @small")));

    write_batch(&folder.join("bad"), &[n, size, size, 3], &last, &[0, 2], Some("NCHW"));
    let message = error(&folder, &format!("{replay} @bad"));
    assert!(
        message.contains("tensor images has shape [2, 16, 16, 3] and layout NCHW; expected"),
        "{message}"
    );
    write_batch(&folder.join("bad"), &[n, size, size, 3], &last, &[0, 3], None);
    assert!(error(&folder, &format!("{replay} @bad")).contains("tensor labels has the value 3"));
    write_batch(&folder.join("bad"), &[n, size, size, 3], &last, &[0], None);
    assert!(error(&folder, &format!("{replay} @bad")).contains("tensor labels has shape [1]; expected [2]"));
}

#[test]
fn every_recipe_trains() {
    let folder = folder("recipes");
    for entry in fs::read_dir("recipes").unwrap() {
        let recipe = entry.unwrap().path();
        let words =
            "train --data shapes --shapes 128 --steps 1 --width 0.1 --out @w.safetensors --json --recipe";
        let lines = json(&folder, &format!("{words} {}", recipe.display()));
        assert_eq!(lines[0]["step"], 1, "{recipe:?}");
    }
}

#[test]
fn training_continues_bit_for_bit() {
    let folder = folder("train");
    let train = "train --data shapes --shapes 100 --epochs 2 --batch 16 --width 0.1 --resolution 16 --optimizer rmsprop \
                 --learning-rate 0.002 --dropout 0.1 --json";
    let whole = json(&folder, &format!("{train} --out @whole.safetensors"));
    // Two epochs of 100 images are 13 batches of 16, the seventh reaching into the second epoch; and one line per
    // epoch.
    assert_eq!(whole.len(), 15);
    assert_eq!(keys(&whole[0]), ["accuracy", "epoch", "learning_rate", "loss", "step"]);
    assert_eq!(keys(&whole[7]["held_out"]), ["accuracy", "correct", "loss", "total"]);

    let checkpoint = "--checkpoint @run.safetensors --checkpoint-every 3";
    let mut parts = json(&folder, &format!("{train} --out @part.safetensors {checkpoint} --steps 4"));
    parts.extend(json(&folder, &format!("{train} --out @parts.safetensors {checkpoint} --resume")));
    assert_eq!(parts, whole);
    let read = |file| fs::read(folder.join(file)).unwrap();
    assert_eq!(read("parts.safetensors"), read("whole.safetensors"));
    assert_ne!(read("part.safetensors"), read("whole.safetensors"));

    let resume = format!("{train} --out @x.safetensors --checkpoint @run.safetensors --resume");
    assert!(error(&folder, &format!("{resume} --padding same")).contains("network differs from the one"));
    let message = error(&folder, &resume.replace("--batch 16", "--batch 32"));
    assert!(message.contains("batch cannot change from 16 to 32 during a run: start a new run"), "{message}");
    let others = json(&folder, &format!("{train} --out @x.safetensors --hold-out 10"));
    assert_eq!((others[7]["held_out"]["total"].as_u64(), &others[..7]), (Some(10), &whole[..7]));
    let message = error(&folder, &format!("{resume} --seed 2"));
    assert!(message.contains("the checkpoint has seed 1, not 2"), "{message}");
    let message = error(&folder, &resume.replace(" --resume", ""));
    assert!(message.contains("run.safetensors: holds a training: continue it with --resume"), "{message}");
    let message = error(&folder, &resume.replace("--shapes 100", "--shapes 200"));
    assert!(message.contains("the checkpoint has 100 images per epoch, not 200"), "{message}");

    let short = "train --data shapes --shapes 8 --steps 0 --out @same.safetensors";
    json(&folder, &format!("{short} --weights @whole.safetensors"));
    assert_eq!(read("same.safetensors"), read("whole.safetensors"), "no step, no change");
    assert!(error(&folder, &format!("{short} --batch 0")).contains("batch must be 1 to 4096, not 0"));
    assert!(
        error(&folder, &format!("{short} --classes 4")).contains("the data have 10 classes, the network 4")
    );
    fs::write(folder.join("recipe.json"), "{\"rate\": 1}").unwrap();
    assert!(
        error(&folder, &format!("{short} --recipe @recipe.json"))
            .contains("recipe.json: rate: unknown field `rate`")
    );
    assert!(error(&folder, "train --data @ --out @x.safetensors").contains("holds no data set"));

    // A schedule ends with the training, also if that is extended.
    let longer = resume.replace("--epochs 2", "--epochs 3 --schedule linear");
    let rate = json(&folder, &longer).last().unwrap()["learning_rate"].as_f64();
    assert_eq!(rate, None, "the last line is an epoch's");
    let rate =
        json(&folder, &longer.replace("--epochs 3", "--epochs 4"))[0]["learning_rate"].as_f64().unwrap();
    assert!((rate - 0.002 * (1.0 - 3.04 / 4.0)).abs() < 1e-8, "{rate}");

    // An unwritable file is found before any training.
    let nowhere = train.replace("--json", "--out @no/w.safetensors");
    assert!(error(&folder, &nowhere).contains("w.safetensors: "));
    let nowhere = train.replace("--json", "--out @w.safetensors --checkpoint @no/run.safetensors");
    assert!(error(&folder, &nowhere).contains("run.safetensors: "));

    fs::write(folder.join("run.safetensors"), "").unwrap();
    assert!(error(&folder, &resume).contains("run.safetensors: the file is empty"));

    let eval = "eval --weights @whole.safetensors --data shapes --predictions @classes.txt --json";
    let [found] = &json(&folder, eval)[..] else { panic!() };
    assert_eq!(keys(found), ["accuracy", "correct", "total"]);
    assert_eq!(found["correct"], whole[14]["held_out"]["correct"]);
    assert_eq!(found["total"], 1000);
    let classes = fs::read_to_string(folder.join("classes.txt")).unwrap();
    assert_eq!(classes.lines().filter(|class| class.parse::<u32>().unwrap() < 10).count(), 1000);
}

#[test]
fn a_training_that_diverges_leaves_its_last_checkpoint() {
    let folder = folder("diverge");
    let train = "train --data shapes --shapes 64 --batch 16 --width 0.1 --resolution 16 --out @w.safetensors \
                 --checkpoint @run.safetensors --checkpoint-every 1";
    json(&folder, &format!("{train} --steps 1 --json"));
    let far = "--learning-rate 10 --momentum 0.9999 --weight-decay 1";
    let output = run(&folder, &format!("{train} --resume --epochs 99 {far}"));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("try a lower learning rate, or a longer warm-up"), "{message}");
    let bytes = fs::read(folder.join("run.safetensors")).unwrap();
    assert!(weights::load(&bytes, &PartialConfig::new()).is_ok());
    assert!(
        fs::read(folder.join("w.safetensors")).is_ok_and(|bytes| weights::load(
            &bytes,
            &PartialConfig::new()
        )
        .is_ok())
    );
}

#[test]
fn fine_tuning_accepts_weights_of_other_classes() {
    let folder = folder("fine-tune");
    let config = Config { width: 0.1, resolution: 16, classes: 3, ..Config::cifar() };
    let mut three = Weights::random(config, 1);
    three.labels = ["cat", "dog", "owl"].map(String::from).into();
    fs::write(folder.join("three.safetensors"), weights::save(&three, Precision::Full)).unwrap();
    let train = "train --data shapes --shapes 32 --batch 16 --epochs 1 --json --weights @three.safetensors --freeze 19";
    let whole = json(&folder, &format!("{train} --out @whole.safetensors"));
    let parts = format!("{train} --out @ten.safetensors --checkpoint @run.safetensors");
    assert_eq!(json(&folder, &format!("{parts} --steps 1")), whole[..1]);
    assert_eq!(
        json(&folder, &format!("{parts} --resume")),
        whole[1..],
        "from the checkpoint, not from the weights"
    );
    let bytes = fs::read(folder.join("ten.safetensors")).unwrap();
    let ten = weights::load(&bytes, &PartialConfig::new()).unwrap();
    assert_eq!((ten.config.classes, ten.labels.len()), (10, 10));
    let body = three.values.len() - 1281 * 3;
    assert_eq!(ten.values[..body], three.values[..body]);
    assert_eq!(ten.statistics, three.statistics);
    let message = error(&folder, &format!("{} --out @x.safetensors", train.replace("19", "20")));
    assert!(message.contains("freeze must be 0 to 19, not 20"), "{message}");
}

#[test]
fn weights_and_checkpoint_are_two_files() {
    let folder = folder("one-file");
    fs::create_dir(folder.join("sub")).unwrap();
    fs::write(folder.join("there"), "").unwrap();
    fs::hard_link(folder.join("there"), folder.join("hard")).unwrap();
    let mut pairs = vec![("x", "x"), ("x", "sub/../x"), ("there", "sub/../there"), ("there", "hard")];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("there", folder.join("link")).unwrap();
        std::os::unix::fs::symlink("sub", folder.join("other")).unwrap();
        pairs.extend([("there", "link"), ("sub/new", "other/new")]);
    }
    for (out, checkpoint) in pairs {
        let words = format!("train --data shapes --out @{out} --checkpoint @{checkpoint}");
        for words in [&words, &format!("{words} --resume")] {
            let message = error(&folder, words);
            assert!(message.contains("name the same file"), "{words}: {message}");
        }
    }
    assert!(!folder.join("x").exists());
}

#[test]
fn a_project_saved_by_the_page_is_trained_on_and_evaluated() {
    use std::io::Write;

    let folder = folder("project");
    let mut zip = zip::ZipWriter::new(fs::File::create(folder.join("project.zip")).unwrap());
    let mut add = |name: &str, bytes: &[u8]| {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    };
    let description = r#"{"format": "MobileNetV2 Lab project", "version": 1, "settings": {}, "trained": null,
        "classes": [{"name": "y", "folder": "01 y"}, {"name": "x", "folder": "02 x"}]}"#;
    add("project.json", description.as_bytes());
    // Files named as the page stores them: a GIF, a BMP as .jpg, a CMYK JPEG; and a damaged one.
    for (name, file) in [
        ("train/01 y/0000.gif", "palette.gif"),
        ("train/01 y/0001.jpg", "bmp_named.jpg"),
        ("test/01 y/0002.webp", "o6.webp"),
        ("train/02 x/0003.jpg", "cmyk_420.jpg"),
        ("train/02 x/0004.png", "rgb16.png"),
        ("test/02 x/0005.jpg", "no_end.jpg"),
    ] {
        add(name, &fs::read(golden("pictures").join(file)).unwrap());
    }
    add("train/02 x/0006.png", b"\x89PNG\r\n\x1a\n and no more");
    zip.finish().unwrap();

    let output = run(&folder, "train --data @project.zip --epochs 1 --width 0.1 --out @w.safetensors --json");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("left out") && errors.contains("02 x/0006.png: a damaged PNG image"), "{errors}");
    let weights =
        weights::load(&fs::read(folder.join("w.safetensors")).unwrap(), &PartialConfig::new()).unwrap();
    assert_eq!(weights.labels, ["y", "x"]);
    let evaluated = json(&folder, "eval --data @project.zip --weights @w.safetensors --json");
    assert_eq!(evaluated[0]["total"], 2);
}
