//! A report made from what a real heartbeat tells through its API.
//!
//! It knows less: no times, no software, of resources only which sides this node holds.

use std::path::Path;
use std::time::Duration;

use super::super::client::{Error, Link, SOCKET, Session};
use crate::daemons::report::{LinkReport, NodeReport, Report};
use crate::runtime::pidfile;

const LIMIT: Duration = Duration::from_secs(5);

/// Asks the daemon.
pub fn report() -> Result<Report, Error> {
    let mut session = Session::open(Path::new(SOCKET), LIMIT)?;
    let mut report = from_session(&mut session)?;
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
    fn a_cluster_under_the_crm_has_no_word_for_resources() {
        let mut session = Session::over(fake::daemon(&["getrsc"]).0, fake::LIMIT).unwrap();
        assert_eq!(from_session(&mut session).unwrap().resources_held, "");
    }
}
