//! Watches the files whose changes `cargo xtask dev` shows, with the crate notify: it knows each system's interface and
//! handles files that editors replace.

use std::path::Path;

use anyhow::Result;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

/// The kind of change.
#[derive(Debug, PartialEq)]
pub enum Change {
    /// A file of www/, by its path in there.
    Page(String),
    /// The sources of the WebAssembly.
    Core,
}

/// Reports every change in a repository until the returned watcher is dropped.
pub fn watch(root: &Path, mut tell: impl FnMut(Change) + Send + 'static) -> Result<RecommendedWatcher> {
    let within = root.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| match event {
        Ok(event) if event.kind.is_access() => {} // the build only reads
        Ok(event) => {
            event.paths.iter().filter_map(|path| change(path.strip_prefix(&within).ok()?)).for_each(&mut tell)
        }
        Err(error) => eprintln!("\na change may be missed: {error}"),
    })?;
    watcher.watch(root, RecursiveMode::NonRecursive)?; // for Cargo.toml, which editors replace
    for folder in ["src", "www"] {
        watcher.watch(&root.join(folder), RecursiveMode::Recursive)?;
    }
    Ok(watcher)
}

/// The change that a path in the repository stands for, if it belongs to the page or the library and is not an editor's
/// file.
fn change(path: &Path) -> Option<Change> {
    let name = path.file_name()?.to_str()?;
    if name.starts_with('.') || name.ends_with('~') {
        return None;
    }
    if let Ok(page) = path.strip_prefix("www") {
        return Some(Change::Page(page.to_str()?.to_owned()));
    }
    (path.starts_with("src") || path == "Cargo.toml").then_some(Change::Core)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;
    use std::time::Duration;

    use xshell::Shell;

    use super::*;

    #[test]
    fn edits_are_reported_and_reads_are_not() {
        let sh = Shell::new().unwrap();
        let temporary = sh.create_temp_dir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        for file in ["www/ui/view.css", "src/lib.rs", "Cargo.toml"] {
            sh.write_file(root.join(file), "before").unwrap();
        }
        let (tell, changes) = mpsc::channel();
        let _watcher = watch(&root, move |change| tell.send(change).unwrap()).unwrap();
        let wait = || changes.recv_timeout(Duration::from_secs(20)).expect("a change is reported");

        fs::read(root.join("src/lib.rs")).unwrap();
        for (other, file, expected) in [
            ("www/ui/.view.css.swp", "www/ui/view.css", Change::Page("ui/view.css".into())),
            ("README.md", "src/lib.rs", Change::Core),
            ("target/log", "Cargo.toml", Change::Core),
        ] {
            sh.write_file(root.join(other), "left alone").unwrap();
            // many editors save this way: a new file replaces the old one
            sh.write_file(root.join("new"), "after").unwrap();
            fs::rename(root.join("new"), root.join(file)).unwrap();
            assert_eq!(wait(), expected);
            while changes.recv_timeout(Duration::from_millis(100)).is_ok_and(|change| change == expected) {}
        }
        sh.write_file(root.join("www/ui/view.css"), "once more").unwrap();
        assert_eq!(wait(), Change::Page("ui/view.css".into()));
    }
}
