//! The files of the checkout.

use std::path::{Path, PathBuf};

/// The top of the checkout.
pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files under `dir` whose name ends so, sorted, relative to the top.
pub fn files(dir: &str, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&top().join(dir), &mut found);
    found.retain(|f| f.to_string_lossy().ends_with(end));
    let mut found: Vec<PathBuf> = found
        .iter()
        .filter_map(|f| f.strip_prefix(top()).ok())
        .map(Path::to_path_buf)
        .collect();
    found.sort();
    found
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The text of a file named from the top.
pub fn read(file: &Path) -> String {
    let bytes = std::fs::read(top().join(file)).expect("a file that was just listed");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether all of a file is unit tests: `tests.rs`, or a part of it in a folder `tests`.
pub fn is_tests(file: &Path) -> bool {
    let mut folders = file.components().skip(1);
    file.ends_with("tests.rs") || folders.any(|part| part.as_os_str() == "tests")
}
