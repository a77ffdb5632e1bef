//! Reading and writing integers of either byte order, every length checked.

/// Order of the bytes of an integer.
///
/// A totem sender uses its own and marks it in each message, so this is a value, not a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// The lowest byte first: x86, ARM as Linux runs it.
    Little,
    /// The highest byte first.
    Big,
}

impl ByteOrder {
    /// The order of this machine.
    pub const NATIVE: Self = if cfg!(target_endian = "big") {
        Self::Big
    } else {
        Self::Little
    };
}

/// The bytes end before what was to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("truncated: {wanted} bytes at byte {at}, {left} are there")]
pub struct Truncated {
    /// Where the read began.
    pub at: usize,
    /// How many bytes it needed.
    pub wanted: usize,
    /// How many there were.
    pub left: usize,
}

/// Takes integers and byte strings from the front of bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    order: ByteOrder,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8], order: ByteOrder) -> Self {
        Self {
            bytes,
            at: 0,
            order,
        }
    }

    /// The order in which integers are read.
    pub fn order(&self) -> ByteOrder {
        self.order
    }

    /// Reads integers in another order from here on.
    pub fn set_order(&mut self, order: ByteOrder) {
        self.order = order;
    }

    /// How many bytes were taken.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Truncated> {
        let end = self.at.checked_add(count);
        match end.and_then(|end| self.bytes.get(self.at..end)) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(Truncated {
                at: self.at,
                wanted: count,
                left: self.left(),
            }),
        }
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    /// Leaves out `count` bytes: padding, or what nobody initialises.
    pub fn skip(&mut self, count: usize) -> Result<(), Truncated> {
        self.bytes(count).map(|_| ())
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at = self.bytes.len();
        rest
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Truncated> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, Truncated> {
        let bytes = self.array()?;
        Ok(match self.order {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        })
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, Truncated> {
        let bytes = self.array()?;
        Ok(match self.order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        })
    }

    /// Four bytes, two's complement.
    pub fn i32(&mut self) -> Result<i32, Truncated> {
        self.u32().map(u32::cast_signed)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, Truncated> {
        let bytes = self.array()?;
        Ok(match self.order {
            ByteOrder::Little => u64::from_le_bytes(bytes),
            ByteOrder::Big => u64::from_be_bytes(bytes),
        })
    }
}

/// Appends integers and byte strings to a buffer.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    order: ByteOrder,
}

impl<'a> Writer<'a> {
    /// Appends to what is in `out`.
    pub fn new(out: &'a mut Vec<u8>, order: ByteOrder) -> Self {
        let start = out.len();
        Self { out, start, order }
    }

    /// The order in which integers are written.
    pub fn order(&self) -> ByteOrder {
        self.order
    }

    /// How many bytes this writer appended.
    pub fn position(&self) -> usize {
        self.out.len() - self.start
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// So many zero bytes.
    pub fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes(&match self.order {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        });
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes(&match self.order {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        });
    }

    /// Four bytes, two's complement.
    pub fn i32(&mut self, value: i32) {
        self.u32(value.cast_unsigned());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes(&match self.order {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_in_either_order() {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let mut out = vec![9];
            let mut writer = Writer::new(&mut out, order);
            writer.u8(1);
            writer.u16(0x0203);
            writer.u32(0x0405_0607);
            writer.i32(-2);
            writer.u64(0x0809_0a0b_0c0d_0e0f);
            writer.zeros(2);
            writer.bytes(b"xyz");
            assert_eq!(writer.position(), 24);
            let mut reader = Reader::new(&out[1..], order);
            assert_eq!(reader.u8(), Ok(1));
            assert_eq!(reader.u16(), Ok(0x0203));
            assert_eq!(reader.u32(), Ok(0x0405_0607));
            assert_eq!(reader.i32(), Ok(-2));
            assert_eq!(reader.u64(), Ok(0x0809_0a0b_0c0d_0e0f));
            assert_eq!(reader.skip(2), Ok(()));
            assert_eq!((reader.position(), reader.left()), (21, 3));
            assert_eq!(reader.rest(), b"xyz");
            assert_eq!(reader.left(), 0);
        }
        let mut out = Vec::new();
        Writer::new(&mut out, ByteOrder::Big).u16(0x0102);
        Writer::new(&mut out, ByteOrder::Little).u16(0x0102);
        assert_eq!(out, [1, 2, 2, 1]);
    }

    #[test]
    fn a_read_past_the_end_takes_nothing() {
        let mut reader = Reader::new(&[1, 2, 3], ByteOrder::Big);
        let error = Truncated {
            at: 0,
            wanted: 4,
            left: 3,
        };
        assert_eq!(reader.u32(), Err(error));
        assert!(reader.bytes(usize::MAX).is_err());
        assert_eq!(reader.u16(), Ok(0x0102));
        assert!(reader.u16().is_err());
        assert_eq!(reader.u8(), Ok(3));
    }
}
