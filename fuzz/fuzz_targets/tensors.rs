//! Edits of valid weights files of every naming scheme, and of a checkpoint: inputs that mutated bytes hardly ever
//! reach.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mobilenetv2::arch::json::settings;
use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::train::{Recipe, Trainer, checkpoint};
use mobilenetv2::weights::{self, PartialConfig};
use mobilenetv2_fuzz::{refused, within};
use serde_json::{Map, Value, json};

#[derive(Arbitrary, Debug)]
struct Input {
    base: u8,
    edits: Vec<Edit>,
    known: Option<(Key, Text)>,
}

#[derive(Arbitrary, Debug)]
enum Edit {
    Remove(u8),
    Copy {
        from: u8,
        to: u8,
    },
    Prefix {
        prefix: Prefix,
        all: bool,
        tensor: u8,
    },
    /// The data change with it.
    Shape {
        tensor: u8,
        axis: u8,
        size: Size,
    },
    /// The data stay.
    Announce {
        tensor: u8,
        axis: u8,
        size: Size,
    },
    Rank {
        tensor: u8,
        axes: u8,
    },
    Type {
        tensor: u8,
        name: Type,
    },
    Offset {
        tensor: u8,
        end: bool,
        by: i16,
    },
    Value {
        tensor: u8,
        index: u16,
        bits: u32,
    },
    Metadata {
        key: Key,
        text: Text,
    },
    Forget(Key),
    Cut(u16),
}

#[derive(Arbitrary, Debug)]
enum Size {
    Small(u8),
    Multiple(u8),
    Huge(u64),
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Prefix {
    Module,
    StateDict,
    Model,
    Compiled,
    Ema,
    Nothing,
}

#[derive(Arbitrary, Debug)]
enum Type {
    F16,
    BF16,
    F32,
    F64,
    I64,
    U8,
    Other,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Key {
    Width,
    Resolution,
    Classes,
    Stem,
    Activation,
    Bottleneck,
    Shortcut,
    Expansion,
    ExpandFirst,
    Padding,
    Epsilon,
    Dropout,
    Mean,
    Std,
    Crop,
    Labels,
    Recipe,
    Step,
    ImagesPerEpoch,
    Images,
    Rng,
    Architecture,
}

impl Key {
    fn name(self) -> &'static str {
        const NAMES: [&str; 22] = [
            "width",
            "resolution",
            "classes",
            "stem",
            "activation",
            "bottleneck",
            "shortcut",
            "expansion",
            "expand_first",
            "padding",
            "epsilon",
            "dropout",
            "mean",
            "std",
            "crop",
            "labels",
            "recipe",
            "step",
            "images_per_epoch",
            "images",
            "rng",
            "architecture",
        ];
        NAMES[self as usize]
    }
}

#[derive(Arbitrary, Debug)]
enum Text {
    Whole(u64),
    Float(f64),
    Name(Name),
    Three([f32; 3]),
    Names(Vec<Option<char>>),
    Setting(Setting, u64),
    Free(String),
}

#[derive(Arbitrary, Debug)]
enum Name {
    Imagenet,
    Cifar,
    Relu6,
    Relu,
    Linear,
    Bottlenecks,
    Projected,
    None,
    Same,
    Symmetric,
    True,
    Null,
    Plain,
    Expansions,
}

#[derive(Arbitrary, Debug)]
enum Setting {
    Batch,
    Freeze,
    Sizes,
    Average,
    Optimizer,
    CropPadding,
    Cutout,
}

impl Text {
    fn text(&self) -> String {
        match self {
            Text::Whole(number) => number.to_string(),
            Text::Float(number) => number.to_string(),
            Text::Name(name) => format!("{name:?}").to_lowercase(),
            Text::Three([r, g, b]) => format!("{r},{g},{b}"),
            Text::Names(names) => {
                let names: Vec<String> = names.iter().map(|name| name.iter().collect()).collect();
                json!(names).to_string()
            }
            Text::Setting(setting, number) => match setting {
                Setting::Batch => json!({ "batch": number }),
                Setting::Freeze => json!({ "freeze": number % 32 }),
                Setting::Sizes => json!({ "sizes": vec![number % 2048; (number >> 32) as usize % 4096] }),
                Setting::Average => json!({ "average": (*number as f64) / u64::MAX as f64 }),
                Setting::Optimizer => {
                    let name = ["sgd", "nesterov", "rmsprop"][*number as usize % 3];
                    json!({ "optimizer": name })
                }
                Setting::CropPadding => json!({ "crop_padding": number }),
                Setting::Cutout => json!({ "cutout": number }),
            }
            .to_string(),
            Text::Free(text) => text.clone(),
        }
    }
}

/// A tensor to be written.
#[derive(Clone)]
struct Tensor {
    name: String,
    dtype: String,
    shape: Vec<u64>,
    data: Vec<u8>,
    announced: Option<Vec<u64>>,
    offsets: [i64; 2],
}

#[derive(Clone)]
struct File {
    tensors: Vec<Tensor>,
    metadata: Map<String, Value>,
}

impl File {
    fn read(bytes: &[u8]) -> File {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut header: Map<String, Value> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        let metadata =
            header.remove("__metadata__").map_or_else(Map::new, |m| m.as_object().unwrap().clone());
        let number = |value: &Value| value.as_u64().unwrap();
        let mut tensors: Vec<Tensor> = header
            .into_iter()
            .map(|(name, info)| {
                let offsets = &info["data_offsets"];
                let [start, end] = [0, 1].map(|i| 8 + length + number(&offsets[i]) as usize);
                Tensor {
                    name,
                    dtype: info["dtype"].as_str().unwrap().into(),
                    shape: info["shape"].as_array().unwrap().iter().map(number).collect(),
                    data: bytes[start..end].to_vec(),
                    announced: None,
                    offsets: [0; 2],
                }
            })
            .collect();
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        File { tensors, metadata }
    }

