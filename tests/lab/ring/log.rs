//! `logging {}`: the same lines in the same form as real corosync's, in the same places.

use everbeat::lab::Lab;

use super::{Whose, configuration, configure, real_is_missing, says, stop};
use crate::host::{Ground, shell, spec};

/// Texts of lines that both write, digits apart.
const COMMON: [&str; 8] = [
    "The network interface [N.N.N.N] is now up.",
    "Sync members[N]: N",
    "Sync joined[N]: N",
    "A new membership (N.N) was formed. Members joined: N",
    "Members[N]: N",
    "Completed service synchronization, ready to provide service.",
    "Corosync Cluster Engine exiting normally",
    "Using quorum provider corosync_votequorum",
];

/// A listener in the place of syslogd.
const SYSLOG: &str = "import os, socket\n\
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
    s.bind('/dev/log')\n\
    f = open('/var/log/syslog', 'ab', buffering=0)\n\
    while True:\n    f.write(s.recv(65536) + b'\\n')\n";

/// What a node wrote: into its file, into another one, to stderr, to syslog.
type Written = [Vec<String>; 4];

/// Runs a node for a moment; what it wrote of the common lines.
fn run(lab: &Lab, whose: Whose, logging: &str) -> Written {
    let _ = shell(
        lab,
        "a",
        "rm -f /var/log/*.log; : >/var/log/syslog; rm -rf /var/lib/corosync/*",
    );
    configure(lab, "a", &configuration(&["a"], "", logging));
    let daemon = whose.line("corosync -f");
    let started = shell(
        lab,
        "a",
        &format!("({daemon} >/dev/null 2>/var/log/err.log &)"),
    );
    started.expect("the daemon starts");
    let (came, text) = says(
        lab,
        "a",
        &whose.line("corosync-quorumtool -s"),
        "Quorate:          Yes",
    );
    assert!(came, "{whose:?}: {text}");
    stop(lab, "a");
    let read = |path: &str| {
        let text = lab.host("a").read(path).unwrap_or_default();
        text.lines().filter_map(common).collect()
    };
    [
        read("/var/log/x.log"),
        read("/var/log/y.log"),
        read("/var/log/err.log"),
        read("/var/log/syslog"),
    ]
}

/// A line of those that both write, with N for each number, X for each place in the source.
fn common(line: &str) -> Option<String> {
    let mut reduced = String::new();
    let mut hex = false;
    for c in line.chars() {
        // The number of a ring is hexadecimal.
        let number = c.is_ascii_digit() || hex && c.is_ascii_hexdigit();
        hex = number || hex && c == '.' || c == '(';
        match (number, reduced.ends_with('N')) {
            (true, true) => {}
            (true, false) => reduced.push('N'),
            (false, _) => reduced.push(c),
        }
    }
    let text = COMMON.into_iter().find(|text| reduced.ends_with(text))?;
    let head = reduced.strip_suffix(text)?;
    let (tag, place) = head.split_once("] [").map_or_else(
        || head.split_at(head.rfind(']').map_or(0, |at| at + 2)),
        |(_, _)| head.split_at(head.rfind(']').map_or(0, |at| at + 2)),
    );
    let place = match place.trim_end() {
        "" => "",
        place if place.matches(':').count() >= 2 && place.contains('.') => "FILE:FUNCTION:N ",
        place if place.contains('.') => "FILE:N ",
        _ => "FUNCTION ",
    };
    Some(format!("{tag}{place}{text}"))
}

/// The lines that stand in one and not in the other, with how often.
fn compare(logging: &str, ours: &Written, real: &Written) {
    for (place, (ours, real)) in ["file", "other file", "stderr", "syslog"]
        .into_iter()
        .zip(ours.iter().zip(real))
    {
        let sorted = |lines: &[String]| {
            let mut lines = lines.to_vec();
            lines.sort();
            lines.dedup();
            lines
        };
        assert_eq!(sorted(ours), sorted(real), "{place} with\n{logging}");
    }
}

