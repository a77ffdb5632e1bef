//! Messages from above: resource manager, API clients, the FIFO.

use super::cluster::Cluster;
use super::event::Severity;
use super::limiter::Oddity;
use crate::ids::NodeName;
use crate::time::Now;
use crate::wire::heartbeat::{Message, Value};

impl Cluster {
    pub(super) fn send_from_above(
        &mut self,
        now: Now,
        mut message: Message,
        dest: Option<&NodeName>,
    ) {
        let ours = |kind: &str| {
            kind.starts_with("NS_") || matches!(kind, "status" | "reqnodes" | "repnodes")
        };
        if message.kind().is_none_or(ours) {
            let line = || format!("message from above can't be sent: {message}");
            return self.odd(now.mono, Oddity::Malformed, Severity::Error, line);
        }
        if let Some(dest) = dest
            && message.get("dest").is_none()
        {
            message.push_text("dest", dest.as_str());
        }
        message.remove("auth");
        let message = self.finish(now, message);
        let local = self.config.local.clone();
        let for_us = match message.get("dest") {
            None => true,
            Some(Value::Text(name)) => name == local.as_str().as_bytes(),
            Some(_) => false,
        };
        if for_us {
            self.apply(now, &message);
            self.deliver(local, true, message.clone());
        }
        self.transmit(message);
    }
}
