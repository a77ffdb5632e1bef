//! Versions: numbers with dots between them.

use std::cmp::Ordering;

use super::number::leading_int;

/// Compares versions number by number; one that ends counts as zeros from there on, so that
/// `1` equals `1.0`.
///
/// Source: Pacemaker 2.1.5, `compare_version`; the installed `crm_simulate`.
/// Differs: what is no number is compared as text without case; the original never returns.
pub fn compare_versions(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    while !left.is_empty() || !right.is_empty() {
        let (from_left, from_right) = (left, right);
        let number;
        (number, left) = part(left);
        let other;
        (other, right) = part(right);
        match number.cmp(&other) {
            Ordering::Equal if (left, right) == (from_left, from_right) => {
                return lower(left).cmp(lower(right));
            }
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

/// The number at the front, and what follows it and its dot.
fn part(text: &str) -> (i32, &str) {
    match leading_int(text) {
        Ok((value, rest)) => (value as i32, rest.strip_prefix('.').unwrap_or(rest)),
        Err(_) => (0, text.strip_prefix('.').unwrap_or(text)),
    }
}

fn lower(text: &str) -> impl Iterator<Item = u8> + '_ {
    text.bytes().map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_installed_simulator_compares_them() {
        for (left, right, wanted) in [
            ("1", "1.0", Ordering::Equal),
            ("1.2.", "1.2..", Ordering::Equal),
            ("1.0.0.1", "1", Ordering::Greater),
            ("1..2", "1.2", Ordering::Less),
            ("1.10", "1.9", Ordering::Greater),
            ("01", "1", Ordering::Equal),
            ("-1", "0", Ordering::Less),
            ("1-2", "1-3", Ordering::Greater),
            ("1-2", "1", Ordering::Less),
            ("1. 2", "1.2", Ordering::Equal),
            ("1 2", "1.2", Ordering::Equal),
            (".1", "1", Ordering::Less),
            ("1", "1.-1", Ordering::Greater),
            ("99999999999", "1", Ordering::Greater),
        ] {
            assert_eq!(compare_versions(left, right), wanted, "{left} {right}");
        }
    }

    #[test]
    fn letters_come_to_an_end() {
        assert_eq!(compare_versions("1.2a", "1.2b"), Ordering::Less);
        assert_eq!(compare_versions("1.2A", "1.2a"), Ordering::Equal);
        assert_eq!(compare_versions("1.2a", "1.2"), Ordering::Greater);
    }
}
