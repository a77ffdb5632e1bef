//! Lines of captures: JSON with a field `hex`.

use std::path::{Path, PathBuf};

/// Every `*.jsonl` of a folder, by name.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    files.sort();
    files
}

/// The objects of a file, each with file and line.
pub fn objects(file: &Path) -> Vec<(String, serde_json::Value)> {
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .enumerate()
        .map(|(n, line)| {
            let object = serde_json::from_str(line).unwrap();
            (format!("{name}:{}", n + 1), object)
        })
        .collect()
}

/// The bytes that digits stand for.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
