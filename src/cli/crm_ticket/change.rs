//! Changes of a ticket's state.

use super::tickets::{Tickets, states};
use crate::cib::boolean;
use crate::cib::operation::{Operation, Request};
use crate::cib::{Document, Error};
use crate::cli::crm::clock::clock;
use crate::cli::crm::{Line, Session};

/// What a command line wants to be set and removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    set: Vec<(String, String)>,
    remove: Vec<String>,
    /// A name that has no value yet.
    name: Option<String>,
    /// A value that has no name yet.
    value: Option<String>,
}

impl Wanted {
    /// Names and values come in any order; a pair is complete as soon as it has both.
    pub(super) fn of(line: &Line) -> Self {
        let mut wanted = Self::default();
        for (option, value) in &line.parsed.options {
            let value = value.clone().unwrap_or_default();
            match option.as_str() {
                "grant" => wanted.put("granted", "true"),
                "revoke" => wanted.put("granted", "false"),
                "standby" => wanted.put("standby", "true"),
                "activate" => wanted.put("standby", "false"),
                "set-attr" => wanted.name = Some(value),
                "attr-value" => wanted.value = Some(value),
                "delete-attr" => wanted.remove.push(value),
                _ => {}
            }
            if let (Some(name), Some(value)) = (&wanted.name, &wanted.value) {
                let (name, value) = (name.clone(), value.clone());
                wanted.put(&name, &value);
                (wanted.name, wanted.value) = (None, None);
            }
        }
        wanted
    }

    fn put(&mut self, name: &str, value: &str) {
        self.set.retain(|(known, _)| known != name);
        self.set.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty() && self.name.is_none()
    }

    /// What is missing: a name without a value, or the other way.
    pub(super) fn half(&self) -> Option<String> {
        if let Some(name) = &self.name {
            return Some(format!("Must supply value with -v for -S {name}"));
        }
        let value = self.value.as_ref()?;
        Some(format!("Must supply attribute name with -S for -v {value}"))
    }

    /// Whether it grants (true) or takes away the ticket; None if it does neither.
    pub(super) fn grants(&self) -> Option<bool> {
        let set = self.set.iter().find(|(name, _)| name == "granted");
        let removed = || self.remove.iter().any(|name| name == "granted");
        match set {
            Some((_, value)) => Some(boolean::is_true(Some(value))),
            None => removed().then_some(false),
        }
    }
}

/// Makes a change. A ticket that nobody heard of gets a state, if there is something to set.
pub(super) fn make(session: &mut Session, id: &str, wanted: &Wanted) -> Result<(), Error> {
    let doc = session.readable()?;
    let granted = Tickets::of(&doc)
        .named(id)
        .is_some_and(|ticket| ticket.is_granted());
    let known = states(&doc).find(|state| state.id() == Some(id));
    let known = known.map(|state| state.doc().extract(state.node()));
    drop(doc);
    let is_known = known.is_some();
    let mut state = known.unwrap_or_else(|| {
        let mut state = Document::new("ticket_state");
        let root = state.root();
        state.set_attr(root, "id", id);
        state
    });
    let root = state.root();
    for name in &wanted.remove {
        state.remove_attr(root, name);
    }
    for (name, value) in &wanted.set {
        state.set_attr(root, name, value);
        if name == "granted" && !granted && boolean::is_true(Some(value)) {
            state.set_attr(root, "last-granted", &clock().unix_s.to_string());
        }
    }
    let request = |input| Request {
        section: Some("status"),
        input: Some(input),
        ..Request::default()
    };
    let made = match (is_known, wanted.remove.is_empty()) {
        (true, false) => session.update(Operation::Replace, &request(&state)),
        (true, true) => session.update(Operation::Modify, &request(&state)),
        (false, _) if wanted.set.is_empty() => return Ok(()),
        (false, _) => {
            let mut status = Document::new("status");
            let root = status.root();
            let tickets = status.add_element(root, "tickets", &[]);
            let state = status.import(&state, state.root());
            status.append(tickets, state);
            session.update(Operation::Modify, &request(&status))
        }
    };
    made.map(drop).map_err(|failed| failed.error)
}

/// Removes the state of a ticket; whether there was one.
pub(super) fn remove(session: &mut Session, id: &str) -> Result<bool, Error> {
    let doc = session.readable()?;
    let state = states(&doc).find(|state| state.id() == Some(id));
    let Some(state) = state.map(|state| state.doc().extract(state.node())) else {
        return Ok(false);
    };
    drop(doc);
    let request = Request {
        section: Some("status"),
        input: Some(&state),
        ..Request::default()
    };
    let removed = session.update(Operation::Delete, &request);
    removed.map(|_| true).map_err(|failed| failed.error)
}
