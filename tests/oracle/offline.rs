//! What the tools of a running cluster say where none runs, the original's and ours.

use crate::cib::{Place, difference};
use crate::resource::is_there;

const LINES: &str = include_str!("offline_lines.txt");

#[test]
fn without_a_cluster_the_tools_say_what_the_original_says() {
    if !is_there() {
        return;
    }
    let place = Place::new();
    let nothing = std::path::Path::new("/dev/null");
    let (mut same, mut differences) = (0, Vec::new());
    for line in LINES.lines().filter(|line| !line.starts_with('#')) {
        let theirs = place.run(
            std::path::Path::new(crate::cib::ORIGINAL),
            line,
            nothing,
            nothing,
        );
        let ours = place.run(&place.tools, line, nothing, nothing);
        match difference(&theirs, &ours) {
            None => same += 1,
            Some(what) => differences.push(format!("{line}\n{what}")),
        }
    }
    println!("{same} the same, {} different", differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
