//! What can be said only when the whole ha.cf is read.

use std::time::Duration;

use super::model::{AutoFailback, AutoJoin, CrmMode, HaCf, Medium};
use super::{children, reader::Reader};
use crate::config::source::Span;
use crate::config::value::show_time;

/// Fills in defaults that depend on other values, then looks at what doesn't go together.
pub(super) fn finish(reader: &mut Reader<'_, '_>) {
    derive_times(reader);
    check_times(reader);
    check_late_warning(reader);
    check_nodes(reader);
    check_media(reader);
    check_failback(reader);
    check_logging(reader);
    check_joining(reader);
    check_ipfail(reader);
    children::admit_built_in(reader);
}

/// The end of the file: the place of what is missing.
fn end(reader: &Reader<'_, '_>) -> Span {
    let text = reader.found.source().text();
    let last = text.trim_end().len();
    Span::new(last, last)
}

fn place(reader: &Reader<'_, '_>, directives: &[&str]) -> Span {
    let places = &reader.model.places;
    let mut found = directives.iter().filter_map(|d| places.directive(d));
    found.next().unwrap_or_else(|| end(reader))
}

fn given(reader: &Reader<'_, '_>, directive: &str) -> bool {
    reader.given.iter().any(|(name, _)| *name == directive)
}

/// Source: heartbeat 3.0.6, `SetupFinalTimes`; initdead [tried]
fn derive_times(reader: &mut Reader<'_, '_>) {
    let (warntime, initdead, deadping) = (
        given(reader, "warntime"),
        given(reader, "initdead"),
        given(reader, "deadping"),
    );
    let model = &mut reader.model;
    if !warntime {
        model.warntime = model.deadtime / 2;
    }
    if !initdead {
        model.initdead = default_initdead(model.deadtime);
    }
    if !deadping {
        model.deadping = model.deadtime;
    }
}

/// Default of initdead: enough for a slow network, whatever deadtime is.
pub(super) fn default_initdead(deadtime: Duration) -> Duration {
    match deadtime.as_millis() {
        0..6_000 => Duration::from_secs(12),
        6_000..=10_000 => deadtime * 2,
        _ => deadtime,
    }
}

fn check_times(reader: &mut Reader<'_, '_>) {
    let HaCf {
        keepalive,
        deadtime,
        initdead,
        deadping,
        ..
    } = reader.model;
    let least = show_time(keepalive * 2);
    if deadtime <= keepalive * 2 {
        let span = place(reader, &["deadtime", "keepalive"]);
        let (dead, keep) = (show_time(deadtime), show_time(keepalive));
        let message = format!("deadtime {dead} is too short for keepalive {keep}");
        reader.error(span, message).help = Some(format!(
            "make it longer than {least}, better four times keepalive: a node whose two \
             messages are lost or late must not count as dead"
        ));
    }
    if initdead < deadtime {
        let span = place(reader, &["initdead", "deadtime"]);
        let (init, dead) = (show_time(initdead), show_time(deadtime));
        let message = format!("initdead {init} is shorter than deadtime {dead}");
        reader.error(span, message).help = Some(format!(
            "make it at least {}",
            show_time(default_initdead(deadtime))
        ));
    } else if initdead < Duration::from_secs(10) {
        let span = place(reader, &["initdead"]);
        let message = format!("initdead {} may be too short", show_time(initdead));
        reader.warning(span, message).help = Some(
            "a node whose network takes longer to come up after a boot declares its peer dead \
             and takes everything; 10 s or more is safe"
                .into(),
        );
    }
    if deadping <= keepalive * 2 {
        let span = place(reader, &["deadping"]);
        let (ping, keep) = (show_time(deadping), show_time(keepalive));
        let message = format!("deadping {ping} is too short for keepalive {keep}");
        reader.error(span, message).help = Some(format!("make it longer than {least}"));
    }
}

fn check_late_warning(reader: &mut Reader<'_, '_>) {
    let (warntime, deadtime) = (reader.model.warntime, reader.model.deadtime);
    if given(reader, "warntime") && warntime >= deadtime {
        let span = place(reader, &["warntime"]);
        let (warn, dead) = (show_time(warntime), show_time(deadtime));
        let message = format!("warntime {warn} is not below deadtime {dead}: no warning comes");
        reader.warning(span, message).help = Some(format!(
            "half of deadtime is usual: {}",
            show_time(deadtime / 2)
        ));
    } else if given(reader, "warntime") && warntime <= reader.model.keepalive {
        let span = place(reader, &["warntime"]);
        let keep = show_time(reader.model.keepalive);
        let message = format!("warntime is not above keepalive {keep}: each message is \"late\"");
        reader.warning(span, message).help = Some(format!(
            "half of deadtime is usual: {}",
            show_time(deadtime / 2)
        ));
    }
}

