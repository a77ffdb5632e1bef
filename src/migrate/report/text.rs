//! A plan as text for a terminal.

use std::fmt::Write;

use crate::migrate::plan::{Line, Plan};

/// The lines of each file, what changes, what must be decided.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let mut file = None;
    for line in &plan.lines {
        if file != Some(&line.file) {
            let _ = writeln!(
                out,
                "{}{}",
                if file.is_some() { "\n" } else { "" },
                line.file
            );
            file = Some(&line.file);
        }
        tell(&mut out, line);
    }
    list(&mut out, "What changes for the cluster", &plan.changes);
    list(
        &mut out,
        "What a person must decide about the cluster",
        &plan.decide,
    );
    for (name, content) in [
        ("corosync.conf", &plan.corosync_conf),
        ("cluster.crm", &plan.crm),
    ] {
        if let Some(content) = content {
            let _ = write!(out, "\n==> {name} <==\n{content}");
        }
    }
    let _ = match plan.open() {
        0 => writeln!(out, "\nNo decision is open."),
        1 => writeln!(out, "\n1 decision is open."),
        open => writeln!(out, "\n{open} decisions are open."),
    };
    out
}

fn tell(out: &mut String, line: &Line) {
    let _ = writeln!(
        out,
        "{:>5}  {}",
        line.line,
        line.text.replace('\n', "\n       ")
    );
    let _ = writeln!(out, "       -> {}", line.became);
    for text in &line.changes {
        let _ = writeln!(out, "       changes: {text}");
    }
    for text in &line.decide {
        let _ = writeln!(out, "       DECIDE:  {text}");
    }
}

fn list(out: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}:");
    for item in items {
        let _ = writeln!(out, "  * {item}");
    }
}
