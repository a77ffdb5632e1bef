//! The message object: an ordered list of typed fields.

use std::fmt;

use crate::ids::NodeUuid;

/// An ordered list of fields; order is kept everywhere and matters for the inner digest.
///
/// Look-ups take the first field of a name.
/// Source: heartbeat 3.0.6, `struct ha_msg`; `spec/heartbeat-wire.md` section 1.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Message {
    fields: Vec<Field>,
}

/// A named value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Not empty, no `=`, no `(` at its start, no NUL, no newline.
    pub name: Vec<u8>,
    /// What the field holds.
    pub value: Value,
}

/// The value of a field; the digit is its type on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// 0: bytes without NUL.
    Text(Vec<u8>),
    /// 1: any bytes.
    Binary(Vec<u8>),
    /// 2: a message.
    Struct(Message),
    /// 3: a list of byte strings, none empty.
    List(Vec<Vec<u8>>),
    /// 4: a compressed message, left closed.
    Compressed(Vec<u8>),
    /// 5: a message that is to be compressed.
    Uncompressed(Message),
}

impl Message {
    /// A message without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// A message whose first field is its type, `t`.
    pub fn of_type(kind: &str) -> Self {
        Self::new().with("t", kind)
    }

    /// Appends a text field; for building in one expression.
    #[must_use]
    pub fn with(mut self, name: &str, text: impl AsRef<[u8]>) -> Self {
        self.push_text(name, text);
        self
    }

    /// All fields in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Appends a field.
    pub fn push(&mut self, name: impl AsRef<[u8]>, value: Value) {
        self.fields.push(Field {
            name: name.as_ref().to_vec(),
            value,
        });
    }

    /// Appends a text field.
    pub fn push_text(&mut self, name: impl AsRef<[u8]>, text: impl AsRef<[u8]>) {
        self.push(name, Value::Text(text.as_ref().to_vec()));
    }

    /// True if no field is of type 2, 4 or 5. heartbeat gives only such messages an inner token.
    pub fn is_flat(&self) -> bool {
        self.fields.iter().all(|field| {
            matches!(
                field.value,
                Value::Text(_) | Value::Binary(_) | Value::List(_)
            )
        })
    }

    /// Replaces the first field of that name where it stands, or appends.
    pub fn set(&mut self, name: &str, value: Value) {
        match self.fields.iter_mut().find(|f| f.name == name.as_bytes()) {
            Some(field) => field.value = value,
            None => self.push(name, value),
        }
    }

    /// Takes all fields of that name out; true if there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.fields.len();
        self.fields.retain(|f| f.name != name.as_bytes());
        self.fields.len() != before
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|f| f.name == name.as_bytes())
            .map(|f| &f.value)
    }

    /// The first value of that name if it is text in UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The type of the message, `t`.
    pub fn kind(&self) -> Option<&str> {
        self.text("t")
    }

    /// A number in hexadecimal (`seq`, `hg`, `ts`, `dt`, `ackseq`).
    pub fn hex(&self, name: &str) -> Option<u64> {
        u64::from_str_radix(self.text(name)?, 16).ok()
    }

    /// A number in decimal (`ttl`, `firstseq` of `NS_rexmit`).
    pub fn decimal(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// A uuid (`srcuuid`, `destuuid`).
    pub fn uuid(&self, name: &str) -> Option<NodeUuid> {
        match self.get(name)? {
            Value::Binary(bytes) => NodeUuid::from_bytes(bytes),
            _ => None,
        }
    }
}

impl fmt::Display for Message {
    /// One line: `t=status st=up srcuuid=<16 bytes> …`, text escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, field) in self.fields.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{}=", field.name.escape_ascii())?;
            match &field.value {
                Value::Text(text) => write!(f, "{}", text.escape_ascii())?,
                Value::Binary(bytes) => match NodeUuid::from_bytes(bytes) {
                    Some(uuid) => write!(f, "{uuid}")?,
                    None => write!(f, "<{} bytes>", bytes.len())?,
                },
                Value::Struct(message) | Value::Uncompressed(message) => {
                    write!(f, "{{{message}}}")?;
                }
                Value::List(items) => {
                    f.write_str("[")?;
                    for (n, item) in items.iter().enumerate() {
                        let comma = if n > 0 { "," } else { "" };
                        write!(f, "{comma}{}", item.escape_ascii())?;
                    }
                    f.write_str("]")?;
                }
                Value::Compressed(bytes) => write!(f, "<{} bytes compressed>", bytes.len())?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({self})")
    }
}
