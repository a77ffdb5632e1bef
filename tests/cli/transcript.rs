//! Transcripts: `$ TOOL ARGUMENTS`, what it prints (`! ` before lines of stderr), `= EXIT`.
//!
//! UPDATE=1 writes them anew.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs each command of a transcript and compares.
pub fn check(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli")
        .join(file);
    let expected = std::fs::read_to_string(&path).expect("the transcript");
    let commands = expected.lines().filter_map(|l| l.strip_prefix("$ "));
    let found: String = commands.map(record).collect();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, found).expect("written");
        return;
    }
    let pairs = found.lines().zip(expected.lines());
    if let Some((now, before)) = pairs.clone().find(|(now, before)| now != before) {
        let commands = pairs.take_while(|(now, before)| now == before);
        let command = commands.filter(|(now, _)| now.starts_with("$ ")).last();
        let command = command.map_or("the start", |(now, _)| now);
        panic!("{file}: {command}\n  was  {before:?}\n  now  {now:?}\nUPDATE=1 writes it anew");
    }
    assert_eq!(found.len(), expected.len(), "{file} ends elsewhere");
}

fn record(line: &str) -> String {
    let out = Command::new(assert_cmd::cargo::cargo_bin("everbeat"))
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    let mut text = format!("$ {line}\n{}", String::from_utf8_lossy(&out.stdout));
    for error in String::from_utf8_lossy(&out.stderr).lines() {
        let _ = writeln!(text, "! {}", without_stamp(error));
    }
    // The next version is no news.
    text = text.replace(
        concat!("everbeat ", env!("CARGO_PKG_VERSION")),
        "everbeat VERSION",
    );
    let code = out.status.code().map_or("signal".into(), |c| c.to_string());
    let _ = writeln!(text, "= {code}\n");
    text
}

/// `Nov 25 23:03:18 HOST TOOL: [PID]: TEXT` without what differs from run to run.
fn without_stamp(line: &str) -> String {
    let words: Vec<&str> = line.splitn(7, ' ').collect();
    match words.as_slice() {
        [_, _, time, _, tool, pid, text]
            if time.matches(':').count() == 2 && pid.starts_with('[') =>
        {
            format!("STAMP {tool} {text}")
        }
        _ => line.to_owned(),
    }
}
