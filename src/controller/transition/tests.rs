use super::*;
use crate::cib::read;

/// `1 -> 2 -> 3`, where 2 is nobody's, and 4 by itself with priority.
const GRAPH: &str = r#"<transition_graph batch-limit="0" migration-limit="-1">
 <synapse id="0"><action_set>
  <rsc_op id="1" operation="stop" operation_key="db_stop_0" on_node="a" on_node_uuid="1">
   <primitive id="db" class="ocf" provider="heartbeat" type="Dummy"/>
   <attributes CRM_meta_timeout="20000"/></rsc_op></action_set><inputs/></synapse>
 <synapse id="1"><action_set><pseudo_event id="2" operation="all_stopped"/></action_set>
  <inputs><trigger><rsc_op id="1"/></trigger></inputs></synapse>
 <synapse id="2"><action_set>
  <rsc_op id="3" operation="start" operation_key="db_start_0" on_node="b" on_node_uuid="2">
   <primitive id="db" class="ocf" provider="heartbeat" type="Dummy"/>
   <attributes CRM_meta_timeout="30000" CRM_meta_op_target_rc="7"/></rsc_op></action_set>
  <inputs><trigger><pseudo_event id="2"/></trigger><trigger><rsc_op id="1"/></trigger></inputs>
 </synapse>
 <synapse id="3" priority="1000000"><action_set>
  <crm_event id="4" operation="stonith" operation_key="stonith-c-reboot" on_node="c">
   <attributes CRM_meta_stonith_action="reboot"/><downed><node id="3"/></downed></crm_event>
  </action_set><inputs/></synapse>
</transition_graph>"#;

fn graph(text: &str) -> Transition {
    let nodes = |name: &str| match name {
        "a" => Some(NodeId(1)),
        "b" => Some(NodeId(2)),
        _ => None,
    };
    let jobs = BTreeMap::from([(NodeId(1), 1), (NodeId(2), 1)]);
    let mut transition = Transition::read(5, &read(text).unwrap(), nodes);
    transition.limit(jobs, None);
    transition
}

fn numbers(transition: &mut Transition) -> Vec<ActionNumber> {
    std::iter::from_fn(|| transition.poll_action().map(|action| action.number)).collect()
}

#[test]
fn actions_come_when_what_they_wait_for_is_confirmed() {
    let mut transition = graph(GRAPH);
    assert_eq!((transition.number(), transition.len()), (5, 4));
    assert_eq!(numbers(&mut transition), [1, 4]);
    assert_eq!(transition.ending(), None);
    assert!(
        transition.confirm(4, true) && !transition.confirm(4, true),
        "once"
    );
    assert!(!transition.confirm(3, true), "not begun");
    assert!(transition.confirm(1, true));
    assert_eq!(numbers(&mut transition), [2, 3]);
    let start = transition.action(3).unwrap();
    assert_eq!((start.expected, start.node), (7, Some(NodeId(2))));
    assert_eq!(start.timeout.as_secs(), 30);
    transition.confirm(3, true);
    assert_eq!(transition.ending(), Some(Ending::Complete));
    assert_eq!(transition.progress().complete, 4);
    assert_eq!(transition.after(), (After::Rest, None));
}

#[test]
fn a_failure_ends_what_is_less_important() {
    let mut transition = graph(GRAPH);
    assert_eq!(transition.poll_action().unwrap().number, 1);
    transition.confirm(1, false);
    transition.abort_by_failure(1, "Event failed");
    assert_eq!(numbers(&mut transition), [4], "fencing goes on");
    transition.confirm(4, true);
    assert_eq!(transition.ending(), Some(Ending::Stopped));
    assert_eq!(transition.after(), (After::Again, Some("Event failed")));
    let expected = Progress {
        complete: 2,
        pending: 0,
        skipped: 0,
        incomplete: 2,
    };
    assert_eq!(transition.progress(), expected);
}

#[test]
fn an_abort_leaves_out_what_was_not_begun() {
    let mut transition = graph(GRAPH);
    assert!(transition.abort(INFINITY.into(), After::Again, "Configuration change"));
    assert!(!transition.abort(1, After::Again, "later"), "nothing new");
    assert_eq!(numbers(&mut transition), [4]);
    transition.confirm(4, true);
    assert_eq!(transition.ending(), Some(Ending::Stopped));
    assert_eq!(transition.after().1, Some("Configuration change"));
    assert_eq!(transition.progress().skipped, 1);
}

#[test]
fn what_never_can_be_done_is_told() {
    let text = GRAPH.replace(
        "trigger><rsc_op id=\"1\"/></trigger></inputs>\n </",
        "trigger><rsc_op id=\"99\"/></trigger></inputs>\n </",
    );
    let mut transition = graph(&text);
    assert_eq!(numbers(&mut transition), [1, 4]);
    transition.confirm(1, true);
    transition.confirm(4, true);
    assert_eq!(numbers(&mut transition), [2]);
    assert_eq!(transition.ending(), Some(Ending::Terminated));
}

#[test]
fn no_node_does_more_at_once_than_it_may() {
    let many: String = (1..=3)
        .map(|id| {
            format!(
                r#"<synapse id="{id}"><action_set><rsc_op id="{id}" operation="monitor"
 operation_key="r{id}_monitor_0" on_node="a"/></action_set><inputs/></synapse>"#
            )
        })
        .collect();
    let text =
        |batch: u32| format!("<transition_graph batch-limit='{batch}'>{many}</transition_graph>");
    let mut transition = graph(&text(0));
    assert_eq!(numbers(&mut transition), [1]);
    transition.confirm(1, true);
    assert_eq!(numbers(&mut transition), [2]);
    let mut transition = graph(&text(2).replace("on_node=\"a\"", ""));
    assert_eq!(numbers(&mut transition), [1, 2]);
}

#[test]
fn while_nodes_are_busy_less_is_under_way() {
    let mut transition = graph(GRAPH);
    transition.limit(BTreeMap::new(), Some(1));
    assert_eq!(numbers(&mut transition), [1]);
    transition.limit(BTreeMap::new(), None);
    assert_eq!(numbers(&mut transition), [4]);
}
