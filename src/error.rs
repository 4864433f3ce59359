//! The one error type: everything that can be wrong with what comes from outside.
//!
//! Mistakes of our own (a shape that cannot be) are assertions instead.

use std::fmt;

/// What was wrong with a file, an image or an argument.
///
/// The message (`Display`) says what was found and what was expected, in one sentence a person can act on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An argument or a setting is outside its range.
    Argument(String),
    /// A weights file is not what it should be; names the tensor where there is one.
    Weights(String),
    /// An image cannot be read or has impossible dimensions.
    Image(String),
    /// A data set is incomplete or malformed.
    Data(String),
    /// A file could not be read or written; names the file.
    File(String),
}

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Argument(message)
            | Error::Weights(message)
            | Error::Image(message)
            | Error::Data(message)
            | Error::File(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}
