//! Memory is asked for before it is taken: an allocation for which there is no room would end the program.

use crate::error::{Error, Result};

/// Sees whether there is room for so many bytes more, in one piece, and gives it back. `task` says what would take it,
/// `remedy` what to choose smaller.
///
/// # Errors
/// [`Error::Memory`] if there is none.
pub fn ask(bytes: u64, remedy: &'static str, task: impl FnOnce() -> String) -> Result<()> {
    let room = usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    if room { Ok(()) } else { Err(Error::Memory { task: task(), bytes, remedy }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_named() {
        ask(1 << 20, "batch", || unreachable!()).unwrap();
        let error = ask(1 << 50, "batch", || "a training".into()).unwrap_err().to_string();
        let expected = "a training takes 1125899.9 GB of memory, which is not there: try a smaller batch";
        assert_eq!(error, expected);
    }
}
