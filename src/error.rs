//! The one error type: everything that can be wrong with input from outside.
//!
//! Bugs of our own, such as a buffer of the wrong length, are assertions instead.

use std::fmt;

/// What was wrong with a file, an image or an argument.
///
/// The message (`Display`) says in one sentence what was found and what was expected, so that a person can act on it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An argument or a setting is outside its range.
    Argument(String),
    /// An array does not have the expected shape.
    Shape {
        /// The array, such as `images`.
        what: &'static str,
        /// Its documented shape; letters stand for free sizes.
        expected: String,
        /// The shape found.
        found: String,
    },
    /// There is not enough memory.
    Memory {
        /// What needs it.
        task: String,
        /// How many bytes it needs.
        bytes: u64,
        /// What to make smaller.
        remedy: &'static str,
    },
    /// A training's values are no longer finite.
    Diverged {
        /// Steps taken.
        step: u64,
    },
    /// A weights file is not as expected.
    Weights {
        /// The result of [`Error::code`]: `weights-…`, or `foreign-…` if the bytes are not MobileNetV2 weights at all.
        code: &'static str,
        /// The displayed message, with `{name}` in place of each value.
        message: &'static str,
        /// What was found and expected, such as a tensor's name and shapes.
        values: Vec<(&'static str, String)>,
    },
    /// An image cannot be read or has impossible dimensions.
    Image(String),
    /// A data set is incomplete or malformed.
    Data(String),
    /// A file could not be read or written; names the file.
    File(String),
}

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// [`Error::Weights`] with these values.
    pub(crate) fn weights<const N: usize>(
        code: &'static str,
        message: &'static str,
        values: [(&'static str, String); N],
    ) -> Self {
        Error::Weights { code, message, values: values.into() }
    }

    /// A key for a translated message; `core` for errors that the page shows as they are.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Memory { .. } => "no-memory",
            Error::Weights { code, .. } => code,
            Error::Diverged { .. } => "diverged",
            _ => "core",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Memory { task, bytes, remedy } => {
                let gigabytes = gigabytes(*bytes);
                write!(
                    f,
                    "{task} takes {gigabytes} GB of memory, more than is available: try a smaller {remedy}"
                )
            }
            Error::Diverged { step } => write!(
                f,
                "the training has diverged: its values are not all finite after step {step}; try a lower learning \
                 rate, or a longer warm-up"
            ),
            Error::Weights { message, values, .. } => {
                let fill =
                    |text: String, (name, value): &(_, String)| text.replace(&format!("{{{name}}}"), value);
                f.write_str(&values.iter().fold((*message).to_owned(), fill))
            }
            Error::Shape { what, expected, found } => {
                write!(f, "{what} have the shape {found}; expected {expected}")
            }
            Error::Argument(message)
            | Error::Image(message)
            | Error::Data(message)
            | Error::File(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

/// As errors print it.
pub(crate) fn gigabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e9)
}

/// Checks that `bytes` more can be allocated in one piece, and frees them again: an allocation that fails would abort
/// the program. `task` says what needs the memory, `remedy` what to make smaller.
///
/// # Errors
/// [`Error::Memory`] if there is not enough.
pub fn ensure_memory(bytes: u64, remedy: &'static str, task: impl FnOnce() -> String) -> Result<()> {
    let room = usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    if room { Ok(()) } else { Err(Error::Memory { task: task(), bytes, remedy }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_memory_is_named() {
        ensure_memory(1 << 20, "batch", || unreachable!()).unwrap();
        let error = ensure_memory(1 << 50, "batch", || "a training".into()).unwrap_err().to_string();
        let expected = "a training takes 1125899.9 GB of memory, more than is available: try a smaller batch";
        assert_eq!(error, expected);
    }
}
