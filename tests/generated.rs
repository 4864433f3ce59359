//! Files generated from the tables of settings and the core's constants: each must match what `cargo xtask generate`
//! writes.
#![cfg(feature = "cli")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use mobilenetv2::arch::setting::{Rules, Setting, Values};
use mobilenetv2::arch::{Config, Cost, FEATURES};
use mobilenetv2::data::{cifar10, shapes};
use mobilenetv2::train::{Recipe, workspace};
use serde::Serialize;
use serde_json::{Map, Value};

/// Set by `cargo xtask generate`: write the files instead of comparing them.
const WRITE: &str = "WRITE_GENERATED";

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, expected) in [
        ("www/engine/constants.js", constants()),
        ("www/lab/coresettings.js", form()),
        ("src/wasm/settings.d.ts", types()),
        ("docs/settings.md", page()),
    ] {
        let file = root.join(path);
        if std::env::var_os(WRITE).is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &expected).unwrap();
        }
        let found = fs::read_to_string(&file).unwrap_or_default();
        assert!(found == expected, "{path} is out of date: run cargo xtask generate");
    }
}

/// The results of `describe` are JSON objects from the core; `types.d.ts` must declare the same fields.
#[test]
fn types_of_results_have_the_fields_of_the_core() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wasm/types.d.ts");
    let types = fs::read_to_string(path).unwrap();
    let fields = |interface: &str| -> Vec<String> {
        let body = types.split(&format!("export interface {interface} {{\n")).nth(1).unwrap();
        let lines = body.lines().take_while(|line| *line != "}");
        let mut names: Vec<String> =
            lines.filter_map(|line| Some(line.trim().split_once(": ")?.0.to_owned())).collect();
        names.sort();
        names
    };
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let cost = serde_json::to_value(Cost::new(&Config::cifar())).unwrap();
    assert_eq!(fields("Description"), keys(&cost));
    assert_eq!(fields("Memory"), keys(&cost["memory"]));
    assert_eq!(fields("LayerCost"), keys(&cost["layers"][0]));
    for layer in cost["layers"].as_array().unwrap() {
        assert!(types.contains(&format!("{}", layer["kind"])), "{}", layer["kind"]);
    }
}

/// Settings as written in a file, so that an `f32` of 0.1 reads 0.1.
fn written(settings: &impl Serialize) -> Map<String, Value> {
    serde_json::from_str(&serde_json::to_string(settings).unwrap()).unwrap()
}

/// A value as JavaScript writes it.
fn literal(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap().to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Names in quotes.
fn quoted(names: &[&str], between: &str) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(between)
}

fn constants() -> String {
    let (imagenet, cifar) = (written(&Config::imagenet()), written(&Config::cifar()));
    format!(
        "\
/** Constants of the core that JavaScript needs too. Written by `cargo xtask generate`; not edited by hand. */

/** Leading modules of a network that can be frozen, as torchvision's `features`: with all of them frozen only the classifier learns. */
export const FEATURES = {FEATURES};

/** Micro-batches per batch: more threads would have nothing to do. */
export const MICRO_BATCHES = {micro_batches};

/** Default number of images per step. */
export const BATCH = {batch};

/** ImageNet's colour mean and standard deviation. @type {{{{mean: [number, number, number], std: [number, number, number]}}}} */
export const IMAGENET_COLOURS = {{ mean: {imagenet_mean}, std: {imagenet_std} }};

/** The same for CIFAR-10. @type {{{{mean: [number, number, number], std: [number, number, number]}}}} */
export const CIFAR_COLOURS = {{ mean: {cifar_mean}, std: {cifar_std} }};

/** CIFAR-10's classes, in the order of its labels. */
export const CIFAR_NAMES = [{names}];

/** A CIFAR-10 mosaic: rows and columns of images, and the side of each image. */
export const MOSAIC = {{ rows: {rows}, columns: {columns}, size: {size} }};

/** Default number of drawings per epoch; they never repeat. */
export const SHAPES_PER_EPOCH = {per_epoch};

/** The drawings on which a training is evaluated: a seed that no training has, and their number. */
export const HELD_OUT_SHAPES = {{ seed: {held_out}, count: {held_out_images} }};
",
        micro_batches = workspace::MICRO_BATCHES,
        batch = Recipe::default().batch,
        imagenet_mean = literal(&imagenet["mean"]),
        imagenet_std = literal(&imagenet["std"]),
        cifar_mean = literal(&cifar["mean"]),
        cifar_std = literal(&cifar["std"]),
        names = quoted(&cifar10::NAMES, ", "),
        per_epoch = shapes::PER_EPOCH,
        held_out = shapes::HELD_OUT,
        held_out_images = shapes::HELD_OUT_IMAGES,
        rows = cifar10::ROWS,
        columns = cifar10::COLUMNS,
        size = cifar10::SIZE,
    )
}

