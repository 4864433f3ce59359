//! The safetensors container: bytes to named arrays of numbers and back, with messages that say what is wrong.

use std::iter;

use half::{bf16, f16};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde_json::{Map, Value};

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
    /// [`Error::Foreign`] where the bytes are not a whole safetensors file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
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

    /// Values of a tensor of floating point numbers.
    ///
    /// # Errors
    /// [`Error::Weights`] where there is no such tensor, it holds another type, or not all values are finite.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let (info, bytes) = self.tensor(name)?;
        let values: Vec<f32> = match info.dtype {
            Dtype::F32 => numbers(bytes, f32::from_le_bytes),
            Dtype::F16 => numbers(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => numbers(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            other => {
                let message = format!("tensor {name} is of type {other}; expected F32, F16 or BF16");
                return Err(Error::Weights(message));
            }
        };
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(index) => Err(Error::Weights(format!(
                "tensor {name} has the value {} at index {index}; expected finite numbers only",
                values[index]
            ))),
        }
    }

    /// Values of a tensor of integers.
    ///
    /// # Errors
    /// [`Error::Weights`] where there is no such tensor or it holds another type.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>> {
        let (info, bytes) = self.tensor(name)?;
        match info.dtype {
            Dtype::I64 => Ok(numbers(bytes, i64::from_le_bytes)),
            Dtype::I32 => Ok(numbers(bytes, |b| i32::from_le_bytes(b).into())),
            Dtype::U8 => Ok(numbers(bytes, |[b]| b.into())),
            other => {
                let message = format!("tensor {name} is of type {other}; expected I64, I32 or U8");
                Err(Error::Weights(message))
            }
        }
    }

    fn tensor(&self, name: &str) -> Result<(&TensorInfo, &'a [u8])> {
        let info = self
            .metadata
            .info(name)
            .ok_or_else(|| Error::Weights(format!("tensor {name} is missing from the file")))?;
        let (start, end) = info.data_offsets;
        Ok((info, &self.data[start..end]))
    }
}

fn numbers<const SIZE: usize, T>(bytes: &[u8], number: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|chunk| number(*chunk)).collect()
}

/// What the bytes are instead, as far as their first ones tell.
fn not_safetensors(bytes: &[u8], error: &SafeTensorError) -> Error {
    let start = bytes.trim_ascii_start();
    let (code, message) = if bytes.is_empty() {
        ("foreign-empty", "the file is empty; expected a safetensors file".into())
    } else if start.starts_with(b"<") {
        let message = "this is a web page, not a safetensors file: the address it came from may be wrong";
        ("foreign-web-page", message.into())
    } else if start.starts_with(b"PK") {
        ("foreign-zip", "this is a zip archive, perhaps of torch.save; expected a safetensors file".into())
    } else if start.starts_with(b"version https://git-lfs") {
        ("foreign-lfs", "this is a Git LFS pointer, not the safetensors file that it stands for".into())
    } else if matches!(error, SafeTensorError::MetadataIncompleteBuffer) {
        let length = bytes.len();
        let message = "bytes are not what its header announces: it is truncated or damaged";
        ("foreign-cut", format!("the file's {length} {message}"))
    } else {
        ("foreign-file", format!("this is not a safetensors file, or it is truncated: {error}"))
    };
    Error::Foreign { code, message }
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
