//! From what was seen to what is to be said of it. Pure.

use std::fmt;
use std::net::IpAddr;

use super::evidence::{Evidence, Traits};
use crate::wire::heartbeat::datagram::Refusal;

/// What is the matter with a peer on a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Both ways work.
    Fine,
    /// It is heard, and hears us, if perhaps on another path.
    HeardAndHears,
    /// It is heard; our daemon doesn't run, so nobody knows whether it would hear us.
    Heard,
    /// It is heard and doesn't hear us.
    OnlyIn,
    /// It is heard and acknowledged nothing so far, as if it didn't hear us.
    NoAcknowledgement,
    /// Its messages reach this machine, and no socket.
    Blocked,
    /// It hears us and isn't heard.
    OnlyOut,
    /// Its messages don't authenticate.
    WrongKey(IpAddr, Refusal),
    /// It sends to another port.
    OtherPort(u16),
    /// Its messages come in by another interface.
    OtherInterface(String),
    /// Nothing came.
    Nothing,
}

/// What is known besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// A daemon runs here, whose messages peers acknowledge.
    pub daemon: bool,
    /// There is but this path to the peer.
    pub only_path: bool,
    /// Probes could be sent on this path.
    pub probed: bool,
}

/// Judges what was seen.
pub fn judge(seen: &Evidence, peer: Traits, around: Circumstances) -> Verdict {
    if seen.heard == 0 {
        return unheard(seen);
    }
    if seen.delivered == Some(false) {
        Verdict::Blocked
    } else if seen.answered || (peer.acknowledges && around.only_path) {
        Verdict::Fine
    } else if peer.everbeat && around.probed {
        Verdict::OnlyIn
    } else if peer.acknowledges {
        Verdict::HeardAndHears
    } else if around.daemon {
        Verdict::NoAcknowledgement
    } else {
        Verdict::Heard
    }
}

fn unheard(seen: &Evidence) -> Verdict {
    if let Some((from, refusal)) = seen.refused {
        Verdict::WrongKey(from, refusal)
    } else if let Some(port) = seen.other_port {
        Verdict::OtherPort(port)
    } else if let Some(interface) = &seen.other_interface {
        Verdict::OtherInterface(interface.clone())
    } else if seen.answered {
        Verdict::OnlyOut
    } else {
        Verdict::Nothing
    }
}

