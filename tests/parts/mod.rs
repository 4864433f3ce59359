//! Weights files in parts that a test can break.
#![allow(dead_code)] // each test uses some of it

use std::collections::HashMap;

use mobilenetv2::arch::{Config, Weights};
use mobilenetv2::weights::{self, PartialConfig, Precision};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// A small network in which every number differs from its neighbours.
pub fn small(config: Config) -> Weights {
    let mut weights = Weights::random(config, 7);
    let mut rng = fastrand::Rng::with_seed(8);
    weights.statistics.fill_with(|| 0.5 + rng.f32());
    weights
}

pub struct File {
    pub metadata: HashMap<String, String>,
    pub tensors: HashMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
}

impl File {
    pub fn new(weights: &Weights) -> Self {
        File::parse(&weights::save(weights, Precision::Full))
    }

    pub fn parse(bytes: &[u8]) -> Self {
        let (length, header) = safetensors::SafeTensors::read_metadata(bytes).unwrap();
        let data = &bytes[8 + length..];
        let tensors = header.tensors().into_iter().map(|(name, info)| {
            let (start, end) = info.data_offsets;
            (name, (info.dtype, info.shape.clone(), data[start..end].to_vec()))
        });
        let metadata = header.metadata().iter().flatten();
        File { tensors: tensors.collect(), metadata: metadata.map(|(k, v)| (k.clone(), v.clone())).collect() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let views = self.tensors.iter().map(|(name, (dtype, shape, data))| {
            (name.as_str(), TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        let metadata = self.metadata.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        safetensors::serialize(views, Some(metadata)).unwrap()
    }

    /// Writes a value into a single-precision tensor.
    pub fn set(&mut self, tensor: &str, index: usize, value: f32) {
        self.tensors.get_mut(tensor).unwrap().2[4 * index..][..4].copy_from_slice(&value.to_le_bytes());
    }

    /// Renames all tensors.
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        self.tensors = self.tensors.into_iter().map(|(old, tensor)| (name(&old), tensor)).collect();
        self
    }

    /// The error on reading it as weights.
    pub fn error(&self) -> String {
        weights::load(&self.bytes(), &PartialConfig::new()).unwrap_err().to_string()
    }
}
