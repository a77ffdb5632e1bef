//! Numbers at the front of a text, as `sscanf` of the C library finds them.
//!
//! The forms of dates that people may write follow from how that function reads: it passes
//! over space, takes signs, and stops where a digit ends.

/// A text that is read from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a> {
    rest: &'a [u8],
}

/// Whether the C library counts it as space.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// The bytes without space at their front.
pub(super) fn skip_space(text: &[u8]) -> &[u8] {
    let skip = text.iter().take_while(|&&b| is_space(b)).count();
    text.get(skip..).unwrap_or_default()
}

impl<'a> Scan<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// A number of up to `width` characters with its sign; beyond 64 bits the nearest, then cut
    /// to 32 bits as the C library does.
    pub(super) fn int(&mut self, width: usize) -> Option<i32> {
        let text = skip_space(self.rest);
        let signed = matches!(text.first(), Some(b'-' | b'+')) && width > 0;
        let negative = signed && text.first() == Some(&b'-');
        let start = usize::from(signed);
        let digits: &[u8] = text.get(start..).unwrap_or_default();
        let count = digits
            .iter()
            .take(width - start)
            .take_while(|b| b.is_ascii_digit())
            .count();
        if count == 0 {
            return None;
        }
        let digits = digits.get(..count)?;
        self.rest = text.get(start + count..)?;
        let value = digits.iter().fold(0_i64, |value, digit| {
            let value = value.saturating_mul(10);
            let digit = i64::from(digit - b'0');
            if negative {
                value.saturating_sub(digit)
            } else {
                value.saturating_add(digit)
            }
        });
        Some(value as i32)
    }

    /// Passes over these bytes.
    pub(super) fn literal(&mut self, bytes: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(bytes)?;
        Some(())
    }

    /// Whether nothing but space is left.
    pub(super) fn is_at_end(&self) -> bool {
        skip_space(self.rest).is_empty()
    }
}

/// Up to three numbers of any width with `separator` between them.
pub(super) fn separated(text: &[u8], separator: u8) -> ([i32; 3], usize) {
    let mut scan = Scan::new(text);
    let mut found = [0; 3];
    for (at, number) in found.iter_mut().enumerate() {
        if at > 0 && scan.literal(&[separator]).is_none() {
            return (found, at);
        }
        match scan.int(usize::MAX) {
            Some(value) => *number = value,
            None => return (found, at),
        }
    }
    (found, 3)
}

/// Up to three numbers directly one after another, of these widths.
pub(super) fn packed(text: &[u8], widths: [usize; 3]) -> ([i32; 3], usize) {
    let mut scan = Scan::new(text);
    let mut found = [0; 3];
    for (at, (number, width)) in found.iter_mut().zip(widths).enumerate() {
        match scan.int(width) {
            Some(value) => *number = value,
            None => return (found, at),
        }
    }
    (found, 3)
}
