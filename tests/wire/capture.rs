//! Reads captured traffic: the selection in `tests/wire`, and the whole where it is there.

use std::path::Path;

use everbeat::wire::heartbeat::{Keyring, Method};

use crate::hex;

/// One line of a capture.
pub struct Row {
    /// File and line.
    pub place: String,
    pub bytes: Vec<u8>,
    auth_key: String,
}

impl Row {
    /// The sender's keyring: its keys, signing with the one this datagram is signed with.
    pub fn keyring(&self) -> Keyring {
        let index = self.signed_with();
        let keys: Vec<(u8, Method, &str)> = self
            .auth_key
            .split(';')
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let method = Method::from_name(words[1]).unwrap();
                let key = words.get(2).copied().unwrap_or_default();
                (words[0].parse().unwrap(), method, key)
            })
            .collect();
        let keys = keys.iter().map(|&(i, m, k)| (i, m, k.as_bytes()));
        Keyring::new(index, keys).unwrap()
    }

    /// The number before the last blank of the datagram that a digest follows.
    fn signed_with(&self) -> u8 {
        let end = String::from_utf8_lossy(&self.bytes);
        let end = end.trim_end_matches(['\0', ',', '\n', '<']);
        let (before, _digest) = end.rsplit_once(' ').unwrap();
        let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next();
        digits.unwrap().parse().unwrap()
    }
}

/// Every row of every file of `folder`, `heartbeat`, `ccm` or `heartbeat-api`.
pub fn rows(folder: &str) -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = root.join("../shared/vectors").join(folder);
    let selection = root.join("tests/wire").join(folder);
    let mut rows = read(&selection);
    if whole.is_dir() {
        rows.extend(read(&whole));
    } else {
        println!("{folder}: ../shared/vectors is not there, only the selection is tested");
    }
    assert!(!rows.is_empty());
    rows
}

/// The rows of the selection alone, for tests that do much with each.
pub fn selection(folder: &str) -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    read(&root.join("tests/wire").join(folder))
}

fn read(folder: &Path) -> Vec<Row> {
    let files = hex::files(folder);
    files.iter().flat_map(|file| read_file(file)).collect()
}

fn read_file(file: &Path) -> Vec<Row> {
    let row = |(place, object): (String, serde_json::Value)| {
        let text = |key: &str| object[key].as_str().map(str::to_owned);
        Row {
            place,
            bytes: hex::unhex(&text("hex").unwrap()),
            auth_key: text("auth_key").unwrap_or("1 crc".into()),
        }
    };
    hex::objects(file).into_iter().map(row).collect()
}
