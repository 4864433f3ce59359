//! Weights files: round trips are lossless, files from elsewhere are recognised, errors in bad files name the problem.

mod data;
mod parts;

use mobilenetv2::arch::{Activation, Architecture, Config, Padding, Shortcut, Stem};
use mobilenetv2::weights::{self, PartialConfig, Precision};
use parts::{File, small};
use safetensors::Dtype;

fn unusual() -> Config {
    Config {
        width: 0.1,
        resolution: 48,
        classes: 3,
        activation: Activation::Relu,
        padding: Padding::Same,
        epsilon: 1e-3,
        batch_norm_momentum: 0.003,
        mean: [0.5, 0.25, 0.125],
        std: [0.1, 0.2, 0.3],
        ..Config::cifar()
    }
}

fn none() -> PartialConfig {
    PartialConfig::new()
}

#[test]
fn full_precision_keeps_everything() {
    let mut weights = small(unusual());
    weights.labels = vec!["cat".into(), "말".into(), "a \"quoted\", one".into()];
    let bytes = weights::save(&weights, Precision::Full);
    assert_eq!(weights::load(&bytes, &none()).unwrap(), weights);
    assert_eq!(weights::save(&weights, Precision::Full), bytes, "the same weights give the same bytes");
}

#[test]
fn other_networks_come_back() {
    for architecture in [Architecture::MobilenetV1, Architecture::Plain] {
        let weights = small(Config { architecture, ..unusual() });
        let file = File::new(&weights);
        assert_eq!(weights::load(&file.bytes(), &none()).unwrap(), weights);
        let names = ["features.0.0.weight", "features.13.conv.0.1.running_var", "classifier.1.bias"];
        assert!(names.iter().all(|name| file.tensors.contains_key(*name)));

        // Without metadata it takes someone who knows; width and classes are seen.
        let mut bare = File::new(&weights);
        bare.metadata.clear();
        let known = serde_json::json!({"architecture": file.metadata["architecture"]});
        let loaded = weights::load(&bare.bytes(), known.as_object().unwrap()).unwrap();
        assert_eq!((loaded.config.width, loaded.config.classes), (0.1, 3));
        assert_eq!(loaded.values, weights.values);
        assert!(weights::load(&bare.bytes(), &none()).is_err());
    }
    let expansions = small(Config { shortcut: Shortcut::Expansions, ..unusual() });
    assert_eq!(weights::load(&File::new(&expansions).bytes(), &none()).unwrap(), expansions);
    let mut file = File::new(&expansions);
    file.metadata.insert("architecture".into(), "mobilenet-v3".into());
    assert!(file.error().contains("architecture: unknown variant `mobilenet-v3`"), "{}", file.error());
}

#[test]
fn half_precision_keeps_eleven_bits() {
    let mut weights = small(unusual());
    weights.values[0] = 1e5; // beyond half precision: its tensor must stay in full precision
    let (full, half) = [Precision::Full, Precision::Half].map(|p| weights::save(&weights, p)).into();
    assert!(half.len() < full.len() * 2 / 3, "{} of {} bytes", half.len(), full.len());
    let loaded = weights::load(&half, &none()).unwrap();
    assert_eq!(loaded.statistics, weights.statistics);
    for (kept, value) in loaded.values.iter().zip(&weights.values) {
        let bound = (value.abs() / 2048.0).max(f32::powi(2.0, -25));
        assert!((kept - value).abs() <= bound, "{value} became {kept}");
    }
    assert_eq!(loaded.values[0], 1e5);
}

#[test]
fn bfloat16_is_read() {
    let weights = small(unusual());
    let mut file = File::new(&weights);
    let bias = [0.5f32, -2.0, 3.0];
    let bytes = bias.iter().flat_map(|v| half::bf16::from_f32(*v).to_le_bytes()).collect();
    file.tensors.insert("classifier.1.bias".into(), (Dtype::BF16, vec![3], bytes));
    let loaded = weights::load(&file.bytes(), &none()).unwrap();
    assert_eq!(loaded.values[loaded.values.len() - 3..], bias);
}

