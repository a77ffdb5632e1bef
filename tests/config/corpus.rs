//! The published files: where the real daemons were silent, warned or refused, so do we.
//!
//! `corpus.txt` has our findings above notes for each file; UPDATE=1 writes it anew.

use std::path::{Path, PathBuf};

use everbeat::config::authkeys;
use everbeat::config::check::FileKind;
use everbeat::config::diagnostic::{Diagnostic, Severity};
use everbeat::config::ha_cf;
use everbeat::config::host::DistantHost;
use everbeat::config::source::Source;
use everbeat::wire::heartbeat::Message;
use everbeat::wire::heartbeat::auth::{Keyring, Method};
use everbeat::wire::heartbeat::datagram::{self, Format};

use super::{check_together, file, one_line};

/// What a person is glad to be told of a file about which the daemon is silent.
const WELCOME: &[&str] = &[
    "setting must precede media statements",
    "ipfail without a ping node",
    "crc is a checksum, no authentication",
    "a key is one word: what follows is ignored",
    "is a node of the cluster, pinged as if it were not",
    "is no IPv4 address: the group can't start",
    "no STONITH, and haresources has",
    "is no netmask",
    "is not above keepalive",
    "everbeat does not speak knet",
];

/// A line of verdicts.tsv.
struct Verdict {
    kind: FileKind,
    file: String,
    verdict: String,
    message: String,
    notes: String,
    beside: Option<String>,
}

fn corpus() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if dir.join("verdicts.tsv").is_file() {
        return Some(dir);
    }
    println!("skipped: the corpus of published files is not at ../shared/corpus");
    None
}

fn verdicts(dir: &Path) -> Vec<Verdict> {
    let table = std::fs::read_to_string(dir.join("verdicts.tsv")).expect("verdicts.tsv");
    let row = |line: &str| {
        let cells: Vec<_> = line.split('\t').collect();
        let cell = |n: usize| cells.get(n).copied().unwrap_or("").to_owned();
        Some(Verdict {
            kind: FileKind::from_name(&cell(0))?,
            file: cell(1),
            verdict: cell(2),
            message: cell(4),
            notes: cell(5),
            beside: cell(6)
                .split(' ')
                .next()
                .map(str::to_owned)
                .filter(|b| !b.is_empty()),
        })
    };
    table.lines().filter_map(row).collect()
}

fn source(dir: &Path, file: &str) -> Source {
    let text = std::fs::read(dir.join(file)).expect("a file of the corpus");
    Source::from_bytes(file, &text)
}

/// Our findings about the file above notes; checked beside an ha.cf where the verdict was.
fn findings(dir: &Path, verdict: &Verdict) -> Vec<Diagnostic> {
    let mut files = vec![file(verdict.kind, source(dir, &verdict.file))];
    if let Some(beside) = &verdict.beside {
        let mut ha_cf = file(FileKind::HaCf, source(dir, beside));
        ha_cf.reported = false;
        files.push(ha_cf);
    }
    let mut found = check_together(files);
    found.retain(|d| d.severity > Severity::Note || d.refused_by_original);
    found
}

#[test]
fn verdicts_are_the_daemons() {
    let Some(dir) = corpus() else { return };
    let rows = verdicts(&dir);
    assert!(rows.len() >= 90, "{} verdicts", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let found = findings(&dir, row);
        let lines: Vec<_> = found.iter().map(one_line).collect();
        let unwelcome = |d: &&Diagnostic| !WELCOME.iter().any(|w| d.message.contains(w));
        let bad = match row.verdict.as_str() {
            "accepted" => found.iter().find(unwelcome).is_some(),
            _ => found.is_empty() || !names_the_line(row, &dir, &found),
        };
        if bad {
            wrong.push(format!(
                "{} {}: {}: {lines:#?}",
                row.file, row.verdict, row.message
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The daemon's message has the offending word in brackets: one of our findings is on its line.
fn names_the_line(row: &Verdict, dir: &Path, found: &[Diagnostic]) -> bool {
    if row.kind == FileKind::CorosyncConf {
        let line = row.message.strip_prefix("parser error: corosync.conf:");
        let line = line.and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
        // A section that is not closed is reported where it opens, not at the end.
        let unclosed = row.message.contains("Missing closing brace");
        return unclosed || line.is_none_or(|line| found.iter().any(|d| d.line == line));
    }
    let words = row
        .message
        .split('[')
        .skip(1)
        .filter_map(|w| w.split(']').next());
    let text = source(dir, &row.file);
    let mut named = words.filter(|w| !w.is_empty()).peekable();
    if named.peek().is_none() {
        return true;
    }
    let on_line = |line: usize, word: &str| {
        let line = text.text().lines().nth(line - 1);
        line.is_some_and(|l| l.contains(word.trim_end_matches(" ms")))
    };
    let times = |word: &str| word.ends_with(" ms");
    named.any(|w| times(w) || found.iter().any(|d| on_line(d.line, w)))
}

#[test]
fn keys_are_those_the_daemon_signed_with() {
    let Some(dir) = corpus() else { return };
    for row in verdicts(&dir)
        .iter()
        .filter(|r| r.kind == FileKind::Authkeys)
    {
        let Some(says) = row.message.strip_prefix("sends with index ") else {
            continue;
        };
        let mut parts = says.splitn(3, ", ");
        let index: u8 = parts.next().and_then(|i| i.parse().ok()).expect("an index");
        let method = parts.next().and_then(Method::from_name).expect("a method");
        let key = parts
            .next()
            .map_or("", |k| k.strip_prefix("key ").unwrap_or(k));
        let daemons = Keyring::new(index, [(index, method, key.as_bytes())]).expect("a key");
        let (ours, found) = authkeys::parse(&source(&dir, &row.file));
        let ours = ours.unwrap_or_else(|| panic!("{}: {found:?}", row.file));
        let sealed = |ring| {
            let message = Message::of_type("status").with("src", "a");
            datagram::seal(&message, ring, Format::Netstring).expect("sealed")
        };
        assert_eq!(sealed(&ours), sealed(&daemons), "{}", row.file);
    }
}

#[test]
fn ports_are_those_the_daemon_used() {
    let Some(dir) = corpus() else { return };
    let mut tried = 0;
    for row in verdicts(&dir).iter().filter(|r| r.kind == FileKind::HaCf) {
        let Some((_, after)) = row.notes.split_once("(port used: ") else {
            continue;
        };
        let port = after.split(')').next().and_then(|p| p.parse().ok());
        let (model, _) = ha_cf::read_all(&source(&dir, &row.file), &DistantHost::default());
        let first = model.node_media().next().and_then(ha_cf::Medium::port);
        assert_eq!(first, port, "{}", row.file);
        tried += 1;
    }
    assert!(tried >= 5);
}

#[test]
fn findings_about_published_files_are_what_they_were() {
    let Some(dir) = corpus() else { return };
    let mut all = String::new();
    for row in verdicts(&dir) {
        let lines = findings(&dir, &row);
        all += &format!("{} ({})\n", row.file, row.verdict);
        for finding in lines {
            all += &format!("  {}\n", one_line(&finding));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/corpus.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, all).expect("writable");
        return;
    }
    let expected = std::fs::read_to_string(&path).expect("tests/config/corpus.txt");
    assert!(all == expected, "UPDATE=1 accepts this:\n{all}");
}
