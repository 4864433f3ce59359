//! The safetensors container: from bytes to named arrays and back, with messages that say what is wrong.

use std::iter;

use half::{bf16, f16};
use ndarray::ArrayD;
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde_json::{Map, Value};

use crate::arch::json;
use crate::error::{Error, Result};

/// Precision of the convolutions' weights on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Four bytes per value: lossless.
    Full,
    /// Two bytes per value (IEEE binary16), 11 significant bits.
    Half,
}

/// A file whose header has been read and checked against its length.
pub struct Container<'a> {
    metadata: Metadata,
    data: &'a [u8],
}

impl<'a> Container<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::Weights`] if the bytes are not a whole safetensors file, or its header has a duplicate key.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if let Some(key) = header(bytes).and_then(|header| json::doubled_key(str::from_utf8(header).ok()?)) {
            return Err(Error::weights(
                "weights-twice",
                "the file's header has the key {key} twice",
                [("key", key)],
            ));
        }
        let (header, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|error| not_safetensors(bytes, &error))?;
        Ok(Container { metadata, data: &bytes[8 + header..] })
    }

    /// The file's free-form metadata.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata.metadata().iter().flatten().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Names of the tensors, in file order.
    pub fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// Shape of the tensor with this name, if any.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.metadata.info(name).map(|info| info.shape.as_slice())
    }

    /// Type of the values of the tensor with this name, if any.
    pub fn dtype(&self, name: &str) -> Option<Dtype> {
        self.metadata.info(name).map(|info| info.dtype)
    }

    /// A floating-point tensor in the file's shape; for a convolution's weights that is (outputs, inputs, height,
    /// width).
    ///
    /// # Errors
    /// [`Error::Weights`] if the tensor is missing, has another type, or has values that are not finite.
    ///
    /// ```
    /// use mobilenetv2::arch::{Config, Weights};
    /// use mobilenetv2::weights::{Container, Precision, save};
    ///
    /// let bytes = save(&Weights::random(Config::cifar(), 1), Precision::Full);
    /// let stem = Container::parse(&bytes)?.floats("features.0.0.weight")?;
    /// assert_eq!(stem.shape(), [32, 3, 3, 3]);
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn floats(&self, name: &str) -> Result<ArrayD<f32>> {
        array(self.tensor(name)?.0, self.numbers(name)?)
    }

    /// Values of a floating-point tensor, in file order.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<f32>> {
        let (info, bytes) = self.tensor(name)?;
        let values: Vec<f32> = match info.dtype {
            Dtype::F32 => numbers(bytes, f32::from_le_bytes),
            Dtype::F16 => numbers(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => numbers(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            other => return Err(wrong_type(name, other, "F32, F16 or BF16")),
        };
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(index) => Err(Error::weights(
                "weights-value",
                "tensor {tensor} has the value {value} at index {index}; expected finite numbers only",
                [("tensor", name.into()), ("value", values[index].to_string()), ("index", index.to_string())],
            )),
        }
    }

    /// An integer tensor in the file's shape.
    ///
    /// # Errors
    /// [`Error::Weights`] if the tensor is missing or has another type.
    pub fn integers(&self, name: &str) -> Result<ArrayD<i64>> {
        let (info, bytes) = self.tensor(name)?;
        let values = match info.dtype {
            Dtype::I64 => numbers(bytes, i64::from_le_bytes),
            Dtype::I32 => numbers(bytes, |b| i32::from_le_bytes(b).into()),
            Dtype::U8 => numbers(bytes, |[b]| b.into()),
            other => return Err(wrong_type(name, other, "I64, I32 or U8")),
        };
        array(info, values)
    }

    fn tensor(&self, name: &str) -> Result<(&TensorInfo, &'a [u8])> {
        let info = self.metadata.info(name).ok_or_else(|| {
            Error::weights(
                "weights-absent",
                "tensor {tensor} is missing from the file",
                [("tensor", name.into())],
            )
        })?;
        let (start, end) = info.data_offsets;
        Ok((info, &self.data[start..end]))
    }
}

