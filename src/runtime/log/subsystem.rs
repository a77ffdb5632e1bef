//! Parts of a node on a ring, as its log names them.

/// A part of a node that writes lines of its own.
///
/// Source: corosync 3.1.7, names that `logger_subsys` takes. [`Self::Crm`] is ours: what
/// Pacemaker's daemons write elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Subsystem {
    #[default]
    Main,
    Totem,
    Quorum,
    Votequorum,
    Cpg,
    Cfg,
    Cmap,
    Sync,
    Serv,
    Crm,
}

impl Subsystem {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Main,
        Self::Totem,
        Self::Quorum,
        Self::Votequorum,
        Self::Cpg,
        Self::Cfg,
        Self::Cmap,
        Self::Sync,
        Self::Serv,
        Self::Crm,
    ];

    /// Its name in lines and in corosync.conf.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "MAIN",
            Self::Totem => "TOTEM",
            Self::Quorum => "QUORUM",
            Self::Votequorum => "VOTEQ",
            Self::Cpg => "CPG",
            Self::Cfg => "CFG",
            Self::Cmap => "CMAP",
            Self::Sync => "SYNC",
            Self::Serv => "SERV",
            Self::Crm => "CRM",
        }
    }

    /// The one of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Its bit in a set of them.
    pub(super) fn bit(self) -> u32 {
        1 << (self as u32)
    }
}
