//! crm_resource calls agents, the original's and ours.

use std::path::Path;

use crate::cib::Place;
use crate::resource::{compare_over, is_there};

#[test]
fn agents_are_called_as_by_the_original() {
    let agent = "/usr/lib/ocf/resource.d/pacemaker/Dummy";
    if is_there() && Path::new(agent).exists() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/agents.xml");
        let lines = include_str!("agent_lines.txt");
        assert!(compare_over(&Place::new(), lines, &[own]) > 40);
    }
}
