//! crm_attribute, the original's and ours, over published CIBs.

use crate::resource::{MANY, SOME, compare, is_there};

#[test]
fn attributes_are_asked_for_and_changed_as_by_the_original() {
    if is_there() {
        assert!(compare(include_str!("attribute_lines.txt"), SOME) > 300);
    }
}

#[test]
#[ignore = "full matrix: every tenth of the scheduler's CIBs"]
fn attributes_of_many_files_are_as_with_the_original() {
    if is_there() {
        assert!(compare(include_str!("attribute_lines.txt"), MANY) > 2500);
    }
}
