//! crm_verify, the original's and ours: the same verdict and exit code for published CIBs, and
//! for CIBs with one fault each.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cib::{ORIGINAL, Place, Ran, files};
use crate::resource::is_there;

/// Parts of a CIB, one with a fault in each line: section, and what stands in it.
const FAULTS: &str = include_str!("verify_faults.txt");

/// The words that tell errors, warnings and nothing apart.
fn verdict(ran: &Ran) -> (Option<i32>, Option<&'static str>) {
    let words = ["Errors found", "Warnings found"];
    let word = words.into_iter().find(|word| ran.stderr.contains(word));
    (ran.code, word)
}

struct Counts {
    same: usize,
    differences: Vec<String>,
}

/// Compares verdicts, and for what is only wrong in meaning the complaints that decide it.
fn compare(place: &Place, files: &[PathBuf]) -> Counts {
    let mut counts = Counts {
        same: 0,
        differences: Vec::new(),
    };
    for file in files {
        let theirs = place.run(Path::new(ORIGINAL), "crm_verify -VV -x FILE", file, file);
        let ours = place.run(&place.tools, "crm_verify -VV -x FILE", file, file);
        let (their_verdict, our_verdict) = (verdict(&theirs), verdict(&ours));
        // Where the original reads on after a fault of XML, ours ends.
        let same = their_verdict == our_verdict
            || ours.stderr.contains("Couldn't parse") && theirs.code == ours.code;
        let made_up = ours.stderr.lines().find(|line| {
            line.starts_with('(') && !theirs.stderr.contains(*line) && !is_of_outcome(line)
        });
        match (same, made_up) {
            (true, None) => counts.same += 1,
            (_, line) => counts.differences.push(format!(
                "{}: {their_verdict:?} {our_verdict:?} {}\n{}",
                file.display(),
                line.unwrap_or_default(),
                ours.stderr
            )),
        }
    }
    counts
}

/// The original says more ways that a node comes to be fenced than one line.
fn is_of_outcome(line: &str) -> bool {
    line.contains("schedule_fencing")
}

fn report(counts: &Counts) {
    let different = counts.differences.len();
    println!("{} the same, {different} different", counts.same);
    assert!(
        counts.differences.is_empty(),
        "{}",
        counts.differences.join("\n")
    );
}

#[test]
fn verdicts_are_the_originals() {
    if is_there() {
        let counts = compare(&Place::new(), &files(8));
        report(&counts);
        assert!(counts.same > 50);
    }
}

#[test]
#[ignore = "full matrix: all of the scheduler's CIBs"]
fn verdicts_on_all_files_are_the_originals() {
    if is_there() {
        let counts = compare(&Place::new(), &files(1));
        report(&counts);
        assert!(counts.same > 400);
    }
}

#[test]
fn each_fault_has_the_originals_verdict() {
    if !is_there() {
        return;
    }
    let place = Place::new();
    let folder = tempfile::tempdir().expect("a folder");
    let lines = FAULTS.lines().filter(|line| !line.starts_with('#'));
    let write = |(at, line): (usize, &str)| {
        let (section, text) = line.split_once(' ').expect("a section and what is in it");
        let path = folder.path().join(format!("{at}-{section}.xml"));
        fs::write(&path, cib(section, text)).expect("a file");
        path
    };
    let files: Vec<_> = lines.enumerate().map(write).collect();
    let counts = compare(&place, &files);
    report(&counts);
    assert!(counts.same > 60);
}

fn cib(section: &str, text: &str) -> String {
    let part = |name: &str, otherwise: &str| match name == section {
        true => text.to_owned(),
        false => otherwise.to_owned(),
    };
    let dummy = |id: &str| {
        format!("<primitive id=\"{id}\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>")
    };
    let resources = format!(
        "{}{}<clone id=\"C\">{}</clone>",
        dummy("A"),
        dummy("B"),
        dummy("D")
    );
    format!(
        "<cib have-quorum=\"1\" validate-with=\"none\" epoch=\"1\" num_updates=\"0\" \
         admin_epoch=\"0\"><configuration><crm_config><cluster_property_set id=\"o\">\
         <nvpair id=\"se\" name=\"stonith-enabled\" value=\"{}\"/>{}</cluster_property_set>\
         </crm_config><nodes>{}</nodes><resources>{}</resources><constraints>{}</constraints>{}\
         </configuration><status>{}</status></cib>\n",
        part("fencing", "false"),
        part("options", ""),
        part("nodes", "<node id=\"1\" uname=\"n1\"/>"),
        part("resources", &resources),
        part("constraints", ""),
        part("more", ""),
        part(
            "status",
            "<node_state id=\"1\" uname=\"n1\" in_ccm=\"true\" crmd=\"online\" join=\"member\" \
             expected=\"member\"/>"
        )
    )
}
