//! Plans for the published configurations: the originals take them, and they start what
//! ResourceManager would have started, there and in that order.
//!
//! `migrate.txt` has the plans in short; UPDATE=1 writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use everbeat::cib;
use everbeat::config::corosync_conf;
use everbeat::config::diagnostic::{Severity, has_errors};
use everbeat::config::ha_cf::CrmMode;
use everbeat::config::host::DistantHost;
use everbeat::config::source::Source;
use everbeat::migrate::{NodeFiles, Plan, plan, report};
use everbeat::scheduler::simulation::{Request, simulate};

/// A configuration of the corpus: the files of one origin, or one file alone.
struct Case {
    name: String,
    files: NodeFiles,
}

fn corpus() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if dir.join("sets.tsv").is_file() {
        return Some(dir);
    }
    println!("skipped: the corpus of published files is not at ../shared/corpus");
    None
}

fn cases(dir: &Path) -> Vec<Case> {
    let sets = std::fs::read_to_string(dir.join("sets.tsv")).expect("sets.tsv");
    let mut groups: Vec<Vec<String>> = Vec::new();
    for row in sets.lines().skip(1) {
        let files = row.split('\t').nth(1).unwrap_or("");
        let files = files.split(' ').map(str::to_owned);
        let ours = |f: &String| {
            ["ha.cf/", "hares", "authk"]
                .iter()
                .any(|k| f.starts_with(k))
        };
        groups.push(files.filter(ours).collect());
    }
    let mut alone = Vec::new();
    for kind in ["ha.cf", "haresources"] {
        let entries = std::fs::read_dir(dir.join(kind)).expect("a folder of the corpus");
        let names = entries.map(|e| e.expect("an entry").file_name());
        alone.extend(names.map(|n| format!("{kind}/{}", n.to_string_lossy())));
    }
    alone.sort();
    let known: Vec<String> = groups.iter().flatten().cloned().collect();
    alone.retain(|f| !known.contains(f));
    groups.extend(alone.into_iter().map(|f| vec![f]));
    let plain = |g: &Vec<String>| g.iter().any(|f| !f.starts_with("authkeys"));
    let groups = groups.into_iter().filter(plain);
    groups.map(|files| case(dir, &files)).collect()
}

fn case(dir: &Path, names: &[String]) -> Case {
    let mut files = NodeFiles::default();
    for name in names {
        let bytes = std::fs::read(dir.join(name)).expect("a file of the corpus");
        let source = Source::from_bytes(name, &bytes);
        files = match name.split('/').next() {
            Some("ha.cf") => files.with_ha_cf(source, &DistantHost::default()),
            Some("haresources") => files.with_haresources(source),
            _ => files.with_authkeys(source),
        };
    }
    let name = names.join(" ");
    Case { name, files }
}

fn planned(case: &Case) -> Plan {
    plan(std::slice::from_ref(&case.files), &DistantHost::default())
}

#[test]
fn plans_of_the_published_files() {
    let Some(dir) = corpus() else { return };
    let mut text = String::new();
    for case in cases(&dir) {
        let plan = planned(&case);
        let _ = writeln!(text, "{}", case.name);
        for node in &plan.nodes {
            let _ = writeln!(text, "  node {} {} {}", node.id, node.name, node.address);
        }
        for line in &plan.lines {
            let counts = (line.changes.len(), line.decide.len());
            let place = format!(
                "{}:{}",
                line.file.split('/').next().unwrap_or(""),
                line.line
            );
            let _ = writeln!(text, "  {place} {counts:?} {}", line.became);
        }
        let _ = writeln!(text, "  open: {}", plan.open());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/migrate.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &text).expect("tests are writable");
    }
    let golden = std::fs::read_to_string(&file).expect("migrate.txt");
    assert_eq!(golden, text, "UPDATE=1 writes it anew");
}

