//! What was fenced.

use super::run::{Done, Failed, Fencer, Job};
use crate::cli::crm::output::{Counted, Row};
use crate::cli::crm::{Output, clock, code, fence_history};
use crate::daemons::crm::protocol::fencing::Ask;
use crate::scheduler::report::fencing::{FenceEvent, FenceState, later_successes};
use crate::scheduler::report::page::Tag;

const LIST: Counted<'_> = Counted {
    title: "Fencing history",
    one: "event",
    many: "events",
};

/// The history of a node, or of all for `*`; it may be forgotten too.
///
/// Differs: if one event is shown, it is the newest that was done; the original shows the oldest.
pub(super) fn history(job: &Job<'_>, fencer: &mut Fencer, output: &mut Output) -> Done {
    let named = job.line.value("history").unwrap_or_default();
    let target = Some(named).filter(|name| *name != "*");
    let (quiet, broadcast) = (job.line.has("quiet"), job.line.has("broadcast"));
    let cleanup = job.line.has("cleanup");
    if cleanup && !quiet {
        output.text(format_args!("cleaning up fencing-history for node {named}"));
    }
    if broadcast && !quiet {
        output.text("gather fencing-history from all nodes");
    }
    if cleanup {
        let target = target.map(str::to_owned);
        let done = fencer.ask(Ask::Cleanup { target }, || ());
        return done
            .map(|_| ())
            .map_err(|refusal| Failed(refusal.exit, None));
    }
    let events = events(fencer, target, broadcast)?;
    let newest = events.iter().find(|event| event.state == FenceState::Done);
    let rows = match (quiet, job.line.verbosity()) {
        (true, _) if output.is_xml() => newest
            .map(|event| row(event, false, None))
            .into_iter()
            .collect(),
        (true, _) => {
            if let Some(event) = newest {
                output.text(event.ended_s);
                output.html(Tag::text("div", event.ended_s.to_string()));
            }
            Vec::new()
        }
        (false, 0) => newest
            .map(|event| row(event, false, None))
            .into_iter()
            .collect(),
        (false, _) => {
            let all = events.iter().zip(later_successes(&events));
            all.map(|(event, later)| row(event, true, later))
                .collect::<Vec<_>>()
        }
    };
    output.counted(&LIST, &rows);
    Ok(())
}

fn row(event: &FenceEvent, whole: bool, later: Option<&str>) -> Row {
    Row {
        kind: None,
        text: event.line(true, whole, later, &clock::iso),
        class: Some(event.state.class()),
        element: Some(event.element(&clock::iso)),
    }
}

fn events(
    fencer: &mut Fencer,
    target: Option<&str>,
    broadcast: bool,
) -> Result<Vec<FenceEvent>, Failed> {
    match fence_history::history(fencer.live(), target, broadcast) {
        Ok(Ok(events)) => Ok(events),
        Ok(Err(why)) => Err(Failed(code::INSUFFICIENT_PRIV, Some(why))),
        Err(error) => Err(Failed(code::DISCONNECT, Some(error.to_string()))),
    }
}

/// When a node was fenced last.
pub(super) fn last(job: &Job<'_>, fencer: &mut Fencer, output: &mut Output) -> Done {
    let node = job.line.value("last").unwrap_or_default();
    let events = events(fencer, Some(node), false)?;
    let done = events.iter().find(|event| event.state == FenceState::Done);
    let Some(done) = done else {
        let text = format!("Node {node} has never been fenced");
        output.text(&text);
        output.html(Tag::text("div", text + "\n"));
        // The original's XML has nothing to say of it but this.
        return match output.is_xml() {
            true => Err(Failed(code::IOERR, None)),
            false => Ok(()),
        };
    };
    let text = format!("Node {node} last fenced at: {}", clock::ctime(done.ended_s));
    output.text(&text);
    output.html(Tag::text("div", text + "\n"));
    let when = clock::iso(done.ended_s);
    output.element("last-fenced", &[("target", node), ("when", &when)]);
    Ok(())
}
