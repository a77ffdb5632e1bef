//! The states and their names.

/// Where the machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nothing is known; the next tick asks.
    None,
    /// Asked whether there is a membership.
    VersionRequest,
    /// A member, all quiet.
    Joined,
    /// Member: waits for the leader's next list.
    WaitForMemList,
    /// Leader: waits for the members to see what it saw.
    WaitForChange,
    /// Newcomer: waits for the leader's next list.
    NewNodeWaitForMemList,
    /// A voting round: collects votes.
    Joining,
    /// Would-be leader: collects what the voters heard.
    SentMemListReq,
    /// Voter: told what it heard, waits for the result.
    MemListRes,
}

impl State {
    /// The name, as messages and logs of the real daemon have it.
    /// Source: heartbeat 3.0.6, `state2string`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "CCM_STATE_NONE",
            Self::VersionRequest => "CCM_STATE_VERSION_REQUEST",
            Self::Joined => "CCM_STATE_JOINED",
            Self::WaitForMemList => "CCM_STATE_WAIT_FOR_MEM_LIST",
            Self::WaitForChange => "CCM_STATE_WAIT_FOR_CHANGE",
            Self::NewNodeWaitForMemList => "CCM_STATE_NEW_NODE_WAIT_FOR_MEM_LIST",
            Self::Joining => "CCM_STATE_JOINING",
            Self::SentMemListReq => "CCM_STATE_SENT_MEMLISTREQ",
            Self::MemListRes => "CCM_STATE_MEMLIST_RES",
        }
    }

    /// True unless the machine still looks for a membership.
    pub fn is_part_of_cluster(self) -> bool {
        !matches!(self, Self::None | Self::VersionRequest)
    }

    /// The same of a name in a message; an unknown one is.
    pub fn name_is_part_of_cluster(name: &[u8]) -> bool {
        let outside = [Self::None, Self::VersionRequest];
        !outside
            .iter()
            .any(|state| state.as_str().as_bytes() == name)
    }
}
