//! Folders that are rebuilt only when their inputs have changed.

use std::path::Path;

use anyhow::Result;
use xshell::Shell;

/// Lets `make` fill an empty folder, unless a stamp beside it says that this was completed with the same inputs. `file`
/// is a file that the folder then contains; without it, it is rebuilt anyway.
pub fn keep(
    sh: &Shell,
    folder: &Path,
    file: &str,
    made_from: &str,
    make: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let stamp = folder.with_extension("stamp");
    let same = sh.read_file(&stamp).is_ok_and(|earlier| earlier == made_from);
    if same && sh.path_exists(folder.join(file)) {
        return Ok(());
    }
    // the stamp goes first: a half-filled folder must not pass for the old one
    sh.remove_path(&stamp)?;
    sh.remove_path(folder)?;
    sh.create_dir(folder)?;
    make()?;
    sh.write_file(&stamp, made_from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use anyhow::bail;

    use super::*;

    #[test]
    fn an_incomplete_or_outdated_folder_is_rebuilt() {
        let sh = Shell::new().unwrap();
        let temporary = sh.create_temp_dir().unwrap();
        let folder = temporary.path().join("made");
        let times = Cell::new(0);
        let keep = |made_from: &str, end: Result<()>| {
            super::keep(&sh, &folder, "file", made_from, || {
                times.set(times.get() + 1);
                assert!(!sh.path_exists(folder.join("file")), "the old content is gone");
                sh.write_file(folder.join("file"), made_from)?;
                end
            })
        };
        let mut expected = 0;
        let mut is_made = |made: bool| {
            expected += u32::from(made);
            assert_eq!(times.get(), expected);
        };
        keep("a", Ok(())).unwrap();
        is_made(true);
        keep("a", Ok(())).unwrap();
        is_made(false);
        let broken = || -> Result<()> { bail!("interrupted") };
        keep("b", broken()).unwrap_err();
        is_made(true);
        keep("a", Ok(())).unwrap();
        is_made(true);
        sh.remove_path(folder.join("file")).unwrap();
        keep("a", Ok(())).unwrap();
        is_made(true);
        sh.remove_path(&folder).unwrap();
        keep("a", Ok(())).unwrap();
        is_made(true);
        keep("a", Ok(())).unwrap();
        is_made(false);
    }
}