impl Verdict {
    /// True if nothing is known to be wrong.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Fine | Self::HeardAndHears | Self::Heard)
    }

    /// The word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::HeardAndHears => "heard-and-hears",
            Self::Heard => "heard",
            Self::OnlyIn => "one-way-in",
            Self::NoAcknowledgement => "no-acknowledgement",
            Self::Blocked => "blocked",
            Self::OnlyOut => "one-way-out",
            Self::WrongKey(..) => "wrong-key",
            Self::OtherPort(_) => "wrong-port",
            Self::OtherInterface(_) => "wrong-interface",
            Self::Nothing => "nothing-received",
        }
    }

    /// What to do about it; empty if nothing.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Fine | Self::HeardAndHears => "",
            Self::Heard => "start the daemon here, then ask again",
            Self::OnlyIn => "look for a firewall on the peer, or an address here that it drops",
            Self::NoAcknowledgement => {
                "look for a firewall on the peer; with --wait 30 a slow acknowledgement is seen"
            }
            Self::Blocked => "look for a firewall here: UDP to the port must be let in",
            Self::OnlyOut => "look for a firewall here: the peer's datagrams don't get in",
            Self::WrongKey(..) => "make /etc/ha.d/authkeys the same on both nodes",
            Self::OtherPort(_) => {
                "make the port the same on both nodes; udpport counts only before the media"
            }
            Self::OtherInterface(_) => "name that interface in ha.cf, or change the cabling",
            Self::Nothing => "is its daemon up? then look at cables, addresses and firewalls",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fine => f.write_str("fine, both ways"),
            Self::HeardAndHears => f.write_str("heard, and it hears us on some medium"),
            Self::Heard => f.write_str("heard; our daemon does not run, so there is no answer"),
            Self::OnlyIn => f.write_str("one-way: we hear it, it does not hear us"),
            Self::NoAcknowledgement => {
                f.write_str("heard, but it acknowledges nothing: it may not hear us")
            }
            Self::Blocked => {
                f.write_str("its messages reach this machine, but do not get to the daemon")
            }
            Self::OnlyOut => f.write_str("one-way: it hears us, we do not hear it"),
            Self::WrongKey(from, refusal) => {
                write!(
                    f,
                    "wrong key: its messages from {from} are refused ({})",
                    refusal.name()
                )
            }
            Self::OtherPort(port) => write!(f, "wrong port: it sends to port {port}"),
            Self::OtherInterface(name) => {
                write!(f, "its messages come in by {name}, not by this interface")
            }
            Self::Nothing => f.write_str("nothing received"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Circumstances = Circumstances {
        daemon: true,
        only_path: true,
        probed: true,
    };
    const REAL: Traits = Traits {
        everbeat: false,
        acknowledges: false,
    };
    const ACKS: Traits = Traits {
        everbeat: false,
        acknowledges: true,
    };
    const OURS: Traits = Traits {
        everbeat: true,
        acknowledges: false,
    };

    fn heard() -> Evidence {
        Evidence {
            heard: 3,
            ..Evidence::default()
        }
    }

    #[test]
    fn each_case_has_its_verdict() {
        let from = IpAddr::from([10, 0, 0, 2]);
        let two = Circumstances {
            only_path: false,
            ..ALONE
        };
        let stopped = Circumstances {
            daemon: false,
            ..ALONE
        };
        let serial = Circumstances {
            probed: false,
            ..two
        };
        let unheard = Evidence::default;
        let delivered = |yes| Evidence {
            delivered: Some(yes),
            ..heard()
        };
        let table = [
            (
                Evidence {
                    answered: true,
                    ..heard()
                },
                OURS,
                ALONE,
                "fine",
            ),
            (
                Evidence {
                    answered: true,
                    ..heard()
                },
                OURS,
                stopped,
                "fine",
            ),
            (heard(), OURS, ALONE, "one-way-in"),
            (heard(), OURS, stopped, "one-way-in"),
            (heard(), OURS, serial, "no-acknowledgement"),
            (heard(), ACKS, ALONE, "fine"),
            (delivered(true), ACKS, ALONE, "fine"),
            (delivered(false), OURS, ALONE, "blocked"),
            (heard(), ACKS, two, "heard-and-hears"),
            (heard(), REAL, ALONE, "no-acknowledgement"),
            (heard(), REAL, stopped, "heard"),
            (
                Evidence {
                    answered: true,
                    ..unheard()
                },
                OURS,
                ALONE,
                "one-way-out",
            ),
            (
                Evidence {
                    refused: Some((from, Refusal::WrongKey)),
                    ..unheard()
                },
                REAL,
                ALONE,
                "wrong-key",
            ),
            (
                Evidence {
                    refused: Some((from, Refusal::WrongKey)),
                    ..heard()
                },
                ACKS,
                ALONE,
                "fine",
            ),
            (
                Evidence {
                    other_port: Some(695),
                    ..unheard()
                },
                REAL,
                ALONE,
                "wrong-port",
            ),
            (
                Evidence {
                    other_interface: Some("eth1".into()),
                    ..unheard()
                },
                REAL,
                ALONE,
                "wrong-interface",
            ),
            (unheard(), REAL, ALONE, "nothing-received"),
        ];
        for (seen, traits, around, word) in table {
            let verdict = judge(&seen, traits, around);
            assert_eq!(verdict.word(), word, "{seen:?} {traits:?} {around:?}");
            let good = ["fine", "heard-and-hears", "heard"].contains(&word);
            assert_eq!(verdict.is_good(), good);
            assert_eq!(
                verdict.advice().is_empty(),
                word == "fine" || word == "heard-and-hears"
            );
        }
    }
}
