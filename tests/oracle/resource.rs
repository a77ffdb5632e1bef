//! crm_resource and its like, the original's and ours, over published CIBs.
//!
//! The names in the command lines are taken from each CIB. What may differ stands in
//! [`Allowed`], with its reason.

use std::path::{Path, PathBuf};

use everbeat::cib::{Document, Element};

use crate::cib::{ORIGINAL, Place, Ran, Share, difference, files, load};

/// What is tried at every change, and what for the full matrix.
pub(super) const SOME: Share = Share {
    files: 100,
    lines: 2,
};
pub(super) const MANY: Share = Share {
    files: 10,
    lines: 1,
};

/// Why a difference is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Allowed {
    /// The original died from a signal.
    Crash,
    /// Both refuse what the schema doesn't allow; the original prints the document.
    Schema,
    /// The original says that the id is `(null)` where one was given.
    GivenId,
    /// Where there is only one attribute, the original does nothing with a pattern.
    LonePattern,
}

/// Words of a command line that stand for names, and the names in a CIB.
pub(super) fn names(doc: &Document) -> Vec<(&'static str, String)> {
    let all = |section: &str, kinds: &[&str], attr: &str| -> Vec<String> {
        let section = doc.root_element().find(&["configuration", section]);
        let elements = section.into_iter().flat_map(Element::descendants);
        let elements = elements.filter(|e| kinds.contains(&e.name()));
        elements
            .filter_map(|e| e.attr(attr))
            .map(str::to_owned)
            .collect()
    };
    let primitives = all("resources", &["primitive"], "id");
    let collectives = ["group", "clone", "master", "bundle"];
    let collectives = all("resources", &collectives, "id");
    let nodes = all("nodes", &["node"], "uname");
    let tickets = all("constraints", &["rsc_ticket"], "ticket");
    let name = |name: Option<&String>| name.map_or("none".to_owned(), |name| quoted(name));
    vec![
        ("RSC", name(primitives.first())),
        ("MID", name(primitives.get(primitives.len() / 2))),
        ("LAST", name(primitives.last())),
        ("COLL", name(collectives.first())),
        ("NODEZ", name(nodes.last())),
        ("NODE", name(nodes.first())),
        ("TICKET", name(tickets.first())),
    ]
}

fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    match name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("'{name}'"),
    }
}

/// The CIBs that the original takes as they are: no upgrade, no complaint.
pub(super) fn taken(place: &Place, step: usize) -> Vec<PathBuf> {
    let mut files = files(step);
    files.retain(|file| {
        let ran = place.run(Path::new(ORIGINAL), "crm_resource -l", file, file);
        ran.code == Some(0) && ran.stderr.is_empty()
    });
    files
}

/// Compares lines over published files; the number that were the same.
pub(super) fn compare(lines: &str, share: Share) -> usize {
    let place = Place::new();
    compare_share(&place, lines, &taken(&place, share.files), share)
}

/// Compares all lines over these files; the number that were the same.
pub(super) fn compare_over(place: &Place, lines: &str, files: &[PathBuf]) -> usize {
    compare_share(place, lines, files, Share { files: 1, lines: 1 })
}

fn compare_share(place: &Place, lines: &str, files: &[PathBuf], share: Share) -> usize {
    let (mut same, mut allowed, mut differences) = (0, 0, Vec::new());
    for (index, file) in files.iter().enumerate() {
        let names = names(&load(file).expect("it is well-formed"));
        let lines = lines.lines().filter(|line| !line.starts_with('#'));
        for (_, line) in lines.enumerate().filter(|(at, _)| share.has(index, *at)) {
            let line = line.split(' ').map(|word| {
                let name = names.iter().find(|(place, _)| *place == word);
                name.map_or(word, |(_, name)| name)
            });
            let line = line.collect::<Vec<_>>().join(" ");
            let theirs = without_dates(place.run(Path::new(ORIGINAL), &line, file, file));
            let ours = without_dates(place.run(&place.tools, &line, file, file));
            match difference(&theirs, &ours) {
                None => same += 1,
                Some(_) if may_differ(&line, &theirs, &ours).is_some() => allowed += 1,
                Some(what) => differences.push(format!("{line}\n  {}\n{what}", file.display())),
            }
        }
    }
    let (count, different) = (files.len(), differences.len());
    println!("{count} files: {same} the same, {allowed} allowed, {different} different");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    same
}

