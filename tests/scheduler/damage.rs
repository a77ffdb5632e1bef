//! Recorded CIBs with faults that no schema would let pass: whatever stands in them, reading,
//! deciding and checking come to an end.

use std::path::{Path, PathBuf};

use everbeat::cib::{self, Document, NodeRef, writer};
use everbeat::config::source::Source;
use everbeat::proto::rng::Rng;
use everbeat::rules::iso8601::Clock;
use everbeat::scheduler::{self, unpack::expand};

/// Values that no attribute has, or only some.
const ODD: [&str; 16] = [
    "",
    "0",
    "-1",
    "1",
    "true",
    "INFINITY",
    "-INFINITY",
    "99999999999999999999",
    "-99999999999999999999",
    "PT1S/PT",
    "1970-01-01/",
    ":",
    "a:b:c:d",
    "0:0;1:1:0:",
    "Promoted",
    "\u{2603}",
];

fn files() -> Vec<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let entries = std::fs::read_dir(shared.join("conformance/scheduler/cases/xml"));
    let entries = entries.into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "xml"));
    files.sort();
    files
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> Option<T> {
    let place = rng.below(from.len().max(1) as u64);
    from.get(usize::try_from(place).ok()?).copied()
}

/// Changes one thing.
fn damage(doc: &mut Document, rng: &mut Rng) {
    let root = doc.root();
    let all: Vec<NodeRef> = doc
        .descendants(root)
        .filter(|&n| doc.is_element(n))
        .collect();
    let (Some(node), Some(other)) = (pick(rng, &all), pick(rng, &all)) else {
        return;
    };
    let attrs = |doc: &Document, node| -> Vec<String> {
        let names = doc.attrs(node).map(|(name, _)| name.to_owned());
        names.collect()
    };
    let names = attrs(doc, node);
    let name = names.get(usize::try_from(rng.below(names.len().max(1) as u64)).unwrap_or(0));
    match (rng.below(6), name) {
        (0, Some(name)) => drop(doc.remove_attr(node, name)),
        (1 | 2, Some(name)) => {
            let odd = pick(rng, &ODD).unwrap_or_default();
            doc.set_attr(node, name, odd);
        }
        (3, Some(name)) => {
            let value = doc.attr(other, name).map(str::to_owned);
            doc.set_attr(node, name, value.as_deref().unwrap_or("x"));
        }
        (4, _) if node != root => doc.detach(node),
        _ if !doc.contains(node, other) && !doc.contains(other, node) => {
            let copy = doc.extract(other);
            let copied = doc.import(&copy, copy.root());
            doc.append(node, copied);
        }
        _ => {}
    }
}

/// Decides, as a cluster and as a simulation, and checks.
fn decide(doc: &Document) {
    let expanded = expand::expand(doc);
    let mut cluster = scheduler::read(&expanded, Clock::utc(1_700_000_000));
    scheduler::schedule(&mut cluster);
    let text = writer::pretty(doc, doc.root());
    everbeat::lint::check(&Source::new("cib.xml", &text), Clock::utc(1_700_000_000));
}

fn with_room(work: impl FnOnce() + Send + 'static) -> std::thread::Result<()> {
    let thread = std::thread::Builder::new().stack_size(512 << 20);
    thread.spawn(work).expect("a thread starts").join()
}

#[test]
fn what_no_schema_allows_is_decided_too() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let files = files();
    if files.is_empty() {
        println!("SKIPPED: no recorded cases");
        return;
    }
    let runs = number("RUNS").unwrap_or(400);
    let seeds = number("SEED").map_or(1..=runs, |seed| seed..=seed);
    let mut failed = Vec::new();
    for seed in seeds {
        let mut rng = Rng::new(seed);
        let place = usize::try_from(rng.below(files.len() as u64)).unwrap();
        let file = files[place].clone();
        let text = std::fs::read_to_string(&file).expect("it is read");
        if text.len() > 200_000 {
            continue;
        }
        let mut doc = cib::read(&text).expect("it is well-formed");
        for _ in 0..rng.between(1, 12) {
            damage(&mut doc, &mut rng);
        }
        if with_room(move || decide(&doc)).is_err() {
            failed.push(format!("SEED={seed} {}", file.display()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
