//! "Did you mean": the known word nearest to a wrong one.

/// The candidate nearest to `word`, if it is near enough to be meant.
///
/// Case and the difference between `-` and `_` cost nothing.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let plain = plain(word);
    let allowed = match plain.len() {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|c| (distance(&plain, &self::plain(c)), c))
        .filter(|(d, _)| *d <= allowed)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

fn plain(word: &str) -> Vec<char> {
    word.chars()
        .take(64)
        .map(|c| {
            if c == '-' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// Insertions, deletions, replacements, and swaps of neighbours between two words.
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut table = vec![0; (a.len() + 1) * width];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i * width + j] = if i == 0 || j == 0 {
                i + j
            } else {
                let at = |i: usize, j: usize| table[i * width + j];
                let replaced = at(i - 1, j - 1) + usize::from(a[i - 1] != b[j - 1]);
                let best = replaced.min(at(i - 1, j) + 1).min(at(i, j - 1) + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped {
                    best.min(at(i - 2, j - 2) + 1)
                } else {
                    best
                }
            };
        }
    }
    table[a.len() * width + b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 4] = ["keepalive", "deadtime", "auto_failback", "node"];

    #[test]
    fn near_words_are_found() {
        assert_eq!(nearest("keepalvie", WORDS), Some("keepalive"));
        assert_eq!(nearest("auto-failback", WORDS), Some("auto_failback"));
        assert_eq!(nearest("Deadtime", WORDS), Some("deadtime"));
        assert_eq!(nearest("noed", WORDS), Some("node"));
    }

    #[test]
    fn far_words_are_not() {
        assert_eq!(nearest("watchdog", WORDS), None);
        assert_eq!(nearest("no", WORDS), None);
        assert_eq!(nearest("", WORDS), None);
    }
}
