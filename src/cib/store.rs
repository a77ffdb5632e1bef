//! Storage that is cheap to copy: vectors and text in shared chunks, copied when written to.

use std::sync::Arc;

/// Items of one chunk: small enough that a write after a copy costs little, large enough that
/// a copy of the whole counts few chunks.
const CHUNK: usize = 512;

/// Bytes of one chunk of text that came by edits.
const TEXT_CHUNK_BYTES: usize = 16 * 1024;

/// A vector whose copy shares all items until one side writes to a chunk.
#[derive(Debug, Clone)]
pub(super) struct Chunked<T> {
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<T: Copy> Chunked<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let chunk = self.chunks.get_mut(index / CHUNK)?;
        Arc::make_mut(chunk).get_mut(index % CHUNK)
    }

    /// Indexes of what a copy need not have in common with `other`: all of the chunks that they
    /// don't share.
    pub(super) fn unshared(&self, other: &Self) -> impl Iterator<Item = usize> {
        let chunks = self.chunks.len().max(other.chunks.len());
        let len = self.len.max(other.len);
        let apart = move |chunk: &usize| match (self.chunks.get(*chunk), other.chunks.get(*chunk)) {
            (Some(a), Some(b)) => !Arc::ptr_eq(a, b),
            _ => true,
        };
        let apart = (0..chunks).filter(apart);
        apart.flat_map(move |chunk| chunk * CHUNK..((chunk + 1) * CHUNK).min(len))
    }

    pub(super) fn push(&mut self, item: T) {
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            Arc::make_mut(chunk).push(item);
            self.len += 1;
        }
    }
}

/// A piece of the text of one [`Texts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    chunk: u32,
    start: u32,
    len: u32,
}

impl Span {
    /// Bytes `start..end` of the text that was read.
    pub(super) fn of_source(start: usize, end: usize) -> Self {
        Self {
            chunk: 0,
            start: narrow(start),
            len: narrow(end.saturating_sub(start)),
        }
    }
}

/// Text that only grows: what was read, then what edits brought.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    chunks: Vec<Arc<String>>,
}

impl Texts {
    pub(super) fn new(source: String) -> Self {
        Self {
            chunks: vec![Arc::new(source)],
        }
    }

    pub(super) fn source(&self) -> &str {
        self.chunks.first().map_or("", |text| text.as_str())
    }

    /// Whether one is a copy of the other, or both are of a third.
    pub(super) fn has_source_of(&self, other: &Self) -> bool {
        match (self.chunks.first(), other.chunks.first()) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    pub(super) fn set_source(&mut self, source: String) {
        if let Some(first) = self.chunks.first_mut() {
            *first = Arc::new(source);
        }
    }

    pub(super) fn get(&self, span: Span) -> &str {
        let start = span.start as usize;
        self.chunks
            .get(span.chunk as usize)
            .and_then(|text| text.get(start..start + span.len as usize))
            .unwrap_or("")
    }

    pub(super) fn push(&mut self, text: &str) -> Span {
        if text.is_empty() {
            return Span::default();
        }
        let full = self.chunks.len() < 2
            || self
                .chunks
                .last()
                .is_none_or(|last| last.len() + text.len() > TEXT_CHUNK_BYTES);
        if full {
            self.chunks.push(Arc::new(String::new()));
        }
        let chunk = narrow(self.chunks.len().saturating_sub(1));
        let mut start = 0;
        if let Some(last) = self.chunks.last_mut() {
            let last = Arc::make_mut(last);
            start = narrow(last.len());
            last.push_str(text);
        }
        Span {
            chunk,
            start,
            len: narrow(text.len()),
        }
    }
}

/// Lengths and indexes are bounded by the reader far below `u32::MAX`.
pub(super) fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_what_it_had() {
        let mut first = Chunked::default();
        for i in 0..2000 {
            first.push(i);
        }
        let copy = first.clone();
        *first.get_mut(700).unwrap() = 1;
        first.push(5);
        let apart: Vec<usize> = first.unshared(&copy).collect();
        assert_eq!((apart.first(), apart.last()), (Some(&512), Some(&2000)));
        assert!(!apart.contains(&1024), "nothing was written there");
        assert_eq!((first.get(700), first.len()), (Some(&1), 2001));
        assert_eq!((copy.get(700), copy.get(2000)), (Some(&700), None));
    }

    #[test]
    fn text_of_edits_is_found_again() {
        let mut texts = Texts::new("abc".into());
        let long = "x".repeat(TEXT_CHUNK_BYTES * 2);
        let spans = ["one", &long, "two", ""].map(|text| (text, texts.push(text)));
        for (text, span) in spans {
            assert_eq!(texts.get(span), text);
        }
        assert_eq!(texts.get(Span::of_source(1, 3)), "bc");
        assert_eq!(texts.get(Span::of_source(2, 9)), "");
    }
}
