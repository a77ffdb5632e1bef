//! crm_mon, the original's and ours, over published CIBs and recorded ones.
//!
//! Both get the same command line and the same `CIB_file`; output, errors and exit code are
//! compared. The time of the report is masked: it is that of the run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::api;
use crate::cib::Share;
use crate::shells::FORKED;

const LINES: &str = include_str!("mon_lines.txt");

const ORIGINAL: &str = "/usr/sbin";

/// Lines on standard error that only one of the two prints, and why.
const SPOKEN_BY_ONE: &[(&str, &str)] = &[
    (
        "crm_mon: nothing starts: fencing is required",
        "ours says why nothing starts; on standard error, so that no parser sees it",
    ),
    (
        "Error outputting status info from the fencer or CIB",
        "the original says so after each one-line warning that it has just printed",
    ),
];

#[derive(Debug, PartialEq, Eq)]
struct Ran {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

struct Tools {
    _folder: tempfile::TempDir,
    ours: PathBuf,
}

impl Tools {
    /// None where the original is not installed.
    fn new() -> Option<Self> {
        if !Path::new(ORIGINAL).join("crm_mon").exists() {
            println!("SKIPPED: pacemaker's tools are not installed");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let ours = folder.path().join("bin");
        fs::create_dir(&ours).unwrap();
        for tool in ["crm_mon", "crm_node", "crmadmin"] {
            symlink(env!("CARGO_BIN_EXE_everbeat"), ours.join(tool)).unwrap();
        }
        let _folder = folder;
        Some(Self { _folder, ours })
    }

    fn both(&self, line: &str, file: Option<&Path>) -> (Ran, Ran) {
        self.both_of("crm_mon", line, file)
    }

    fn both_of(&self, tool: &str, line: &str, file: Option<&Path>) -> (Ran, Ran) {
        let line = format!("{tool} {line}");
        (
            run(Path::new(ORIGINAL), &line, file),
            run(&self.ours, &line, file),
        )
    }
}

fn run(tools: &Path, line: &str, file: Option<&Path>) -> Ran {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("exec {line}")])
        .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
        .env("LC_ALL", "C")
        .env("TZ", "Asia/Kolkata")
        .env_remove("CIB_file")
        .env_remove("CIB_shadow")
        .stdin(Stdio::null());
    if let Some(file) = file {
        command.env("CIB_file", file);
    }
    let out = command.output().expect("sh runs");
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    let shared = |l: &&str| !SPOKEN_BY_ONE.iter().any(|(start, _)| l.starts_with(start));
    let stderr: Vec<&str> = stderr.lines().filter(shared).collect();
    // The help that goes before a complaint is a text of its own.
    let stderr = match stderr
        .iter()
        .any(|l| l.starts_with("Usage: ") || *l == "Usage:")
    {
        true => stderr.last().copied().unwrap_or("").to_owned(),
        false => stderr.join("\n"),
    };
    Ran {
        stdout: masked(&String::from_utf8_lossy(&out.stdout)),
        stderr,
        code: out.status.code(),
    }
}

/// Without the time of the report.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let own = ["Last updated: ", "<last_update time="];
        let place = own.iter().find_map(|mark| line.find(mark));
        out.push_str(place.map_or(line, |at| &line[..at]));
        out.push('\n');
    }
    out
}

/// CIBs that are valid by their schema: what isn't is for the tests of the schema.
fn files(step: usize) -> Vec<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let mut files = Vec::new();
    for (folder, step) in [("corpus/cib", 1), ("conformance/scheduler/cases/xml", step)] {
        let Ok(entries) = fs::read_dir(shared.join(folder)) else {
            continue;
        };
        let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        found.retain(|path| path.extension().is_some_and(|e| e == "xml"));
        found.sort();
        files.extend(found.into_iter().step_by(step));
    }
    // The original says on standard error what it changes while it upgrades.
    files.retain(|file| {
        let ran = run(Path::new(ORIGINAL), "crm_mon -1", Some(file));
        !ran.stdout.is_empty() && ran.stderr.is_empty()
    });
    files
}

