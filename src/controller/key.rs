//! The mark that ties a result to the action of a transition.

use std::fmt;
use std::str::FromStr;

/// `ACTION:TRANSITION:EXPECTED:DC`, where the last part is an id that each DC has for itself.
///
/// Source: spec cib.md section 8.4, `transition-key`. A result that no transition asked for has
/// action -1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitionKey {
    /// Number of the action, -1 for none.
    pub action: i64,
    /// Number of the transition.
    pub transition: u64,
    /// What the agent should say.
    pub expected: i32,
    /// The DC's id.
    pub dc: String,
}

impl fmt::Display for TransitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            action,
            transition,
            expected,
            dc,
        } = self;
        write!(f, "{action}:{transition}:{expected}:{dc}")
    }
}

/// It isn't one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a transition key has four parts: ACTION:TRANSITION:EXPECTED:DC")]
pub struct NoTransitionKey;

impl FromStr for TransitionKey {
    type Err = NoTransitionKey;

    fn from_str(text: &str) -> Result<Self, NoTransitionKey> {
        let mut parts = text.splitn(4, ':');
        let mut next = || parts.next().ok_or(NoTransitionKey);
        let number = |text: &str| text.parse().map_err(|_| NoTransitionKey);
        Ok(Self {
            action: number(next()?)?,
            transition: next()?.parse().map_err(|_| NoTransitionKey)?,
            expected: next()?.parse().map_err(|_| NoTransitionKey)?,
            dc: next()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        for text in ["5:12:0:72eabe12", "-1:0:7:a:b"] {
            assert_eq!(text.parse::<TransitionKey>().unwrap().to_string(), text);
        }
        for text in ["", "1:2:3", "x:1:2:3", "1:-1:0:x"] {
            assert_eq!(text.parse::<TransitionKey>(), Err(NoTransitionKey));
        }
    }
}