    fn write(&self, cut: usize) -> Vec<u8> {
        let mut header = Map::new();
        if !self.metadata.is_empty() {
            header.insert("__metadata__".into(), self.metadata.clone().into());
        }
        let (mut end, mut data) = (0, Vec::<u8>::new());
        for tensor in &self.tensors {
            let start = end;
            end += tensor.data.len() as i64;
            data.extend(&tensor.data);
            let offsets = [start + tensor.offsets[0], end + tensor.offsets[1]];
            let shape = tensor.announced.as_ref().unwrap_or(&tensor.shape);
            let info = json!({ "dtype": tensor.dtype, "shape": shape, "data_offsets": offsets });
            header.insert(tensor.name.clone(), info);
        }
        let header = Value::Object(header).to_string();
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend(data);
        file.truncate(file.len().saturating_sub(cut));
        file
    }

    fn at(&mut self, index: u8) -> Option<&mut Tensor> {
        let count = self.tensors.len();
        self.tensors.get_mut(usize::from(index) % count.max(1))
    }

    fn edit(&mut self, edit: &Edit) -> Option<()> {
        match edit {
            Edit::Remove(tensor) if !self.tensors.is_empty() => {
                self.tensors.remove(usize::from(*tensor) % self.tensors.len());
            }
            Edit::Copy { from, to } => {
                let name = self.at(*to)?.name.clone();
                *self.at(*from)? = Tensor { name, ..self.at(*from)?.clone() };
            }
            Edit::Prefix { prefix, all, tensor } => {
                let prefix = ["module.", "state_dict.", "model.", "_orig_mod.", "ema.", ""][*prefix as usize];
                let one = self.at(*tensor)?.name.clone();
                for tensor in self.tensors.iter_mut().filter(|tensor| *all || tensor.name == one) {
                    tensor.name.insert_str(0, prefix);
                }
            }
            Edit::Shape { tensor, axis, size } => {
                let tensor = self.at(*tensor)?;
                let before: u64 = tensor.shape.iter().product();
                resize(&mut tensor.shape, *axis, size);
                let after = tensor.shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size))?;
                let bytes = (tensor.data.len() as u64).checked_div(before)?.checked_mul(after)?;
                tensor.data.resize(bytes.min(1 << 20) as usize, 0);
            }
            Edit::Announce { tensor, axis, size } => {
                let tensor = self.at(*tensor)?;
                let mut shape = tensor.shape.clone();
                resize(&mut shape, *axis, size);
                tensor.announced = Some(shape);
            }
            Edit::Rank { tensor, axes } => self.at(*tensor)?.shape.resize(usize::from(*axes % 8), 1),
            Edit::Type { tensor, name } => self.at(*tensor)?.dtype = format!("{name:?}"),
            Edit::Offset { tensor, end, by } => {
                self.at(*tensor)?.offsets[usize::from(*end)] += i64::from(*by);
            }
            Edit::Value { tensor, index, bits } => {
                let data = &mut self.at(*tensor)?.data;
                let start = (usize::from(*index) * 4).checked_rem(data.len().saturating_sub(3))?;
                data[start..start + 4].copy_from_slice(&bits.to_le_bytes());
            }
            Edit::Metadata { key, text } => {
                self.metadata.insert(key.name().into(), text.text().into());
            }
            Edit::Forget(key) => {
                self.metadata.remove(key.name());
            }
            Edit::Remove(_) | Edit::Cut(_) => {}
        }
        Some(())
    }
}

