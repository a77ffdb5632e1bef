//! The scheduler beside the original's, one process a run: `cargo bench --bench schedule`.
//!
//! CIBs from a generator: groups, a clone, colocations, orders, locations, monitors; all stopped,
//! all running, one node lost. The original takes minutes from 32 nodes with 2000 resources on:
//! there it isn't run, and its time of another run of this machine's kind stands beside ours.
//! Where the recorded cases are there they are run, too, each once.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// What the cluster is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Stopped,
    Running,
    OneLost,
}

/// Nodes, resources, state; seconds of the original where it isn't run here.
const CASES: [(usize, usize, State, Option<&str>); 12] = [
    (4, 100, State::Stopped, None),
    (4, 100, State::Running, None),
    (4, 100, State::OneLost, None),
    (16, 1000, State::Stopped, None),
    (16, 1000, State::Running, None),
    (16, 1000, State::OneLost, None),
    (32, 2000, State::Stopped, Some("161")),
    (32, 2000, State::Running, None),
    (32, 5000, State::Stopped, Some("over 400")),
    (32, 5000, State::Running, Some("35")),
    (32, 20_000, State::Stopped, Some("not in 300")),
    (32, 20_000, State::Running, Some("not in 300")),
];

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(words) = std::env::var_os("EVERBEAT_BENCH_ONE") {
        return measured_child(&words.to_string_lossy());
    }
    let ours = folder.path().join("crm_simulate");
    let program = std::env::var_os("EVERBEAT_BENCH_PROGRAM")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_everbeat").into());
    symlink(program, &ours).expect("a link");
    let theirs = Path::new("/usr/sbin/crm_simulate");
    println!("user seconds and peak memory of crm_simulate -R; the original's where it is quick");
    for (nodes, resources, state, known) in CASES {
        let file = folder.path().join("cib.xml");
        fs::write(&file, cib(nodes, resources, state)).expect("a file");
        let name = format!("{nodes}/{resources} {state:?}");
        let (seconds, memory_mb) = cost(&ours, &file);
        let beside = match known {
            None if theirs.exists() => {
                let (original, original_mb) = cost(theirs, &file);
                let ratio = original / seconds.max(0.001);
                format!("original {original:7.2} s {original_mb:5} MB   {ratio:.0} times")
            }
            None => "no original here".to_owned(),
            Some(seconds) => format!("original {seconds} s, not run here"),
        };
        println!("{name:20} ours {seconds:7.2} s {memory_mb:5} MB   {beside}");
    }
    suite(&ours, theirs);
}

/// All recorded cases, a process each.
fn suite(ours: &Path, theirs: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = root.join("../shared/conformance/scheduler/cases/xml");
    let Ok(entries) = fs::read_dir(cases) else {
        return println!("there are no recorded cases at ../shared/conformance/scheduler");
    };
    let files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    let elapsed = |program: &Path| {
        let begin = Instant::now();
        for file in &files {
            let mut command = Command::new(program);
            command
                .arg("-x")
                .arg(file)
                .arg("-S")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.status().expect("it runs");
        }
        begin.elapsed().as_secs_f64()
    };
    let seconds = elapsed(ours);
    let original = if theirs.exists() {
        elapsed(theirs)
    } else {
        0.0
    };
    println!(
        "{} recorded cases, a process each: ours {seconds:.2} s, original {original:.2} s, \
         {:.1} times",
        files.len(),
        original / seconds
    );
}

/// User seconds and peak memory in megabytes, measured in a process of its own.
fn cost(program: &Path, file: &Path) -> (f64, i64) {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .env(
            "EVERBEAT_BENCH_ONE",
            format!("{}\n{}", program.display(), file.display()),
        )
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.split_whitespace();
    let mut next = || words.next().unwrap_or("0").to_owned();
    (next().parse().unwrap_or(0.0), next().parse().unwrap_or(0))
}

fn measured_child(words: &str) {
    let (program, file) = words.split_once('\n').expect("two lines");
    let mut command = Command::new(program);
    command
        .args(["-R", "-x", file])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().expect("it runs");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel says");
    let seconds = usage.user_time().num_milliseconds() as f64 / 1000.0;
    println!("{seconds} {}", usage.max_rss() / 1024);
}

