//! The authkeys of two nodes: what one signs with the other must have.

use std::collections::BTreeMap;

use super::lines::{self, Content};
use super::{mask, parse};
use crate::config::diagnostic::{Diagnostic, Findings, Other, Severity};
use crate::config::source::{Source, Span};

/// A key as it is compared.
struct Entry<'t> {
    method: String,
    secret: &'t str,
    span: Span,
}

/// What differs in the second file, with the line of the first; keys are not shown.
pub fn differences(first: &Source, second: &Source) -> Vec<Diagnostic> {
    let masked = (mask::masked(first), mask::masked(second));
    let mut found = Findings::new(&masked.1);
    let (ours, theirs) = (entries(second), entries(first));
    let outbound = |source| parse(source).0.map(|ring| ring.outbound());
    for (index, by, has, here) in [
        (outbound(first), &theirs, &ours, false),
        (outbound(second), &ours, &theirs, true),
    ] {
        let Some((index, signing)) = index.and_then(|i| Some((i, by.get(&i)?))) else {
            continue;
        };
        let message = match has.get(&index) {
            Some(other) if same(signing, other) => continue,
            // Both sides sign with it, and it was told already.
            Some(_) if here && outbound(first) == Some(index) => continue,
            Some(_) => format!("key {index} isn't the same, and messages are signed with it"),
            None if here => format!("messages are signed with key {index}, which the other lacks"),
            None => format!("key {index} is missing, with which the other side signs"),
        };
        let at = |entries: &BTreeMap<u8, Entry<'_>>, source: &Source| {
            let end = source.text().trim_end().len();
            let entry = entries.get(&index).map(|e| e.span);
            entry.unwrap_or(Span::new(end, end))
        };
        let new = found.add(Severity::Error, at(&ours, &masked.1), message);
        new.help = Some(
            "copy the file from the node where it is right: a message whose key a node doesn't \
             have is dropped, so each takes the other for dead"
                .into(),
        );
        new.other = Some(Other::new(&masked.0, at(&theirs, &masked.0)));
    }
    spare(&ours, &theirs, (&masked.0, outbound(first)), &mut found);
    found.finish()
}

/// Keys that nobody signs with now, and that differ: they would be used in a change of keys.
fn spare(
    ours: &BTreeMap<u8, Entry<'_>>,
    theirs: &BTreeMap<u8, Entry<'_>>,
    (first, signing): (&Source, Option<u8>),
    found: &mut Findings<'_>,
) {
    let pairs = ours
        .iter()
        .filter_map(|(i, e)| Some((i, e, theirs.get(i)?)));
    for (index, entry, other) in pairs.filter(|(i, a, b)| Some(**i) != signing && !same(a, b)) {
        let message = format!("key {index} isn't the same");
        let new = found.add(Severity::Warning, entry.span, message);
        new.help = Some("make it the same before auth names it".into());
        new.other = Some(Other::new(first, other.span));
    }
}

fn same(a: &Entry<'_>, b: &Entry<'_>) -> bool {
    a.method == b.method && (a.method == "crc" || a.secret == b.secret)
}

/// The keys by index; the last line of an index counts.
fn entries(source: &Source) -> BTreeMap<u8, Entry<'_>> {
    let mut all = BTreeMap::new();
    for line in lines::lines(source) {
        let span = line.span;
        let Content::Key(key) = line.content else {
            continue;
        };
        let (Some(index), Some((method, _))) = (super::index(key.index), key.method) else {
            continue;
        };
        let entry = Entry {
            method: method.to_ascii_lowercase(),
            secret: key.secret.map_or("", |(secret, _)| secret),
            span,
        };
        all.insert(index, entry);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(first: &str, second: &str) -> Vec<String> {
        let found = differences(&Source::new("a", first), &Source::new("b", second));
        let told = found.iter().map(|d| {
            let other = d.other.as_ref().map(Other::to_string).unwrap_or_default();
            assert!(!format!("{d:?}").contains("secret"), "{d:?}");
            format!("{}:{} {} {other}", d.line, d.severity.as_str(), d.message)
        });
        told.collect()
    }

    #[test]
    fn what_one_signs_with_the_other_has() {
        let ours = "auth 1\n1 sha1 secret-one\n2 md5 secret-two\n";
        assert_eq!(told(ours, ours), [""; 0]);
        assert_eq!(told(ours, "auth 1\n\n1 sha1 secret-one # x\n"), [""; 0]);
        assert_eq!(
            told(ours, "auth 1\n\n1 sha1 secret-other\n"),
            ["3:error key 1 isn't the same, and messages are signed with it a:2:1"]
        );
        assert_eq!(
            told(ours, "auth 3\n3 crc\n2 md5 secret-2\n"),
            [
                "2:error messages are signed with key 3, which the other lacks a:3:17",
                "3:warning key 2 isn't the same a:3:1",
                "3:error key 1 is missing, with which the other side signs a:2:1",
            ]
        );
    }
}
