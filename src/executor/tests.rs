//! What the executor does, told as a list of lines.

use std::time::Duration;

use super::*;
use crate::ids::ResourceName;
use crate::time::{Instant, Now};

const MONITOR: &str = "monitor";

struct Bench {
    executor: Executor,
    ms: u64,
}

impl Bench {
    fn new() -> Self {
        let mut executor = Executor::new();
        executor.register(db(), agent());
        Self { executor, ms: 0 }
    }

    fn now(&self) -> Now {
        Now {
            mono: Instant(self.ms),
            unix_s: 1000 + self.ms / 1000,
        }
    }

    fn ask(&mut self, action: &str, interval_ms: u64) -> CallId {
        let operation = operation(action, interval_ms, "t1");
        self.executor.execute(self.now(), operation).expect("known")
    }

    fn finish(&mut self, run: u64, exit: Exit) {
        let outcome = Outcome {
            exit,
            status: Status::Done,
            reason: None,
            output: String::new(),
        };
        self.executor
            .handle_finished(self.now(), RunId(run), outcome);
    }

    fn pass(&mut self, ms: u64) {
        self.ms += ms;
        self.executor.handle_timeout(self.now());
    }

    /// What was put out since.
    fn out(&mut self) -> Vec<String> {
        let outputs = std::iter::from_fn(|| self.executor.poll_output());
        outputs.map(|output| shown(&output)).collect()
    }
}

fn shown(output: &Output) -> String {
    match output {
        Output::Run { run, operation, .. } => format!("run {} {}", run.0, operation.key),
        Output::Abort(run) => format!("abort {}", run.0),
        Output::Completed(told) => {
            let (key, mark) = (&told.operation.key, &told.operation.transition_key);
            let Outcome { exit, status, .. } = &told.outcome;
            format!("{} {key} {mark} {status} {exit}", told.call)
        }
    }
}

fn db() -> ResourceName {
    ResourceName::new("db")
}

fn agent() -> Agent {
    Agent {
        class: Class::Ocf,
        provider: Some("heartbeat".into()),
        name: "Dummy".into(),
    }
}

fn key(action: &str, interval_ms: u64) -> Key {
    Key {
        resource: db(),
        action: action.into(),
        interval: Duration::from_millis(interval_ms),
    }
}

fn operation(action: &str, interval_ms: u64, mark: &str) -> Operation {
    Operation {
        key: key(action, interval_ms),
        timeout: Duration::from_secs(20),
        start_delay: Duration::ZERO,
        parameters: Parameters::default(),
        transition_key: mark.to_owned(),
    }
}

#[test]
fn one_at_a_time_in_order() {
    let mut b = Bench::new();
    b.ask("start", 0);
    b.ask("promote", 0);
    assert_eq!(b.out(), ["run 1 db_start_0"]);
    assert!(b.executor.is_busy(&db()));
    b.ms = 300;
    b.finish(1, Exit::OK);
    assert_eq!(
        b.out(),
        ["1 db_start_0 t1 complete ok", "run 2 db_promote_0"]
    );
    b.finish(2, Exit::ERROR);
    assert_eq!(b.out(), ["2 db_promote_0 t1 complete error"]);
    assert!(!b.executor.is_busy(&db()));
}

#[test]
fn two_resources_run_at_the_same_time() {
    let mut b = Bench::new();
    let web = ResourceName::new("web");
    b.executor.register(web.clone(), agent());
    b.ask("start", 0);
    let mut other = operation("start", 0, "t1");
    other.key.resource = web;
    b.executor.execute(b.now(), other).expect("known");
    assert_eq!(b.out(), ["run 1 db_start_0", "run 2 web_start_0"]);
}

#[test]
fn a_recurring_one_comes_back_and_is_told_when_it_differs() {
    let mut b = Bench::new();
    b.ask(MONITOR, 10_000);
    b.finish(1, Exit::OK);
    let first = "1 db_monitor_10000 t1 complete ok";
    assert_eq!(b.out(), ["run 1 db_monitor_10000", first]);
    assert_eq!(b.executor.poll_timeout(), Some(Instant(10_000)));
    b.pass(9_999);
    assert_eq!(b.out(), [""; 0]);
    b.pass(1);
    b.pass(500);
    b.finish(2, Exit::OK);
    assert_eq!(b.out(), ["run 2 db_monitor_10000"], "the same is not told");
    assert_eq!(b.executor.poll_timeout(), Some(Instant(20_500)));
    b.pass(10_000);
    b.finish(3, Exit::NOT_RUNNING);
    let other = "1 db_monitor_10000 t1 complete not running";
    assert_eq!(b.out(), ["run 3 db_monitor_10000", other]);
}

#[test]
fn what_changes_the_resource_ends_its_monitors() {
    let mut b = Bench::new();
    b.ask(MONITOR, 10_000);
    b.finish(1, Exit::OK);
    b.out();
    b.ask("stop", 0);
    let cancelled = "1 db_monitor_10000 t1 Cancelled error";
    assert_eq!(b.out(), [cancelled, "run 2 db_stop_0"]);
    b.finish(2, Exit::OK);
    b.pass(60_000);
    assert_eq!(b.out(), ["2 db_stop_0 t1 complete ok"]);
    assert_eq!(b.executor.poll_timeout(), None);
}