#[test]
fn each_line_that_says_something_is_told_once() {
    let Some(dir) = corpus() else { return };
    for case in cases(&dir) {
        let plan = planned(&case);
        let Some((_, source)) = &case.files.ha_cf else {
            continue;
        };
        let says = |l: &str| !l.trim().is_empty() && !l.trim_start().starts_with('#');
        let lines = source.text().lines().enumerate();
        let expected: Vec<_> = lines.filter(|(_, l)| says(l)).map(|(i, _)| i + 1).collect();
        let of_file = |l: &&everbeat::migrate::Line| l.file.starts_with("ha.cf");
        let told: Vec<_> = plan.lines.iter().filter(of_file).map(|l| l.line).collect();
        assert_eq!(told, expected, "{}", case.name);
        assert!(
            plan.lines.iter().all(|l| !l.became.is_empty()),
            "{}",
            case.name
        );
    }
}

#[test]
fn our_own_reader_takes_each_ring() {
    let Some(dir) = corpus() else { return };
    for case in cases(&dir) {
        let Some(text) = planned(&case).corosync_conf else {
            continue;
        };
        let (_, found) = corosync_conf::read_all(&Source::new("corosync.conf", &text));
        let bad = found.iter().filter(|d| d.severity > Severity::Note);
        // Placeholders and tiny dead times are told in the plan, too.
        let bad: Vec<_> = bad.map(ToString::to_string).collect();
        assert!(!has_errors(&found), "{}: {bad:?}\n{text}", case.name);
    }
}

#[test]
fn secrets_of_authkeys_are_not_in_the_report() {
    let source = Source::new("authkeys", "auth 1\n1 sha1 VerySecret\n");
    let files = NodeFiles::default().with_authkeys(source);
    let ha_cf = Source::new("ha.cf", "node a b\nbcast eth0\n");
    let plan = plan(
        &[files.with_ha_cf(ha_cf, &DistantHost::default())],
        &DistantHost::default(),
    );
    let json = serde_json::to_string(&plan).expect("a plan is JSON");
    for text in [report::text(&plan), report::html(&plan), json] {
        assert!(!text.contains("VerySecret"), "{text}");
    }
}

/// The CIB with all its nodes up, nothing running.
fn all_up(plan: &Plan) -> Option<cib::Document> {
    let mut doc = cib::read(plan.cib.as_deref()?).expect("our own CIB");
    let root = doc.root();
    doc.set_attr(root, "have-quorum", "1");
    let status = doc.last_node(root).expect("a CIB has a status");
    for node in &plan.nodes {
        let id = node.id.to_string();
        let attrs = [
            ("id", id.as_str()),
            ("uname", &node.name),
            ("in_ccm", "true"),
            ("crmd", "online"),
            ("join", "member"),
            ("expected", "member"),
        ];
        doc.add_element(status, "node_state", &attrs);
    }
    Some(doc)
}

/// `Resource action: X start on N`, in order.
fn starts(report: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let rest = line.trim().strip_prefix("* Resource action: ")?;
        let words: Vec<_> = rest.split_whitespace().collect();
        match words.as_slice() {
            [resource, "start", "on", node] => Some(((*resource).into(), (*node).into())),
            _ => None,
        }
    };
    report.lines().filter_map(line).collect()
}

/// `Start X ( N )` of the summary, in order.
fn scheduled(report: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let rest = line.trim().strip_prefix("* Start ")?;
        match rest.split_whitespace().collect::<Vec<_>>().as_slice() {
            [resource, "(", node, ")"] => Some(((*resource).into(), (*node).into())),
            _ => None,
        }
    };
    report.lines().filter_map(line).collect()
}

/// What ResourceManager does at the start of all nodes: each line from left to right on its node.
fn resource_manager(case: &Case, plan: &Plan) -> BTreeMap<String, Vec<(String, usize)>> {
    let mut wanted: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    let groups = case.files.haresources.iter().flat_map(|(h, _)| &h.groups);
    for (at, group) in groups.enumerate() {
        if plan.nodes.iter().any(|n| n.name == group.node.as_str()) {
            let entry = wanted.entry(group.node.to_string()).or_default();
            entry.push((format!("line {at}"), group.resources.len()));
        }
    }
    wanted
}

