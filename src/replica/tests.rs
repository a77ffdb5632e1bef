use std::collections::BTreeMap;

use super::*;
use crate::wire::crm::RequestFlags;

const EMPTY: &str = "<cib epoch='1' num_updates='0' admin_epoch='0'><configuration><crm_config/>\
                     <nodes/><resources/><constraints/></configuration><status/></cib>";

fn create(id: &str) -> Request {
    Request {
        call: 0,
        operation: OperationKind::Create,
        flags: RequestFlags::default(),
        section: Some("nodes".into()),
        xpath: None,
        input: Some(format!("<node id='{id}' uname='n{id}'/>")),
        user: None,
        groups: Vec::new(),
        client: "cibadmin".into(),
        unix_s: 0,
        time: None,
    }
}

fn two() -> [Replica; 2] {
    [1, 2].map(|id| Replica::new(NodeId(id), reader::read(EMPTY).unwrap()))
}

/// Brings what they send to both, in one order, until nothing is left; the answers of the first.
fn settle(replicas: &mut [Replica]) -> Vec<bool> {
    let mut answers = Vec::new();
    loop {
        let mut sent = Vec::new();
        for (i, replica) in replicas.iter_mut().enumerate() {
            while let Some(output) = replica.poll_output() {
                match output {
                    Output::Send(request) => sent.push((replica.local, request)),
                    Output::Answered { result, .. } if i == 0 => answers.push(result.is_ok()),
                    Output::Answered { .. } | Output::Changed(_) => {}
                }
            }
        }
        if sent.is_empty() {
            return answers;
        }
        for (from, request) in sent {
            for replica in replicas.iter_mut() {
                replica.handle_request(from, request.clone());
            }
        }
    }
}

fn same(replicas: &[Replica]) -> bool {
    replicas[0].generation() == replicas[1].generation()
}

#[test]
fn changes_are_made_by_all_and_answered_where_they_were_asked_for() {
    let mut nodes = two();
    nodes.iter_mut().for_each(Replica::handle_agreed);
    nodes[0].change(create("1"));
    nodes[0].change(create("1"));
    nodes[1].change(create("2"));
    assert!(nodes[0].is_waiting());
    assert_eq!(
        settle(&mut nodes),
        [true, false],
        "the second is there already"
    );
    assert!(!nodes[0].is_waiting() && same(&nodes));
    assert_eq!(nodes[0].generation().epoch, 3);
    assert!(nodes[1].doc().by_id("2").is_some());
}

#[test]
fn what_comes_before_the_agreement_is_held_and_sent_again_if_it_was_dropped() {
    let mut nodes = two();
    nodes[0].change(create("1"));
    assert!(settle(&mut nodes).is_empty(), "held");
    for node in &mut nodes {
        node.handle_membership(BTreeMap::new());
    }
    nodes.iter_mut().for_each(Replica::handle_agreed);
    assert_eq!(settle(&mut nodes), [true], "once");
    assert!(same(&nodes) && nodes[0].generation().epoch == 2);
}

#[test]
fn held_requests_are_carried_out_on_the_document_that_was_agreed() {
    let mut nodes = two();
    nodes[0].change(create("1"));
    settle(&mut nodes);
    let other = EMPTY.replace("epoch='1'", "epoch='7'");
    for node in &mut nodes {
        node.handle_sync(&other).unwrap();
        node.handle_agreed();
    }
    assert_eq!(settle(&mut nodes), [true]);
    assert!(same(&nodes) && nodes[1].generation().epoch == 8);
    assert!(nodes[0].handle_sync("<cib").is_err());
    assert_eq!(nodes[0].generation().epoch, 8, "it keeps what it has");
}

#[test]
fn a_trial_changes_nothing() {
    let mut nodes = two();
    nodes.iter_mut().for_each(Replica::handle_agreed);
    let mut request = create("1");
    request.flags.dry_run = true;
    nodes[0].change(request);
    assert_eq!(settle(&mut nodes), [true]);
    assert_eq!(nodes[0].generation().epoch, 1);
}

/// The error of the first node's request.
fn refused(nodes: &mut [Replica; 2], request: Request) -> Option<Box<Failure>> {
    nodes[0].change(request);
    let mut failure = None;
    while let Some(output) = nodes[0].poll_output() {
        match output {
            Output::Send(request) => {
                let from = nodes[0].local;
                nodes
                    .iter_mut()
                    .for_each(|node| node.handle_request(from, request.clone()));
            }
            Output::Answered { result, .. } => failure = result.err(),
            Output::Changed(_) => {}
        }
    }
    failure
}

#[test]
fn a_configuration_that_its_schema_does_not_allow_is_refused_everywhere() {
    let text = EMPTY.replace("<cib ", "<cib validate-with='pacemaker-3.9' ");
    let mut nodes = [1, 2].map(|id| Replica::new(NodeId(id), reader::read(&text).unwrap()));
    nodes.iter_mut().for_each(Replica::handle_agreed);
    let mut request = create("1");
    request.section = Some("resources".into());
    request.input = Some("<primitive id='p'/>".into());
    let failure = refused(&mut nodes, request.clone()).expect("a primitive needs a class");
    assert_eq!(failure.error, Error::Schema);
    let answer = failure.answer.expect("what it would have become");
    assert!(answer.by_id("p").is_some());
    assert!(same(&nodes) && nodes[1].doc().by_id("p").is_none());
    request.input = Some("<primitive id='p' class='lsb' type='x'/>".into());
    assert!(refused(&mut nodes, request).is_none());
    assert!(same(&nodes) && nodes[1].doc().by_id("p").is_some());
}

#[test]
fn an_upgrade_is_made_by_all() {
    let text = EMPTY.replace("<cib ", "<cib validate-with='pacemaker-2.10' ");
    let mut nodes = [1, 2].map(|id| Replica::new(NodeId(id), reader::read(&text).unwrap()));
    nodes.iter_mut().for_each(Replica::handle_agreed);
    let mut request = create("1");
    request.operation = OperationKind::Upgrade;
    request.section = None;
    request.input = None;
    assert!(refused(&mut nodes, request).is_none());
    assert!(same(&nodes));
    let doc = nodes[1].doc();
    assert_eq!(doc.attr(doc.root(), "validate-with"), Some("pacemaker-3.9"));
    assert_eq!(nodes[1].generation().admin_epoch, 1);
}
