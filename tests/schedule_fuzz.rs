//! Drawn and changed CIBs to the installed crm_simulate and to ours: both must decide the same.
//!
//! ```text
//! SEEDS=0..10000 cargo test --test schedule_fuzz -- --nocapture    # these seeds
//! FUZZ_FOLDER=/tmp/found SEEDS=... ...                             # keep what differs
//! RECORD=1 cargo test --test schedule_fuzz recorded                # record found cases anew
//! FUZZ_PUBLIC=1 SEEDS=... ...                                      # changed public CIBs only
//! ```

#[path = "schedule_fuzz/compare.rs"]
mod compare;
#[path = "schedule_fuzz/constraints.rs"]
mod constraints;
#[path = "schedule_fuzz/draft.rs"]
mod draft;
#[path = "schedule_fuzz/generate.rs"]
mod generate;
#[path = "schedule_fuzz/happen.rs"]
mod happen;
#[path = "schedule_fuzz/mutate.rs"]
mod mutate;
#[path = "schedule_fuzz/options.rs"]
mod options;
#[path = "schedule_fuzz/recorded.rs"]
mod recorded;
#[path = "schedule_fuzz/resources.rs"]
mod resources;
#[path = "schedule_fuzz/shrink.rs"]
mod shrink;
#[path = "schedule_fuzz/status.rs"]
mod status;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use compare::Difference;
use everbeat::cib::schema::{Edition, Validator};
use everbeat::cib::{self, Document, writer};
use everbeat::proto::rng::Rng;

/// Transitions of one seed, each from what the one before left.
const STEPS: usize = 3;

/// The attribute that names the grammar of a CIB.
const CLAIM: &str = "validate-with";

/// The grammar of all that is drawn.
const EDITION: &str = "pacemaker-3.9";

/// What is run.
struct Plan {
    seeds: std::ops::Range<u64>,
    /// No seed is begun after this time.
    time: Option<Duration>,
    /// Where what differs is kept.
    folder: Option<PathBuf>,
    /// Simulations that making a difference smaller may take.
    tries: usize,
    /// How many of each sort are shown.
    each: u64,
    /// Seeds that are tried at the same time.
    threads: usize,
}

impl Plan {
    /// None unless `SEEDS` says what to draw.
    fn read() -> Option<Self> {
        let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
        let seeds = std::env::var("SEEDS").ok()?;
        let (from, to) = seeds.split_once("..")?;
        Some(Self {
            seeds: from.parse().ok()?..to.parse().ok()?,
            time: number("FUZZ_SECONDS").map(Duration::from_secs),
            folder: std::env::var_os("FUZZ_FOLDER").map(PathBuf::from),
            tries: number("FUZZ_TRIES")
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(1500),
            each: number("FUZZ_EACH").unwrap_or(1),
            threads: number("FUZZ_THREADS")
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        })
    }
}

/// What came of all.
#[derive(Default)]
struct Tally {
    compared: u64,
    refused: u64,
    /// By sort: how often, and the first seed.
    sorts: BTreeMap<String, (u64, u64)>,
}

fn public_cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../shared/conformance/scheduler/cases/xml");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    paths.sort();
    paths
}

/// The CIB that a seed begins with: drawn, or every third a changed public one.
fn first(seed: u64, rng: &mut Rng, cases: &[PathBuf]) -> Document {
    let chosen = usize::try_from(rng.below(cases.len() as u64)).unwrap_or(0);
    let public = seed % 3 == 2 || std::env::var_os("FUZZ_PUBLIC").is_some();
    if public
        && let Some(path) = cases.get(chosen)
        && let Ok(bytes) = std::fs::read(path)
        && let Ok(mut doc) = cib::read_file_text(bytes)
    {
        let root = doc.root();
        if doc.attr(root, "execution-date").is_none() {
            doc.set_attr(root, "execution-date", &generate::NOW.to_string());
        }
        return mutate::mutate(doc, rng.fork(), 3);
    }
    generate::cib(rng.fork())
}

/// What is simulated: a CIB, and what happens before.
struct Trial {
    doc: Document,
    args: Vec<String>,
}

/// All transitions of a seed; the first that differs, with its CIB.
fn run(
    seed: u64,
    cases: &[PathBuf],
    folder: &Path,
    validator: &mut Validator,
    tally: &Mutex<Tally>,
) -> Option<(Trial, Vec<Difference>)> {
    let mut rng = Rng::new(seed);
    let mut doc = first(seed, &mut rng, cases);
    for _ in 0..STEPS {
        let args = happen::draw(&doc, rng.fork());
        let valid = doc.attr(doc.root(), CLAIM) == Some(EDITION) && validator.accepts(&doc);
        let real = match valid {
            true => compare::real(&unchecked(&doc), &args, folder),
            false => compare::real(&doc, &args, folder),
        };
        let Some(real) = real else {
            tally.lock().expect("no thread panics with it").refused += 1;
            return None;
        };
        tally.lock().expect("no thread panics with it").compared += 1;
        let differences = compare::differences(&real, &compare::ours(&doc, &args));
        if !differences.is_empty() {
            return Some((Trial { doc, args }, differences));
        }
        let Ok(mut after) = cib::read(&real.after) else {
            return None;
        };
        if valid {
            after.set_attr(after.root(), CLAIM, EDITION);
        }
        doc = mutate::mutate(steady(after), rng.fork(), 4);
    }
    None
}

