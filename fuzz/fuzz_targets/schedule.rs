//! A CIB of whatever elements the bytes choose, decided, simulated, checked and explained: no
//! panic, and an end.
#![no_main]

use everbeat::cib::{Document, NodeRef, writer};
use everbeat::config::source::Source;
use everbeat::rules::iso8601::Clock;
use everbeat::scheduler::simulation::{Request, simulate};
use everbeat::scheduler::{self, unpack::expand};
use libfuzzer_sys::fuzz_target;

/// What resources, constraints and histories are made of.
const ELEMENTS: &str = "primitive group clone master bundle docker network storage \
    storage-mapping port-mapping template meta_attributes instance_attributes utilization \
    operations op nvpair rule expression date_expression date_spec duration rsc_expression \
    op_expression rsc_location rsc_colocation rsc_order rsc_ticket resource_set resource_ref \
    lifetime tag obj_ref fencing-topology fencing-level node_state lrm lrm_resources \
    lrm_resource lrm_rsc_op transient_attributes ticket_state node cluster_property_set \
    rsc_defaults op_defaults alert recipient";

const ATTRIBUTES: &str = "id id-ref name value class provider type rsc with-rsc first then \
    first-action then-action node score kind symmetrical role rsc-role with-rsc-role operation \
    attribute boolean-op start end interval timeout on-fail requires sequential require-all \
    action rsc-pattern resource-discovery loss-policy ticket influence node-attribute tag \
    replicas replicas-per-host masters control-port ip-range-start target index devices \
    operation_key transition-key transition-magic call-id rc-code op-status last-rc-change \
    op-digest on_node migrate_source migrate_target uname crmd in_ccm join expected shutdown \
    granted standby template remote-node shutdown-lock";

const VALUES: &str = "a b c d e n1 n2 n3 0 1 -1 7 INFINITY -INFINITY 99999999999 true false ocf \
    heartbeat pacemaker remote Dummy Stateful stonith start stop monitor promote demote \
    migrate_to migrate_from Started Stopped Promoted Unpromoted Master Slave Mandatory Optional \
    Serialize stop-all fence freeze standby restart-container block ignore eq ne lt gte defined \
    not_defined in_range date_spec 10s 1min PT5M 2026-01-01 #uname #kind #health-disk red \
    online offline member down a_start_0 a_monitor_10000 0:0;1:0:0:x 0:7;1:0:7:x 4:0;1:0:0:x \
    clone-max clone-node-max globally-unique interleave notify ordered promotable promoted-max \
    is-managed target-role migration-threshold failure-timeout resource-stickiness \
    allow-migrate remote-node maintenance priority multiple-active placement-strategy \
    balanced utilization no-quorum-policy stonith-enabled symmetric-cluster cpu memory \
    fail-count-a last-failure-a master-a pcmk_host_list a:0 b:1 .*";

struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn word<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        words.get(usize::from(self.next()?) % words.len()).copied()
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Elements below `parents`, each with some attributes, until the bytes are used up.
fn grow(doc: &mut Document, parents: &[NodeRef], bytes: &[u8]) {
    let (elements, attributes, values) = (words(ELEMENTS), words(ATTRIBUTES), words(VALUES));
    let mut choices = Choices(bytes);
    let mut places = parents.to_vec();
    while let (Some(at), Some(name)) = (choices.next(), choices.word(&elements)) {
        // High numbers stand for the newest ones, so that elements get deep.
        let at = usize::from(at);
        let place = match at.checked_sub(128) {
            Some(back) => places[places.len() - 1 - back % places.len()],
            None => places[at % places.len()],
        };
        let element = doc.add_element(place, name, &[]);
        for _ in 0..choices.next().unwrap_or(0) % 6 {
            if let (Some(name), Some(value)) = (choices.word(&attributes), choices.word(&values)) {
                doc.set_attr(element, name, value);
            }
        }
        if places.len() < 200 {
            places.push(element);
        }
    }
}

fn cluster(bytes: &[u8]) -> Document {
    let mut doc = Document::new("cib");
    let root = doc.root();
    doc.set_attr(root, "validate-with", "none");
    doc.set_attr(root, "have-quorum", "1");
    let configuration = doc.add_element(root, "configuration", &[]);
    let mut parents = Vec::new();
    for name in ["crm_config", "nodes", "resources", "constraints", "tags", "rsc_defaults"] {
        parents.push(doc.add_element(configuration, name, &[]));
    }
    for name in ["n1", "n2", "n3"] {
        doc.add_element(parents[1], "node", &[("id", name), ("uname", name)]);
    }
    let status = doc.add_element(root, "status", &[]);
    for name in ["n1", "n2"] {
        let mut attrs = vec![("id", name), ("uname", name), ("in_ccm", "true")];
        attrs.extend([("crmd", "online"), ("join", "member"), ("expected", "member")]);
        let state = doc.add_element(status, "node_state", &attrs);
        let lrm = doc.add_element(state, "lrm", &[("id", name)]);
        parents.push(doc.add_element(lrm, "lrm_resources", &[]));
    }
    parents.push(status);
    grow(&mut doc, &parents, bytes);
    doc
}

fuzz_target!(|data: &[u8]| {
    let doc = cluster(data.get(..2000).unwrap_or(data));
    let clock = Clock::utc(1_795_000_000);
    let expanded = expand::expand(&doc);
    let mut cluster = scheduler::read(&expanded, clock);
    scheduler::schedule(&mut cluster);
    let request = Request {
        clock,
        run: true,
        simulate: true,
        scores: true,
        utilization: true,
        all_actions: true,
        ..Request::default()
    };
    simulate(&doc, &request);
    let text = writer::pretty(&doc, doc.root());
    everbeat::lint::check(&Source::new("cib.xml", &text), clock);
});
