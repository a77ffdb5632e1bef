use super::*;
use crate::programs;

struct Scripts {
    folder: tempfile::TempDir,
    executor: Executor,
}

impl Scripts {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let paths = Paths {
            resource_dir: at("resource.d"),
            init_dir: at("init.d"),
            rc_dir: at("rc.d"),
            harc: folder.path().join("harc"),
            state_dir: at("run"),
        };
        let timeouts = Timeouts {
            status: Some(Duration::from_millis(300)),
            ..Timeouts::default()
        };
        let executor = Executor::new(paths, timeouts);
        Self { folder, executor }
    }

    fn put(&self, name: &str, body: &str) {
        let path = self.folder.path().join(name);
        programs::write(&path, format!("#!/bin/sh\n{body}\n"));
    }

    fn run(&self, word: &str, action: Action) -> Outcome {
        let environment = vec![("HA_CURHOST".to_owned(), "node1".to_owned())];
        let resource = Resource::parse(word);
        block(self.executor.run(&resource, action, &environment))
    }
}

fn block<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

#[test]
fn arguments_action_and_environment() {
    let scripts = Scripts::new();
    scripts.put("resource.d/web", "echo \"$HA_CURHOST $*\"; echo err >&2");
    let outcome = scripts.run("web::/srv::80", Action::Start);
    assert!(outcome.is_done());
    assert_eq!(outcome.lines, ["node1 /srv 80 start", "err"]);
    let line = scripts
        .executor
        .command_line(&Resource::parse("web::/srv::80"), Action::Stop);
    assert!(line.ends_with("/resource.d/web /srv 80 stop"), "{line}");
}

#[test]
fn exit_codes_decide_start_and_stop() {
    let scripts = Scripts::new();
    scripts.put("init.d/db", "[ \"$1\" = stop ] || exit 7");
    assert!(scripts.run("db", Action::Stop).is_done());
    let outcome = scripts.run("db", Action::Start);
    assert_eq!(outcome.exit, Some(7));
    assert!(matches!(&outcome.verdict, Verdict::Failed(reason)
        if reason.starts_with("Return code 7 from ") && reason.ends_with("/init.d/db")));
}

#[test]
fn words_decide_status() {
    let scripts = Scripts::new();
    scripts.put("resource.d/up", "echo it is running; exit 1");
    scripts.put("resource.d/down", "echo it is not running; exit 0");
    scripts.put("resource.d/err", "echo running >&2");
    assert_eq!(scripts.run("up", Action::Status).verdict, Verdict::Done);
    assert_eq!(
        scripts.run("down", Action::Status).verdict,
        Verdict::NotRunning
    );
    assert_eq!(
        scripts.run("err", Action::Status).verdict,
        Verdict::NotRunning
    );
}

#[test]
fn a_script_that_is_not_there() {
    let scripts = Scripts::new();
    let outcome = scripts.run("nosuch", Action::Start);
    assert_eq!(
        outcome.verdict,
        Verdict::Failed("Cannot locate resource script nosuch".into())
    );
    let outcome = scripts.run("nosuch", Action::Status);
    assert_eq!(outcome.verdict, Verdict::NotRunning);
}

#[test]
fn a_hanging_status_is_a_failure() {
    let scripts = Scripts::new();
    scripts.put("resource.d/hang", "sleep 33");
    let outcome = scripts.run("hang", Action::Status);
    assert!(matches!(outcome.verdict, Verdict::Failed(_)), "{outcome:?}");
    assert!(outcome.duration < Duration::from_secs(3));
}

#[test]
fn rc_scripts_run_with_and_without_harc() {
    let scripts = Scripts::new();
    scripts.put("rc.d/status", "echo \"rc $1 $HA_st\"");
    let environment = vec![("HA_st".to_owned(), "dead".to_owned())];
    let outcome = block(scripts.executor.run_rc("status", &environment));
    assert_eq!(outcome.lines, ["rc status dead"]);
    scripts.put("harc", "echo \"harc $1\"");
    let outcome = block(scripts.executor.run_rc("status", &environment));
    assert_eq!(outcome.lines, ["harc status"]);
}
