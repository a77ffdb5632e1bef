//! A file's text with its path, and places in it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Byte range in the text of one [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` to before `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the start of `self` to the end of `other`.
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end.max(self.start))
    }

    /// As a range of bytes.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// Text of a configuration file and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    path: Arc<Path>,
    text: Arc<str>,
    bad_bytes: Option<usize>,
}

impl Source {
    /// Takes the text as that of `path`; nothing is opened.
    pub fn new(path: impl Into<PathBuf>, text: &str) -> Self {
        Self::from_bytes(path, text.as_bytes())
    }

    /// Takes bytes; those that aren't UTF-8 become U+FFFD, and the first is remembered.
    pub fn from_bytes(path: impl Into<PathBuf>, bytes: &[u8]) -> Self {
        let bad_bytes = std::str::from_utf8(bytes).err().map(|e| e.valid_up_to());
        Self {
            path: path.into().into(),
            text: String::from_utf8_lossy(bytes).into(),
            bad_bytes,
        }
    }

    /// Reads a file.
    ///
    /// Bounds: [`crate::limits::CONFIG_FILE_BYTES_MAX`]
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let file = std::fs::File::open(path)?;
        Self::read_from(file, path, crate::limits::CONFIG_FILE_BYTES_MAX)
    }

    /// Reads what `reader` gives as the text of `path`, up to `limit` bytes.
    pub fn read_from(reader: impl std::io::Read, path: &Path, limit: u64) -> std::io::Result<Self> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        reader.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(std::io::Error::other(format!(
                "longer than {limit} bytes: not a configuration file"
            )));
        }
        Ok(Self::from_bytes(path, &bytes))
    }

    /// The file's path, as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Offset of the first byte that was not UTF-8.
    pub fn bad_bytes(&self) -> Option<usize> {
        self.bad_bytes
    }

    /// The text of a place, empty when it lies outside.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// The place in whole characters of the text: readers of bytes may end in the middle of one.
    pub fn whole(&self, span: Span) -> Span {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end.min(self.text.len()));
        Span::new(start, end.max(start))
    }

    /// Line and column of an offset, both from 1; columns count characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The lines with their places, without line ends.
    pub fn lines(&self) -> impl Iterator<Item = (Span, &str)> {
        let mut start = 0;
        self.text.split_inclusive('\n').map(move |line| {
            let bare = line.strip_suffix('\n').unwrap_or(line);
            let span = Span::new(start, start + bare.len());
            start += line.len();
            (span, bare)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let source = Source::new("f", "nöde a\nkeep 1\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(6), (1, 6));
        assert_eq!(source.position(8), (2, 1));
        assert_eq!(source.position(999), (3, 1));
        assert_eq!(source.position(2), (1, 2), "inside a character: its start");
    }

    #[test]
    fn lines_know_their_place() {
        let source = Source::new("f", "a\n\nbc");
        let lines: Vec<_> = source.lines().collect();
        assert_eq!(
            lines,
            [
                (Span::new(0, 1), "a"),
                (Span::new(2, 2), ""),
                (Span::new(3, 5), "bc")
            ]
        );
        assert_eq!(source.slice(Span::new(3, 5)), "bc");
        assert_eq!(source.slice(Span::new(3, 50)), "");
    }

    #[test]
    fn foreign_bytes_are_remembered() {
        assert_eq!(Source::from_bytes("f", b"ab\xe9c").bad_bytes(), Some(2));
        assert_eq!(Source::from_bytes("f", "abé".as_bytes()).bad_bytes(), None);
    }
}