/// The same CIB as one that the original doesn't check: reading its grammar takes it longer than
/// the simulation.
fn unchecked(doc: &Document) -> Document {
    let mut doc = doc.clone();
    doc.set_attr(doc.root(), CLAIM, "none");
    doc
}

/// Times that the simulation took from the clock, as if it had run before the CIB's own time.
fn steady(mut doc: Document) -> Document {
    let root = doc.root();
    let all: Vec<_> = doc.descendants(root).collect();
    let now = doc
        .attr(root, "execution-date")
        .and_then(|t| t.parse::<i64>().ok());
    let now = now.unwrap_or(generate::NOW);
    for op in all {
        let changed = doc
            .attr(op, "last-rc-change")
            .and_then(|t| t.parse::<i64>().ok());
        if changed.is_some_and(|t| t > now) {
            doc.set_attr(op, "last-rc-change", &(now - 30).to_string());
        }
    }
    doc
}

fn report(seed: u64, plan: &Plan, scratch: &Path, trial: &Trial, first: &[Difference]) -> String {
    let (doc, args) = (&trial.doc, &trial.args);
    let sort = first.first().map(Difference::sort).unwrap_or_default();
    let part = first.first().map_or("", |d| d.part);
    let fails = |tried: &Document| {
        let Some(real) = compare::real(tried, args, scratch) else {
            return false;
        };
        let found = compare::differences(&real, &compare::ours(tried, args));
        found
            .first()
            .is_some_and(|d| d.part == part && d.sort() == sort)
    };
    let small = shrink::shrink(doc, fails, plan.tries);
    let real = compare::real(&small, args, scratch).unwrap_or_default();
    let mut text = format!("seed {seed} {args:?}\n");
    for difference in compare::differences(&real, &compare::ours(&small, args)) {
        text.push_str(&format!("{}:\n", difference.part));
        for line in difference.lines.iter().take(20) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text.push_str(&writer::pretty(&small, small.root()));
    if let Some(folder) = &plan.folder {
        let _ = std::fs::create_dir_all(folder);
        let xml = writer::pretty(&small, small.root());
        let _ = std::fs::write(folder.join(format!("{seed}.xml")), xml);
        if !args.is_empty() {
            let _ = std::fs::write(folder.join(format!("{seed}.args")), args.join("\n"));
        }
        let _ = std::fs::write(folder.join(format!("{seed}.txt")), &text);
    }
    text
}

/// One thread: seeds until there are no more.
fn work(plan: &Plan, next: &AtomicU64, tally: &Mutex<Tally>, begun: Instant) {
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let cases = public_cases();
    let edition = Edition::named(EDITION).expect("an edition is named so");
    let mut validator = Validator::new(edition);
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= plan.seeds.end || plan.time.is_some_and(|time| begun.elapsed() > time) {
            return;
        }
        if seed > plan.seeds.start && seed.is_multiple_of(500) {
            let tally = tally.lock().expect("no thread panics with it");
            eprintln!(
                "seed {seed}: {} compared, {} sorts",
                tally.compared,
                tally.sorts.len()
            );
        }
        let Some((trial, found)) = run(seed, &cases, scratch.path(), &mut validator, tally) else {
            continue;
        };
        let sort = found.first().map(Difference::sort).unwrap_or_default();
        let new = {
            let mut tally = tally.lock().expect("no thread panics with it");
            let entry = tally.sorts.entry(sort).or_insert((0, seed));
            entry.0 += 1;
            entry.0 <= plan.each
        };
        // Those of one sort mostly have one cause; the first is mostly enough to find it.
        if new {
            let text = report(seed, plan, scratch.path(), &trial, &found);
            if plan.folder.is_none() {
                eprintln!("{text}");
            }
        }
    }
}

#[test]
fn drawn_and_changed_cibs_are_decided_as_pacemaker_decides_them() {
    if !compare::installed() {
        eprintln!("SKIPPED: crm_simulate of Pacemaker 2.1.5 isn't installed");
        return;
    }
    let Some(plan) = Plan::read() else {
        eprintln!("SKIPPED: SEEDS=0..100 says which are drawn; some differences are known");
        return;
    };
    std::panic::set_hook(Box::new(|_| {}));
    let next = AtomicU64::new(plan.seeds.start);
    let tally = Mutex::new(Tally::default());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..plan.threads {
            scope.spawn(|| work(&plan, &next, &tally, begun));
        }
    });
    let _ = std::panic::take_hook();
    let tally = tally.into_inner().expect("no thread panicked with it");
    let seeds = next.load(Ordering::Relaxed).min(plan.seeds.end) - plan.seeds.start;
    let different: u64 = tally.sorts.values().map(|(count, _)| count).sum();
    eprintln!(
        "{seeds} seeds, {} transitions compared, {} CIBs refused by the real one, {different} \
         differ",
        tally.compared, tally.refused
    );
    for (sort, (count, seed)) in &tally.sorts {
        eprintln!("{count:6} {sort} (seed {seed})");
    }
    assert!(tally.compared > 0, "nothing was compared");
    assert_eq!(different, 0, "ours decides otherwise than the real one");
}
