//! Writes the network of a weights file as an ONNX model, for onnxruntime and other engines.
//!
//! `cargo run --release --example export_onnx -- www/weights/cifar10-1.safetensors cifar10.onnx`

use std::error::Error;
use std::{env, fs, process};

use mobilenetv2::weights::{self, PartialConfig, to_onnx};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, out] = &arguments[..] else {
        eprintln!("usage: export_onnx WEIGHTS.safetensors OUT.onnx");
        process::exit(2);
    };
    let weights = weights::load(&fs::read(file)?, &PartialConfig::new())?;
    fs::write(out, to_onnx(&weights))?;
    let side = weights.config.resolution;
    println!("input (N, 3, {side}, {side}), output (N, {})", weights.config.classes);
    Ok(())
}