#[test]
fn a_running_monitor_is_aborted_and_its_result_not_believed() {
    let mut b = Bench::new();
    b.ask(MONITOR, 10_000);
    b.ask("stop", 0);
    assert_eq!(b.out(), ["run 1 db_monitor_10000", "abort 1"]);
    b.finish(1, Exit::NOT_RUNNING);
    let cancelled = "1 db_monitor_10000 t1 Cancelled error";
    assert_eq!(b.out(), [cancelled, "run 2 db_stop_0"]);
}

#[test]
fn a_probe_leaves_monitors_alone() {
    let mut b = Bench::new();
    b.ask(MONITOR, 10_000);
    b.finish(1, Exit::OK);
    b.ask(MONITOR, 0);
    b.finish(2, Exit::OK);
    b.out();
    b.pass(10_000);
    assert_eq!(b.out(), ["run 3 db_monitor_10000"]);
}

#[test]
fn the_same_recurring_one_again_runs_at_once_for_the_new_request() {
    let mut b = Bench::new();
    b.ask(MONITOR, 10_000);
    b.finish(1, Exit::OK);
    b.out();
    b.pass(4_000);
    let again = operation(MONITOR, 10_000, "t2");
    let call = b.executor.execute(b.now(), again).expect("known");
    assert_eq!(call, CallId(2));
    b.finish(2, Exit::OK);
    let told = "2 db_monitor_10000 t2 complete ok";
    assert_eq!(b.out(), ["run 2 db_monitor_10000", told]);
    b.pass(10_000);
    assert_eq!(b.out(), ["run 3 db_monitor_10000"], "one series, not two");
    // While it runs: it runs once more, and only that is told.
    let again = operation(MONITOR, 10_000, "t3");
    b.executor.execute(b.now(), again).expect("known");
    b.finish(3, Exit::OK);
    b.finish(4, Exit::OK);
    let told = "3 db_monitor_10000 t3 complete ok";
    assert_eq!(b.out(), ["run 4 db_monitor_10000", told]);
}

#[test]
fn cancelling_says_what_it_found() {
    let mut b = Bench::new();
    let monitor = key(MONITOR, 10_000);
    assert_eq!(b.executor.cancel(&monitor), Cancel::Unknown);
    b.ask(MONITOR, 10_000);
    assert_eq!(b.executor.cancel(&monitor), Cancel::Underway);
    b.finish(1, Exit::OK);
    b.ask(MONITOR, 10_000);
    b.finish(2, Exit::OK);
    assert_eq!(b.executor.cancel(&monitor), Cancel::Done);
    assert_eq!(b.executor.cancel(&monitor), Cancel::Unknown);
}

#[test]
fn a_delayed_start_waits() {
    let mut b = Bench::new();
    let mut late = operation(MONITOR, 10_000, "t1");
    late.start_delay = Duration::from_secs(5);
    b.executor.execute(b.now(), late).expect("known");
    assert_eq!(b.out(), [""; 0]);
    b.pass(5_000);
    assert_eq!(b.out(), ["run 1 db_monitor_10000"]);
}

#[test]
fn a_forgotten_resource_owes_its_results() {
    let mut b = Bench::new();
    b.ask("start", 0);
    b.ask(MONITOR, 10_000);
    b.executor.unregister(&db());
    let cancelled = "2 db_monitor_10000 t1 Cancelled error";
    assert_eq!(b.out(), ["run 1 db_start_0", cancelled, "abort 1"]);
    assert_eq!(b.executor.agent(&db()), None);
    // Registered again, it still waits for the run that was under way.
    b.executor.register(db(), agent());
    b.ask("stop", 0);
    assert_eq!(b.out(), [""; 0]);
    b.finish(1, Exit::OK);
    let start = "1 db_start_0 t1 Cancelled error";
    assert_eq!(b.out(), [start, "run 2 db_stop_0"]);
    b.executor.unregister(&db());
    b.finish(2, Exit::OK);
    assert_eq!(b.executor.resources().count(), 0);
    let refused = {
        let mut other = operation("start", 0, "t1");
        other.key.resource = ResourceName::new("web");
        b.executor.execute(b.now(), other).unwrap_err()
    };
    let text = "resource web is not registered with the executor";
    assert_eq!(refused.to_string(), text);
}

#[test]
fn times_are_told() {
    let mut b = Bench::new();
    b.ask("start", 0);
    b.ask(MONITOR, 10_000);
    b.ms = 2_500;
    b.finish(1, Exit::OK);
    b.ms = 2_600;
    b.finish(2, Exit::OK);
    let outputs = std::iter::from_fn(|| b.executor.poll_output());
    let told: Vec<_> = outputs
        .filter_map(|output| match output {
            Output::Completed(told) => Some(told),
            _ => None,
        })
        .collect();
    let times = |c: &Completed| (c.queue_time.as_millis(), c.exec_time.as_millis());
    assert_eq!(times(&told[0]), (0, 2_500));
    assert_eq!(times(&told[1]), (2_500, 100));
    assert_eq!((told[0].last_run_s, told[0].last_change_s), (1000, 1002));
    // The same again changes neither.
    b.pass(10_000);
    b.ms = 20_000;
    b.finish(3, Exit::OK);
    b.pass(10_000);
    b.finish(4, Exit::ERROR);
    let last = std::iter::from_fn(|| b.executor.poll_output()).last();
    let Some(Output::Completed(last)) = last else {
        panic!("it failed");
    };
    assert_eq!((last.last_run_s, last.last_change_s), (1030, 1030));
}
