//! Questions as users ask them at night, over small clusters.

use super::cause::Cause;
use super::change::Change;
use super::diff::{Line, Side};
use super::{Explanation, Question, Refusal, diff, explain, sentence, svg, transition};
use crate::cib::{Document, read};
use crate::rules::iso8601::Clock;

/// A cluster of three nodes, drawn from parts of its CIB.
struct Night {
    options: String,
    resources: String,
    constraints: String,
    node_attributes: [String; 3],
    transient: [String; 3],
    history: [String; 3],
    offline: Option<usize>,
    quorum: bool,
}

impl Night {
    fn of(resources: &str) -> Self {
        Self {
            options: option("stonith-enabled", "false"),
            resources: resources.to_owned(),
            constraints: String::new(),
            node_attributes: Default::default(),
            transient: Default::default(),
            history: Default::default(),
            offline: None,
            quorum: true,
        }
    }

    fn constraints(mut self, text: &str) -> Self {
        self.constraints = text.to_owned();
        self
    }

    fn option(mut self, name: &str, value: &str) -> Self {
        self.options += &option(name, value);
        self
    }

    fn standby(mut self, node: usize) -> Self {
        let pair = pair(&format!("standby-{node}"), "standby", "on");
        self.node_attributes[node - 1] +=
            &format!("<instance_attributes id='attrs-{node}'>{pair}</instance_attributes>");
        self
    }

    fn memory(mut self, sizes: [u32; 3]) -> Self {
        for (i, size) in sizes.iter().enumerate() {
            let pair = pair(&format!("memory-{i}"), "memory", &size.to_string());
            self.node_attributes[i] += &format!("<utilization id='room-{i}'>{pair}</utilization>");
        }
        self
    }

    fn failed(mut self, resource: &str, node: usize, count: &str) -> Self {
        let fails = format!("fail-count-{resource}#monitor_10000");
        let last = format!("last-failure-{resource}#monitor_10000");
        self.transient[node - 1] = format!(
            "<transient_attributes id='{node}'><instance_attributes id='t{node}'>{}{}\
             </instance_attributes></transient_attributes>",
            pair(&format!("f{node}"), &fails, count),
            pair(&format!("l{node}"), &last, "1699999000"),
        );
        self
    }

    fn runs(mut self, resource: &str, node: usize) -> Self {
        for (i, history) in self.history.iter_mut().enumerate() {
            let (task, rc) = if i + 1 == node {
                ("start", 0)
            } else {
                ("monitor", 7)
            };
            *history += &format!(
                "<lrm_resource id='{resource}' class='ocf' provider='heartbeat' type='Dummy'>\
                 <lrm_rsc_op id='{resource}_last_0' operation='{task}' interval='0' \
                 operation_key='{resource}_{task}_0' call-id='5' rc-code='{rc}' op-status='0' \
                 transition-key='1:1:{rc}:x' transition-magic='0:{rc};1:1:{rc}:x' \
                 crm_feature_set='3.16.1'/></lrm_resource>"
            );
        }
        self
    }

    fn doc(&self) -> Document {
        let (mut nodes, mut states) = (String::new(), String::new());
        for i in 0..3 {
            let (id, attributes) = (i + 1, &self.node_attributes[i]);
            nodes += &format!("<node id='{id}' uname='node{id}'>{attributes}</node>");
            let up = self.offline != Some(id);
            let (crmd, join) = if up {
                ("online", "member")
            } else {
                ("offline", "down")
            };
            states += &format!(
                "<node_state id='{id}' uname='node{id}' in_ccm='{up}' crmd='{crmd}' \
                 join='{join}' expected='{join}'>{}<lrm id='{id}'><lrm_resources>{}\
                 </lrm_resources></lrm></node_state>",
                self.transient[i], self.history[i]
            );
        }
        let text = format!(
            "<cib crm_feature_set='3.16.1' validate-with='pacemaker-3.9' epoch='1' \
             num_updates='0' admin_epoch='0' have-quorum='{}' dc-uuid='1' \
             execution-date='1700000000'><configuration><crm_config>\
             <cluster_property_set id='options'>{}</cluster_property_set></crm_config>\
             <nodes>{nodes}</nodes><resources>{}</resources><constraints>{}</constraints>\
             </configuration><status>{states}</status></cib>",
            u8::from(self.quorum),
            self.options,
            self.resources,
            self.constraints
        );
        read(&text).unwrap()
    }

    fn ask(&self, resource: &str) -> Explanation {
        let question = Question {
            resource,
            node: None,
            now: Clock::default(),
            runs: 200,
        };
        explain(&self.doc(), &question).unwrap()
    }
}

