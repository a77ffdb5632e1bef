//! `everbeat members`: the consensus membership, from our daemon or from a real `ccm`.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, Command};

use super::applets::{self, Applet, Kind};
use super::control::Control;
use crate::daemons::control::{self, Reply, Request};
use crate::daemons::report::{MemberReport, MembershipReport};
use crate::wire::ipc::ccm::{self, ClientEvent};
use crate::wire::ipc::clplumbing::Decoder;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "members",
    summary: "who is a member of the cluster, and whether they have quorum",
    kind: Kind::Subcommand,
    man: "everbeat-members(8)",
    command,
    run,
};

/// Exit code of a membership without quorum.
const EXIT_NO_QUORUM: u8 = 3;
/// Exit code where this node is no member.
const EXIT_NO_MEMBER: u8 = 4;
/// How long a real ccm is listened to: it says nothing while it has no membership.
const LISTEN: Duration = Duration::from_secs(1);

fn command() -> Command {
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue);
    Command::new("members")
        .about("Show the members of the cluster as its nodes agreed on them (heartbeat's ccm)")
        .arg(json.help("the membership as a JSON object on one line"))
        .after_help(
            "Exit codes: 0 a membership with quorum, 3 one without, 4 this node is no member,\n\
             1 nothing runs here that knows.\n\n\
             Examples:\n  everbeat members\n  \
             everbeat members --json | jq -r '.nodes[] | select(.member) | .name'",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let json = applets::parse(command(), args).get_flag("json");
    let membership = match Control::open(Path::new(control::SOCKET))? {
        Some(mut control) => of_everbeat(&mut control)?,
        None => of_ccm(Path::new(ccm::SOCKET))?,
    };
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &membership)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", draw(&membership))?;
    }
    out.flush()?;
    Ok(match membership.state.as_str() {
        "none" => ExitCode::from(EXIT_NO_MEMBER),
        _ if membership.quorum => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_NO_QUORUM),
    })
}

fn of_everbeat(control: &mut Control) -> anyhow::Result<MembershipReport> {
    let Reply::Report(report) = control.ask(&Request::Report)? else {
        bail!("the daemon answered without a report");
    };
    report.membership.context(
        "this node takes part in no membership: ha.cf has no line \
         `respawn hacluster /usr/libexec/heartbeat/ccm`",
    )
}

/// Asks a real ccm: it tells its last membership to whoever connects.
fn of_ccm(socket: &Path) -> anyhow::Result<MembershipReport> {
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            bail!("neither everbeat nor heartbeat's ccm runs on this machine")
        }
        Err(e) => return Err(e).with_context(|| format!("can't ask {}", socket.display())),
    };
    let mut heard = Heard::default();
    let mut decoder = Decoder::new();
    let mut buffer = [0; 4096];
    let until = Instant::now() + LISTEN;
    while heard.membership.is_none() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => decoder.push(&buffer[..n]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(e) => return Err(e).context("lost ccm"),
        }
        while let Some(body) = decoder.next_frame().ok().flatten() {
            heard.take(ClientEvent::decode(body).context("ccm says what can't be read")?);
        }
    }
    Ok(heard.report())
}

/// A membership as ccm tells it: ids, and the instance at which each came.
#[derive(Debug)]
struct Told {
    instance: u32,
    quorum: bool,
    members: Vec<(u32, u32)>,
}

/// What a ccm said.
#[derive(Debug, Default)]
struct Heard {
    names: Vec<String>,
    membership: Option<Told>,
}

impl Heard {
    fn take(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Nodes { names, .. } => {
                self.names = names.iter().map(ToString::to_string).collect();
            }
            ClientEvent::Membership {
                instance,
                quorum,
                members,
            } => {
                self.membership = Some(Told {
                    instance,
                    quorum,
                    members,
                });
            }
            ClientEvent::Influx | ClientEvent::Evicted => self.membership = None,
        }
    }

    fn report(self) -> MembershipReport {
        let Some(told) = self.membership else {
            return MembershipReport {
                state: "none".into(),
                ..MembershipReport::default()
            };
        };
        let node = |(id, name): (u32, String)| {
            let member = told.members.iter().find(|(index, _)| *index == id);
            MemberReport {
                name,
                id,
                member: member.is_some(),
                born: member.map(|(_, born)| *born),
            }
        };
        MembershipReport {
            state: "member".into(),
            instance: told.instance,
            quorum: told.quorum,
            nodes: (0..).zip(self.names).map(node).collect(),
            ..MembershipReport::default()
        }
    }
}

/// The membership in one line.
pub(super) fn headline(membership: &MembershipReport) -> String {
    if membership.state == "none" {
        return "this node is no member: it looks for a membership".into();
    }
    let quorum = if membership.quorum { "with" } else { "without" };
    let leader = membership.leader.as_ref();
    let leader = leader.map_or(String::new(), |leader| format!(", led by {leader}"));
    let flux = match membership.state.as_str() {
        "in flux" => ", the next is being agreed on",
        _ => "",
    };
    let instance = membership.instance;
    format!("membership {instance}, {quorum} quorum{leader}{flux}")
}

/// The membership as text: the line, and a line for each node.
fn draw(membership: &MembershipReport) -> String {
    let mut text = headline(membership) + "\n";
    let names = membership
        .nodes
        .iter()
        .map(|node| node.name.chars().count());
    let width = names.max().unwrap_or(0);
    for node in &membership.nodes {
        let what = match node.born {
            Some(born) => format!("member since {born}"),
            None => "no member".into(),
        };
        text += &format!("  {} {:width$} {what}\n", node.id, node.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeName;
    use crate::wire::ipc::clplumbing::encode_frame_into;

    fn nodes() -> ClientEvent {
        let names = ["a", "bb", "c"].map(|name| NodeName::new(name).unwrap());
        ClientEvent::Nodes {
            own: 1,
            names: names.into(),
        }
    }

    fn membership() -> ClientEvent {
        ClientEvent::Membership {
            instance: 7,
            quorum: true,
            members: vec![(0, 1), (1, 7)],
        }
    }

    #[test]
    fn a_ccm_tells_its_membership_to_whoever_connects() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("ccm");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let daemon = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut frames = Vec::new();
            for event in [nodes(), membership()] {
                encode_frame_into(&event.encode(), &mut frames).unwrap();
            }
            // In pieces, as a stream may come.
            for piece in frames.chunks(100) {
                stream.write_all(piece).unwrap();
            }
            stream
        });
        let report = of_ccm(&socket).unwrap();
        drop(daemon.join().unwrap());
        assert_eq!(
            draw(&report),
            "membership 7, with quorum\n  0 a  member since 1\n  1 bb member since 7\n  \
             2 c  no member\n"
        );
    }

    #[test]
    fn silence_means_no_member() {
        let mut heard = Heard::default();
        heard.take(nodes());
        heard.take(membership());
        heard.take(ClientEvent::Influx);
        assert_eq!(heard.report().state, "none");
        let missing = of_ccm(Path::new("/nowhere/ccm")).unwrap_err();
        assert!(missing.to_string().contains("neither"), "{missing}");
    }

    #[test]
    fn leader_and_flux_are_said_where_they_are_known() {
        let report = MembershipReport {
            state: "in flux".into(),
            instance: 2,
            leader: Some("b".into()),
            ..MembershipReport::default()
        };
        let first = "membership 2, without quorum, led by b, the next is being agreed on\n";
        assert_eq!(draw(&report), first);
    }
}