fn form() -> String {
    let mut text = "\
/** The core's settings, from which the page builds its form. Written by `cargo xtask generate`; not edited by hand. */

/**
 * @typedef {object} CoreSetting
 * @property {string} key
 * @property {boolean} live whether it may change during training
 * @property {number | string | boolean} paper
 * @property {string[]} [choices]
 * @property {number} [min]
 * @property {number} [max]
 * @property {boolean} [whole] integers only
 */
"
    .to_owned();
    for (name, what, settings, paper) in [
        ("CONFIG", "Of the network", Config::SETTINGS, written(&Config::imagenet())),
        ("RECIPE", "Of the training", Recipe::SETTINGS, written(&Recipe::paper())),
    ] {
        write!(text, "\n/** {what}. @type {{CoreSetting[]}} */\nexport const {name} = [\n").unwrap();
        for Setting { name, values, rules, .. } in settings {
            let Rules { low, high, live, .. } = rules;
            let range = match values {
                Values::Number | Values::Whole => format!(", min: {low}, max: {high}"),
                Values::Choice(names) => format!(", choices: [{}]", quoted(names, ", ")),
                Values::Switch => String::new(),
                Values::Colours | Values::List(_) => continue, // the form has no field for several numbers
            };
            let whole = if *values == Values::Whole { ", whole: true" } else { "" };
            let paper = literal(&paper[*name]);
            let line = format!("  {{ key: {name:?}, live: {live}, paper: {paper}{range}{whole} }},");
            assert!(line.len() <= 120, "Prettier would break this line: {line}");
            writeln!(text, "{line}").unwrap();
        }
        text.push_str("];\n");
    }
    text
}

fn types() -> String {
    let mut text = "/* Written by `cargo xtask generate`; not edited by hand. */\n".to_owned();
    for (name, what, settings, defaults) in [
        ("Config", "A network and its input.", Config::SETTINGS, written(&Config::default())),
        (
            "Recipe",
            "A training, apart from the network and the data.",
            Recipe::SETTINGS,
            written(&Recipe::default()),
        ),
    ] {
        write!(text, "\n/** {what} Every field is optional. */\nexport interface {name} {{\n").unwrap();
        for setting in settings {
            let kind = match setting.values {
                Values::Number | Values::Whole => "number".into(),
                Values::Switch => "boolean".into(),
                Values::Choice(names) => quoted(names, " | "),
                Values::Colours => "[number, number, number]".into(),
                Values::List(_) => "number[]".into(),
            };
            let range = setting.range().map_or(String::new(), |range| format!("{range}; "));
            let (help, default) = (setting.help(), literal(&defaults[setting.name]));
            writeln!(text, "  /** {help} ({range}default {default}) */\n  {}?: {kind};", setting.name)
                .unwrap();
        }
        text.push_str("}\n");
    }
    text
}

fn page() -> String {
    let mut text = "\
# Settings

<!-- Written by `cargo xtask generate`; not edited by hand. -->

Names are those in a recipe file and in JavaScript; an option of the command line has `-` for `_`, and `stem` is its `--input`.
*Live* settings may change during training. The paper's values are those of its §6.1 and of its network at 224².
"
    .to_owned();
    for (heading, settings, defaults, paper) in [
        ("Recipe", Recipe::SETTINGS, written(&Recipe::default()), written(&Recipe::paper())),
        ("Network", Config::SETTINGS, written(&Config::default()), written(&Config::imagenet())),
    ] {
        let head = "| setting | | values | default | paper | live |\n|---|---|---|---|---|---|";
        write!(text, "\n## {heading}\n\n{head}\n").unwrap();
        for setting in settings {
            let range = setting.range().unwrap_or_default();
            let values = match setting.values {
                Values::Number => range,
                Values::Whole => format!("whole, {range}"),
                Values::Switch => "true, false".into(),
                Values::Choice(names) => names.join(", "),
                Values::Colours => format!("three numbers, {range}"),
                Values::List(most) => format!("up to {most} numbers, {range}"),
            };
            let show = |values: &Map<String, Value>| literal(&values[setting.name]).replace('"', "");
            let (name, help, default, paper) = (setting.name, setting.help(), show(&defaults), show(&paper));
            let live = if setting.rules.live { "live" } else { "" };
            writeln!(text, "| `{name}` | {help} | {values} | {default} | {paper} | {live} |").unwrap();
        }
    }
    text
}