#[test]
fn metadata_are_readable() {
    let metadata = File::new(&small(unusual())).metadata;
    let expected = [
        ("format", "pt"),
        ("architecture", "mobilenet-v2"),
        ("width", "0.1"),
        ("resolution", "48"),
        ("classes", "3"),
        ("stem", "cifar"),
        ("activation", "relu"),
        ("bottleneck", "linear"),
        ("padding", "same"),
        ("epsilon", "0.001"),
        ("batch_norm_momentum", "0.003"),
        ("mean", "0.5,0.25,0.125"),
        ("std", "0.1,0.2,0.3"),
    ];
    for (key, value) in expected {
        assert_eq!(metadata.get(key).map(String::as_str), Some(value), "{key}");
    }
}

#[test]
fn files_without_metadata_are_recognised() {
    for (width, expansion) in [(0.1, 6), (0.35, 6), (0.5, 3), (0.75, 1), (0.62, 6), (1.0, 6), (1.4, 6)] {
        let weights = small(Config { width, expansion, classes: 5, ..Config::imagenet() });
        let mut file = File::new(&weights);
        file.metadata.clear();
        let loaded = weights::load(&file.bytes(), &none()).unwrap();
        // Another width may round to the same channels; only the layers matter.
        assert_eq!(loaded.config.layers(), weights.config.layers(), "width {width}, t = {expansion}");
        assert!((loaded.config.width - width).abs() < 0.05, "{width} taken for {}", loaded.config.width);
        assert_eq!(loaded.values, weights.values);
    }
}

#[test]
fn the_caller_fills_what_the_file_leaves_open() {
    let mut file = File::new(&small(unusual()));
    file.metadata.retain(|key, _| key == "padding");
    let known =
        serde_json::json!({"padding": "symmetric", "stem": "cifar", "mean": [0.5, 0.5, 0.5], "std": null});
    let config = weights::load(&file.bytes(), known.as_object().unwrap()).unwrap().config;
    assert_eq!(config.padding, Padding::Same, "the file takes precedence");
    assert_eq!(config.stem, Stem::Cifar);
    assert_eq!(config.mean, [0.5; 3]);
    assert_eq!(config.std, Config::imagenet().std);
    assert_eq!(config.classes, 3);
}

#[test]
fn wrong_claims_are_named() {
    let mut file = File::new(&small(unusual()));
    file.metadata.insert("width".into(), "1".into());
    assert_eq!(
        file.error(),
        "expected tensors of width 1 and expansion 6, found those of width 0.1 and expansion 6"
    );
    file.metadata.insert("width".into(), "wide".into());
    assert!(file.error().contains("width: invalid type: string \"wide\", expected f64"), "{}", file.error());
    file.metadata.insert("width".into(), "40".into());
    assert!(file.error().contains("width must be 0.1 to 4, not 40"), "{}", file.error());
    file.metadata.remove("width");
    file.metadata.insert("expansion".into(), u64::MAX.to_string());
    assert!(file.error().contains("expansion must be 1 to 10, not"), "{}", file.error());

    let known = serde_json::json!({"colour": 1});
    let bytes = File::new(&small(unusual())).bytes();
    let message = weights::load(&bytes, known.as_object().unwrap()).unwrap_err().to_string();
    assert!(message.contains("colour: unknown field"), "{message}");

    let mut file = File::new(&small(unusual()));
    file.metadata.insert("labels".into(), "[\"one\"]".into());
    assert_eq!(file.error(), "the file's metadata have 1 labels; expected 3");
}

#[test]
fn bad_tensors_are_named() {
    let weights = small(unusual());
    let last = "features.18.0.weight";

    let mut file = File::new(&weights);
    file.tensors.remove(last);
    assert_eq!(file.error(), "tensor features.18.0.weight is missing; expected shape [1280, 32, 1, 1]");

    let mut file = File::new(&weights);
    file.tensors.get_mut(last).unwrap().1 = vec![32, 1280, 1, 1];
    assert_eq!(
        file.error(),
        "tensor features.18.0.weight has shape [32, 1280, 1, 1]; expected [1280, 32, 1, 1]"
    );

    let mut file = File::new(&weights);
    file.tensors.insert("features.19.weight".into(), (Dtype::F32, vec![1], vec![0; 4]));
    assert_eq!(file.error(), "tensor features.19.weight of shape [1] is not part of this MobileNetV2");

    let mut file = File::new(&weights);
    file.tensors.insert("classifier.1.bias".into(), (Dtype::F64, vec![3], vec![0; 24]));
    assert_eq!(file.error(), "tensor classifier.1.bias is of type F64; expected F32, F16 or BF16");

    let mut file = File::new(&weights);
    file.set("classifier.1.bias", 1, f32::NAN);
    assert_eq!(
        file.error(),
        "tensor classifier.1.bias has the value NaN at index 1; expected finite numbers only"
    );

    let mut file = File::new(&weights);
    let variance = "features.18.1.running_var";
    file.set(variance, 0, -0.5);
    assert_eq!(
        file.error(),
        "tensor features.18.1.running_var has the value -0.5; a variance is not negative"
    );

    let mut file = File::new(&weights);
    file.tensors.retain(|name, _| name == "classifier.1.bias");
    assert!(
        file.error()
            .contains("not a MobileNetV2 with the tensor names of torchvision, timm, transformers, pytorch-cifar (the file has 1 tensors: classifier.1.bias")
    );
}