fn may_differ(line: &str, theirs: &Ran, ours: &Ran) -> Option<Allowed> {
    // A shell tells a death from a signal as 128 and its number.
    if theirs.code.is_none_or(|code| code > 128) {
        return Some(Allowed::Crash);
    }
    let refused = theirs.code == Some(78) && ours.code == Some(78);
    let unchanged = theirs.file == ours.file && theirs.stdout == ours.stdout;
    if refused && unchanged && theirs.stderr.contains("<cib") {
        return Some(Allowed::Schema);
    }
    if line.contains(" -P ") && theirs.code == Some(0) && theirs.stdout.is_empty() {
        return Some(Allowed::LonePattern);
    }
    let only_id = theirs.stdout.contains("id=(null)") && theirs.file == ours.file;
    (only_id && line.contains(" -i ")).then_some(Allowed::GivenId)
}

/// Ends of lifetimes are a second apart.
fn without_dates(ran: Ran) -> Ran {
    let year = everbeat_year();
    let replace = |text: String| -> String {
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(&year) {
            let end = rest[at..].find('Z').map_or(rest.len(), |z| at + z + 1);
            out.push_str(&rest[..at]);
            match end - at == "2026-11-26 18:00:00Z".len() {
                true => out.push_str("DATE"),
                false => out.push_str(&rest[at..end]),
            }
            rest = &rest[end..];
        }
        out + rest
    };
    Ran {
        stdout: replace(ran.stdout),
        file: without_now(replace(ran.file)),
        ..ran
    }
}

/// Tickets are granted a second apart.
fn without_now(text: String) -> String {
    let mark = "last-granted=\"";
    let mut parts = text.split(mark);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(mark);
        let (time, rest) = part.split_once('"').unwrap_or((part, ""));
        let age = time
            .parse()
            .map_or(u64::MAX, |time| unix_s().abs_diff(time));
        out.push_str(if age < 60 { "NOW" } else { time });
        out.push('"');
        out.push_str(rest);
    }
    out
}

fn unix_s() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn everbeat_year() -> String {
    let days = unix_s() / 86_400;
    // A day more or less doesn't matter but at the turn of the year.
    format!("{}-", 1970 + days * 400 / 146_097)
}

pub(super) fn is_there() -> bool {
    let there = Path::new(ORIGINAL).join("crm_resource").exists() && !files(100).is_empty();
    if !there {
        println!("SKIPPED: no published CIBs, or pacemaker's tools are not installed");
    }
    there
}

#[test]
fn resources_are_asked_about_and_changed_as_by_the_original() {
    if is_there() {
        assert!(compare(include_str!("resource_lines.txt"), SOME) > 450);
    }
}

/// Each of them waits for a second and more.
#[test]
fn what_is_left_to_do_is_told_as_by_the_original() {
    if is_there() {
        let place = Place::new();
        let files: Vec<_> = taken(&place, 50).into_iter().step_by(3).collect();
        let lines = "crm_resource --wait --timeout 1s\ncrm_resource --wait -T 1 -Q";
        assert!(compare_over(&place, lines, &files) > 5);
    }
}

#[test]
#[ignore = "full matrix: every tenth of the scheduler's CIBs"]
fn resources_of_many_files_are_as_with_the_original() {
    if is_there() {
        assert!(compare(include_str!("resource_lines.txt"), MANY) > 4000);
    }
}
