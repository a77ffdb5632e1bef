//! Two services of a node that want the same UDP port.

use super::Understood;
use crate::config::corosync_conf::Transport;
use crate::config::diagnostic::{Diagnostic, Findings, Other, Severity};
use crate::config::source::Span;

/// Source: corosync 3.1.7, corosync.conf(5), mcastport
const DEFAULT_PORT: u16 = 5405;

/// heartbeat's ports against the ring's, which uses the one below its own, too.
///
/// Source: corosync 3.1.7, corosync.conf(5), mcastport
pub(super) fn of_set(set: &Understood) -> Vec<Diagnostic> {
    let (Some((ha_cf, source)), Some((ring, other))) = (&set.ha_cf, &set.corosync_conf) else {
        return Vec::new();
    };
    let mut found = Findings::new(source);
    let said = ring.interfaces.iter().map(|i| (i.mcastport, i.span));
    let mut ports: Vec<_> = said.collect();
    if ports.is_empty() {
        ports.push((DEFAULT_PORT, Span::default()));
    }
    for (highest, place) in ports {
        let lowest = match ring.totem.transport {
            Transport::Knet => highest,
            _ => highest.saturating_sub(1),
        };
        let media = ha_cf.media.iter().zip(&ha_cf.places.media);
        let clash = |port: u16| (lowest..=highest).contains(&port);
        let mut media = media.filter(|(m, _)| m.port().is_some_and(clash));
        if let Some((medium, span)) = media.next() {
            let port = medium.port().unwrap_or_default();
            let message = format!("port {port} is used by the ring of this node, too");
            let new = found.add(Severity::Error, *span, message);
            new.help = Some(format!(
                "one of the two doesn't start: the ring needs {lowest} to {highest}"
            ));
            new.other = Some(Other::new(other, place));
        }
    }
    found.finish()
}
