//! The safetensors container: bytes to named arrays of numbers and back, with messages that say what is wrong.

use std::iter;

use half::{bf16, f16};
use ndarray::ArrayD;
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde_json::{Map, Value};

use crate::arch::json;
use crate::error::{Error, Result};

/// How much of each convolution's weights goes to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Four bytes a value: nothing is lost.
    Full,
    /// Two bytes a value (IEEE binary16), 11 significant bits.
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
    /// [`Error::Weights`] where the bytes are not a whole safetensors file, or its header names something twice.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if let Some(key) = header(bytes).and_then(json::doubled_key) {
            return Err(Error::weights(
                "weights-twice",
                "the file's header names {key} twice: which of the two counts cannot be told",
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

    /// Names of the tensors, in the order in which they lie in the file.
    pub fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// Shape of a tensor, where there is one of that name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.metadata.info(name).map(|info| info.shape.as_slice())
    }

    /// Type of a tensor's values, where there is one of that name.
    pub fn dtype(&self, name: &str) -> Option<Dtype> {
        self.metadata.info(name).map(|info| info.dtype)
    }

    /// A tensor of floating point numbers in the file's shape: of a convolution's weights (outputs, inputs, height, width).
    ///
    /// # Errors
    /// [`Error::Weights`] where there is no such tensor, it holds another type, or not all values are finite.
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

    /// Values of a tensor of floating point numbers, as they lie in the file.
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

    /// A tensor of integers in the file's shape.
    ///
    /// # Errors
    /// [`Error::Weights`] where there is no such tensor or it holds another type.
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

/// Values in the tensor's shape. A shape without values may have sizes whose product no number holds.
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

/// The header of what may be a safetensors file: so many bytes of JSON as the first eight say.
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

/// What the bytes are instead, as far as their first ones tell.
fn not_safetensors(bytes: &[u8], error: &SafeTensorError) -> Error {
    let start = bytes.trim_ascii_start();
    let (code, message) = if bytes.is_empty() {
        ("foreign-empty", "the file is empty; expected a safetensors file")
    } else if start.starts_with(b"<") {
        (
            "foreign-web-page",
            "this is a web page, not a safetensors file: the address it came from may be wrong",
        )
    } else if start.starts_with(b"PK") {
        ("foreign-zip", "this is a zip archive, perhaps of torch.save; expected a safetensors file")
    } else if start.starts_with(b"version https://git-lfs") {
        ("foreign-lfs", "this is a Git LFS pointer, not the safetensors file that it stands for")
    } else if matches!(error, SafeTensorError::MetadataIncompleteBuffer) {
        let message =
            "the file's {bytes} bytes are not what its header announces: it is truncated or damaged";
        ("foreign-cut", message)
    } else {
        ("foreign-file", "this is not a safetensors file, or it is truncated: {reason}")
    };
    Error::weights(code, message, [("bytes", bytes.len().to_string()), ("reason", error.to_string())])
}

/// A tensor on its way into a file.
pub struct Entry {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    bytes: Vec<u8>,
}

impl Entry {
    /// Floating point numbers; half precision only where no value would become infinite.
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

/// Bytes of a safetensors file. The same entries and metadata always give the same bytes, which the library does not
/// promise: it writes headers from hash maps.
pub fn write(mut entries: Vec<Entry>, metadata: Vec<(String, String)>) -> Vec<u8> {
    // As the library orders them: wide types first, so that each number lies at a multiple of its size.
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
    let mut header = Value::Object(header).to_string();
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