fn difference(a: &Ran, b: &Ran) -> String {
    let mut what = String::new();
    if a.code != b.code {
        what += &format!("  exit code {:?} {:?}\n", a.code, b.code);
    }
    for (a, b) in [(&a.stdout, &b.stdout), (&a.stderr, &b.stderr)] {
        if a == b {
            continue;
        }
        let (mut theirs, mut ours) = (a.lines(), b.lines());
        loop {
            let (x, y) = (theirs.next(), ours.next());
            if x != y {
                let text = |line: Option<&str>| line.unwrap_or("(nothing)").to_owned();
                what += &format!("  theirs: {}\n  ours:   {}\n", text(x), text(y));
                break;
            }
        }
    }
    what
}

fn compare(share: Share) {
    let Some(tools) = Tools::new() else { return };
    let files = files(share.files);
    if files.is_empty() {
        println!("SKIPPED: there are no CIBs in ../shared");
        return;
    }
    let (mut same, mut differences) = (0, Vec::new());
    for (index, file) in files.iter().enumerate() {
        let lines = LINES.lines().filter(|line| !line.starts_with('#'));
        for (_, line) in lines.enumerate().filter(|(at, _)| share.has(index, *at)) {
            let (theirs, ours) = tools.both(line, Some(file));
            if theirs == ours {
                same += 1;
                continue;
            }
            let what = difference(&theirs, &ours);
            differences.push(format!("crm_mon {line}\n  {}\n{what}", file.display()));
        }
    }
    println!(
        "{} files: {same} the same, {} different",
        files.len(),
        differences.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_status_is_shown_as_the_original_shows_it() {
    compare(Share {
        files: 40,
        lines: 3,
    });
}

#[test]
#[ignore = "full matrix: every fourth recorded CIB takes minutes"]
fn the_status_of_many_clusters_is_shown_as_the_original_shows_it() {
    compare(Share { files: 4, lines: 1 });
}

/// Failures without keys, bans of promotion, and bans by a rule of which all has to hold.
#[test]
fn what_few_clusters_have_is_shown_as_the_original_shows_it() {
    let Some(tools) = Tools::new() else { return };
    let cases = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/conformance/scheduler/cases/xml"
    );
    for name in ["994.xml", "bug-cl-5213.xml", "interleave-2.xml"] {
        let file = Path::new(cases).join(name);
        if !file.exists() {
            println!("SKIPPED: there is no {name} in ../shared");
            continue;
        }
        for line in ["-1nR", "-1L", "-X --inactive"] {
            let (theirs, ours) = tools.both(line, Some(&file));
            assert_eq!(theirs, ours, "crm_mon {line}: {name}");
        }
    }
}

#[test]
fn without_a_cluster_both_say_so() {
    let Some(tools) = Tools::new() else { return };
    for line in ["-1", "-s", "--output-as=xml", "-1 -r"] {
        let (theirs, ours) = tools.both(line, None);
        if theirs.code == Some(0) {
            println!("SKIPPED: a cluster runs here");
            return;
        }
        assert_eq!(theirs, ours, "crm_mon {line}");
    }
    let nowhere = Path::new("/nonexistent/cib.xml");
    for line in ["-1", "--output-as=xml"] {
        let (theirs, ours) = tools.both(line, Some(nowhere));
        assert_eq!(theirs, ours, "crm_mon {line}");
    }
}

#[test]
fn crmadmin_answers_as_the_original() {
    let Some(tools) = Tools::new() else { return };
    let lines = [
        "-N",
        "-N cluster",
        "-N guest,remote",
        "--nodes=all",
        "-N bogus",
        "-qN",
        "-BN",
        "-N --output-as=xml",
        "-N --output-as=xml -B",
        "-D -N",
        "--bogus",
    ];
    for file in files(40) {
        for line in lines {
            let (theirs, ours) = tools.both_of("crmadmin", line, Some(&file));
            assert_eq!(theirs, ours, "crmadmin {line}: {}", file.display());
        }
    }
    for line in ["-N", "-D", "-P", "-S node1", "-qD", "-P --output-as=xml"] {
        let (theirs, ours) = tools.both_of("crmadmin", line, None);
        assert_eq!(theirs, ours, "crmadmin {line}");
    }
}

#[test]
fn crm_node_answers_as_the_original() {
    let Some(tools) = Tools::new() else { return };
    let lines = [
        "-l",
        "-p",
        "-i",
        "-q",
        "-n",
        "-N 1",
        "-N",
        "-R",
        "-R x",
        "-R x -f",
        "--remove=x",
        "--bogus",
        "-n -l",
        "-l -V",
        "-Q -l",
        "--output-as=xml",
        "-l extra",
    ];
    for line in lines {
        let (theirs, ours) = tools.both_of("crm_node", line, None);
        assert_eq!(theirs, ours, "crm_node {line}");
    }
    let (theirs, ours) =
        tools.both_of("env OCF_RESKEY_CRM_meta_on_node=guest crm_node", "-n", None);
    assert_eq!(theirs, ours, "crm_node -n of an agent");
}

#[test]
fn a_pipe_may_be_the_file() {
    let Some(tools) = Tools::new() else { return };
    let Some(file) = files(100).pop() else { return };
    let line = format!("CIB_file=<(cat {}) crm_mon -1r", file.display());
    let path = format!("{}:/usr/bin:/bin", tools.ours.display());
    let mut piped = Command::new("bash");
    let piped = piped.args(["-c", &line]).env("PATH", path).output();
    let piped = piped.expect("bash runs").stdout;
    let plain = Command::new(tools.ours.join("crm_mon"))
        .arg("-1r")
        .env("CIB_file", &file)
        .output();
    let plain = plain.expect("crm_mon runs").stdout;
    let text = |bytes: &[u8]| masked(&String::from_utf8_lossy(bytes));
    assert!(text(&plain).contains("Full List of Resources:"));
    assert_eq!(text(&piped), text(&plain));
}

#[test]
fn xml_is_valid_by_the_published_schema() {
    let Some(tools) = Tools::new() else { return };
    if !api::can_check() {
        return;
    }
    let files = files(20);
    for file in &files {
        let ran = run(&tools.ours, "crm_mon --output-as=xml", Some(file));
        // What is masked was a whole element.
        let text = ran
            .stdout
            .replace("    \n", "    <last_update time=\"now\"/>\n");
        api::assert_valid(&text, file);
    }
    println!("{} documents are valid", files.len());
}

#[test]
fn crmsh_shows_the_same_status_with_either() {
    let Some(tools) = Tools::new() else { return };
    if !Path::new("/usr/sbin/crm").exists() {
        println!("SKIPPED: crmsh is not installed");
        return;
    }
    let words = ["", "full", "bynode inactive", "brief noheaders", "xml"];
    let home = tempfile::tempdir().expect("a folder");
    let list = home.path().join("lines");
    fs::write(
        &list,
        words.map(|words| format!("crm status {words}\n")).concat(),
    )
    .unwrap();
    let status = |first: &Path, file: &Path| -> Vec<String> {
        let path = format!("{}:/usr/sbin:/usr/bin:/bin", first.display());
        let out = Command::new("/usr/bin/python3")
            .args([FORKED.as_ref(), Path::new("crm"), &list])
            .env("PATH", path)
            .env("CIB_file", file)
            .env("HOME", home.path())
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .expect("crm runs");
        let said = masked(&String::from_utf8_lossy(&out.stdout));
        let lines = said.lines().filter(|l| !l.contains(" request=\""));
        lines.map(str::to_owned).collect()
    };
    for file in files(150) {
        let theirs = status(Path::new(ORIGINAL), &file);
        let last = words[words.len() - 1];
        assert!(
            theirs.contains(&format!("$ crm status {last}")),
            "{theirs:?}"
        );
        assert_eq!(theirs, status(&tools.ours, &file), "{}", file.display());
    }
}