fn check_nodes(reader: &mut Reader<'_, '_>) {
    let joinable = reader.model.autojoin == AutoJoin::Any && reader.model.crm != CrmMode::Off;
    if reader.model.nodes.is_empty() && !joinable {
        let span = end(reader);
        reader.error(span, "no node is named").help =
            Some("add `node NAME` for each member, as `uname -n` prints it".into());
    }
}

fn check_media(reader: &mut Reader<'_, '_>) {
    if reader.model.media.is_empty() {
        let span = end(reader);
        let places = &reader.model.places;
        let tried = MEDIA.iter().any(|word| places.directive(word).is_some());
        if tried && reader.found.has_errors() {
            return;
        }
        reader
            .error(span, "no medium: the nodes can't hear each other")
            .help =
            Some("add one, such as `bcast eth0` or `ucast eth0 ADDRESS-OF-THE-PEER`".into());
    } else if reader.model.media.iter().all(Medium::is_ping) && reader.model.nodes.len() > 1 {
        let span = reader
            .model
            .places
            .media
            .last()
            .copied()
            .unwrap_or_default();
        let message = "pings are the only medium: the nodes never hear each other";
        reader.warning(span, message).help =
            Some("add one, such as `bcast eth0` or `ucast eth0 ADDRESS-OF-THE-PEER`".into());
    }
}

/// A wrong media line has its own error; "no medium" beside it would only confuse.
const MEDIA: &[&str] = &[
    "bcast",
    "ucast",
    "mcast",
    "mcast6",
    "ucast6",
    "serial",
    "ping",
    "ping6",
    "ping_group",
];

fn check_failback(reader: &mut Reader<'_, '_>) {
    if reader.model.auto_failback != AutoFailback::Legacy || reader.model.crm != CrmMode::Off {
        return;
    }
    let written = given(reader, "auto_failback");
    let (span, message) = if written {
        (
            place(reader, &["auto_failback"]),
            "auto_failback legacy is heartbeat's oldest protocol",
        )
    } else {
        (
            end(reader),
            "auto_failback is not set, and the default is legacy, heartbeat's oldest protocol",
        )
    };
    reader.warning(span, message).help = Some(
        "set it to on or off on all nodes at once: with legacy, hb_standby, hb_takeover and \
         ipfail do not work"
            .into(),
    );
}

fn check_logging(reader: &mut Reader<'_, '_>) {
    let model = &reader.model;
    let to_files = model.logfile.is_some() || model.debugfile.is_some();
    let anywhere = to_files || model.logfacility.is_some();
    match model.use_logd {
        Some(false) if !anywhere => {
            let span = place(reader, &["use_logd"]);
            reader
                .error(
                    span,
                    "there is no log: use_logd is off and nothing else is set",
                )
                .help = Some("add `logfacility daemon` or `logfile /var/log/ha-log`".into());
        }
        Some(true) if anywhere => {
            let span = place(reader, &["logfile", "debugfile", "logfacility"]);
            let message = "with use_logd on, heartbeat takes log files and facility from \
                           /etc/logd.cf and ignores this";
            reader.warning(span, message).help = Some(
                "everbeat has no logd and logs as written here; take use_logd out to have the \
                 same under both"
                    .into(),
            );
        }
        _ => {}
    }
}

fn check_joining(reader: &mut Reader<'_, '_>) {
    let v1 = reader.model.crm == CrmMode::Off;
    if v1 && reader.model.autojoin != AutoJoin::None {
        let span = place(reader, &["autojoin"]);
        let message = "autojoin needs a cluster resource manager; haresources knows only the \
                       nodes that are written";
        reader.refused(span, message).help = Some("write autojoin none and name every node".into());
    }
}

/// ipfail compares how many ping nodes each side reaches: without any there is nothing to compare.
fn check_ipfail(reader: &mut Reader<'_, '_>) {
    let mut children = reader.model.respawn.iter();
    let Some(ipfail) = children.find(|c| c.name() == "ipfail") else {
        return;
    };
    let span = ipfail.span;
    if !reader.model.has_ping_nodes() {
        reader
            .warning(span, "ipfail without a ping node does nothing")
            .help = Some(
            "add `ping ADDRESS` of a router both nodes need; else a node that has lost its \
             clients' network keeps the resources"
                .into(),
        );
    }
    if !reader.model.auto_failback.is_nice() && reader.model.crm == CrmMode::Off {
        reader
            .warning(span, "ipfail does not work with auto_failback legacy")
            .help = Some("set auto_failback on or off".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initdead_follows_deadtime() {
        let of = |ms| default_initdead(Duration::from_millis(ms)).as_millis();
        assert_eq!(of(500), 12_000);
        assert_eq!(of(5_500), 12_000);
        assert_eq!(of(6_000), 12_000);
        assert_eq!(of(10_000), 20_000);
        assert_eq!(of(10_001), 10_001);
        assert_eq!(of(30_000), 30_000);
    }
}
