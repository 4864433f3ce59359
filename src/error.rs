//! The one error type: everything that can be wrong with what comes from outside.
//!
//! Mistakes of our own (a layer's buffer of the wrong length) are assertions instead.

use std::fmt;

/// What was wrong with a file, an image or an argument.
///
/// The message (`Display`) says what was found and what was expected, in one sentence a person can act on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An argument or a setting is outside its range.
    Argument(String),
    /// An array has another shape than it should.
    Shape {
        /// The array, such as `images`.
        what: &'static str,
        /// Its shape as documented: letters stand for numbers that are free.
        expected: String,
        /// The shape that was given.
        found: String,
    },
    /// There is not enough memory.
    Memory {
        /// What takes it.
        task: String,
        /// How much that is.
        bytes: u64,
        /// What to choose smaller.
        remedy: &'static str,
    },
    /// A training holds numbers that are none, after so many steps.
    Diverged {
        /// Steps taken.
        step: u64,
    },
    /// A weights file is not what it should be.
    Weights {
        /// As [`Error::code`] gives it: `weights-…`, or `foreign-…` of bytes that are no weights of a MobileNetV2 at all.
        code: &'static str,
        /// As [`Error`] displays it, but with `{name}` for each of the values.
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
    /// [`Error::Weights`] of these values.
    pub(crate) fn weights<const N: usize>(
        code: &'static str,
        message: &'static str,
        values: [(&'static str, String); N],
    ) -> Self {
        Error::Weights { code, message, values: values.into() }
    }

    /// A name by which a page finds words of its own for what people meet most; `core` is none of that.
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
                write!(f, "{task} takes {gigabytes} GB of memory, which is not there: try a smaller {remedy}")
            }
            Error::Diverged { step } => write!(
                f,
                "the training has diverged: not all of its numbers are finite after step {step}; try a lower learning \
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

/// As an error tells them.
pub(crate) fn gigabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e9)
}

/// Sees whether there is room for so many bytes more, in one piece, and gives it back: an allocation for which there is no
/// room would end the program. `task` says what would take it,
/// `remedy` what to choose smaller.
///
/// # Errors
/// [`Error::Memory`] if there is none.
pub fn ensure_memory(bytes: u64, remedy: &'static str, task: impl FnOnce() -> String) -> Result<()> {
    let room = usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    if room { Ok(()) } else { Err(Error::Memory { task: task(), bytes, remedy }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_named() {
        ensure_memory(1 << 20, "batch", || unreachable!()).unwrap();
        let error = ensure_memory(1 << 50, "batch", || "a training".into()).unwrap_err().to_string();
        let expected = "a training takes 1125899.9 GB of memory, which is not there: try a smaller batch";
        assert_eq!(error, expected);
    }
}
