//! `golden/*.txt`: a file's text, `----`, the findings about it. UPDATE=1 writes them anew.

use std::path::{Path, PathBuf};

use everbeat::config::check::FileKind;
use everbeat::config::source::Source;

use super::{check_together, file, one_line};

const MARK: &str = "\n----\n";

fn cases() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/golden");
    let entries = std::fs::read_dir(dir).expect("tests/config/golden is there");
    let mut all: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "txt"));
    all.sort();
    all
}

/// Escapes that editors would not show: `<NBSP>`, `<BOM>`, `<CR>`, `<E9>`.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (name, value) in [
        ("<NBSP>", &b"\xc2\xa0"[..]),
        ("<BOM>", b"\xef\xbb\xbf"),
        ("<CR>", b"\r"),
        ("<E9>", b"\xe9"),
        ("<NUL>", b"\0"),
    ] {
        while let Some(at) = find(&bytes, name.as_bytes()) {
            bytes.splice(at..at + name.len(), value.iter().copied());
        }
    }
    bytes
}

fn find(all: &[u8], part: &[u8]) -> Option<usize> {
    all.windows(part.len()).position(|w| w == part)
}

fn findings(path: &Path, text: &str) -> String {
    let kind = FileKind::by_name(path).expect("the name tells the kind");
    let source = Source::from_bytes("FILE", &bytes(text));
    let mut lines = String::new();
    for finding in check_together(vec![file(kind, source)]) {
        lines += &one_line(&finding);
        lines += "\n";
        if let Some(help) = &finding.help {
            lines += &format!("    {help}\n");
        }
    }
    lines
}

#[test]
fn findings_are_what_they_were() {
    let all = cases();
    assert!(all.len() >= 10, "golden files are missing");
    let mut wrong = String::new();
    for path in all {
        let whole = std::fs::read_to_string(&path).expect("readable");
        let (text, expected) = whole.split_once(MARK).unwrap_or((&whole, ""));
        let text = format!("{}\n", text.trim_end_matches('\n'));
        let got = findings(&path, &text);
        if std::env::var_os("UPDATE").is_some() {
            let new = format!("{}{MARK}{got}", text.trim_end_matches('\n'));
            std::fs::write(&path, new).expect("writable");
        } else if got != expected {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            wrong += &format!("== {name}\n-- expected\n{expected}-- found\n{got}\n");
        }
    }
    assert!(wrong.is_empty(), "UPDATE=1 accepts this:\n{wrong}");
}