/// A CIB. Of ten resources in a row four are a group, two are colocated and ordered, one has a
/// location; one clone is everywhere.
fn cib(nodes: usize, resources: usize, state: State) -> String {
    let mut text = String::from(
        "<cib crm_feature_set='3.16.1' validate-with='pacemaker-3.9' epoch='1' num_updates='0' \
         admin_epoch='0' have-quorum='1' dc-uuid='1'><configuration><crm_config>\
         <cluster_property_set id='o'><nvpair id='o1' name='stonith-enabled' value='false'/>\
         </cluster_property_set></crm_config><nodes>",
    );
    for node in 1..=nodes {
        let _ = write!(text, "<node id='{node}' uname='n{node}'/>");
    }
    text.push_str("</nodes><resources>");
    for first in (0..resources).step_by(10) {
        let _ = write!(text, "<group id='g{first}'>");
        (first..first + 4).for_each(|r| primitive(&mut text, &format!("r{r}")));
        text.push_str("</group>");
        (first + 4..first + 10).for_each(|r| primitive(&mut text, &format!("r{r}")));
    }
    text.push_str("<clone id='all'>");
    primitive(&mut text, "each");
    text.push_str("</clone></resources><constraints>");
    for first in (0..resources).step_by(10) {
        let (a, b, node) = (first + 4, first + 5, first % nodes + 1);
        let _ = write!(
            text,
            "<rsc_colocation id='c{a}' rsc='r{b}' with-rsc='r{a}' score='INFINITY'/>\
             <rsc_order id='d{a}' first='r{a}' then='r{b}'/>\
             <rsc_location id='l{a}' rsc='r{a}' node='n{node}' score='100'/>"
        );
    }
    text.push_str("</constraints></configuration><status>");
    for node in 1..=nodes {
        status(&mut text, node, (nodes, resources), state);
    }
    text.push_str("</status></cib>");
    text
}

fn primitive(text: &mut String, id: &str) {
    let _ = write!(
        text,
        "<primitive id='{id}' class='ocf' provider='heartbeat' type='Dummy'><operations>\
         <op id='{id}-m' name='monitor' interval='10s'/></operations></primitive>"
    );
}

fn status(text: &mut String, node: usize, (nodes, resources): (usize, usize), state: State) {
    let lost = state == State::OneLost && node == nodes;
    let (in_ccm, crmd, join) = match lost {
        true => ("false", "offline", "down"),
        false => ("true", "online", "member"),
    };
    let _ = write!(
        text,
        "<node_state id='{node}' uname='n{node}' in_ccm='{in_ccm}' crmd='{crmd}' join='{join}' \
         expected='{join}'>"
    );
    if state != State::Stopped {
        let _ = write!(text, "<lrm id='{node}'><lrm_resources>");
        for r in 0..resources {
            // A group runs together, and so do the two that are colocated.
            let leader = match r % 10 {
                0..4 => r - r % 10,
                4 | 5 => r - r % 10 + 4,
                _ => r,
            };
            let home = match r % 10 {
                4 | 5 => (r - r % 10) % nodes + 1,
                _ => leader % nodes + 1,
            };
            history(text, &format!("r{r}"), home == node, r);
        }
        history(text, "each", true, resources);
        text.push_str("</lrm_resources></lrm>");
    }
    text.push_str("</node_state>");
}

fn history(text: &mut String, id: &str, runs: bool, number: usize) {
    let (rc, op) = if runs { (0, "start") } else { (7, "monitor") };
    let call = 2 * number + 1;
    let _ = write!(
        text,
        "<lrm_resource id='{id}' class='ocf' provider='heartbeat' type='Dummy'>\
         <lrm_rsc_op id='{id}_last_0' operation_key='{id}_{op}_0' operation='{op}' \
         crm_feature_set='3.16.1' transition-key='1:1:{rc}:x' transition-magic='0:{rc};1:1:{rc}:x' \
         call-id='{call}' rc-code='{rc}' op-status='0' interval='0' \
         op-digest='f2317cad3d54cec5d7d7aa7d0bf35cf8'/>"
    );
    if runs {
        let call = call + 1;
        let _ = write!(
            text,
            "<lrm_rsc_op id='{id}_monitor_10000' operation_key='{id}_monitor_10000' \
             operation='monitor' crm_feature_set='3.16.1' transition-key='2:1:0:x' \
             transition-magic='0:0;2:1:0:x' call-id='{call}' rc-code='0' op-status='0' \
             interval='10000' op-digest='4811cef7f7f94e3a35a70be7916cb2fd'/>"
        );
    }
    text.push_str("</lrm_resource>");
}
