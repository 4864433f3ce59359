//! Folders that are made anew only where what they are made from has changed.

use std::path::Path;

use anyhow::Result;
use xshell::Shell;

/// Has `make` fill a folder, empty before, unless it did so to its end from the same: that is noted beside the folder.
/// `file` is one that the folder has then, and without which it is made anew all the same.
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
    // first the note: a folder that is not filled to its end must not pass for what was there before
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
    fn a_folder_is_made_where_it_is_not_whole_or_from_something_else() {
        let sh = Shell::new().unwrap();
        let temporary = sh.create_temp_dir().unwrap();
        let folder = temporary.path().join("made");
        let times = Cell::new(0);
        let keep = |made_from: &str, end: Result<()>| {
            super::keep(&sh, &folder, "file", made_from, || {
                times.set(times.get() + 1);
                assert!(!sh.path_exists(folder.join("file")), "what was there is gone");
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
        let broken = || -> Result<()> { bail!("it broke off") };
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
