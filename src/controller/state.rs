//! How far a controller is, in the words of the original.

use std::fmt;

/// States. Source: spec crm-runtime.md section 4; those that a user sees with `crmadmin -S`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not a member of anything.
    Starting,
    /// A member without a DC.
    Pending,
    /// The members choose a DC.
    Election,
    /// The DC waits until all members are ready.
    Integration,
    /// The DC writes down what they told.
    FinalizeJoin,
    /// The DC has asked the scheduler.
    PolicyEngine,
    /// The DC carries out a transition.
    TransitionEngine,
    /// The DC has nothing to do.
    Idle,
    /// Another node is the DC.
    NotDc,
    /// On the way out.
    Stopping,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "S_STARTING",
            Self::Pending => "S_PENDING",
            Self::Election => "S_ELECTION",
            Self::Integration => "S_INTEGRATION",
            Self::FinalizeJoin => "S_FINALIZE_JOIN",
            Self::PolicyEngine => "S_POLICY_ENGINE",
            Self::TransitionEngine => "S_TRANSITION_ENGINE",
            Self::Idle => "S_IDLE",
            Self::NotDc => "S_NOT_DC",
            Self::Stopping => "S_STOPPING",
        })
    }
}