/// Most tensors agree on which network a file holds; the error must name the one that differs, whichever it is.
#[test]
fn the_tensor_that_differs_is_blamed() {
    let weights = small(Config { width: 0.35, classes: 5, ..Config::cifar() });
    let convolutions = [
        "features.0.0.weight",
        "features.1.conv.0.0.weight",
        "features.2.conv.0.0.weight",
        "features.2.conv.1.0.weight",
        "features.2.conv.2.weight",
        "features.9.conv.0.0.weight",
        "features.17.conv.2.weight",
        "features.18.0.weight",
        "features.2.conv.0.1.bias",
        "classifier.1.weight",
        "classifier.1.bias",
    ];
    for metadata in [true, false] {
        for name in convolutions {
            let mut file = File::new(&weights);
            if !metadata {
                file.metadata.retain(|key, _| key == "labels");
            }
            file.metadata.insert("labels".into(), "[\"a\",\"b\",\"c\",\"d\",\"e\"]".into());
            let shape = file.tensors[name].1.clone();
            let mut wrong = shape.clone();
            wrong[0] *= 2;
            file.tensors.insert(
                name.into(),
                (Dtype::F32, wrong.clone(), vec![0; 4 * wrong.iter().product::<usize>()]),
            );
            assert_eq!(file.error(), format!("tensor {name} has shape {wrong:?}; expected {shape:?}"));
            file.tensors.remove(name);
            assert_eq!(file.error(), format!("tensor {name} is missing; expected shape {shape:?}"));
        }
    }
}

#[test]
fn prefixes_of_wrappers_are_left_out() {
    let weights = small(unusual());
    for prefix in
        ["module.", "state_dict.", "model.", "_orig_mod.", "backbone.", "state_dict.model._orig_mod.module."]
    {
        let mut file = File::new(&weights).renamed(|name| format!("{prefix}{name}"));
        assert_eq!(weights::load(&file.bytes(), &none()).unwrap(), weights, "{prefix}");
        // the counter of PyTorch's AveragedModel
        file.tensors.insert("n_averaged".into(), (Dtype::I64, vec![], vec![1; 8]));
        assert_eq!(weights::load(&file.bytes(), &none()).unwrap(), weights, "{prefix}");
        file.set(&format!("{prefix}classifier.1.bias"), 0, f32::INFINITY);
        assert!(
            file.error().contains(&format!("tensor {prefix}classifier.1.bias has the value inf")),
            "{}",
            file.error()
        );
        let bias = file.tensors.remove(&format!("{prefix}classifier.1.bias")).unwrap();
        file.tensors.insert("head.bias".into(), bias);
        assert_eq!(file.error(), format!("tensor {prefix}classifier.1.bias is missing; expected shape [3]"));
    }

    // blocks without an expansion have other names
    let plain = small(Config { expansion: 1, ..unusual() });
    let file = File::new(&plain).renamed(|name| format!("module.{name}"));
    assert_eq!(weights::load(&file.bytes(), &none()).unwrap(), plain);
}

