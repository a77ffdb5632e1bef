//! What makes a text unreadable, with its place.

use thiserror::Error;

/// Why a document was not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct ReadError {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    /// Larger than `limits::CIB_BYTES_MAX`.
    #[error("the document is larger than {} bytes", crate::limits::CIB_BYTES_MAX)]
    TooLarge,
    /// Nested deeper than `limits::CIB_DEPTH_MAX`.
    #[error("elements are nested deeper than {}", crate::limits::CIB_DEPTH_MAX)]
    Depth,
    /// A control character, or bytes that are no text in the encoding.
    #[error("there is a character that XML does not allow")]
    Character,
    /// An encoding that is not read.
    #[error("the encoding {0:?} is not read; write the file in UTF-8")]
    Encoding(String),
    /// No element at all.
    #[error("there is no element")]
    Empty,
    /// A second element beside the root.
    #[error("there is a second element beside the root; a document has one")]
    SecondRoot,
    /// Text before or after the root.
    #[error("there is text outside of the root element")]
    TextOutside,
    /// An XML declaration that is not at the start.
    #[error("the XML declaration has to be the first thing in the file")]
    Declaration,
    /// A document type that declares things, or stands in the wrong place.
    #[error("document types with declarations are not read; remove the DOCTYPE")]
    DocType,
    /// A word that can't be a name.
    #[error("{0:?} is not a name")]
    Name(String),
    /// An attribute without `="value"`.
    #[error("attribute {0:?} has no value in quotes")]
    AttributeValue(String),
    /// No blank between two attributes.
    #[error("there is no blank before attribute {0:?}")]
    AttributeBlank(String),
    /// Two attributes of one name.
    #[error("attribute {0:?} is there twice")]
    DoubledAttribute(String),
    /// `<` in a value.
    #[error("there is a < in the value; write &lt;")]
    LessThan,
    /// A reference that is not known.
    #[error("&{0}; is not known; a bare & is written &amp;")]
    Reference(String),
    /// An end tag without start.
    #[error("</{0}> closes nothing")]
    Unopened(String),
    /// The end tag of another element.
    #[error("</{close}> stands where </{open}> is missing")]
    Mismatch {
        /// The element that is open.
        open: String,
        /// Byte at which it started.
        open_at: usize,
        /// The name in the end tag.
        close: String,
    },
    /// The end of the text inside of an element.
    #[error("<{name}> is not closed")]
    Unclosed {
        /// The element that is open.
        name: String,
        /// Byte at which it started.
        open_at: usize,
    },
    /// Whatever the tokeniser does not take.
    #[error("{0}")]
    Markup(String),
}

impl ReadError {
    pub(super) fn new(text: &str, at: usize, reason: Reason) -> Self {
        let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
        let line_start = before
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |i| i + 1);
        let in_line = before.get(line_start..).unwrap_or_default();
        Self {
            line: 1 + before.iter().filter(|&&b| b == b'\n').count(),
            column: 1 + String::from_utf8_lossy(in_line).chars().count(),
            reason,
        }
    }
}