fn pair(id: &str, name: &str, value: &str) -> String {
    format!("<nvpair id='{id}' name='{name}' value='{value}'/>")
}

fn option(name: &str, value: &str) -> String {
    pair(&format!("option-{name}"), name, value)
}

fn dummy(id: &str, metas: &[(&str, &str)]) -> String {
    let pairs = metas
        .iter()
        .map(|(name, value)| pair(&format!("{id}-{name}"), name, value));
    let pairs: String = pairs.collect();
    format!(
        "<primitive id='{id}' class='ocf' provider='heartbeat' type='Dummy'>\
         <meta_attributes id='{id}-meta'>{pairs}</meta_attributes></primitive>"
    )
}

fn location(id: &str, resource: &str, node: usize, score: &str) -> String {
    format!("<rsc_location id='{id}' rsc='{resource}' node='node{node}' score='{score}'/>")
}

/// Sentences about a node where the resource isn't.
fn against(answer: &Explanation, node: &str) -> Vec<String> {
    let at = answer.elsewhere.iter().find(|at| at.node == node).unwrap();
    at.findings.iter().map(|f| f.text.clone()).collect()
}

/// What is proposed for a node, and overall.
fn proposed(answer: &Explanation, node: &str) -> Vec<Change> {
    let at = answer.elsewhere.iter().find(|at| at.node == node).unwrap();
    let steps = at.remedy.iter().flat_map(|r| &r.steps);
    steps.map(|s| s.change.clone()).collect()
}

fn smallest(answer: &Explanation) -> Vec<String> {
    let steps = answer.smallest.iter().flat_map(|r| &r.steps);
    steps.map(|s| s.text.clone()).collect()
}

#[test]
fn why_did_the_database_leave_its_node() {
    let night = Night::of(&dummy("db", &[("resource-stickiness", "50")]))
        .constraints(&location("db-likes-2", "db", 2, "100"))
        .runs("db", 1);
    let answer = night.ask("db");
    assert_eq!(answer.place.now, ["node1"]);
    assert_eq!(answer.place.next, ["node2"]);
    let why = &answer.here[0].findings[0];
    assert_eq!(why.text, "+100 from location constraint db-likes-2");
    assert!(why.decisive, "without the constraint it would stay");
    assert_eq!(
        against(&answer, "node1"),
        [
            "+50 because it runs there already (resource-stickiness)",
            "its score is 50, and node2 has 100"
        ]
    );
    // 50 make it equal, and then it stays where it is; 101 beat the constraint elsewhere.
    let least = |node: &str| match &proposed(&answer, node)[..] {
        [Change::Prefer { score, .. }] => *score,
        other => panic!("{other:?}"),
    };
    assert_eq!((least("node1"), least("node3")), (50, 101));
}

#[test]
fn why_is_it_not_on_the_node_that_i_want() {
    let night = Night::of(&dummy("db", &[("migration-threshold", "3")]))
        .constraints(&location("db-likes-2", "db", 2, "100"))
        .failed("db", 2, "3");
    let answer = night.ask("db");
    assert_eq!(
        against(&answer, "node2")[0],
        "it failed there 3 times; migration-threshold is 3"
    );
    assert_eq!(smallest(&answer), ["clean up db on node2"]);
    let remedy = answer.smallest.unwrap();
    assert_eq!(remedy.then, ["node2"]);
    assert_eq!(
        remedy.steps[0].command.as_deref(),
        Some("crm_resource --cleanup --resource db --node node2")
    );
}

#[test]
fn why_does_the_web_server_not_start() {
    let web = dummy("db", &[("target-role", "Stopped")]) + &dummy("web", &[]);
    let order = "<rsc_order id='db-first' first='db' then='web'/>";
    let answer = Night::of(&web).constraints(order).ask("web");
    assert_eq!(answer.place.waiting, ["node1"]);
    assert_eq!(
        answer.general[0].text,
        "it waits for the start of db (db-first), which can't be done"
    );
    assert!(answer.general[0].decisive);
    assert_eq!(answer.related[0].resource, "db");
    assert_eq!(smallest(&answer), ["set target-role=Started for db"]);
    assert_eq!(answer.smallest.unwrap().others, ["db"]);

    let together = "<rsc_colocation id='same' rsc='web' with-rsc='db' score='INFINITY'/>";
    let answer = Night::of(&web).constraints(together).ask("web");
    assert!(answer.place.next.is_empty() && answer.place.waiting.is_empty());
    assert_eq!(
        against(&answer, "node1")[0],
        "it has to be with db (colocation same), and db runs nowhere"
    );
    assert_eq!(smallest(&answer), ["set target-role=Started for db"]);
}

