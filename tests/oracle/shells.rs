//! crmsh and pcs over a configuration in a file, with the original's tools and with ours.
//!
//! Each command is a process of its own, forked from one that has read the shell's modules: to
//! read them anew takes longer than what most commands do.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cib::{ORIGINAL, Place};

/// Those that stand in the original's place for pcs, which looks nowhere else.
const PCS_TOOLS: [&str; 13] = [
    "stonith_admin",
    "crm_mon",
    "crm_simulate",
    "crmadmin",
    "cibadmin",
    "crm_diff",
    "crm_shadow",
    "crm_attribute",
    "crm_node",
    "crm_resource",
    "crm_rule",
    "crm_ticket",
    "crm_verify",
];

const DAEMONS: [&str; 4] = ["based", "controld", "fenced", "schedulerd"];

/// What is run by the interpreter that Debian's pcs and crmsh name: SHELL LIST.
pub(super) const FORKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/forked.py");

/// What was said, and what the file is then.
struct Told {
    said: String,
    file: String,
}

/// Runs the lines with the original's tools and ours at once, each with a folder of its own,
/// and compares what they said and wrote; the latter.
fn compare(shell: &str, lines: &str, command: impl Fn(&Place, bool) -> Command + Sync) -> String {
    let run = |is_ours: bool| {
        let place = Place::new();
        let (file, list) = (place.path("shell.xml"), place.path("lines"));
        fs::write(&list, lines).expect("a list");
        let out = command(&place, is_ours)
            .args([FORKED.as_ref(), Path::new(shell), &list])
            .env("NEW", &file)
            .env("CIB_file", &file)
            .env("CIB_shadow_dir", place.path(""))
            .env("HOME", place.path(""))
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let folder = place.path("").display().to_string();
        let plain = |text: String| text.replace(&folder, "FOLDER/");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Told {
            said: plain(text(&out.stdout) + &text(&out.stderr)),
            file: plain(fs::read_to_string(&file).expect("a configuration")),
        }
    };
    let (theirs, ours) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| run(false));
        let ours = run(true);
        (theirs.join().expect("the original's"), ours)
    });
    let was_run = |line: &&str| ours.said.contains(&format!("$ {line}\n"));
    assert_eq!(lines.lines().find(|line| !was_run(line)), None, "not run");
    same_but_for_times(&theirs.said, &ours.said);
    same_but_for_times(&theirs.file, &ours.file);
    ours.file
}

/// Compares what two runs said, without what tells when and as which process they ran; the
/// first lines that differ, each with the last command before it, are the complaint.
fn same_but_for_times(theirs: &str, ours: &str) {
    let number = regex::Regex::new(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d|\[\d+\]|shadow\.\d+");
    let number = number.expect("a pattern");
    let plain = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| {
            let now = [
                "Last updated:",
                "<last_update time=",
                "request=\"",
                "api-version",
            ];
            !now.iter().any(|mark| line.contains(mark))
        });
        lines
            .map(|line| number.replace_all(line, "NOW").into_owned())
            .collect()
    };
    let (theirs, ours) = (plain(theirs), plain(ours));
    let place = theirs.iter().zip(&ours).position(|(a, b)| a != b);
    let place = place.or((theirs.len() != ours.len()).then(|| theirs.len().min(ours.len())));
    if let Some(place) = place {
        let around = |lines: &[String]| {
            let from = place.saturating_sub(12).min(lines.len());
            lines[from..(place + 6).min(lines.len())].join("\n  ")
        };
        panic!("theirs:\n  {}\nours:\n  {}", around(&theirs), around(&ours));
    }
}

/// What crmsh makes of a configuration with our tools first in its path.
#[test]
fn crmsh_works_with_them() {
    if !Path::new("/usr/sbin/crm").exists() {
        println!("SKIPPED: crmsh is not installed");
        return;
    }
    let lines = include_str!("crm_lines.txt");
    let file = compare("crm", lines, |place, is_ours| {
        let tools = match is_ours {
            true => place.tools.as_path(),
            false => Path::new(ORIGINAL),
        };
        let mut command = Command::new("/usr/bin/python3");
        let path = format!("{}:/usr/sbin:/usr/bin:/bin", tools.display());
        command.env("PATH", path);
        command
    });
    assert!(file.contains("rsc_order"), "{file}");
}

/// What pcs makes of a configuration with our tools in the place of the original's.
#[test]
fn pcs_works_with_them() {
    let private = || Command::new("unshare").args(["-m", "true"]).status();
    if !Path::new("/usr/sbin/pcs").exists() || !private().is_ok_and(|s| s.success()) {
        println!("SKIPPED: pcs is not installed, or there is no right to mount");
        return;
    }
    let lines = include_str!("pcs_lines.txt");
    let file = compare("pcs", lines, |place, is_ours| {
        let program = fs::read_link(place.tools.join("cibadmin")).unwrap();
        let mount = |path: String| format!("mount --bind {} {path} || exit\n", program.display());
        let tools = PCS_TOOLS.map(|tool| mount(format!("{ORIGINAL}/{tool}")));
        let daemon = |name| mount(format!("/usr/lib/pacemaker/pacemaker-{name}"));
        let before = match is_ours {
            true => tools.concat() + &DAEMONS.map(daemon).concat(),
            false => String::new(),
        };
        let mut command = Command::new("unshare");
        let script = format!("{before}exec /usr/bin/python3 -Es \"$@\"");
        command.args(["-m", "sh", "-c", &script, "sh"]);
        command
    });
    assert!(file.contains("rsc_order"), "{file}");
}
