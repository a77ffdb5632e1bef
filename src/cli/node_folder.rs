//! Folders with files that were gathered from a node, as command lines name them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::config::source::Source;
use crate::ids::NodeName;

/// Where a file may be below a folder that was gathered from a node.
const BELOW: [&str; 6] = ["", "ha.d", "etc/ha.d", "corosync", "etc/corosync", "etc"];

/// The folder of one node's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeFolder {
    /// The node, if the word or a nodeinfo names it.
    pub(super) name: Option<NodeName>,
    /// The folder.
    pub(super) dir: PathBuf,
}

impl NodeFolder {
    /// `NAME=DIR` or `DIR`.
    ///
    /// Errors: NAME can't be a node's; no such folder.
    pub(super) fn of_word(option: &str, word: &str) -> Result<Self> {
        let (name, dir) = match word.split_once('=') {
            Some((name, dir)) => {
                let name = NodeName::lowered(name).with_context(|| format!("{option} {word}"))?;
                (Some(name), dir)
            }
            None => (None, word),
        };
        let mut folder = Self {
            name,
            dir: dir.into(),
        };
        if !folder.dir.is_dir() {
            bail!("{dir}: no such folder; write {option} NAME=DIR");
        }
        if folder.name.is_none() {
            folder.name = folder.find("nodeinfo").and_then(|p| nodeinfo(&p));
        }
        Ok(folder)
    }

    /// Where a file is, in the folder or in `ha.d`, `corosync` or `etc` below it.
    pub(super) fn find(&self, file: &str) -> Option<PathBuf> {
        let mut places = BELOW.iter().map(|below| self.dir.join(below).join(file));
        places.find(|p| p.is_file())
    }
}

/// The node's name. Source: heartbeat 3.0.6, `get_uname_from_nodeinfo`
fn nodeinfo(path: &Path) -> Option<NodeName> {
    let source = Source::read(path).ok()?;
    NodeName::lowered(source.text().lines().next()?.trim()).ok()
}
