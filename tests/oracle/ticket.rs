//! crm_ticket, the original's and ours, over published CIBs and one with many tickets.

use std::path::Path;

use crate::cib::{Place, Share};
use crate::resource::{compare, compare_over, is_there};

const LINES: &str = include_str!("ticket_lines.txt");

#[test]
fn tickets_are_asked_for_and_changed_as_by_the_original() {
    if is_there() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/tickets.xml");
        assert!(compare_over(&Place::new(), LINES, &[own]) > 80);
    }
}

#[test]
#[ignore = "full matrix: every hundredth of the scheduler's CIBs"]
fn tickets_of_many_files_are_as_with_the_original() {
    if is_there() {
        assert!(
            compare(
                LINES,
                Share {
                    files: 100,
                    lines: 1
                }
            ) > 500
        );
    }
}
