//! Compressed messages: the whole one in a wrapper, or one field of it.
//!
//! Source: heartbeat 3.0.6, `lib/plugins/compress`, `compressmsg` and `decompressmsg`;
//! `spec/heartbeat-wire.md` section 4.

use std::fmt;
use std::io::{Read, Write};

use super::message::{Message, Value};
use super::{DecodeError, EncodeError, decode_unauthenticated, netstring, text};
use crate::limits;

/// Field of a wrapper that holds the compressed message.
pub(super) const PAYLOAD: &str = "_compressed_payload";
/// Field that names the algorithm.
const ALGORITHM: &str = "_compression_algorithm";

/// How bytes are compressed; named as heartbeat's plugins are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 1950, level 6.
    Zlib,
    /// bzip2, block size 1, work factor 30.
    Bz2,
}

/// Why a compressed message can't be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// No algorithm is named, or one that we don't have.
    #[error("compression algorithm \"{0}\" is unknown")]
    UnknownAlgorithm(String),
    /// The payload isn't of type 1.
    #[error("the compressed payload isn't a binary field")]
    NotBinary,
    /// The stream is damaged or cut off.
    #[error("the compressed payload is damaged")]
    Damaged,
    /// It grows beyond [`limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX`].
    #[error(
        "the compressed payload grows beyond {} bytes",
        limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX
    )]
    TooLarge,
    /// What came out is no message.
    #[error("in the compressed payload: {0}")]
    Decode(#[from] DecodeError),
}

