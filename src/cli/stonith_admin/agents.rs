//! What needs no cluster: the agents of this machine.

use super::run::{Done, Failed, Job};
use crate::cli::crm::output::{Counted, Row, add_cdata, add_text};
use crate::cli::crm::{Output, code, fence_agents};
use crate::scheduler::report::page::Tag;

/// Devices, counted.
pub(super) fn devices(title: &str, names: Vec<String>, output: &mut Output) {
    let list = Counted {
        title,
        one: "fence device",
        many: "fence devices",
    };
    let row = |text| Row {
        kind: Some("device"),
        text,
        ..Row::default()
    };
    let rows: Vec<Row> = names.into_iter().map(row).collect();
    output.counted(&list, &rows);
}

pub(super) fn list(output: &mut Output) {
    devices("Installed fence devices", fence_agents::installed(), output);
}

pub(super) fn metadata(job: &Job<'_>, output: &mut Output) -> Done {
    let agent = job.line.value("agent").unwrap_or_default();
    let Some(text) = fence_agents::metadata(agent) else {
        let text = "Can't get fence agent meta-data: No such device";
        return Err(Failed(code::NOSUCH, Some(text.to_owned())));
    };
    output.page(&text);
    output.html(Tag::text("pre", &text).attr("lang", "xml"));
    if let Some(element) = output.element("metadata", &[])
        && let Some(doc) = output.document()
    {
        add_cdata(doc, element, &text);
    }
    Ok(())
}

pub(super) fn validate(job: &Job<'_>, output: &mut Output) -> Done {
    let agent = job.line.value("agent").unwrap_or_default();
    let found = fence_agents::validate(agent, &job.parameters, job.timeout);
    if let Some(complaint) = found.complaint {
        // On standard error in all forms, as the original's library has it.
        eprintln!("{complaint}");
    }
    let valid = found.code == 0;
    let word = if valid { "succeeded" } else { "failed" };
    let line = format!("Validation of {agent} {word}");
    output.text(&line);
    output.html(Tag::text("div", &line));
    output.html(Tag::text("h2", "Command Output"));
    output.html(Tag::text("div", format!("Return code: {}", found.code)));
    let sources = [("stdout", &found.stdout), ("stderr", &found.stderr)];
    for (source, text) in sources.iter().filter(|(_, text)| !text.is_empty()) {
        output.text(text);
        let title = if *source == "stdout" {
            "Stdout"
        } else {
            "Stderr"
        };
        output.html(Tag::text("div", title));
        output.html(Tag::text("div", *text).class("output"));
    }
    let attrs = [
        ("agent", agent),
        ("valid", if valid { "true" } else { "false" }),
    ];
    if let Some(element) = output.element("validate", &attrs)
        && let Some(doc) = output.document()
    {
        let code = found.code.to_string();
        let command = doc.add_element(element, "command", &[("code", &code)]);
        for (source, text) in sources.iter().filter(|(_, text)| !text.is_empty()) {
            let printed = doc.add_element(command, "output", &[("source", source)]);
            add_text(doc, printed, text);
        }
    }
    match -found.code {
        0 => Ok(()),
        nix::libc::ENOENT => Err(Failed(code::NOSUCH, None)),
        nix::libc::EOPNOTSUPP => Err(Failed(code::UNIMPLEMENTED, None)),
        nix::libc::ETIME => Err(Failed(code::TIMEOUT, None)),
        _ => Err(Failed(code::ERROR, None)),
    }
}