#[test]
fn why_is_the_group_down() {
    let members = dummy("fs", &[]) + &dummy("ip", &[]) + &dummy("server", &[]);
    let mut night = Night::of(&format!("<group id='g'>{members}</group>"))
        .constraints(&location("not-here", "ip", 1, "-INFINITY"))
        .standby(2);
    night.offline = Some(3);
    let answer = night.ask("g");
    assert!(answer.place.next.is_empty());
    assert_eq!(answer.members, ["fs", "ip", "server"]);
    assert_eq!(
        against(&answer, "node1")[0],
        "location constraint not-here forbids it (-INFINITY)"
    );
    assert_eq!(against(&answer, "node2")[0], "node2 is in standby");
    assert_eq!(against(&answer, "node3")[0], "node3 is offline");
    assert_eq!(smallest(&answer), ["end the standby of node2"]);
    assert_eq!(
        proposed(&answer, "node3"),
        [Change::StartNode {
            node: "node3".into()
        }]
    );
}

#[test]
fn why_does_nothing_start_at_all() {
    let mut night = Night::of(&dummy("db", &[]));
    night.quorum = false;
    let answer = night.ask("db");
    assert_eq!(
        answer.general[0].cause,
        Cause::NoQuorum {
            policy: "stop".into()
        }
    );
    assert!(answer.general[0].decisive);
    assert_eq!(
        smallest(&answer),
        ["get quorum back: bring more nodes online"]
    );

    let mut night = Night::of(&dummy("db", &[]));
    night.options = option("stonith-enabled", "true");
    let answer = night.ask("db");
    assert_eq!(answer.general[0].cause, Cause::NoFenceDevice);
    assert_eq!(smallest(&answer), ["configure a fence device"]);

    let answer = Night::of(&dummy("db", &[]))
        .option("maintenance-mode", "true")
        .ask("db");
    assert_eq!(answer.general[0].cause, Cause::Maintenance);
    assert_eq!(smallest(&answer), ["set the option maintenance-mode=false"]);

    let ticket = "<rsc_ticket id='db-needs' rsc='db' ticket='site' loss-policy='stop'/>";
    let answer = Night::of(&dummy("db", &[])).constraints(ticket).ask("db");
    assert_eq!(
        answer.general[0].text,
        "it needs ticket site (db-needs), which is not granted"
    );
    assert_eq!(smallest(&answer), ["grant ticket site"]);
}

#[test]
fn why_is_there_no_room() {
    let needs = pair("needs", "memory", "4096");
    let big = format!(
        "<primitive id='big' class='ocf' provider='heartbeat' type='Dummy'>\
         <utilization id='u'>{needs}</utilization></primitive>"
    );
    let night = Night::of(&big)
        .option("placement-strategy", "utilization")
        .memory([1024, 2048, 1024]);
    let answer = night.ask("big");
    assert_eq!(
        against(&answer, "node2"),
        ["it needs 4096 of memory, and node2 has 2048 left"]
    );
    let raise = Change::SetCapacity {
        node: "node2".into(),
        attribute: "memory".into(),
        value: 4096,
    };
    assert_eq!(proposed(&answer, "node2"), [raise]);
}

#[test]
fn why_only_two_instances() {
    let meta = pair("c-max", "clone-max", "2");
    let clone = format!(
        "<clone id='c'>{}<meta_attributes id='c-meta'>{meta}</meta_attributes></clone>",
        dummy("d", &[])
    );
    let answer = Night::of(&clone).ask("c");
    assert_eq!(answer.place.next, ["node1", "node2"]);
    assert_eq!(
        Night::of(&clone).ask("d"),
        answer,
        "the primitive is the clone's"
    );
    assert_eq!(
        against(&answer, "node3")[0],
        "all 2 instances (clone-max) have their places elsewhere"
    );
}

#[test]
fn two_changes_where_one_is_not_enough() {
    let night = Night::of(&dummy("db", &[]))
        .constraints(&(location("on-1", "db", 1, "500") + &location("off-3", "db", 3, "-INFINITY")))
        .standby(3);
    let answer = night.ask("db");
    let steps = proposed(&answer, "node3");
    assert_eq!(steps.len(), 3, "{steps:?}");
    let wanted = [
        Change::EndStandby {
            node: "node3".into(),
        },
        Change::Prefer {
            resource: "db".into(),
            node: "node3".into(),
            score: 501,
        },
        Change::RemoveConstraint {
            constraint: "off-3".into(),
            element: "rsc_location".into(),
        },
    ];
    assert_eq!(steps, wanted);
    let text = sentence::explanation(&answer);
    assert!(text.contains(
        "To have it there: end the standby of node3, and prefer node3 for db with a score of \
         501, and remove off-3 (rsc_location)."
    ));
}