fn resize(shape: &mut [u64], axis: u8, size: &Size) {
    let count = shape.len().max(1);
    if let Some(axis) = shape.get_mut(usize::from(axis) % count) {
        *axis = match size {
            Size::Small(size) => u64::from(*size),
            Size::Multiple(eights) => 8 * u64::from(*eights),
            Size::Huge(size) => *size,
        };
    }
}

/// Narrow networks as each library saves them, one of our own, and trainings with every optimiser's state.
static BASES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let recipe = |fields: Value| settings::<Recipe>(fields.as_object().unwrap()).unwrap();
    let checkpoint = |fields| {
        let config = Config { width: 0.1, expansion: 1, classes: 2, resolution: 8, ..Config::cifar() };
        checkpoint::save(&Trainer::new(Weights::random(config, 1), recipe(fields), 10).unwrap()).unwrap()
    };
    [
        include_bytes!("../../tests/golden/schemes/torchvision.safetensors").to_vec(),
        include_bytes!("../../tests/golden/schemes/timm.safetensors").to_vec(),
        include_bytes!("../../tests/golden/schemes/transformers.safetensors").to_vec(),
        include_bytes!("../../tests/golden/schemes/pytorch-cifar.safetensors").to_vec(),
        include_bytes!("../../tests/golden/cifar.safetensors").to_vec(),
        checkpoint(json!({ "batch": 2 })),
        checkpoint(json!({ "batch": 2, "optimizer": "rmsprop", "average": 0.9 })),
    ]
    .iter()
    .map(|bytes| File::read(bytes))
    .collect()
});

fuzz_target!(|input: Input| {
    let mut file = BASES[usize::from(input.base) % BASES.len()].clone();
    let mut cut = 0;
    for edit in &input.edits {
        file.edit(edit);
        if let Edit::Cut(bytes) = edit {
            cut = usize::from(*bytes);
        }
    }
    let bytes = file.write(cut);
    let mut known = PartialConfig::new();
    if let Some((key, text)) = &input.known {
        let text = text.text();
        known.insert(key.name().into(), serde_json::from_str(&text).unwrap_or_else(|_| text.into()));
    }
    let _ = within(bytes.len(), 0, || weights::load(&bytes, &known));
    if let Ok(trainer) = within(bytes.len(), 0, || checkpoint::load(&bytes)) {
        let saved = checkpoint::save(&trainer).unwrap();
        let again = within(saved.len(), 0, || checkpoint::load(&saved));
        assert!(refused() || again.is_ok(), "a written checkpoint could not be read");
    }
});
