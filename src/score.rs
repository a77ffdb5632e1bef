//! Scores: whole numbers with two infinities.

/// Beyond all finite scores. Source: Pacemaker 2.1.5, `CRM_SCORE_INFINITY`.
pub const INFINITY: i32 = 1_000_000;

/// A score as it stands in a CIB; what begins with no number counts 0, and so do the names of
/// colours. Source: Pacemaker 2.1.5, `char2score`.
pub fn parse(text: &str) -> i32 {
    match text {
        "INFINITY" | "+INFINITY" => INFINITY,
        "-INFINITY" => -INFINITY,
        _ => clamp(leading_integer(text).unwrap_or(0)),
    }
}

/// Between the infinities.
pub fn clamp(value: i64) -> i32 {
    let bound = i64::from(INFINITY);
    i32::try_from(value.clamp(-bound, bound)).unwrap_or(0)
}

/// The sum: minus infinity beats infinity, infinity beats the rest.
/// Source: Pacemaker 2.1.5, `pcmk__add_scores`.
pub fn add(a: i32, b: i32) -> i32 {
    if a <= -INFINITY || b <= -INFINITY {
        -INFINITY
    } else if a >= INFINITY || b >= INFINITY {
        INFINITY
    } else {
        clamp(i64::from(a) + i64::from(b))
    }
}

/// A score as the tools print it.
pub fn text(score: i32) -> String {
    match score {
        INFINITY.. => "INFINITY".to_owned(),
        ..=-1_000_000 => "-INFINITY".to_owned(),
        _ => score.to_string(),
    }
}

/// The integer that a text begins with, as C's `strtoll` reads it, at the bounds of `i64`.
pub fn leading_integer(text: &str) -> Option<i64> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let digits = digits.get(..end).filter(|d| !d.is_empty())?;
    Some(match (digits.parse::<i64>(), negative) {
        (Ok(value), false) => value,
        (Ok(value), true) => -value,
        (Err(_), false) => i64::MAX,
        (Err(_), true) => i64::MIN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_sums() {
        for (text, expected) in [
            ("INFINITY", INFINITY),
            ("+INFINITY", INFINITY),
            ("-INFINITY", -INFINITY),
            ("infinity", 0),
            ("12", 12),
            (" -7x", -7),
            ("+3", 3),
            ("2000000", INFINITY),
            ("-99999999999999999999", -INFINITY),
            ("", 0),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
        assert_eq!(add(INFINITY, -INFINITY), -INFINITY);
        assert_eq!(add(INFINITY, -5), INFINITY);
        assert_eq!(add(999_999, 5), INFINITY);
        assert_eq!(text(-INFINITY), "-INFINITY");
        assert_eq!(text(-5), "-5");
    }
}
