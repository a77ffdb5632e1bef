//! The running node: machines and drivers, and the loop that carries values between them.

use std::future::pending;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::children::{self, Children};
use super::ending::{End, Ending};
use super::environment;
use super::outgoing::{Envelope, Sealed};
use super::refusals::Refusals;
use super::setup::Setup;
use super::work::Workshop;
use crate::config::ha_cf::HaCf;
use crate::ids::NodeName;
use crate::proto::heartbeat::{Cluster, Event, NodeKind, NodeStatus, Output, Severity};
use crate::runtime::clock::{self, Alarm};
use crate::runtime::log::Logger;
use crate::runtime::media::{Media, Received};
use crate::runtime::watchdog::Watchdog;
use crate::time::Instant;
use crate::v1::{self, Command, Manager, WorkId, WorkResult};
use crate::wire::heartbeat::Message;
use crate::wire::heartbeat::auth::Keyring;
use crate::wire::heartbeat::datagram;

/// Machines and what they need; the drivers that are waited for stand beside it in the loop.
pub struct Node {
    pub(super) config: HaCf,
    pub(super) local: NodeName,
    pub(super) since_unix_s: u64,
    pub(super) cluster: Cluster,
    pub(super) manager: Option<Manager>,
    pub(super) keyring: Keyring,
    pub(super) envelope: Envelope,
    pub(super) refusals: Refusals,
    pub(super) media: Media,
    pub(super) log: Logger,
    pub(super) ending: Ending,
    workshop: Workshop,
    watchdog: Option<Watchdog>,
    children: Children,
    child_reports: mpsc::UnboundedSender<children::Report>,
    buffer: Vec<u8>,
}
