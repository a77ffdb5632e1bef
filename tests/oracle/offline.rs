//! What the tools of a running cluster say where none runs, the original's and ours.

use crate::api;
use crate::cib::{ORIGINAL, Place, difference};
use crate::resource::is_there;
use std::path::Path;

/// Compares command lines; the number that were the same.
fn compare(lines: &str) -> usize {
    let place = Place::new();
    let nothing = Path::new("/dev/null");
    let (mut same, mut differences) = (0, Vec::new());
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let theirs = place.run(Path::new(ORIGINAL), line, nothing, nothing);
        let ours = place.run(&place.tools, line, nothing, nothing);
        match difference(&theirs, &ours) {
            None => same += 1,
            Some(what) => differences.push(format!("{line}\n{what}")),
        }
    }
    println!("{same} the same, {} different", differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    same
}

#[test]
fn without_a_cluster_the_tools_say_what_the_original_says() {
    if is_there() {
        assert!(compare(include_str!("offline_lines.txt")) > 20);
    }
}

#[test]
fn stonith_admin_says_what_the_original_says() {
    let glue = Path::new("/usr/sbin/stonith").exists();
    if !glue || !Path::new("/usr/sbin/fence_dummy").exists() {
        println!("SKIPPED: cluster-glue or fence-agents is not installed");
    } else if is_there() {
        assert!(compare(include_str!("stonith_lines.txt")) > 70);
    }
}

#[test]
fn xml_of_stonith_admin_is_valid_by_the_published_schema() {
    if !api::can_check() {
        return;
    }
    let place = Place::new();
    let nothing = Path::new("/dev/null");
    for words in [
        "-I",
        "-M -a fence_dummy",
        "-K -a fence_dummy",
        "-K -a x",
        "-L",
    ] {
        let line = format!("stonith_admin {words} --output-as=xml");
        let ran = place.run(&place.tools, &line, nothing, nothing);
        api::assert_valid(&ran.stdout, Path::new(&line));
    }
}
