//! Orders of names.

use std::cmp::Ordering;

/// The order of node names: numbers in them count as numbers, case doesn't count.
/// Source: Pacemaker 2.1.5, `pcmk__numeric_strcasecmp`.
pub fn compare_names(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i].is_ascii_digit() && b[j].is_ascii_digit() {
            let (end_a, end_b) = (digits_end(a, i), digits_end(b, j));
            let order = compare_digits(&a[i..end_a], &b[j..end_b]);
            if order.is_ne() {
                return order;
            }
            (i, j) = (end_a, end_b);
            continue;
        }
        let order = a[i].to_ascii_lowercase().cmp(&b[j].to_ascii_lowercase());
        if order.is_ne() {
            return order;
        }
        i += 1;
        j += 1;
    }
    (a.len() - i).min(1).cmp(&(b.len() - j).min(1))
}

fn digits_end(text: &[u8], from: usize) -> usize {
    let rest = text.iter().skip(from);
    from + rest.take_while(|b| b.is_ascii_digit()).count()
}

fn compare_digits(a: &[u8], b: &[u8]) -> Ordering {
    let strip = |d: &[u8]| {
        let zeros = d.iter().take_while(|b| **b == b'0').count();
        d[zeros..].to_vec()
    };
    let (x, y) = (strip(a), strip(b));
    let by_value = x.len().cmp(&y.len()).then_with(|| x.cmp(&y));
    by_value.then(a.len().cmp(&b.len()))
}

/// The order of versions: dotted numbers. Source: `compare_version`.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let parts = |t: &str| -> Vec<i64> {
        t.split('.')
            .map(|p| crate::scheduler::score::leading_integer(p).unwrap_or(0))
            .collect()
    };
    let (x, y) = (parts(a), parts(b));
    for i in 0..x.len().max(y.len()) {
        let at = |v: &[i64]| v.get(i).copied().unwrap_or(0);
        let order = at(&x).cmp(&at(&y));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Key of an operation.
pub fn operation_key(id: &str, task: &str, interval: u32) -> String {
    let mut key = String::with_capacity(id.len() + task.len() + 12);
    key.push_str(id);
    key.push('_');
    key.push_str(task);
    match interval {
        0 => key.push_str("_0"),
        _ => key.push_str(&format!("_{interval}")),
    }
    key
}

/// An operation key taken apart: resource, task, interval.
pub fn parse_key(key: &str) -> Option<(&str, &str, u32)> {
    let (rest, interval) = key.rsplit_once('_')?;
    let interval = interval.parse().ok()?;
    for task in ["migrate_to", "migrate_from"] {
        if let Some(id) = rest.strip_suffix(task).and_then(|r| r.strip_suffix('_')) {
            return Some((id, task, interval));
        }
    }
    for kind in ["_pre_notify_", "_post_notify_"] {
        if let Some(at) = rest.rfind(kind) {
            return Some((rest.get(..at)?, "notify", interval));
        }
    }
    let (id, task) = rest.rsplit_once('_')?;
    Some((id, task, interval))
}

/// An id without the number of an instance.
pub fn base_name(id: &str) -> &str {
    match id.rsplit_once(':') {
        Some((base, number))
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            base
        }
        _ => id,
    }
}

/// An interval as people read it: the largest units that aren't 0.
/// Source: Pacemaker 2.1.5, `pcmk__readable_interval`.
pub fn readable_interval(ms: u32) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    // A whole unit alone is told in the next smaller one: 60s, 1000ms.
    let (mut text, mut left) = (String::new(), ms);
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)] {
        if left > length {
            text.push_str(&format!("{}{unit}", left / length));
            left %= length;
        }
    }
    match (left > 1000, left % 1000) {
        (true, 0) => text.push_str(&format!("{}s", left / 1000)),
        (true, rest) => text.push_str(&format!("{}.{rest:03}s", left / 1000)),
        (false, _) if left > 0 => text.push_str(&format!("{left}ms")),
        (false, _) => {}
    }
    text
}
