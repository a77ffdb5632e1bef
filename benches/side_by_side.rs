//! What benches that set ours beside the real programs share: numbers of the environment, and
//! how values are printed.

use std::time::Instant;

/// A number of the environment.
pub fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

/// Prints what was measured of both as min / median / max, and the ratio of the medians.
pub fn print(title: &str, what: &str, peer: &str, (ours, theirs): (&[f64], &[f64])) {
    let ratio = median(ours) / median(theirs);
    println!(
        "{title:12} {what:22} everbeat {}   {peer} {}   ratio {ratio:.3}",
        spread(ours),
        spread(theirs)
    );
}

/// The value in the middle; the upper of two.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn spread(values: &[f64]) -> String {
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(0.0, f64::max);
    format!("{min:7.1} /{:8.1} /{max:8.1}", median(values))
}

/// Milliseconds since then.
pub fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
