//! The command line's arguments: numbers that are not finite, options that conflict, label files; and its output on
//! standard error.
#![cfg(feature = "cli")]

mod parts;
mod program;

use std::fs;
use std::path::Path;

use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::weights::{self, PartialConfig, Precision};
use parts::File;
use program::{error, folder, json, run, told, write_picture, write_weights};

/// Options with a word as their value; all others take a number.
const WORDS: [&str; 9] = [
    "--data",
    "--out",
    "--weights",
    "--checkpoint",
    "--recipe",
    "--labels",
    "--predictions",
    "--decay-norms",
    "--flip",
];

#[test]
fn no_option_takes_a_non_finite_number() {
    let folder = folder("numbers");
    let mut tried = 0;
    for command in ["describe", "classify", "train", "eval", "convert", "replay", "bench"] {
        let help = String::from_utf8(run(&folder, &format!("{command} --help")).stdout).unwrap();
        let options = help.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split_once(" <"));
        for (option, _) in options {
            let option = format!("--{option}");
            // in a replay, the batch is a file
            if WORDS.contains(&option.as_str()) || command == "replay" && option == "--batch" {
                continue;
            }
            for value in ["NaN", "inf", "1e999", ""] {
                let message = error(&folder, &format!("{command} {option}={value}"));
                assert!(message.contains(&option), "{command} {option}={value}: {message}");
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "found only {tried} options");
}

#[test]
fn impossible_values_are_refused() {
    let folder = folder("refused");
    write_weights(&folder, "w.safetensors");
    let train = "train --data shapes --out @x.safetensors";
    let message = |words: &str| error(&folder, words);
    assert!(message(&format!("{train} --epochs 0")).contains("0 is not in 1..=1000000"));
    assert!(message(&format!("{train} --checkpoint @c --checkpoint-every 0")).contains("0 is not in 1.."));
    assert!(message("describe --width 5").contains("width must be 0.1 to 4, not 5"));
    assert!(
        message("describe --mean 0.5,0.5").contains("expected one number, or three for red, green and blue")
    );
    assert!(message("describe --resolution 4").contains("resolution must be 8 to 1024, not 4"));

    let huge = "--width 4 --resolution 1024";
    assert!(
        message(&format!("bench --train --batch 4096 {huge}"))
            .contains("GB of memory, more than is available")
    );
    assert!(
        message(&format!("bench --train --batch 9999 {huge}")).contains("batch must be 1 to 4096, not 9999")
    );
    assert!(message(&format!("{train} --hold-out {}", 1_u64 << 60)).contains("GB of memory"));
    let message = message(&format!("{train} --hold-out 1000000 --resolution 1024"));
    assert!(message.contains("drawing 1000000 images of 1024 × 1024 takes 3145.7 GB"), "{message}");
}

#[test]
fn mistakes_in_a_recipe_are_named() {
    let folder = folder("recipe");
    let message = |recipe: &str| {
        fs::write(folder.join("recipe.json"), recipe).unwrap();
        error(&folder, "train --data shapes --out @x.safetensors --recipe @recipe.json")
    };
    assert!(
        message("{\"learning_rate\": 0.1, \"batch\": 8, \"learning_rate\": 0.2}")
            .contains("recipe.json: learning_rate is given twice")
    );
    assert!(message("{\"learning-rate\": 0.1}").contains("recipe.json: learning-rate: unknown field"));
    assert!(
        message("{\"learning_rate\": \"fast\"}").contains("recipe.json: learning_rate: invalid type: string")
    );
    assert!(message("{\"learning_rate\": 1e39}").contains("learning rate must be 0 to 10, not inf"));
    assert!(message("{\"learning_rate\": NaN}").contains("recipe.json: expected value at line 1"));
    let sizes = vec!["32"; 20_000].join(",");
    assert!(
        message(&format!("{{\"sizes\": [{sizes}]}}")).contains("number of sizes must be 0 to 64, not 20000")
    );
}

#[test]
fn one_number_applies_to_all_colours() {
    let folder = folder("colours");
    write_weights(&folder, "w.safetensors");
    let convert = "convert --weights @w.safetensors --out @x.safetensors --json --mean 0.5 --std 0.25,0.5,1";
    let config = &json(&folder, convert)[0]["config"];
    assert_eq!(config["mean"], serde_json::json!([0.5, 0.5, 0.5]));
    assert_eq!(config["std"], serde_json::json!([0.25, 0.5, 1.0]));
}

#[test]
fn labels_are_read_in_every_common_form() {
    let folder = folder("labels");
    write_weights(&folder, "w.safetensors");
    let convert = "convert --weights @w.safetensors --out @x.safetensors --json --labels @labels";
    let files = [
        "\u{feff}cat\ndog\nowl\n",
        "cat\r\ndog\r\nowl\r\n\r\n\n",
        "{\"2\": \"owl\", \"0\": \"cat\", \"1\": \"dog\"}",
        "0: cat\n1: dog\n2: owl",
    ];
    for text in files {
        fs::write(folder.join("labels"), text).unwrap();
        json(&folder, convert);
        let bytes = fs::read(folder.join("x.safetensors")).unwrap();
        let labels = weights::load(&bytes, &PartialConfig::new()).unwrap().labels;
        assert_eq!(labels, ["cat", "dog", "owl"], "{text:?}");
    }
    fs::write(folder.join("labels"), "cat\n\nowl\n").unwrap();
    assert!(error(&folder, convert).contains("labels: line 2 is empty; expected the name of a class"));
}

/// Class folders with this many pictures each.
fn write_pictures(folder: &Path, classes: &[(&str, usize)]) {
    for (class, pictures) in classes {
        let class = folder.join("pictures").join(class);
        fs::create_dir_all(&class).unwrap();
        (0..*pictures)
            .for_each(|index| write_picture(&class.join(format!("{index}.png")), 8 + index as u32, 9));
    }
}

#[test]
fn classes_without_pictures_are_named() {
    let folder = folder("absent");
    let config = Config { width: 0.1, resolution: 16, classes: 3, ..Config::cifar() };
    let mut weights = Weights::random(config, 1);
    weights.labels = ["cat", "dog", "owl"].map(String::from).into();
    fs::write(folder.join("w.safetensors"), weights::save(&weights, Precision::Full)).unwrap();
    write_pictures(&folder, &[("owl", 3), ("cat", 3)]);
    let eval = "eval --weights @w.safetensors --data @pictures --json";
    let (found, warnings) = told(&folder, eval);
    assert_eq!(found[0]["total"], 6);
    let expected = "warning: no images for 1 of the network's 3 classes, which do not count: \"dog\"\n";
    assert_eq!(warnings, expected);
    write_pictures(&folder, &[("dog", 2)]);
    assert_eq!(told(&folder, eval).1, "");

    let train =
        "train --data @pictures --out @x.safetensors --width 0.1 --resolution 16 --batch 6 --epochs 1 --json";
    let (_, warnings) = told(&folder, &format!("{train} --hold-out 4"));
    assert!(warnings.contains("the class \"dog\" has no training images"), "{warnings}");
    write_pictures(&folder, &[("yak", 0)]);
    assert!(error(&folder, train).contains("the class \"yak\" of"));
}

#[test]
fn matching_by_order_and_a_smaller_batch_are_reported() {
    let folder = folder("order");
    write_weights(&folder, "w.safetensors");
    write_pictures(&folder, &[("cat", 4), ("dog", 3), ("owl", 3)]);
    let order =
        "the weights have no class names; assuming the order of the data's: \"cat\", \"dog\", \"owl\"";
    let (_, warnings) = told(&folder, "eval --weights @w.safetensors --data @pictures --json");
    assert!(warnings.contains(order), "{warnings}");
    let train = "train --weights @w.safetensors --data @pictures --out @x.safetensors --epochs 1 --json";
    let (_, warnings) = told(&folder, train);
    assert!(warnings.contains(order), "{warnings}");
    assert!(warnings.contains("the batch of 96 is larger than the 7 training images"), "{warnings}");
    let message = error(&folder, &format!("{train} --hold-out 7"));
    assert!(message.contains("--hold-out must leave images to train on, not take 7 of 7"), "{message}");
}

#[test]
fn assumptions_about_a_file_are_reported() {
    let folder = folder("open");
    let weights = Weights::random(Config { width: 0.35, classes: 3, ..Config::cifar() }, 1);
    let mut file = File::new(&weights);
    file.metadata.clear();
    fs::write(folder.join("w.safetensors"), file.bytes()).unwrap();
    let convert = "convert --weights @w.safetensors --out @x.safetensors --json";
    let (_, notes) = told(&folder, convert);
    let taken = "assuming stem imagenet, activation relu6, bottleneck linear, padding symmetric, epsilon 0.00001, \
                 mean [0.485,0.456,0.406], std [0.229,0.224,0.225]. Options";
    assert!(notes.contains(taken), "{notes}");
    assert!(!notes.contains("features.2"), "{notes}");
    let (_, notes) = told(&folder, &format!("{convert} --input cifar --mean 0.5"));
    assert!(notes.contains("assuming activation relu6") && !notes.contains("mean"), "{notes}");
    assert!(notes.contains("its second block (features.2) has a shortcut"), "{notes}");
    let (_, notes) = told(&folder, "convert --weights @x.safetensors --out @y.safetensors --json");
    assert_eq!(notes, "", "the file is complete now");
}

#[test]
fn useless_weights_are_reported() {
    let folder = folder("useless");
    let train = "train --data shapes --shapes 64 --batch 16 --epochs 2 --width 0.1 --resolution 16 --out @w.safetensors --json";
    assert_eq!(told(&folder, train).1, "");
    let (lines, warnings) = told(&folder, &format!("{train} --learning-rate 10 --momentum 0.5"));
    let loss = lines.last().unwrap()["held_out"]["loss"].as_f64().unwrap();
    assert!(loss > 100.0 && loss.is_finite(), "{loss}");
    assert!(warnings.contains("w.safetensors are useless: their loss is"), "{warnings}");
}
