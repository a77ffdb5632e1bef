//! Meta-data of the agents of this node, asked for once while their programs stay the same.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tokio::sync::OnceCell;

use super::script;
use crate::controller::metadata::Metadata;
use crate::executor::Agent;
use crate::runtime::process::{Process, Stream};

/// How long an agent may think about itself. Source: spec crm-runtime.md section 11.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Most agents that are kept; then it begins anew.
const AGENTS_MAX: usize = 1000;

/// Which program it was: when it was written, and how long it is.
type Stamp = (Option<SystemTime>, u64);

/// What one program said; nothing if it could not.
type Entry = Rc<OnceCell<Option<Rc<Metadata>>>>;

/// What is known of agents.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Catalogue {
    known: Rc<RefCell<BTreeMap<Agent, (Stamp, Entry)>>>,
}

impl Catalogue {
    /// What this agent says of itself. Many that ask at the same time wait for one answer.
    pub(super) async fn of(&self, agent: &Agent) -> Option<Rc<Metadata>> {
        let path = script::program(agent);
        let file = path.metadata().ok()?;
        let stamp = (file.modified().ok(), file.len());
        let entry = self.entry(agent, stamp);
        entry.get_or_init(|| ask(agent)).await.clone()
    }

    fn entry(&self, agent: &Agent, stamp: Stamp) -> Entry {
        let mut known = self.known.borrow_mut();
        if let Some((same, entry)) = known.get(agent)
            && *same == stamp
        {
            return Rc::clone(entry);
        }
        if known.len() >= AGENTS_MAX {
            known.clear();
        }
        let entry = Entry::default();
        known.insert(agent.clone(), (stamp, Rc::clone(&entry)));
        entry
    }
}

async fn ask(agent: &Agent) -> Option<Rc<Metadata>> {
    let process = Process::new(script::program(agent))
        .args(["meta-data"])
        .envs(script::identity(agent, &agent.name))
        .timeout(TIMEOUT);
    let finished = process.run().await.ok()?;
    if !finished.ending.is_success() {
        return None;
    }
    Metadata::read(&finished.text(Stream::Stdout)).map(Rc::new)
}
