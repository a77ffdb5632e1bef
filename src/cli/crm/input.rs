//! XML that is given to a tool: in a file, on standard input, or on the command line.

use std::io::Read;
use std::path::Path;

use crate::cib::reader::{ReadError, Reason};
use crate::cib::{self, Document};
use crate::limits;

/// Where XML is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file; `.bz2` is unpacked, `-` is standard input.
    File(String),
    /// The text itself.
    Text(String),
    /// Standard input.
    Stdin,
}

/// Why XML could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file could not be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is not well-formed.
    #[error("{0}")]
    Xml(#[from] ReadError),
}

impl Source {
    /// How messages call it.
    pub fn name(&self) -> &str {
        match self {
            Self::File(name) => name,
            Self::Text(_) => "input string",
            Self::Stdin => "STDIN",
        }
    }

    /// Reads it. Text between elements goes only if it comes from a file.
    pub fn read(&self) -> Result<Document, InputError> {
        match self {
            Self::File(name) if name == "-" => {
                let bytes = bounded(std::io::stdin().lock())?;
                Ok(cib::read_file_text(bytes)?)
            }
            Self::File(name) => read_file(Path::new(name)),
            Self::Text(text) => Ok(cib::read(text)?),
            Self::Stdin => {
                let bytes = bounded(std::io::stdin().lock())?;
                Ok(cib::read_bytes(bytes)?)
            }
        }
    }
}

/// Reads a document from a file, packed with bzip2 if its name ends in `.bz2`.
pub fn read_file(path: &Path) -> Result<Document, InputError> {
    Ok(cib::read_file_text(file_bytes(path)?)?)
}

/// The bytes of a file, unpacked.
pub fn file_bytes(path: &Path) -> Result<Vec<u8>, InputError> {
    let file = std::fs::File::open(path)?;
    match is_packed(path) {
        true => bounded(bzip2::read::MultiBzDecoder::new(file)),
        false => bounded(file),
    }
}

/// Whether a file of this name is packed with bzip2.
pub fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "bz2")
}

/// All bytes, as long as a document may have that many.
fn bounded(source: impl Read) -> Result<Vec<u8>, InputError> {
    let limit = limits::CIB_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    source.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > limits::CIB_BYTES_MAX {
        let reason = Reason::TooLarge;
        return Err(ReadError {
            line: 1,
            column: 1,
            reason,
        }
        .into());
    }
    Ok(bytes)
}
