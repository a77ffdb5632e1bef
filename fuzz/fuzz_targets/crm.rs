//! Messages of the CRM, one after the other, to a fencer of three nodes; lines of tools.
#![no_main]

use std::time::Duration;

use everbeat::cib;
use everbeat::daemons::crm::protocol::Request;
use everbeat::executor::Status;
use everbeat::fencer::{Ended, Fencer, Output};
use everbeat::ids::{MembershipId, NodeId};
use everbeat::messaging::{Member, Membership};
use everbeat::time::{Instant, Now};
use everbeat::wire::crm::Message;
use libfuzzer_sys::fuzz_target;

const CIB: &str = "<cib><configuration><crm_config><cluster_property_set id='o'>\
    <nvpair id='w' name='stonith-watchdog-timeout' value='10s'/></cluster_property_set>\
    </crm_config><resources><primitive id='sw' class='stonith' type='fence_x'>\
    <instance_attributes id='i'><nvpair id='h' name='pcmk_host_list' value='n1 n2 n3'/>\
    </instance_attributes></primitive></resources></configuration></cib>";

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = serde_json::from_slice::<Request>(bytes) {
        let again = serde_json::to_vec(&request).expect("a line");
        assert_eq!(
            serde_json::from_slice::<Request>(&again).ok(),
            Some(request)
        );
    }
    let mut now = Now {
        mono: Instant(1),
        unix_s: 1,
    };
    let mut fencer = Fencer::new(NodeId(1), "n1", 1);
    fencer.equip(Some(Duration::from_secs(3)), true);
    fencer.configure(&cib::read(CIB).expect("a CIB"));
    let members = (1..=3).map(|id| Member {
        id: NodeId(id),
        name: format!("n{id}"),
        uuid: id.to_string(),
    });
    let members = Membership {
        id: MembershipId(1),
        members: members.collect(),
        quorate: true,
    };
    fencer.handle_membership(now, &members);
    // Each message begins with its length, its sender, and what time passes before it.
    let mut rest = bytes;
    while let [length, from, passed, tail @ ..] = rest {
        let (message, later) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = later;
        now.mono += Duration::from_millis(u64::from(*passed) * 20);
        if let Ok(message) = Message::decode(message) {
            assert_eq!(Message::decode(&message.encode()), Ok(message.clone()));
            fencer.handle_message(now, NodeId(u32::from(from % 4)), message);
        }
        settle(&mut fencer, now);
    }
});

fn settle(fencer: &mut Fencer, now: Now) {
    if fencer.poll_timeout().is_some_and(|at| at <= now.mono) {
        fencer.handle_timeout(now);
    }
    for _ in 0..10_000 {
        match fencer.poll_output() {
            None => return assert!(fencer.history().records().len() <= 500),
            Some(Output::Send(message)) => fencer.handle_message(now, NodeId(1), message),
            Some(Output::Watchdog(_)) => fencer.watchdog_opened(now, true),
            Some(Output::Run { job, .. }) => {
                let ended = Ended {
                    exit: Some(0),
                    status: Status::Done,
                    output: String::new(),
                    reason: String::new(),
                };
                fencer.handle_ended(now, job, ended);
            }
            Some(_) => {}
        }
    }
    panic!("it never comes to an end");
}
