use super::*;

fn now(ms: u64) -> Now {
    Now {
        mono: Instant(ms),
        unix_s: 1_700_000_000,
    }
}

fn value(name: &str, node: &str, value: Option<&str>) -> AttributeValue {
    AttributeValue {
        name: name.into(),
        node: node.into(),
        value: value.map(str::to_owned),
        set: None,
        dampening_ms: 0,
        private: false,
    }
}

fn update(name: &str, node: &str, new: Option<&str>) -> AttributeChange {
    AttributeChange {
        task: AttributeTask::Update,
        value: value(name, node, new),
    }
}

fn outputs(attributes: &mut Attributes) -> Vec<Output> {
    std::iter::from_fn(|| attributes.poll_output()).collect()
}

/// What is written next, as `name[node]=value`.
fn written(attributes: &mut Attributes) -> Vec<String> {
    let writes = outputs(attributes)
        .into_iter()
        .filter_map(|output| match output {
            Output::Write(values) => Some(values),
            Output::Send(_) | Output::Log(_) => None,
        });
    let shown = |v: AttributeValue| {
        format!(
            "{}[{}]={}",
            v.name,
            v.node,
            v.value.as_deref().unwrap_or("-")
        )
    };
    writes.flatten().map(shown).collect()
}

fn writer() -> Attributes {
    let mut attributes = Attributes::new("a");
    attributes.set_writer(now(0), true);
    attributes
}

#[test]
fn the_writer_writes_what_changed_and_one_write_at_a_time() {
    let mut attributes = writer();
    attributes.handle_change(now(1), "b", update("x", "a", Some("1")));
    let expected = [
        Output::Log("Setting x[a]: (unset) -> 1 | from b with no write delay".into()),
        Output::Write(vec![value("x", "a", Some("1"))]),
    ];
    assert_eq!(outputs(&mut attributes), expected);
    attributes.handle_change(now(2), "b", update("x", "a", Some("2")));
    attributes.handle_change(now(2), "b", update("y", "b", Some("3")));
    assert!(written(&mut attributes).is_empty(), "a write is under way");
    attributes.handle_written(now(3), true);
    assert_eq!(written(&mut attributes), ["x[a]=2", "y[b]=3"]);
    attributes.handle_written(now(4), true);
    attributes.handle_change(now(5), "b", update("x", "a", None));
    assert_eq!(written(&mut attributes), ["x[a]=-"]);
    attributes.handle_written(now(6), true);
    attributes.handle_change(now(7), "b", update("x", "a", None));
    assert!(outputs(&mut attributes).is_empty(), "nothing new");
    assert_eq!(attributes.get("y", "b"), Some("3"));
}

#[test]
fn others_only_store_and_a_new_writer_writes_all() {
    let mut attributes = Attributes::new("a");
    attributes.handle_change(now(1), "b", update("x", "b", Some("1")));
    let mut private = update("#attrd-protocol", "b", Some("4"));
    private.value.private = true;
    attributes.handle_change(now(1), "b", private);
    assert!(written(&mut attributes).is_empty());
    assert_eq!(attributes.poll_timeout(), None);
    attributes.set_writer(now(9), true);
    assert_eq!(written(&mut attributes), ["x[b]=1"]);
}

#[test]
fn dampening_waits_until_it_is_left_alone() {
    let mut attributes = writer();
    let mut change = update("pingd", "a", Some("100"));
    change.task = AttributeTask::Both;
    change.value.dampening_ms = 5000;
    attributes.handle_change(now(0), "a", change.clone());
    assert_eq!(attributes.poll_timeout(), Some(Instant(5000)));
    change.task = AttributeTask::Update;
    change.value.value = Some("0".into());
    attributes.handle_change(now(4000), "a", change);
    attributes.handle_timeout(now(5000));
    assert!(written(&mut attributes).is_empty());
    assert_eq!(attributes.poll_timeout(), Some(Instant(9000)));
    attributes.handle_timeout(now(9000));
    assert_eq!(written(&mut attributes), ["pingd[a]=0"]);
}

#[test]
fn a_write_that_failed_is_tried_again() {
    let mut attributes = writer();
    attributes.handle_change(now(0), "a", update("x", "a", Some("1")));
    outputs(&mut attributes);
    attributes.handle_written(now(10), false);
    assert_eq!(attributes.poll_timeout(), Some(Instant(2010)));
    attributes.handle_change(now(500), "a", update("x", "a", Some("2")));
    assert!(written(&mut attributes).is_empty(), "not before");
    attributes.handle_timeout(now(2010));
    assert_eq!(written(&mut attributes), ["x[a]=2"]);
}

#[test]
fn counters_count_in_the_order_of_the_cluster() {
    let mut attributes = writer();
    for from in ["a", "b"] {
        attributes.handle_change(now(0), from, update("n", "a", Some("value++")));
    }
    assert_eq!(attributes.get("n", "a"), Some("2"));
    attributes.handle_change(now(0), "a", update("n", "a", Some("value+=40")));
    assert_eq!(attributes.get("n", "a"), Some("42"));
    attributes.handle_change(now(0), "a", update("n", "a", Some("INFINITY")));
    attributes.handle_change(now(0), "a", update("n", "a", Some("value++")));
    assert_eq!(attributes.get("n", "a"), Some("INFINITY"));
}

#[test]
fn failures_are_cleared_by_resource_operation_and_node() {
    let all = [
        "fail-count-db#monitor_10000",
        "last-failure-db#monitor_10000",
        "fail-count-db#start_0",
        "fail-count-db2#start_0",
        "fail-count-db:1#start_0",
    ];
    let left = |resource: &str, node: &str, operation: Option<&str>, interval| {
        let mut attributes = Attributes::new("a");
        for name in all {
            attributes.handle_change(now(0), "a", update(name, "a", Some("1")));
        }
        let mut clear = update(resource, node, operation);
        clear.task = AttributeTask::ClearFailures;
        clear.value.dampening_ms = interval;
        attributes.handle_change(now(0), "a", clear);
        attributes
            .values()
            .map(|value| value.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(left("db", "", None, 0), ["fail-count-db2#start_0"]);
    assert_eq!(left("db", "b", None, 0).len(), 5);
    assert_eq!(left("", "a", None, 0).len(), 0);
    assert_eq!(left("db", "a", Some("monitor"), 10000).len(), 3);
}

#[test]
fn of_its_own_values_this_node_knows_best() {
    let mut attributes = Attributes::new("a");
    attributes.handle_change(now(0), "a", update("x", "a", Some("mine")));
    outputs(&mut attributes);
    let known = vec![
        value("x", "a", Some("theirs")),
        value("old", "a", Some("1")),
        value("x", "b", Some("5")),
    ];
    attributes.handle_sync(now(1), "b", known);
    let told = outputs(&mut attributes)
        .into_iter()
        .filter(|o| matches!(o, Output::Send(_)));
    let expected = [update("x", "a", Some("mine")), update("old", "a", None)];
    assert_eq!(told.collect::<Vec<_>>(), expected.map(Output::Send));
    assert_eq!(attributes.get("x", "b"), Some("5"));
    attributes.handle_lost("b");
    assert_eq!(attributes.get("x", "b"), None);
    assert_eq!(attributes.of_node("a").len(), 1);
}