#[test]
fn one_node_and_few_trials() {
    let night = Night::of(&dummy("db", &[])).standby(3);
    let question = Question {
        resource: "db",
        node: Some("NODE3"),
        now: Clock::default(),
        runs: 1,
    };
    let answer = explain(&night.doc(), &question).unwrap();
    assert_eq!(
        (answer.here.len(), answer.elsewhere.len(), answer.runs),
        (0, 1, 1)
    );
    assert_eq!(answer.smallest, None, "nothing was tried, nothing is said");
    assert_eq!(against(&answer, "node3"), ["node3 is in standby"]);
}

#[test]
fn what_is_not_there_is_said() {
    let doc = Night::of(&dummy("db", &[])).doc();
    let ask = |resource, node| {
        let question = Question {
            resource,
            node,
            now: Clock::default(),
            runs: 9,
        };
        explain(&doc, &question).unwrap_err()
    };
    assert!(matches!(ask("dbb", None), Refusal::Resource(..)));
    assert_eq!(
        ask("db", Some("node9")).to_string(),
        "there is no node \"node9\"; there are node1, node2, node3"
    );
}

#[test]
fn what_a_change_would_do() {
    let base = || Night::of(&dummy("db", &[("resource-stickiness", "50")])).runs("db", 1);
    let old = base().constraints(&location("l", "db", 2, "10")).doc();
    let mut changed = base().constraints(&location("l", "db", 2, "100"));
    changed.resources += &dummy("web", &[]);
    let mut new = changed.doc();
    // A configuration without a status is that of the same cluster.
    let status = new.child(new.root(), "status").unwrap();
    new.clear_children(status);
    let found = diff::diff(&old, &new, Clock::default());
    let moves: Vec<&str> = found.moves.iter().map(|m| m.resource.as_str()).collect();
    assert_eq!(moves, ["db", "web"]);
    assert_eq!(
        found.moves[0].because,
        ["its score is 50, and node2 has 100"]
    );
    let text = diff::text(&found);
    for line in [
        "  * db: node1 -> node2",
        "  * web: stopped -> node1",
        "  * stop db on node1: it belongs on node2",
        "  * look whether web runs on node3: nothing is known of it there",
        "  * start web on node1: it belongs there and doesn't run",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
    let place = |line: &str| text.find(line).unwrap();
    assert!(
        place("look whether web") < place("start web"),
        "in their order:\n{text}"
    );
    let same = diff::diff(&old, &old, Clock::default());
    assert!(same.moves.is_empty() && same.actions.iter().all(|l| l.side == Side::Both));
}

#[test]
fn the_picture_has_every_action_once_and_stays_in_its_frame() {
    let members = dummy("fs", &[]) + &dummy("ip<&\"", &[]);
    let mut night = Night::of("");
    night.resources = format!("<group id='g'>{members}</group>").replace("ip<&\"", "ip&lt;&amp;");
    let doc = night.doc();
    let actions = transition::of(&doc, Clock::default()).actions;
    let layers = transition::layers(&actions);
    for (action, layer) in actions.iter().zip(&layers) {
        assert!(action.after.iter().all(|&before| layers[before] < *layer));
    }
    let lines: Vec<Line> = actions
        .iter()
        .map(|action| Line {
            side: Side::New,
            action: action.clone(),
        })
        .collect();
    let picture = read(&svg::draw(&lines, "t")).expect("it is XML");
    let root = picture.root_element();
    let number = |e: crate::cib::Element<'_>, name: &str| -> usize {
        e.attr(name).unwrap().parse().unwrap()
    };
    let (width, height) = (number(root, "width"), number(root, "height"));
    let boxes: Vec<_> = root.children_named("g").collect();
    assert_eq!(boxes.len(), actions.len());
    let mut corners = Vec::new();
    for shape in boxes {
        let rect = shape.child("rect").unwrap();
        let (x, y) = (number(rect, "x"), number(rect, "y"));
        assert!(x + number(rect, "width") <= width && y + number(rect, "height") <= height);
        corners.push((x, y));
    }
    corners.sort_unstable();
    corners.dedup();
    assert_eq!(corners.len(), actions.len(), "no box lies on another");
}

#[test]
fn actions_in_a_circle_have_a_layer() {
    let doc = Night::of(&(dummy("a", &[]) + &dummy("b", &[]))).doc();
    let mut actions = transition::of(&doc, Clock::default()).actions;
    actions.truncate(3);
    let circle: [&[usize]; 3] = [&[], &[0, 2], &[1]];
    for (action, after) in actions.iter_mut().zip(circle) {
        action.after = after.to_vec();
    }
    assert_eq!(transition::layers(&actions), [0, 2, 2]);
}