#[test]
fn several_networks_in_a_file_are_refused() {
    let file = File::new(&small(unusual()));
    for [model, average] in
        [["", "module."], ["state_dict.", "state_dict_ema."], ["model.", "model_ema.module."]]
    {
        let mut both = File::new(&small(unusual())).renamed(|name| format!("{model}{name}"));
        both.tensors
            .extend(file.tensors.iter().map(|(name, tensor)| (format!("{average}{name}"), tensor.clone())));
        let message = both.error();
        let expected = format!(
            "such as a model and its average, under names that begin with \"{model}\", \"{average}\""
        );
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn a_header_with_a_duplicate_key_is_refused() {
    let bytes = weights::save(&small(unusual()), Precision::Full);
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap().trim_end();
    let end = header.len() - 1;
    let bias = "\"classifier.1.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}";
    let twice = [
        (format!("{},{bias}{}", &header[..end], &header[end..]), "classifier.1.bias"),
        (header.replacen("\"__metadata__\":{", "\"__metadata__\":{\"width\":\"1\",", 1), "width"),
        (format!("{},\"__metadata__\":{{}}{}", &header[..end], &header[end..]), "__metadata__"),
    ];
    for (header, key) in twice {
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes[8 + length..]].concat();
        let message = weights::load(&file, &none()).unwrap_err().to_string();
        assert_eq!(message, format!("the file's header has the key {key} twice"));
    }
}

#[test]
fn assumptions_are_known() {
    let mut file = File::new(&small(unusual()));
    assert!(weights::assumed(&file.bytes(), &none()).unwrap().is_empty());
    file.metadata.retain(|key, _| key == "padding" || key == "mean");
    let known = serde_json::json!({"stem": "cifar", "std": null});
    let assumed = weights::assumed(&file.bytes(), known.as_object().unwrap()).unwrap();
    assert_eq!(assumed, ["activation", "bottleneck", "epsilon", "std"]);
}

#[test]
fn other_files_are_told_apart() {
    let error = |bytes: &[u8]| weights::load(bytes, &none()).unwrap_err().to_string();
    assert!(error(b"").contains("the file is empty"));
    assert!(error(b"\n<!DOCTYPE html><html>not found</html>").contains("web page"));
    assert!(error(b"PK\x03\x04 and so on").contains("zip archive"));
    assert!(error(b"version https://git-lfs.github.com/spec/v1").contains("Git LFS"));
    assert!(error(b"abc").contains("truncated"));
    assert!(error(&[255; 64]).contains("header too large"));
    assert!(error(&[0; 64]).contains("not a safetensors file"));
    let bytes = weights::save(&small(unusual()), Precision::Full);
    assert!(error(&bytes[..1000]).contains("truncated"));
    assert!(error(&bytes[..bytes.len() - 1]).contains("truncated or damaged"));
    assert!(error(&[&bytes[..], &[0]].concat()).contains("truncated or damaged"));
}

#[test]
fn no_damage_panics() {
    let bytes = weights::save(&small(unusual()), Precision::Half);
    let mut rng = fastrand::Rng::with_seed(1);
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for _ in 0..500 {
        let mut damaged = bytes.clone();
        for _ in 0..rng.usize(1..4) {
            damaged[rng.usize(..8 + header)] = rng.u8(..);
        }
        let _ = weights::load(&damaged, &none());
    }
}

/// Files that the format allows: tensors without dimensions, or without values.
#[test]
fn no_shape_panics() {
    let bare = {
        let mut file = File::new(&small(Config { classes: 1, ..unusual() }));
        file.metadata.retain(|key, _| key == "classes");
        file
    };
    for (name, (_, fits, _)) in bare.tensors.iter().filter(|(name, _)| !name.ends_with("num_batches_tracked"))
    {
        for shape in [&[][..], &[0], &[6, 0, 1, 1], &[0, 0, 0, 0]] {
            let mut file = File { metadata: bare.metadata.clone(), tensors: bare.tensors.clone() };
            let bytes = 4 * shape.iter().product::<usize>();
            file.tensors.insert(name.clone(), (Dtype::F32, shape.to_vec(), vec![0; bytes]));
            assert!(weights::load(&file.bytes(), &none()).is_err(), "{name} {shape:?} in place of {fits:?}");
        }
    }
}

#[test]
fn google_weights_are_recognised() {
    let Some(path) = data::shared("imagenet/mobilenet_v2_1.0_224.safetensors") else { return };
    let weights = weights::load(&std::fs::read(path).unwrap(), &none()).unwrap();
    let expected = Config { padding: Padding::Same, mean: [0.5; 3], std: [0.5; 3], ..Config::imagenet() };
    assert_eq!(weights.config, expected);
    assert_eq!(weights.values.len(), 3_504_872);
}
