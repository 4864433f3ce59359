//! Export of the network as an ONNX model, for onnxruntime and other engines.
//!
//! The graph is that of inference: batch norm is folded into the convolutions and their biases, so that an engine only
//! has the activation left to fuse. The batch size is free; height and width are the configuration's resolution. Nodes
//! and weights have the names of torchvision's modules. The configuration and the labels are the model's metadata, with
//! the same keys as in a weights file.
//!
//! ONNX is a protocol-buffer format: messages of numbered fields. Only a handful of messages is needed and none is
//! read, so they are written by hand, with the field numbers of onnx.proto. A library's generated code would add
//! several times as much to the browser's download.

use super::layout;
use super::scheme::SCHEMES;
use crate::arch::{Activation, Kind, Layer, Role, Tensor, Weights, tensors};

/// The input: (N, 3, R, R), colours from 0 to 1, minus `mean`, divided by `std`.
const INPUT: &str = "image";
/// The output: (N, classes).
const OUTPUT: &str = "logits";
/// The operator set's version, of 2020: every engine in use knows it.
const OPERATORS: usize = 13;
/// The version of the file format that came with it.
const FORMAT: usize = 7;
/// `TensorProto.DataType.FLOAT`
const FLOAT: usize = 1;

/// Bytes of an ONNX model in single precision that computes the logits of `weights`.
pub fn to_onnx(weights: &Weights) -> Vec<u8> {
    let config = &weights.config;
    let layers = config.layers();
    let mut graph = Builder {
        weights,
        tensors: tensors(&layers),
        layers: &layers,
        nodes: Vec::new(),
        initializers: Vec::new(),
        clips: false,
    };
    let mut outputs: Vec<String> = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let x = layer.input.map_or(INPUT, |input| &outputs[input]);
        let y = if layer.kind == Kind::Classifier {
            graph.classifier(index, x)
        } else {
            graph.convolution(index, x)
        };
        outputs.push(match layer.adds {
            Some(adds) => graph.node("Add", format!("{y}.sum"), &[&y, &outputs[adds]], Vec::new()),
            None => y,
        });
    }
    let Builder { nodes, initializers, .. } = graph;
    let graph = Message::default()
        .messages(1, nodes)
        .text(2, config.architecture.title())
        .messages(5, initializers)
        .message(11, value(INPUT, &[3, config.resolution, config.resolution]))
        .message(12, value(OUTPUT, &[config.classes]));
    let metadata = super::metadata(weights);
    Message::default()
        .integer(1, FORMAT)
        .text(2, env!("CARGO_PKG_NAME"))
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(7, graph)
        .message(8, Message::default().integer(2, OPERATORS))
        .messages(14, metadata.iter().map(|(key, value)| Message::default().text(1, key).text(2, value)))
        .0
}

/// A graph under construction.
struct Builder<'a> {
    weights: &'a Weights,
    tensors: Vec<Tensor>,
    layers: &'a [Layer],
    nodes: Vec<Message>,
    initializers: Vec<Message>,
    /// Whether there are initializers for the bounds of ReLU6.
    clips: bool,
}

