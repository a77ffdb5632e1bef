//! Questions about tickets.

use super::Done;
use super::tickets::{Ticket, Tickets, states};
use crate::cib::operation::{Answer, Request};
use crate::cib::writer;
use crate::cli::crm::clock::ctime;
use crate::cli::crm::output::Failure;
use crate::cli::crm::{Output, Session, code};
use crate::rules::leading_int;

/// That there is no such ticket.
pub(super) fn unknown(id: &str) -> Failure {
    Failure::Said(code::NOSUCH, format!("No such ticket '{id}'"))
}

/// A line for each ticket, or for one.
pub(super) fn lines(
    output: &mut Output,
    tickets: &Tickets<'_>,
    id: Option<&str>,
    command: &str,
) -> Done {
    let shown = match id {
        Some(id) => vec![tickets.named(id).ok_or_else(|| unknown(id))?],
        None => tickets.shown(),
    };
    for ticket in shown {
        match command {
            "raw" => output.text(ticket.id),
            _ => output.text(line(ticket, command == "details")),
        }
    }
    Ok(())
}

fn line(ticket: &Ticket<'_>, details: bool) -> String {
    let state = if ticket.is_granted() {
        "granted"
    } else {
        "revoked"
    };
    let standby = if ticket.is_standby() {
        "[standby]"
    } else {
        "         "
    };
    let mut line = format!("{}\t{state} {standby}", ticket.id);
    let attrs = ticket.attrs();
    if details && !attrs.is_empty() {
        let value = |name: &str, value: &str| match name {
            "last-granted" | "expires" => date(value),
            _ => value.to_owned(),
        };
        let all = attrs.iter().map(|(n, v)| format!("{n}={}", value(n, v)));
        line += &format!(" ({})", all.collect::<Vec<_>>().join(", "));
    } else if let Some(granted) = ticket.attr("last-granted")
        && leading_int(granted).is_ok_and(|(time, _)| time > -1)
    {
        line += &format!(" last-granted={}", date(granted));
    }
    line
}

/// Seconds as a date of this place.
fn date(text: &str) -> String {
    let seconds = leading_int(text).map_or(0, |(seconds, _)| seconds);
    format!("'{}'", ctime(seconds))
}

/// The state of a ticket, or of all, as XML.
pub(super) fn state_xml(output: &mut Output, session: &Session, id: Option<&str>) -> Done {
    let doc = session.readable()?;
    let found = match id {
        Some(id) => states(&doc).find(|state| state.id() == Some(id)),
        None => doc.root_element().find(&["status", "tickets"]),
    };
    let Some(found) = found else {
        return Err(nothing("Could not query ticket XML"));
    };
    let text = writer::pretty(&doc, found.node());
    output.text(format_args!("State XML:\n\n{}", text.trim_end()));
    Ok(())
}

/// The constraints that name a ticket, or any.
pub(super) fn constraints_xml(output: &mut Output, session: &Session, id: Option<&str>) -> Done {
    let quote = match id {
        Some(id) if id.contains('"') => '\'',
        _ => '"',
    };
    let which = id.map_or(String::new(), |id| format!("[@ticket={quote}{id}{quote}]"));
    let xpath = format!("/cib/configuration/constraints//rsc_ticket{which}");
    let request = Request {
        xpath: Some(&xpath),
        ..Request::default()
    };
    let answer = session.query(&request);
    let (doc, answer) =
        answer.map_err(|error| super::said(error, "Could not show ticket constraints"))?;
    let text = match &answer {
        Answer::Part(node) => writer::pretty(&doc, *node),
        Answer::Tree(tree) => writer::pretty(tree, tree.root()),
        Answer::Paths(_) => String::new(),
    };
    output.text(format_args!("Constraints XML:\n\n{}", text.trim_end()));
    Ok(())
}

fn nothing(what: &str) -> Failure {
    super::said(crate::cib::Error::NotFound, what)
}
