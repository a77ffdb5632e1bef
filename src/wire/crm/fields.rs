//! The fields of messages: integers, texts, lists.

use super::CrmError;
use crate::wire::cursor::{Reader, Truncated, Writer};

/// Appends a text.
pub(super) fn put_text(writer: &mut Writer, text: &str) {
    writer.u32(length(text.len()));
    writer.bytes(text.as_bytes());
}

/// Appends a text that may be missing.
pub(super) fn put_optional(writer: &mut Writer, text: Option<&str>) {
    match text {
        None => writer.u32(0),
        Some(text) => {
            writer.u32(length(text.len()).saturating_add(1));
            writer.bytes(text.as_bytes());
        }
    }
}

/// Appends a list: how many, and each.
pub(super) fn put_list<T>(writer: &mut Writer, list: &[T], put: impl Fn(&T, &mut Writer)) {
    writer.u32(length(list.len()));
    for item in list {
        put(item, writer);
    }
}

/// What is longer is longer than any message may be, and is refused by the layer below.
fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX - 1)
}

/// Takes fields from the front of a message.
pub(super) struct Fields<'a> {
    reader: Reader<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(reader: Reader<'a>) -> Self {
        Self { reader }
    }

    pub(super) fn u8(&mut self) -> Result<u8, Truncated> {
        self.reader.u8()
    }

    pub(super) fn u32(&mut self) -> Result<u32, Truncated> {
        self.reader.u32()
    }

    pub(super) fn i32(&mut self) -> Result<i32, Truncated> {
        self.reader.i32()
    }

    pub(super) fn u64(&mut self) -> Result<u64, Truncated> {
        self.reader.u64()
    }

    pub(super) fn i64(&mut self) -> Result<i64, Truncated> {
        self.reader.u64().map(u64::cast_signed)
    }

    pub(super) fn flag(&mut self, field: &'static str) -> Result<bool, CrmError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(CrmError::BadValue {
                field,
                value: other.into(),
            }),
        }
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<String, CrmError> {
        let length = self.u32()?;
        self.take(field, length)
    }

    pub(super) fn optional(&mut self, field: &'static str) -> Result<Option<String>, CrmError> {
        match self.u32()?.checked_sub(1) {
            None => Ok(None),
            Some(length) => self.take(field, length).map(Some),
        }
    }

    fn take(&mut self, field: &'static str, length: u32) -> Result<String, CrmError> {
        let bytes = self.reader.bytes(length as usize)?;
        let text = std::str::from_utf8(bytes).map_err(|_| CrmError::NotText(field))?;
        Ok(text.to_owned())
    }

    /// A list; the number before it is never trusted with memory.
    pub(super) fn list<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, CrmError>,
    ) -> Result<Vec<T>, CrmError> {
        let count = self.u32()?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(item(self)?);
        }
        Ok(list)
    }
}
