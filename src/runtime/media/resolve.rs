//! Names of hosts to addresses, off the protocol's thread.

use std::collections::BTreeSet;
use std::net::{IpAddr, ToSocketAddrs};
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::plan::{HostName, Known};

/// Looks names up; each one at a time, and again when it is asked for again.
#[derive(Debug)]
pub(super) struct Resolver {
    known: Known,
    under_way: BTreeSet<HostName>,
    answers: UnboundedReceiver<(HostName, Option<IpAddr>)>,
    tell: UnboundedSender<(HostName, Option<IpAddr>)>,
}

impl Resolver {
    pub(super) fn new() -> Self {
        let (tell, answers) = unbounded_channel();
        Self {
            known: Known::new(),
            under_way: BTreeSet::new(),
            answers,
            tell,
        }
    }

    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// Starts to look up what isn't known. An address once found is kept, as heartbeat keeps it.
    pub(super) fn want(&mut self, names: Vec<HostName>) {
        for name in names {
            if !self.known.contains_key(&name) && self.under_way.insert(name.clone()) {
                let tell = self.tell.clone();
                tokio::task::spawn_blocking(move || {
                    let address = look_up(&name);
                    let _ = tell.send((name, address));
                });
            }
        }
    }

    /// Ready when a name got its address.
    pub(super) fn poll_found(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some((name, address)) = ready!(self.answers.poll_recv(cx)) {
            self.under_way.remove(&name);
            if let Some(address) = address {
                self.known.insert(name, address);
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

fn look_up(name: &HostName) -> Option<IpAddr> {
    let found = (name.name.as_str(), 0).to_socket_addrs().ok()?;
    found.map(|a| a.ip()).find(|ip| ip.is_ipv6() == name.v6)
}