impl Algorithm {
    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "zlib" => Some(Self::Zlib),
            "bz2" => Some(Self::Bz2),
            _ => None,
        }
    }

    /// Its name, as `_compression_algorithm` and ha.cf's `compression` have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Bz2 => "bz2",
        }
    }

    /// Compresses.
    pub fn compress(self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Zlib => {
                let level = flate2::Compression::new(6);
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Self::Bz2 => {
                let level = bzip2::Compression::new(1);
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes)?;
                encoder.finish()
            }
        }
    }

    /// Decompresses.
    ///
    /// Bounds: [`limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX`]; it stops there, however much more
    /// the stream would make.
    pub fn decompress(self, bytes: &[u8]) -> Result<Vec<u8>, DecompressError> {
        self.decompress_within(bytes, limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX)
    }

    fn decompress_within(self, bytes: &[u8], max: usize) -> Result<Vec<u8>, DecompressError> {
        let mut out = Vec::new();
        let limit = max as u64 + 1;
        match self {
            Self::Zlib => flate2::read::ZlibDecoder::new(bytes)
                .take(limit)
                .read_to_end(&mut out),
            Self::Bz2 => bzip2::read::BzDecoder::new(bytes)
                .take(limit)
                .read_to_end(&mut out),
        }
        .map_err(|_| DecompressError::Damaged)?;
        if out.len() > max {
            return Err(DecompressError::TooLarge);
        }
        Ok(out)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The wrapper that carries `form`, a whole message in either form.
pub fn wrap(form: &[u8], algorithm: Algorithm) -> std::io::Result<Message> {
    let mut wrapper = Message::new();
    wrapper.push(PAYLOAD, Value::Binary(algorithm.compress(form)?));
    wrapper.push_text(ALGORITHM, algorithm.name());
    Ok(wrapper)
}

/// The message in the wrapper, and how it was compressed; `None` if `message` is no wrapper.
///
/// A wrapper inside is left closed.
pub fn unwrap(message: &Message) -> Option<Result<(Message, Algorithm), DecompressError>> {
    let payload = message.get(PAYLOAD)?;
    Some(algorithm_of(message).and_then(|algorithm| match payload {
        Value::Binary(bytes) => {
            let form = algorithm.decompress(bytes)?;
            Ok((decode_unauthenticated(&form)?, algorithm))
        }
        _ => Err(DecompressError::NotBinary),
    }))
}

/// Turns every field of type 4 into type 5, as a program does that was sent one.
///
/// Bounds: [`limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX`] for all of them together.
pub fn open_fields(message: &Message) -> Result<Message, DecompressError> {
    let mut opened = Message::new();
    let mut left = limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX;
    for field in message.fields() {
        let value = match &field.value {
            Value::Compressed(bytes) => {
                let form = algorithm_of(message)?.decompress_within(bytes, left)?;
                left -= form.len();
                Value::Uncompressed(decode_unauthenticated(&form)?)
            }
            other => other.clone(),
        };
        opened.push(&field.name, value);
    }
    Ok(opened)
}

/// Turns every field of type 5 into type 4 and appends the algorithm's name if there was one.
///
/// A child goes in text form with its NUL, or in netstring form when only that can carry it.
pub fn close_fields(message: &Message, algorithm: Algorithm) -> Result<Message, EncodeError> {
    let mut closed = Message::new();
    let mut any = false;
    for field in message.fields() {
        let value = match &field.value {
            Value::Uncompressed(child) => {
                any = true;
                let form = form_of(child)?;
                let bytes = algorithm
                    .compress(&form)
                    .map_err(|_| EncodeError::Uncompressed(field.name.clone()))?;
                Value::Compressed(bytes)
            }
            other => other.clone(),
        };
        closed.push(&field.name, value);
    }
    if any && closed.get(ALGORITHM).is_none() {
        closed.push_text(ALGORITHM, algorithm.name());
    }
    Ok(closed)
}

/// The form that is compressed: text and its NUL where no field needs the other one.
pub(super) fn form_of(message: &Message) -> Result<Vec<u8>, EncodeError> {
    let mut form = Vec::new();
    if message.is_flat() {
        text::encode_into(message, &mut form)?;
        form.push(0);
    } else {
        netstring::encode_into(message, &mut form)?;
    }
    if form.len() > limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX {
        return Err(EncodeError::TooLarge {
            bytes: form.len(),
            max: limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX,
        });
    }
    Ok(form)
}

fn algorithm_of(message: &Message) -> Result<Algorithm, DecompressError> {
    let name = message.text(ALGORITHM).unwrap_or_default();
    Algorithm::from_name(name)
        .ok_or_else(|| DecompressError::UnknownAlgorithm(name.escape_default().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Algorithm; 2] = [Algorithm::Zlib, Algorithm::Bz2];

    #[test]
    fn a_wrapper_gives_back_what_went_in() {
        let message = Message::of_type("x").with("a", "b".repeat(5000));
        for algorithm in BOTH {
            let wrapper = wrap(&form_of(&message).unwrap(), algorithm).unwrap();
            assert_eq!(wrapper.fields().len(), 2);
            assert_eq!(unwrap(&wrapper), Some(Ok((message.clone(), algorithm))));
        }
        assert_eq!(unwrap(&message), None);
    }

    #[test]
    fn fields_open_and_close() {
        let mut message = Message::of_type("x");
        message.push("m", Value::Uncompressed(Message::of_type("y")));
        for algorithm in BOTH {
            let closed = close_fields(&message, algorithm).unwrap();
            assert!(matches!(closed.get("m"), Some(Value::Compressed(_))));
            let opened = open_fields(&closed).unwrap();
            assert_eq!(opened.get("m"), message.get("m"));
            assert_eq!(opened.text(ALGORITHM), Some(algorithm.name()));
        }
    }

    #[test]
    fn a_stream_that_grows_without_end_is_stopped() {
        for algorithm in BOTH {
            let zeros = vec![0; 3 * 1024 * 1024];
            let bomb = algorithm.compress(&zeros).unwrap();
            assert!(bomb.len() < 10_000);
            assert_eq!(algorithm.decompress(&bomb), Err(DecompressError::TooLarge));
            let exact = algorithm.compress(&zeros[..2 * 1024 * 1024]).unwrap();
            assert_eq!(algorithm.decompress(&exact).map(|o| o.len()), Ok(2 << 20));
        }
    }

    #[test]
    fn all_fields_share_one_bound() {
        let child = Message::new().with("a", "b".repeat(1024 * 1024));
        let mut message = Message::new();
        message.push("one", Value::Uncompressed(child.clone()));
        let closed = close_fields(&message, Algorithm::Zlib).unwrap();
        assert!(open_fields(&closed).is_ok());
        message.push("two", Value::Uncompressed(child));
        let closed = close_fields(&message, Algorithm::Zlib).unwrap();
        assert_eq!(open_fields(&closed), Err(DecompressError::TooLarge));
    }

    #[test]
    fn damage_is_an_error() {
        for algorithm in BOTH {
            let stream = algorithm.compress(b"some text, some text").unwrap();
            for length in 0..stream.len() {
                assert_eq!(
                    algorithm.decompress(&stream[..length]),
                    Err(DecompressError::Damaged),
                    "{algorithm} {length}"
                );
            }
        }
        let mut wrapper = wrap(b"no message", Algorithm::Zlib).unwrap();
        let error = unwrap(&wrapper).unwrap().unwrap_err();
        assert_eq!(error, DecompressError::Decode(DecodeError::NotHeartbeat));
        wrapper.set(ALGORITHM, Value::Text(b"lzo".to_vec()));
        let error = unwrap(&wrapper).unwrap().unwrap_err();
        assert_eq!(error, DecompressError::UnknownAlgorithm("lzo".into()));
    }
}
