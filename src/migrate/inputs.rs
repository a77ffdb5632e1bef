//! What a plan is made of: the files of each node, read by the loaders of `config`.

use std::collections::BTreeSet;

use crate::config::authkeys;
use crate::config::corosync_conf;
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::ha_cf::{self, HaCf};
use crate::config::haresources::{self, Haresources};
use crate::config::host::Host;
use crate::config::source::Source;
use crate::ids::NodeName;

/// The files of one node.
#[derive(Debug, Clone, Default)]
pub struct NodeFiles {
    /// The node's name, if it is known.
    pub name: Option<NodeName>,
    /// ha.cf.
    pub ha_cf: Option<(HaCf, Source)>,
    /// haresources.
    pub haresources: Option<(Haresources, Source)>,
    /// authkeys; its keys are never shown.
    pub authkeys: Option<Source>,
    /// corosync.conf.
    pub corosync_conf: Option<Source>,
    /// The CIB.
    pub cib: Option<Source>,
    /// The same as text for the crm shell, where there is no CIB.
    pub crm: Option<Source>,
    /// Names of the scripts in its resource.d.
    pub scripts: BTreeSet<String>,
    /// Errors in its files.
    pub errors: Vec<Diagnostic>,
}

impl NodeFiles {
    /// Takes an ha.cf.
    pub fn with_ha_cf(mut self, source: Source, host: &dyn Host) -> Self {
        let (model, found) = ha_cf::read_all(&source, host);
        self.keep_errors(found);
        self.ha_cf = Some((model, source));
        self
    }

    /// Takes a haresources.
    pub fn with_haresources(mut self, source: Source) -> Self {
        let (model, found) = haresources::read_all(&source);
        self.keep_errors(found);
        self.haresources = Some((model, source));
        self
    }

    /// Takes an authkeys.
    pub fn with_authkeys(mut self, source: Source) -> Self {
        let (_, found) = authkeys::parse(&source);
        self.keep_errors(found);
        self.authkeys = Some(source);
        self
    }

    /// Takes a corosync.conf.
    pub fn with_corosync_conf(mut self, source: Source) -> Self {
        let (_, found) = corosync_conf::read_all(&source);
        self.keep_errors(found);
        self.corosync_conf = Some(source);
        self
    }

    fn keep_errors(&mut self, found: Vec<Diagnostic>) {
        let errors = found.into_iter().filter(|d| d.severity == Severity::Error);
        self.errors.extend(errors);
    }
}
