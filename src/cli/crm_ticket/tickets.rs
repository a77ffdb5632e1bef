//! The tickets that a CIB knows: by their state, and by what depends on them.

use crate::cib::boolean;
use crate::cib::{Document, Element};
use crate::scheduler::model::glib_order;

/// A ticket.
#[derive(Debug, Clone)]
pub(super) struct Ticket<'a> {
    pub(super) id: &'a str,
    /// None if nobody has granted or revoked it yet.
    state: Option<Element<'a>>,
}

impl<'a> Ticket<'a> {
    /// An attribute of its state.
    pub(super) fn attr(&self, name: &str) -> Option<&'a str> {
        let state = self.state.filter(|_| name != "id");
        state.and_then(|state| state.attr(name))
    }

    /// All attributes of its state, in the order of the original's table.
    pub(super) fn attrs(&self) -> Vec<(&'a str, &'a str)> {
        let all = self.state.into_iter().flat_map(Element::attrs);
        let all: Vec<_> = all.filter(|(name, _)| *name != "id").collect();
        let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
        let order = glib_order::order_of_names(&names).into_iter();
        order.filter_map(|at| all.get(at).copied()).collect()
    }

    pub(super) fn is_granted(&self) -> bool {
        boolean::is_true(self.attr("granted"))
    }

    pub(super) fn is_standby(&self) -> bool {
        boolean::is_true(self.attr("standby"))
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Tickets<'a> {
    /// In the order in which they are met.
    met: Vec<Ticket<'a>>,
}

impl<'a> Tickets<'a> {
    pub(super) fn of(doc: &'a Document) -> Self {
        let mut tickets = Self::default();
        for state in states(doc) {
            let Some(id) = state.id() else { continue };
            let state = Some(state);
            match tickets.met.iter_mut().find(|ticket| ticket.id == id) {
                Some(ticket) => ticket.state = state,
                None => tickets.met.push(Ticket { id, state }),
            }
        }
        let configuration = doc.root_element().find(&["configuration", "constraints"]);
        let constraints = configuration
            .into_iter()
            .flat_map(|all| all.children_named("rsc_ticket"));
        for id in constraints.filter_map(|constraint| constraint.attr("ticket")) {
            if tickets.named(id).is_none() {
                tickets.met.push(Ticket { id, state: None });
            }
        }
        tickets
    }

    pub(super) fn named(&self, id: &str) -> Option<&Ticket<'a>> {
        self.met.iter().find(|ticket| ticket.id == id)
    }

    /// All, in the order of the original's table.
    pub(super) fn shown(&self) -> Vec<&Ticket<'a>> {
        let ids: Vec<_> = self.met.iter().map(|ticket| ticket.id).collect();
        let order = glib_order::order_of_names(&ids).into_iter();
        order.filter_map(|at| self.met.get(at)).collect()
    }
}

/// The states of tickets in the status section.
pub(super) fn states(doc: &Document) -> impl Iterator<Item = Element<'_>> {
    let tickets = doc.root_element().find(&["status", "tickets"]);
    tickets
        .into_iter()
        .flat_map(|tickets| tickets.children_named("ticket_state"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_those_with_a_state_and_those_that_something_needs() {
        let doc = crate::cib::read(
            "<cib><configuration><constraints><rsc_ticket id=\"1\" ticket=\"B\"/>\
             <rsc_ticket id=\"2\" ticket=\"A\"/><rsc_ticket id=\"3\"/></constraints>\
             </configuration><status><tickets>\
             <ticket_state id=\"A\" granted=\"yes\" standby=\"0\" x=\"y\"/></tickets>\
             </status></cib>",
        )
        .unwrap();
        let tickets = Tickets::of(&doc);
        assert_eq!(tickets.shown().len(), 2);
        let a = tickets.named("A").unwrap();
        assert!(a.is_granted() && !a.is_standby());
        assert_eq!((a.attr("x"), a.attr("id")), (Some("y"), None));
        assert!(!tickets.named("B").unwrap().is_granted());
        assert!(tickets.named("C").is_none());
    }
}
