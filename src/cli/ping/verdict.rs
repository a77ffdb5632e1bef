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

    fn seen(heard: u64, change: impl FnOnce(&mut Evidence)) -> Evidence {
        let mut evidence = Evidence {
            heard,
            ..Evidence::default()
        };
        change(&mut evidence);
        evidence
    }

    fn word(seen: Evidence, peer: Traits, around: Circumstances) -> &'static str {
        let verdict = judge(&seen, peer, around);
        let good = ["fine", "heard-and-hears", "heard"].contains(&verdict.word());
        assert_eq!(verdict.is_good(), good, "{verdict:?}");
        let silent = matches!(verdict, Verdict::Fine | Verdict::HeardAndHears);
        assert_eq!(verdict.advice().is_empty(), silent, "{verdict:?}");
        verdict.word()
    }

    #[test]
    fn of_a_peer_that_is_heard() {
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
        let heard = || seen(3, |_| ());
        let answered = || seen(3, |e| e.answered = true);
        let delivered = |yes| seen(3, |e| e.delivered = Some(yes));
        assert_eq!(word(answered(), OURS, ALONE), "fine");
        assert_eq!(word(answered(), OURS, stopped), "fine");
        assert_eq!(word(heard(), OURS, ALONE), "one-way-in");
        assert_eq!(word(heard(), OURS, stopped), "one-way-in");
        assert_eq!(word(heard(), OURS, serial), "no-acknowledgement");
        assert_eq!(word(heard(), ACKS, ALONE), "fine");
        assert_eq!(word(heard(), ACKS, two), "heard-and-hears");
        assert_eq!(word(heard(), REAL, ALONE), "no-acknowledgement");
        assert_eq!(word(heard(), REAL, stopped), "heard");
        assert_eq!(word(delivered(true), ACKS, ALONE), "fine");
        assert_eq!(word(delivered(false), OURS, ALONE), "blocked");
    }

    #[test]
    fn of_a_peer_that_is_not_heard() {
        let refused = (IpAddr::from([10, 0, 0, 2]), Refusal::WrongKey);
        let verdict = |change: fn(&mut Evidence)| word(seen(0, change), REAL, ALONE);
        assert_eq!(verdict(|_| ()), "nothing-received");
        assert_eq!(verdict(|e| e.answered = true), "one-way-out");
        assert_eq!(verdict(|e| e.delivered = Some(false)), "nothing-received");
        assert_eq!(verdict(|e| e.other_port = Some(695)), "wrong-port");
        let elsewhere: fn(&mut Evidence) = |e| e.other_interface = Some("eth1".into());
        assert_eq!(verdict(elsewhere), "wrong-interface");
        let wrong = |heard| seen(heard, |e| e.refused = Some(refused));
        assert_eq!(word(wrong(0), REAL, ALONE), "wrong-key");
        assert_eq!(
            word(wrong(3), ACKS, ALONE),
            "fine",
            "forgers change nothing"
        );
    }
}