impl Builder<'_> {
    /// Adds a convolution with its batch norm and activation.
    fn convolution(&mut self, index: usize, x: &str) -> String {
        let layer = self.layers[index];
        let side = layer.kernel();
        let before = if side == 3 { self.weights.config.padding_before(&layer) } else { 0 };
        let pads = [before, before, side / 2, side / 2];
        let group = if layer.kind == Kind::Depthwise { layer.c_in } else { 1 };
        let attributes = vec![
            integers("kernel_shape", &[side, side]),
            integers("strides", &[layer.stride, layer.stride]),
            integers("pads", &pads),
            integer("group", group),
        ];
        let (name, [weight, bias]) = self.parameters(index);
        let y = self.node("Conv", name.clone(), &[x, &weight, &bias], attributes);
        match layer.activation {
            Activation::Linear => y,
            Activation::Relu => self.node("Relu", format!("{name}.relu"), &[&y], Vec::new()),
            Activation::Relu6 => {
                if !self.clips {
                    self.initializer("zero", &[], &[0.0]);
                    self.initializer("six", &[], &[6.0]);
                    self.clips = true;
                }
                self.node("Clip", format!("{name}.relu6"), &[&y, "zero", "six"], Vec::new())
            }
        }
    }

    /// Adds the average over all pixels and the classifier.
    fn classifier(&mut self, index: usize, x: &str) -> String {
        let pooled = self.node("GlobalAveragePool", "pool".into(), &[x], Vec::new());
        let features = self.node("Flatten", "flatten".into(), &[&pooled], Vec::new());
        let (_, [weight, bias]) = self.parameters(index);
        self.node("Gemm", OUTPUT.into(), &[&features, &weight, &bias], vec![integer("transB", 1)])
    }

    /// Adds the weights and the bias of a layer; returns the layer's name and theirs.
    fn parameters(&mut self, index: usize) -> (String, [String; 2]) {
        let layer = &self.layers[index];
        let (scale, bias) = self.weights.scale_and_shift(&self.tensors, index, layer.c_out);
        let shape = layout::shape(layer, Role::Weight);
        let w = self.weights.tensor(&self.tensors, index, Role::Weight).expect("every layer has weights");
        let mut w = layout::to_torch(&shape, w);
        let inputs = w.len() / layer.c_out;
        for (w, scale) in w.chunks_exact_mut(inputs).zip(scale) {
            w.iter_mut().for_each(|w| *w *= scale);
        }
        let (name, _) = SCHEMES[0].modules(self.layers, index);
        let names = [format!("{name}.weight"), format!("{name}.bias")];
        self.initializer(&names[0], &shape, &w);
        self.initializer(&names[1], &[layer.c_out], &bias);
        (name, names)
    }

    /// Adds a `TensorProto`.
    fn initializer(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let tensor = Message::default().integers(1, shape).integer(2, FLOAT).text(8, name).bytes(9, &bytes);
        self.initializers.push(tensor);
    }

    /// Adds a `NodeProto` whose output has the node's name; returns that name.
    fn node(&mut self, op: &str, name: String, inputs: &[&str], attributes: Vec<Message>) -> String {
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        let node = node.text(2, &name).text(3, &name).text(4, op).messages(5, attributes);
        self.nodes.push(node);
        name
    }
}

/// A `ValueInfoProto`: an input or output of the graph, (N, …).
fn value(name: &str, shape: &[usize]) -> Message {
    let batch = Message::default().text(2, "batch");
    let sizes = shape.iter().map(|size| Message::default().integer(1, *size));
    let shape = Message::default().message(1, batch).messages(1, sizes);
    let tensor = Message::default().integer(1, FLOAT).message(2, shape);
    Message::default().text(1, name).message(2, Message::default().message(1, tensor))
}

/// An `AttributeProto` of type INT.
fn integer(name: &str, value: usize) -> Message {
    Message::default().text(1, name).integer(3, value).integer(20, 2)
}

/// An `AttributeProto` of type INTS.
fn integers(name: &str, values: &[usize]) -> Message {
    Message::default().text(1, name).integers(8, values).integer(20, 7)
}

/// A protocol-buffer message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// Adds a number, seven bits per byte, lowest first; the eighth bit says that more follow.
    fn varint(mut self, mut value: usize) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn integer(self, field: usize, value: usize) -> Self {
        self.varint(field << 3).varint(value)
    }

    fn integers(self, field: usize, values: &[usize]) -> Self {
        values.iter().fold(self, |message, value| message.integer(field, *value))
    }

    fn bytes(self, field: usize, bytes: &[u8]) -> Self {
        let mut message = self.varint(field << 3 | 2).varint(bytes.len());
        message.0.extend_from_slice(bytes);
        message
    }

    fn text(self, field: usize, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: usize, message: Message) -> Self {
        self.bytes(field, &message.0)
    }

    fn messages(self, field: usize, messages: impl IntoIterator<Item = Message>) -> Self {
        messages.into_iter().fold(self, |whole, message| whole.message(field, message))
    }
}
