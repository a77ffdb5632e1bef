//! The history of fencing, from the daemon to the reports.

use super::live::Live;
use crate::daemons::crm::protocol::fencing::{Answer, Ask, Entry, EntryState};
use crate::scheduler::report::fencing::{FenceEvent, FenceState, sort};

/// What was fenced, sorted: of a node, or of all. `broadcast` if all nodes are asked first.
///
/// Errors: the connection broke; in it why the daemon refuses.
pub fn history(
    live: &mut Live,
    target: Option<&str>,
    broadcast: bool,
) -> std::io::Result<Result<Vec<FenceEvent>, String>> {
    let target = target.map(str::to_owned);
    let ask = Ask::History { target, broadcast };
    Ok(match live.fencing(ask, || ())? {
        Ok(Answer::History { entries }) => {
            let mut events: Vec<_> = entries.into_iter().map(event).collect();
            sort(&mut events);
            Ok(events)
        }
        Ok(_) => Err("the fencer gave another answer".to_owned()),
        Err(why) => Err(why),
    })
}

fn event(entry: Entry) -> FenceEvent {
    FenceEvent {
        id: entry.id,
        target: entry.target,
        action: entry.action,
        client: entry.client,
        origin: entry.origin,
        state: match entry.state {
            EntryState::Querying => FenceState::Asked,
            EntryState::Executing => FenceState::Begun,
            EntryState::Duplicate => FenceState::Merged,
            EntryState::Done => FenceState::Done,
            EntryState::Failed => FenceState::Failed,
        },
        delegate: entry.delegate,
        reason: Some(entry.reason).filter(|reason| !reason.is_empty()),
        ended_s: i64::try_from(entry.completed_s).unwrap_or(i64::MAX),
    }
}
