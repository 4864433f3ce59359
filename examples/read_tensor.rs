//! Prints a tensor of a weights file; without a name, lists all tensors with their shapes.
//!
//! `cargo run --release --example read_tensor -- www/weights/cifar10-1.safetensors features.0.0.weight`

use std::error::Error;
use std::{env, fs, process};

use mobilenetv2::weights::Container;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (file, name) = match &arguments[..] {
        [file] => (file, None),
        [file, name] => (file, Some(name)),
        _ => {
            eprintln!("usage: read_tensor WEIGHTS.safetensors [NAME]");
            process::exit(2);
        }
    };
    let bytes = fs::read(file)?;
    let file = Container::parse(&bytes)?;
    let Some(name) = name else {
        for name in file.names() {
            println!("{name} {:?}", file.shape(&name).unwrap_or_default());
        }
        return Ok(());
    };
    let tensor = file.floats(name)?; // in PyTorch's shape: (outputs, inputs, height, width) of a convolution
    println!("{name} {:?}: {tensor}", tensor.shape());
    Ok(())
}
