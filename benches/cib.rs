//! The tools on a CIB beside the original's: user time and peak memory of both, and the ratios.
//!
//! `cargo bench --bench cib`; with `EVERBEAT_BENCH_PROGRAM` another build of ours is taken.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// How often each command runs on small files, of which the fastest counts. On large ones it
/// runs once: the original's crm_diff then takes minutes.
const ROUNDS: usize = 3;

/// What is measured. FILE is the CIB, OTHER one with a resource more and one changed.
const COMMANDS: [(&str, &[&str]); 9] = [
    ("query", &["cibadmin", "-Q"]),
    ("section", &["cibadmin", "-Q", "-o", "constraints"]),
    (
        "xpath",
        &["cibadmin", "-Q", "-A", "//primitive[@id='rsc7']"],
    ),
    (
        "modify",
        &[
            "cibadmin",
            "-M",
            "-X",
            "<nvpair id='rsc7-i-1' value='changed'/>",
        ],
    ),
    ("digest", &["cibadmin", "-6", "-x", "FILE"]),
    ("verify", &["crm_verify", "-x", "FILE"]),
    ("status", &["crm_mon", "-1r"]),
    ("status-x", &["crm_mon", "--output-as=xml"]),
    ("diff", &["crm_diff", "-u", "-o", "FILE", "-n", "OTHER"]),
];

/// User time in milliseconds and peak memory in kilobytes.
#[derive(Debug, Clone, Copy)]
struct Cost {
    user_ms: f64,
    memory_kb: i64,
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(words) = std::env::var_os("EVERBEAT_BENCH_ONE") {
        return measured_child(&words.to_string_lossy());
    }
    let tools = folder.path().join("bin");
    fs::create_dir(&tools).expect("a folder");
    let program = std::env::var_os("EVERBEAT_BENCH_PROGRAM")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_everbeat").into());
    for tool in ["cibadmin", "crm_diff", "crm_mon", "crm_verify"] {
        symlink(&program, tools.join(tool)).expect("a link");
    }
    println!(
        "{:>9} {:8} {:>22} {:>22}   ratios",
        "resources", "", "original", "everbeat"
    );
    for count in [10, 1000, 20_000] {
        let files = [("cib.xml", false), ("other.xml", true)].map(|(name, other)| {
            let path = folder.path().join(name);
            fs::write(&path, cib(count, other)).expect("a file");
            path
        });
        for (name, words) in COMMANDS {
            let theirs = cost(Path::new("/usr/sbin"), words, &files);
            let ours = cost(&tools, words, &files);
            println!(
                "{count:9} {name:8} {:>9.0} ms {:>7} kB {:>9.0} ms {:>7} kB   \
                 time {:.2} memory {:.2}",
                theirs.user_ms,
                theirs.memory_kb,
                ours.user_ms,
                ours.memory_kb,
                ours.user_ms / theirs.user_ms.max(1.0),
                ours.memory_kb as f64 / theirs.memory_kb as f64,
            );
        }
    }
}

/// Each command runs as the only child of a process of its own, whose usage is then the child's.
fn cost(tools: &Path, words: &[&str], files: &[PathBuf; 2]) -> Cost {
    let text = |path: &Path| path.display().to_string();
    let words: Vec<String> = words
        .iter()
        .map(|word| match *word {
            "FILE" => text(&files[0]),
            "OTHER" => text(&files[1]),
            word => word.to_owned(),
        })
        .collect();
    let program = tools.join(&words[0]).display().to_string();
    let line = std::iter::once(program).chain(words.into_iter().skip(1));
    let line = line.collect::<Vec<_>>().join("\x1f");
    let large = fs::metadata(&files[0]).is_ok_and(|data| data.len() > 5_000_000);
    let rounds = if large { 1 } else { ROUNDS };
    let costs = (0..rounds).map(|_| {
        let copy = files[0].with_file_name("copy.xml");
        fs::copy(&files[0], &copy).expect("a copy");
        let out = Command::new(std::env::current_exe().expect("this program"))
            .env("EVERBEAT_BENCH_ONE", &line)
            .env("CIB_file", &copy)
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        let mut numbers = said
            .split_whitespace()
            .map(|n| n.parse().expect("a number"));
        Cost {
            user_ms: numbers.next().expect("the time"),
            memory_kb: numbers.next().expect("the memory") as i64,
        }
    });
    costs
        .min_by(|a, b| a.user_ms.total_cmp(&b.user_ms))
        .expect("rounds")
}

fn measured_child(line: &str) {
    let mut words = line.split('\x1f');
    let status = Command::new(words.next().expect("a program"))
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("it runs");
    assert!(
        matches!(status.code(), Some(0 | 1 | 78)),
        "{line}: {status}"
    );
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the usage");
    let micros = usage.user_time().num_microseconds();
    println!("{} {}", micros as f64 / 1000.0, usage.max_rss());
}

fn cib(resources: usize, other: bool) -> String {
    let mut text = String::from(
        "<cib crm_feature_set=\"3.16.1\" validate-with=\"pacemaker-3.9\" epoch=\"1\" \
         num_updates=\"0\" admin_epoch=\"0\"><configuration><crm_config/><nodes>\
         <node id=\"1\" uname=\"n1\"/></nodes><resources>\n",
    );
    for i in 0..resources + usize::from(other) {
        let value = if other && i == 3 { "other" } else { "plain" };
        text += &format!(
            "  <primitive id=\"rsc{i}\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\">\n    \
             <instance_attributes id=\"rsc{i}-i\">\n      \
             <nvpair id=\"rsc{i}-i-1\" name=\"state\" value=\"/run/dummy-{i}\"/>\n      \
             <nvpair id=\"rsc{i}-i-2\" name=\"fake\" value=\"{value} &amp; {i}\"/>\n    \
             </instance_attributes>\n    <operations>\n      \
             <op id=\"rsc{i}-monitor-10s\" name=\"monitor\" interval=\"10s\" \
             timeout=\"20s\"/>\n      \
             <op id=\"rsc{i}-start-0\" name=\"start\" interval=\"0\" timeout=\"20s\"/>\n    \
             </operations>\n    <meta_attributes id=\"rsc{i}-m\">\n      \
             <nvpair id=\"rsc{i}-m-1\" name=\"priority\" value=\"1\"/>\n    \
             </meta_attributes>\n  </primitive>\n"
        );
    }
    text += "</resources><constraints/></configuration><status/></cib>\n";
    text
}
