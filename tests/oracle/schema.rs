//! Verdicts of our grammar beside xmllint's with the original's, over documents that were
//! changed at random.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use everbeat::cib::schema::{Edition, Validator};
use everbeat::cib::{self, Document, NodeRef, writer};

/// The folder of the original's grammars.
const GRAMMARS: &str = "/usr/share/pacemaker";

/// Documents that together have every element and attribute.
const RICH: [&str; 4] = [
    include_str!("schema/1.0.xml"),
    include_str!("schema/1.3.xml"),
    include_str!("schema/2.10.xml"),
    include_str!("schema/3.9.xml"),
];

/// Larger published CIBs are left out, so that changes hit what matters.
const BYTES_MAX: u64 = 60_000;

/// Values that no attribute has, or only some.
const ODD_VALUES: [&str; 14] = [
    "",
    "1",
    "0",
    "true",
    "x",
    "-INFINITY",
    "+5",
    "-1",
    " 7 ",
    "1.5",
    "a b",
    "_x",
    "1-2",
    "a,b",
];

/// Numbers by Marsaglia's xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

/// Names and values that documents have.
#[derive(Default)]
struct Words {
    elements: Vec<String>,
    values: BTreeMap<String, Vec<String>>,
}

impl Words {
    fn of(documents: &[Document]) -> Self {
        let mut elements = BTreeSet::new();
        let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for doc in documents {
            for node in elements_of(doc) {
                elements.insert(doc.name(node).to_owned());
                for (name, value) in doc.attrs(node) {
                    let known = values.entry(name.to_owned()).or_default();
                    known.insert(value.to_owned());
                }
            }
        }
        let list =
            |(name, values): (String, BTreeSet<String>)| (name, values.into_iter().collect());
        Self {
            elements: elements.into_iter().collect(),
            values: values.into_iter().map(list).collect(),
        }
    }

    fn attribute(&self, dice: &mut Dice) -> String {
        let names: Vec<_> = self.values.keys().collect();
        dice.pick(&names)
            .map_or_else(String::new, |name| (*name).clone())
    }

    fn value(&self, dice: &mut Dice, name: &str) -> String {
        let known = self.values.get(name).filter(|_| dice.below(3) > 0);
        let known = known.and_then(|known| dice.pick(known).cloned());
        known.unwrap_or_else(|| ODD_VALUES[dice.below(ODD_VALUES.len())].to_owned())
    }
}

/// The elements of the configuration, itself first.
fn elements_of(doc: &Document) -> Vec<NodeRef> {
    let Some(top) = doc.child(doc.root(), "configuration") else {
        return Vec::new();
    };
    doc.descendants(top)
        .filter(|&node| doc.is_element(node))
        .collect()
}

fn attribute_of(doc: &Document, node: NodeRef, dice: &mut Dice) -> Option<(String, String)> {
    let all: Vec<_> = doc.attrs(node).collect();
    let (name, value) = dice.pick(&all)?;
    Some(((*name).to_owned(), (*value).to_owned()))
}

/// Gives what was copied ids of its own; references stay.
fn rename_ids(doc: &mut Document, top: NodeRef, dice: &mut Dice) {
    let nodes: Vec<_> = doc.descendants(top).collect();
    for node in nodes {
        let refers = ["resource_ref", "role", "obj_ref", "role_ref"].contains(&doc.name(node));
        let id = doc
            .id(node)
            .map(|id| format!("{id}-{}", dice.below(1_000_000)));
        if let Some(id) = id.filter(|_| !refers && dice.below(40) > 0) {
            doc.set_attr(node, "id", &id);
        }
    }
}

/// Changes something.
fn mutate(doc: &mut Document, words: &Words, dice: &mut Dice) -> Option<()> {
    let all = elements_of(doc);
    let node = *dice.pick(&all)?;
    let inner = node != *all.first()?;
    match dice.below(9) {
        0 => {
            let (name, _) = attribute_of(doc, node, dice)?;
            doc.remove_attr(node, &name);
        }
        1 => {
            let name = words.attribute(dice);
            doc.set_attr(node, &name, &words.value(dice, &name));
        }
        2 => {
            let (name, _) = attribute_of(doc, node, dice)?;
            doc.set_attr(node, &name, &words.value(dice, &name));
        }
        3 => {
            let (name, value) = attribute_of(doc, node, dice)?;
            doc.remove_attr(node, &name);
            doc.set_attr(node, &words.attribute(dice), &value);
        }
        4 if inner => doc.detach(node),
        5 => {
            doc.add_element(node, dice.pick(&words.elements)?, &[]);
        }
        6 => doc.rename(node, dice.pick(&words.elements)?),
        7 if inner => {
            let target = *dice.pick(&all)?;
            if !doc.contains(node, target) {
                doc.detach(node);
                doc.insert_before(target, node, doc.first_node(target));
            }
        }
        8 if inner => {
            let source = doc.clone();
            let copy = doc.import(&source, node);
            rename_ids(doc, copy, dice);
            doc.insert_before(doc.parent(node)?, copy, Some(node));
        }
        _ => (),
    }
    Some(())
}