/// Values in the tensor's shape. The sizes of an empty shape may have a product that overflows.
fn array<T>(info: &TensorInfo, values: Vec<T>) -> Result<ArrayD<T>> {
    let found = format!("[{}]", values.len());
    ArrayD::from_shape_vec(info.shape.clone(), values).map_err(|_| Error::Shape {
        what: "values of a tensor",
        expected: format!("{:?}", info.shape),
        found,
    })
}

fn numbers<const SIZE: usize, T>(bytes: &[u8], number: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|chunk| number(*chunk)).collect()
}

/// The header, if this may be a safetensors file: as many bytes of JSON as the first eight say.
fn header(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

fn wrong_type(name: &str, found: Dtype, expected: &str) -> Error {
    Error::weights(
        "weights-type",
        "tensor {tensor} is of type {found}; expected {expected}",
        [("tensor", name.into()), ("found", found.to_string()), ("expected", expected.into())],
    )
}

/// The error for bytes that are not safetensors; names the format that their start suggests.
fn not_safetensors(bytes: &[u8], error: &SafeTensorError) -> Error {
    let start = bytes.trim_ascii_start();
    let (code, message) = if bytes.is_empty() {
        ("foreign-empty", "the file is empty; expected a safetensors file")
    } else if start.starts_with(b"<") {
        ("foreign-web-page", "this is a web page, not a safetensors file: its address may be wrong")
    } else if start.starts_with(b"PK") {
        ("foreign-zip", "this is a zip archive, perhaps from torch.save; expected a safetensors file")
    } else if start.starts_with(b"version https://git-lfs") {
        ("foreign-lfs", "this is a Git LFS pointer; expected the safetensors file that it points to")
    } else if matches!(error, SafeTensorError::MetadataIncompleteBuffer) {
        let message = "the file has {bytes} bytes, which do not match its header: it is truncated or damaged";
        ("foreign-cut", message)
    } else {
        ("foreign-file", "this is not a safetensors file, or it is truncated: {reason}")
    };
    Error::weights(code, message, [("bytes", bytes.len().to_string()), ("reason", error.to_string())])
}

/// A tensor to be written.
pub struct Entry {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    bytes: Vec<u8>,
}

impl Entry {
    /// A floating-point tensor; in half precision only if no value would become infinite.
    pub fn floats(name: String, shape: Vec<usize>, values: &[f32], precision: Precision) -> Self {
        let half = precision == Precision::Half && values.iter().all(|v| f16::from_f32(*v).is_finite());
        let (dtype, bytes) = if half {
            (Dtype::F16, values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect())
        } else {
            (Dtype::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
        };
        Entry { name, shape, dtype, bytes }
    }

    /// The integer 0, a scalar.
    pub fn zero(name: String) -> Self {
        Entry { name, shape: Vec::new(), dtype: Dtype::I64, bytes: 0i64.to_le_bytes().into() }
    }
}

/// Writes a safetensors file. The same entries and metadata always give the same bytes; the library does not promise
/// that, since it writes headers from hash maps.
pub fn write(mut entries: Vec<Entry>, metadata: Vec<(String, String)>) -> Vec<u8> {
    // In the library's order: wide types first, so that each number lies at a multiple of its size.
    entries.sort_unstable_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));
    let mut texts = Map::new();
    texts.extend(metadata.into_iter().map(|(key, text)| (key, Value::from(text))));
    let mut header = Map::new();
    header.insert("__metadata__".into(), texts.into());
    let mut end = 0;
    for Entry { name, shape, dtype, bytes } in &entries {
        let start = end;
        end += bytes.len();
        let mut info = Map::new();
        info.insert("dtype".into(), dtype.to_string().into());
        info.insert("shape".into(), shape.clone().into());
        info.insert("data_offsets".into(), vec![start, end].into());
        header.insert(name.clone(), info.into());
    }
    let mut header = serde_json::to_string(&header).expect("a header is plain data");
    let padding = header.len().next_multiple_of(8) - header.len();
    header.extend(iter::repeat_n(' ', padding));
    let mut file = Vec::with_capacity(8 + header.len() + end);
    file.extend((header.len() as u64).to_le_bytes());
    file.extend(header.into_bytes());
    for entry in &entries {
        file.extend(&entry.bytes);
    }
    file
}
