//! Rings of many sizes: a table of what they took, and a plot of it.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;

use super::plot::{Panel, draw};
use crate::sim::totem::growth::{HOP_US, Measured, READ_US, START_US, measure};

/// Rings of one size, from several seeds.
struct Size {
    nodes: usize,
    /// Milliseconds, ascending; without those that never formed.
    formations: Vec<f64>,
    never: usize,
    /// Milliseconds.
    rotation: f64,
    datagrams: u64,
}

/// Runs rings of sizes from `first` to `last`, each with `runs` seeds from `seed` on; prints the
/// table, and draws the plot if a file is named.
pub fn run(
    (first, last): (usize, usize),
    (seed, runs): (u64, u64),
    svg: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let sizes = sizes(first, last);
    let all = measured(&sizes, seed, runs);
    let rows: Vec<Size> = sizes.iter().map(|nodes| of_size(*nodes, &all)).collect();
    table(&rows, runs, &mut std::io::stdout().lock())?;
    if let Some(path) = svg {
        let picture = draw("Rings in virtual time", &panels(&rows));
        std::fs::write(path, picture).with_context(|| format!("{}", path.display()))?;
    }
    Ok(match rows.iter().all(|row| row.never == 0) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Each size about a third larger than the one before.
fn sizes(first: usize, last: usize) -> Vec<usize> {
    let next = |size: &usize| Some((size + 1).max(size * 4 / 3)).filter(|next| *next < last);
    let mut sizes: Vec<usize> = std::iter::successors(Some(first), next).collect();
    if first < last {
        sizes.push(last);
    }
    sizes
}

/// Measures all on all cores, the largest first.
fn measured(sizes: &[usize], seed: u64, runs: u64) -> Vec<Measured> {
    let of_size = |nodes: usize| (0..runs).map(move |run| (nodes, seed.wrapping_add(run)));
    let largest_first = sizes.iter().rev().copied();
    let tasks: Vec<(usize, u64)> = largest_first.flat_map(of_size).collect();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(tasks.len()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((nodes, seed)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ring = measure(*nodes, *seed);
                    eprintln!("a ring of {nodes}, seed {seed}: done");
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push(ring);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn of_size(nodes: usize, all: &[Measured]) -> Size {
    let of_it: Vec<&Measured> = all.iter().filter(|ring| ring.nodes == nodes).collect();
    let ms = |span: std::time::Duration| span.as_secs_f64() * 1000.0;
    let formed = of_it.iter().filter_map(|ring| ring.formation);
    let mut formations: Vec<f64> = formed.map(ms).collect();
    formations.sort_by(f64::total_cmp);
    let rings: Vec<_> = of_it.iter().filter(|r| r.formation.is_some()).collect();
    let count = rings.len().max(1);
    Size {
        nodes,
        never: of_it.len() - formations.len(),
        formations,
        rotation: rings.iter().map(|r| ms(r.rotation)).sum::<f64>() / count as f64,
        datagrams: rings.iter().map(|r| r.datagrams).sum::<u64>() / count as u64,
    }
}

impl Size {
    fn formation(&self) -> Option<[f64; 3]> {
        let all = &self.formations;
        let median = all.get(all.len() / 2)?;
        Some([*all.first()?, *median, *all.last()?])
    }
}

fn table(rows: &[Size], runs: u64, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(
        out,
        "All nodes start within {} ms; a hop takes {} to {} us, its receiver {READ_US} us for each \
         datagram.\nThe timers are corosync's for that many nodes; {runs} runs of each size.\n",
        START_US / 1000,
        HOP_US.0,
        HOP_US.1
    )?;
    writeln!(
        out,
        "nodes   formation ms: min   median      max   token round ms   datagrams in formation"
    )?;
    for row in rows {
        let nodes = row.nodes;
        match row.formation() {
            Some([min, median, max]) => {
                let (rotation, datagrams) = (row.rotation, row.datagrams);
                write!(out, "{nodes:5} {min:19.1} {median:8.1} {max:8.1}")?;
                write!(out, " {rotation:16.2} {datagrams:24}")?;
            }
            None => write!(out, "{nodes:5} {:>19}", "never")?,
        }
        match row.never {
            0 => writeln!(out)?,
            never => writeln!(out, "   {never} runs formed no ring")?,
        }
    }
    Ok(())
}

fn panels(rows: &[Size]) -> [Panel; 2] {
    let points = |value: &dyn Fn(&Size) -> Option<f64>| {
        let point = |row: &Size| Some((row.nodes as f64, value(row)?));
        rows.iter().filter_map(point).collect()
    };
    [
        Panel {
            title: "from the start of the last node until all are in step, ms (median)",
            points: points(&|row| row.formation().map(|[_, median, _]| median)),
        },
        Panel {
            title: "one round of the token, ms",
            points: points(&|row| row.formation().map(|_| row.rotation)),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_grow_by_a_third_and_end_where_they_should() {
        let grown = [3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38, 50, 66, 88, 117, 128];
        assert_eq!(sizes(3, 128), grown);
        assert_eq!(sizes(5, 5), [5]);
        assert_eq!(sizes(5, 6), [5, 6]);
    }

    #[test]
    fn the_table_has_a_row_for_each_size() {
        let all = measured(&[2, 3], 1, 2);
        let rows = [2, 3].map(|nodes| of_size(nodes, &all));
        let mut out = Vec::new();
        table(&rows, 2, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(!text.contains("never"), "{text}");
        let never = Size {
            nodes: 9,
            formations: Vec::new(),
            never: 2,
            rotation: 0.0,
            datagrams: 0,
        };
        let mut out = Vec::new();
        table(&[never], 2, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("never   2 runs formed no ring\n"), "{text}");
    }
}