fn documents(bytes_max: u64) -> Vec<Document> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let mut texts: Vec<String> = Vec::new();
    for folder in ["corpus/cib", "conformance/scheduler/cases/xml"] {
        let Ok(entries) = fs::read_dir(shared.join(folder)) else {
            continue;
        };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "xml"));
        paths.retain(|path| fs::metadata(path).is_ok_and(|data| data.len() < bytes_max));
        paths.sort();
        texts.extend(paths.iter().map(|path| fs::read_to_string(path).unwrap()));
    }
    // As often as all the others together.
    let times = texts.len() / RICH.len() + 1;
    texts.extend(
        RICH.iter()
            .cycle()
            .take(RICH.len() * times)
            .map(|&text| text.to_owned()),
    );
    texts
        .iter()
        .filter_map(|text| cib::read(text).ok())
        .collect()
}

/// What xmllint says about files: whether each is valid.
fn verdicts(edition: Edition, files: &[PathBuf]) -> BTreeMap<PathBuf, bool> {
    let grammar = format!("{GRAMMARS}/{edition}.rng");
    let out = Command::new("xmllint")
        .args(["--noout", "--relaxng", &grammar])
        .args(files)
        .output()
        .expect("xmllint runs");
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    let verdict = |line: &str| {
        let valid = line.strip_suffix(" validates").map(|file| (file, true));
        let (file, valid) = valid.or_else(|| {
            let file = line.strip_suffix(" fails to validate")?;
            Some((file, false))
        })?;
        Some((PathBuf::from(file), valid))
    };
    text.lines().filter_map(verdict).collect()
}

fn compare(rounds: usize) {
    let editions: Vec<_> = Edition::all()
        .filter(|edition| Path::new(&format!("{GRAMMARS}/{edition}.rng")).exists())
        .collect();
    let documents = documents(BYTES_MAX);
    let has_xmllint = Command::new("xmllint").arg("--version").output().is_ok();
    if editions.is_empty() || !has_xmllint {
        println!("SKIPPED: the original's grammars or xmllint are not installed");
        return;
    }
    let words = Words::of(&documents);
    let folder = tempfile::tempdir().expect("a folder");
    let (mut valid, mut invalid, mut different) = (0, 0, Vec::new());
    for &edition in &editions {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ u64::from(edition.place()));
        let mut validator = Validator::new(edition);
        let mut ours = BTreeMap::new();
        for round in 0..rounds {
            let mut doc = documents[dice.below(documents.len())].clone();
            for _ in 0..dice.below(4) {
                mutate(&mut doc, &words, &mut dice);
            }
            let text = writer::pretty(&doc, doc.root());
            let path = folder.path().join(format!("{round}.xml"));
            fs::write(&path, &text).unwrap();
            let faults = validator.check(&cib::read(&text).expect("what was written"));
            ours.insert(path, faults.first().map(|fault| fault.text(&doc)));
        }
        let files: Vec<_> = ours.keys().cloned().collect();
        let theirs = verdicts(edition, &files);
        assert_eq!(theirs.len(), files.len(), "xmllint tells about each file");
        for (file, fault) in ours {
            match theirs[&file] {
                true => valid += 1,
                false => invalid += 1,
            }
            if theirs[&file] != fault.is_none() {
                let text = fs::read_to_string(&file).unwrap();
                different.push(format!("{edition}: ours {fault:?}\n{text}"));
            }
        }
    }
    println!(
        "{valid} valid, {invalid} not valid, {} different",
        different.len()
    );
    assert!(different.is_empty(), "{}", different[0]);
    assert!(valid > rounds && invalid > rounds, "both are tried");
}

#[test]
fn our_grammar_judges_as_the_originals() {
    compare(120);
}

#[test]
#[ignore = "takes minutes"]
fn our_grammar_judges_as_the_originals_thousands_of_times() {
    compare(2000);
}

/// Every published CIB as it is, for the edition that it names.
#[test]
fn published_documents_are_judged_as_the_original_does() {
    let mut by_edition: BTreeMap<Edition, Vec<Document>> = BTreeMap::new();
    for doc in documents(u64::MAX) {
        let edition = doc
            .attr(doc.root(), "validate-with")
            .and_then(Edition::named);
        if let Some(edition) = edition {
            by_edition.entry(edition).or_default().push(doc);
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut compared = 0;
    for (edition, documents) in by_edition {
        if !Path::new(&format!("{GRAMMARS}/{edition}.rng")).exists() {
            continue;
        }
        let mut validator = Validator::new(edition);
        let write = |(number, doc): (usize, &Document)| {
            let path = folder.path().join(format!("{number:04}.xml"));
            fs::write(&path, writer::pretty(doc, doc.root())).unwrap();
            path
        };
        let files: Vec<_> = documents.iter().enumerate().map(write).collect();
        let theirs = verdicts(edition, &files);
        for (file, doc) in files.iter().zip(&documents) {
            let faults = validator.check(doc);
            let told: Vec<_> = faults.iter().map(|fault| fault.text(doc)).collect();
            assert_eq!(theirs[file], faults.is_empty(), "{edition}: {told:?}");
            compared += 1;
        }
    }
    println!("{compared} documents compared");
}