/// Each group's members in their order on the preferred node, all of them, no other resource.
fn holds(case: &Case, plan: &Plan, starts: &[(String, String)]) {
    let doc = cib::read(plan.cib.as_deref().expect("a CIB")).expect("our own CIB");
    let mut groups = Vec::new();
    let mut stack = vec![doc.root()];
    while let Some(node) = stack.pop() {
        if doc.name(node) == "group" {
            groups.push(node);
        }
        let mut child = doc.first_node(node);
        while let Some(node) = child {
            stack.push(node);
            child = doc.next_node(node);
        }
    }
    groups.sort_by_key(|g| g.index());
    let lines: Vec<_> = case
        .files
        .haresources
        .iter()
        .flat_map(|(h, _)| &h.groups)
        .collect();
    assert_eq!(groups.len(), lines.len(), "{}", case.name);
    for (group, line) in groups.iter().zip(lines) {
        let mut members = Vec::new();
        let mut child = doc.first_node(*group);
        while let Some(node) = child {
            members.extend(doc.id(node).map(str::to_owned));
            child = doc.next_node(node);
        }
        assert_eq!(members.len(), line.resources.len());
        let ours: Vec<_> = starts.iter().filter(|(r, _)| members.contains(r)).collect();
        let order: Vec<_> = ours.iter().map(|(r, _)| r).collect();
        assert_eq!(order, members.iter().collect::<Vec<_>>(), "{}", case.name);
        let known = plan.nodes.iter().any(|n| n.name == line.node.as_str());
        let on = ours.iter().all(|(_, n)| *n == line.node.as_str());
        assert!(on || !known, "{}: {ours:?} for {}", case.name, line.node);
    }
}

#[test]
fn groups_start_where_and_as_resource_manager_starts_them() {
    let Some(dir) = corpus() else { return };
    let mut checked = 0;
    for case in cases(&dir) {
        let plan = planned(&case);
        let v1 = case
            .files
            .ha_cf
            .as_ref()
            .is_none_or(|(h, _)| h.crm == CrmMode::Off);
        let Some(doc) = all_up(&plan).filter(|_| v1) else {
            continue;
        };
        let request = Request {
            simulate: true,
            run: true,
            ..Request::default()
        };
        let ours = simulate(&doc, &request);
        assert!(
            ours.complete && ours.errors.is_empty(),
            "{}: {:?}",
            case.name,
            ours.errors
        );
        holds(&case, &plan, &starts(&ours.text));
        let expected: usize = resource_manager(&case, &plan)
            .values()
            .flatten()
            .map(|g| g.1)
            .sum();
        checked += expected;
    }
    println!("{checked} resources start on the node of their line, in its order");
    assert!(checked > 20);
}

#[test]
fn the_originals_take_the_cib_and_start_the_same() {
    let Some(dir) = corpus() else { return };
    if Command::new("crm_verify")
        .arg("--version")
        .output()
        .is_err()
    {
        println!("skipped: pacemaker's tools are not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (mut checked, mut executed) = (0, 0);
    for case in cases(&dir) {
        let plan = planned(&case);
        let v1 = case
            .files
            .ha_cf
            .as_ref()
            .is_none_or(|(h, _)| h.crm == CrmMode::Off);
        let Some(doc) = all_up(&plan).filter(|_| v1) else {
            continue;
        };
        let file = folder.path().join("cib.xml");
        std::fs::write(&file, cib::writer::pretty(&doc, doc.root())).expect("written");
        let tool = |name: &str, args: &[&str]| {
            let output = Command::new(name)
                .args(args)
                .arg(&file)
                .output()
                .expect(name);
            let both = [output.stdout, output.stderr].concat();
            (
                output.status.success(),
                String::from_utf8_lossy(&both).into_owned(),
            )
        };
        let (taken, said) = tool("crm_verify", &["-V", "-x"]);
        assert!(taken, "{}: {said}", case.name);
        let (_, report) = tool("crm_simulate", &["-S", "-x"]);
        // Pacemaker's own simulator can't execute the class heartbeat, but schedules it.
        let executes = !report.contains("Invalid class for ");
        let made = if executes {
            starts(&report)
        } else {
            scheduled(&report)
        };
        holds(&case, &plan, &made);
        executed += usize::from(executes);
        checked += 1;
    }
    println!("{checked} CIBs: crm_verify takes them, crm_simulate executes {executed} in order");
    assert!(checked > 20);
}
