//! A report made from what a real heartbeat tells through its API.
//!
//! It knows less: no times, no software, of resources only which sides this node holds. Which
//! groups that means is read from this machine's haresources.

use std::path::Path;
use std::time::Duration;

use super::super::client::{Error, Link, SOCKET, Session};
use crate::config::haresources;
use crate::config::source::Source;
use crate::daemons::report::{GroupReport, LinkReport, NodeReport, Report};
use crate::runtime::pidfile;

const LIMIT: Duration = Duration::from_secs(5);
const HARESOURCES: &str = "/etc/ha.d/haresources";

/// Asks the daemon.
pub fn report() -> Result<Report, Error> {
    let mut session = Session::open(Path::new(SOCKET), LIMIT)?;
    let mut report = from_session(&mut session)?;
    if let (Ok(source), false) = (
        Source::read(Path::new(HARESOURCES)),
        report.resources_held.is_empty(),
    ) {
        report.groups = groups(&source, &report.host, &report.resources_held);
    }
    if let Ok(pidfile::State::Running(pid)) = pidfile::look(Path::new(pidfile::PATH)) {
        report.pid = pid.unsigned_abs();
    }
    Ok(report)
}

fn from_session(session: &mut Session) -> Result<Report, Error> {
    let welcome = session.welcome();
    let word = |name: &str| welcome.text(name).unwrap_or_default().to_owned();
    let (host, version) = (word("node"), word("hbversion"));
    let dead_after_ms = welcome.hex("deadtime");
    let mut nodes = Vec::new();
    for node in session.nodes()? {
        let links = session.links(&node.name)?;
        nodes.push(NodeReport {
            links: links.into_iter().map(link).collect(),
            dead_after_ms: dead_after_ms.filter(|_| node.kind == "normal"),
            name: node.name,
            kind: node.kind,
            status: node.status,
            ..NodeReport::default()
        });
    }
    let own = nodes.iter().find(|n| n.name == host);
    let local_status = own.map(|n| n.status.clone()).unwrap_or_default();
    let held = match session.resources() {
        // With `crm on` the daemon knows nothing of resources.
        Err(Error::BadRequest(_)) => String::new(),
        other => other?,
    };
    Ok(Report {
        cluster: session.parameter("cluster")?.unwrap_or_default(),
        version: format!(
            "heartbeat {}",
            version.split(' ').next().unwrap_or_default()
        ),
        layer: "heartbeat".into(),
        resources_held: held,
        local_status,
        host,
        nodes,
        ..Report::default()
    })
}

/// The groups, and which of them this node holds; of others it isn't known who does.
fn groups(source: &Source, host: &str, held: &str) -> Vec<GroupReport> {
    let (model, _) = haresources::read_all(source);
    let group = |group: &haresources::Group| {
        let side = if group.node == *host {
            "local"
        } else {
            "foreign"
        };
        let here = held == "all" || held == side;
        let holder = here.then(|| host.to_owned());
        GroupReport {
            key: group.key().to_owned(),
            preferred: group.node.to_string(),
            resources: group
                .resources
                .iter()
                .map(|r| r.as_written.clone())
                .collect(),
            holders: holder.iter().cloned().collect(),
            holder,
            state: if here { "running" } else { "unknown" }.into(),
            ..GroupReport::default()
        }
    };
    model.groups.iter().map(group).collect()
}

fn link(link: Link) -> LinkReport {
    LinkReport {
        up: link.status == "up",
        name: link.name,
        ..LinkReport::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::client::fake;

    #[test]
    fn what_the_api_knows_is_in_the_report() {
        let mut session = Session::over(fake::daemon(&[]).0, fake::LIMIT).unwrap();
        let report = from_session(&mut session).unwrap();
        assert_eq!(
            (report.host.as_str(), report.version.as_str()),
            ("ta", "heartbeat 3.0.6")
        );
        assert_eq!(report.local_status, "active");
        assert_eq!(report.resources_held, "local");
        assert_eq!(report.nodes.len(), 3);
        assert_eq!(report.nodes[2].kind, "ping");
        assert!(report.nodes[1].links[0].up);
        assert_eq!(report.nodes[1].dead_after_ms, Some(4000));
    }

    #[test]
    fn which_groups_a_side_is_stands_in_haresources() {
        let source = Source::new("haresources", "ta 10.0.0.1 web\ntb 10.0.0.2\n");
        let of = |held: &str| {
            let groups = groups(&source, "ta", held);
            let holders = groups.iter().map(|g| g.holder.as_deref() == Some("ta"));
            holders.collect::<Vec<_>>()
        };
        assert_eq!(of("local"), [true, false]);
        assert_eq!(of("foreign"), [false, true]);
        assert_eq!(of("all"), [true, true]);
        assert_eq!(of("transition"), [false, false]);
        let first = &groups(&source, "ta", "local")[0];
        assert_eq!((first.key.as_str(), first.resources.len()), ("10.0.0.1", 2));
    }

    #[test]
    fn a_cluster_under_the_crm_has_no_word_for_resources() {
        let mut session = Session::over(fake::daemon(&["getrsc"]).0, fake::LIMIT).unwrap();
        assert_eq!(from_session(&mut session).unwrap().resources_held, "");
    }
}
