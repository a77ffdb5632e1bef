//! The format of a time stamp: what strftime(3) takes, with `%N` for parts of a second.

/// Most digits of a fraction: the clock is read in microseconds.
const DIGITS_MAX: usize = 6;

/// A part of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// For strftime(3).
    Plain(String),
    /// So many digits of the second's fraction.
    Fraction(usize),
}

/// Takes a format apart: `%06N` are six digits of the second's fraction.
pub fn pieces(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        let (before, directive) = rest.split_at(at);
        plain.push_str(before);
        let digits = directive[1..].chars().take_while(char::is_ascii_digit);
        let length = 1 + digits.count();
        let letter = directive[length..].chars().next();
        let end = length + letter.map_or(0, char::len_utf8);
        if letter == Some('N') {
            let digits = directive[1..length].parse().unwrap_or(DIGITS_MAX);
            if !plain.is_empty() {
                pieces.push(Piece::Plain(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Fraction(digits.clamp(1, DIGITS_MAX)));
        } else {
            plain.push_str(&directive[..end]);
        }
        rest = &directive[end..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Plain(plain));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_found_between_what_strftime_takes() {
        let plain = |text: &str| Piece::Plain(text.to_owned());
        assert_eq!(
            pieces("%H:%M:%S.%06N"),
            [plain("%H:%M:%S."), Piece::Fraction(6)]
        );
        assert_eq!(
            pieces("%s.%03N Z%N"),
            [
                plain("%s."),
                Piece::Fraction(3),
                plain(" Z"),
                Piece::Fraction(6)
            ]
        );
        assert_eq!(pieces("%99N"), [Piece::Fraction(6)]);
        assert_eq!(pieces("%%N %é %"), [plain("%%N %é %")]);
        assert_eq!(pieces(""), []);
    }
}
