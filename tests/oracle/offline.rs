//! What the tools of a running cluster say where none runs, the original's and ours.

use crate::api;
use crate::cib::{ORIGINAL, Place, difference};
use crate::resource::is_there;
use std::path::Path;

/// Compares command lines; the number that were the same. Some wait until they give up, so that
/// several run at once, each in a place of its own.
fn compare(lines: &str) -> usize {
    const AT_ONCE: usize = 6;
    let lines: Vec<&str> = lines
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let every = |first: usize| {
        let place = Place::new();
        let some = lines.iter().skip(first).step_by(AT_ONCE);
        some.filter_map(|line| one(&place, line))
            .collect::<Vec<_>>()
    };
    let differences: Vec<String> = std::thread::scope(|scope| {
        let every = &every;
        let all: Vec<_> = (0..AT_ONCE)
            .map(|first| scope.spawn(move || every(first)))
            .collect();
        let all = all.into_iter().map(|some| some.join().expect("they run"));
        all.flatten().collect()
    });
    let same = lines.len() - differences.len();
    println!("{same} the same, {} different", differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    same
}

fn one(place: &Place, line: &str) -> Option<String> {
    let nothing = Path::new("/dev/null");
    let theirs = place.run(Path::new(ORIGINAL), line, nothing, nothing);
    let ours = place.run(&place.tools, line, nothing, nothing);
    difference(&theirs, &ours).map(|what| format!("{line}\n{what}"))
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