#[test]
fn lines_look_and_go_where_those_of_corosync_do() {
    if real_is_missing() {
        return;
    }
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("ringlog", &["a=10.9.0.1/24"])) else {
        return;
    };
    let host = lab.host("a");
    host.write("/etc/syslog.py", SYSLOG.as_bytes(), 0o644)
        .expect("a file");
    let listen = "(python3 /etc/syslog.py >/dev/null 2>&1 &); \
                  while ! [ -S /dev/log ]; do sleep 0.05; done";
    shell(&lab, "a", listen).expect("a listener");
    let file = "to_logfile: yes\nlogfile: /var/log/x.log\n";
    let quiet = "to_syslog: no\nto_stderr: no\n";
    let mut seen = 0;
    for logging in [
        file.to_owned(),
        format!("{file}to_stderr: no\ntimestamp: on\nsyslog_facility: local3\n"),
        format!("{file}to_syslog: no\ntimestamp: off\nfileline: on\n"),
        format!("{file}{quiet}timestamp: on\nfunction_name: on\n"),
        format!("{file}fileline: on\nfunction_name: on\nsyslog_priority: warning\n"),
        format!("{file}to_syslog: no\nlogfile_priority: warning\n"),
        format!(
            "{file}to_syslog: no\nto_stderr: no\nlogger_subsys {{\nsubsys: QUORUM\n\
             logfile: /var/log/y.log\n}}\n"
        ),
        format!(
            "{file}{quiet}logfile_priority: err\nlogger_subsys {{\nsubsys: QUORUM\ndebug: on\n}}\n"
        ),
    ] {
        let (ours, real) = (
            run(&lab, Whose::Ours, &logging),
            run(&lab, Whose::Real, &logging),
        );
        compare(&logging, &ours, &real);
        seen += ours.iter().map(Vec::len).sum::<usize>();
    }
    println!("{seen} lines compared");
    assert!(seen > 60, "{seen} lines");
    lab.down().expect("the lab ends");
}

#[test]
fn log_files_are_opened_anew_and_a_reload_changes_what_is_logged() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("reopen", &["a=10.9.0.1/24"])) else {
        return;
    };
    let ours = Whose::Ours;
    let logging = "to_syslog: no\nto_logfile: yes\nlogfile: /var/log/x.log\n";
    configure(&lab, "a", &configuration(&["a"], "", logging));
    let mut daemon = ours.start(&lab, "a");
    let status = ours.line("corosync-quorumtool -s");
    assert!(says(&lab, "a", &status, "Quorate:          Yes").0);
    let tool = |line: &str| shell(&lab, "a", &ours.line(line)).expect("it is done");
    shell(&lab, "a", "mv /var/log/x.log /var/log/x.log.1").expect("moved");
    tool("corosync-cfgtool -L");
    tool("corosync-cfgtool -R");
    let reads = |path: &str, wanted: &str| says(&lab, "a", &format!("cat {path}"), wanted);
    let (came, text) = reads(
        "/var/log/x.log",
        "[CFG   ] Config reload requested by node 1",
    );
    assert!(came, "{text}");
    let debug =
        format!("{logging}debug: on\nlogger_subsys {{\nsubsys: CFG\nlogfile: /var/log/y.log\n}}\n");
    configure(&lab, "a", &configuration(&["a"], "", &debug));
    tool("corosync-cfgtool -R");
    tool("corosync-cfgtool -R");
    let (came, text) = reads(
        "/var/log/y.log",
        "[CFG   ] Config reload requested by node 1",
    );
    assert!(came, "{text}");
    let other = configuration(&["a"], "", &debug.replace("y.log", "nowhere/z.log"));
    configure(&lab, "a", &other);
    let refused = shell(&lab, "a", &ours.line("corosync-cfgtool -R"));
    assert!(refused.is_err(), "a folder that isn't there: {refused:?}");
    stop(&lab, "a");
    let _ = daemon.wait();
    let code = shell(
        &lab,
        "a",
        &format!("{}; echo $?", ours.line("corosync -f 2>/dev/null")),
    );
    assert_eq!(code.as_deref(), Ok("7"), "a log that can't be opened");
    lab.down().expect("the lab ends");
}
