//! A plan as one HTML file that needs nothing else.

use std::fmt::Write;

use crate::migrate::plan::{Line, Plan};

/// Readable on paper and on screens of all widths, light and dark.
pub(in crate::migrate) const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--warn:#b45309;--change:#2563eb}
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2.2rem}
.sum{display:flex;gap:1rem;flex-wrap:wrap;margin:1rem 0}
.sum div{border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem}
.sum b{display:block;font-size:1.4rem}
table{border-collapse:collapse;width:100%}
td,th{border-top:1px solid var(--line);padding:.4rem .6rem;text-align:left;vertical-align:top}
td:first-child{color:#888;text-align:right;width:2.5rem}td:nth-child(2){width:40%}
code,pre{font:13px/1.45 ui-monospace,monospace;overflow-wrap:anywhere;white-space:pre-wrap}
pre{background:var(--soft);padding:1rem;border-radius:.5rem}
.change{color:var(--change)}.decide{color:var(--warn);font-weight:600}
li{margin:.4rem 0}summary{cursor:pointer;font-weight:600;margin-top:1rem}";

/// The plan as a page.
pub fn html(plan: &Plan) -> String {
    let mut out = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Migration plan</title>\n",
    );
    let _ = write!(out, "<style>\n{STYLE}\n</style>\n</head>\n<body>\n");
    out.push_str("<h1>From heartbeat to the CRM on a ring</h1>\n");
    summary(&mut out, plan);
    list(
        &mut out,
        "To be decided for the cluster",
        "decide",
        &plan.decide,
    );
    let open = plan.lines.iter().filter(|l| !l.decide.is_empty());
    let open: Vec<_> = open.flat_map(decisions).collect();
    list(&mut out, "To be decided for single lines", "decide", &open);
    list(
        &mut out,
        "What changes for the cluster",
        "change",
        &plan.changes,
    );
    for lines in plan.lines.chunk_by(|a, b| a.file == b.file) {
        table(&mut out, lines);
    }
    out.push_str("<h2>What is written</h2>\n");
    for (name, content) in [
        ("corosync.conf", &plan.corosync_conf),
        ("cluster.crm", &plan.crm),
        ("cib.xml", &plan.cib),
    ] {
        if let Some(content) = content {
            let open = if name == "cib.xml" { "" } else { " open" };
            let _ = write!(out, "<details{open}><summary>{name}</summary>\n<pre>");
            escape(&mut out, content);
            out.push_str("</pre></details>\n");
        }
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn summary(out: &mut String, plan: &Plan) {
    let changes = plan.changes.len() + plan.lines.iter().map(|l| l.changes.len()).sum::<usize>();
    out.push_str("<div class=\"sum\">\n");
    for (count, what) in [
        (plan.nodes.len(), "nodes"),
        (plan.lines.len(), "lines read"),
        (changes, "changes"),
        (plan.open(), "open decisions"),
    ] {
        let _ = writeln!(out, "<div><b>{count}</b>{what}</div>");
    }
    out.push_str("</div>\n");
}

fn decisions(line: &Line) -> impl Iterator<Item = String> {
    let place = format!("{}:{}", line.file, line.line);
    line.decide.iter().map(move |d| format!("{place}: {d}"))
}

fn list(out: &mut String, title: &str, class: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _ = write!(out, "<h2>{title}</h2>\n<ul>\n");
    for item in items {
        let _ = write!(out, "<li class=\"{class}\">");
        escape(out, item);
        out.push_str("</li>\n");
    }
    out.push_str("</ul>\n");
}

fn table(out: &mut String, lines: &[Line]) {
    let Some(first) = lines.first() else { return };
    out.push_str("<h2><code>");
    escape(out, &first.file);
    out.push_str("</code></h2>\n<table>\n");
    out.push_str("<tr><th></th><th>line</th><th>what became of it</th></tr>\n");
    for line in lines {
        let _ = write!(out, "<tr><td>{}</td><td><code>", line.line);
        escape(out, &line.text);
        out.push_str("</code></td><td>");
        escape(out, &line.became);
        for (class, texts) in [("change", &line.changes), ("decide", &line.decide)] {
            for text in texts {
                let _ = write!(out, "<div class=\"{class}\">");
                escape(out, text);
                out.push_str("</div>");
            }
        }
        out.push_str("</td></tr>\n");
    }
    out.push_str("</table>\n");
}

/// Text in a page.
pub(in crate::migrate) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_say_is_no_markup() {
        let plan = Plan {
            decide: vec!["<b>é & \"x\"</b>".into()],
            ..Plan::default()
        };
        let page = html(&plan);
        assert!(page.contains("&lt;b&gt;é &amp; &quot;x&quot;&lt;/b&gt;"));
        assert!(!page.contains("<b>é"));
    }
}
