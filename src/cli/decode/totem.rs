//! `everbeat decode totem`.

mod guard;
mod parts;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use zeroize::Zeroizing;

use super::Tally;
use super::line::time_text;
use super::source::{Sighting, Time};
use crate::wire::totem::{Datagram, Dialect};
use guard::{Guard, Opened, looks_like_one};

/// Longest key. Units: bytes. Source: corosync 3.1.7, `TOTEM_PRIVATE_KEY_LEN_MAX`
const KEY_BYTES_MAX: u64 = 4096;

pub fn command() -> Command {
    super::frame(Command::new("totem"))
        .about("Decode totem datagrams of corosync 1.x, 2.x and 3.x from captures")
        .long_about(
            "Decode totem datagrams of corosync 1.x, 2.x and 3.x (udp and udpu) from captures \
             (pcap, pcapng, or JSON lines with a field hex). A line a datagram: time, from and \
             to, generation, protection, fields; below it a line for each message in it. The \
             last line is DECODED/ALL.\n\n\
             Exit status: 0 if all were decoded to the last byte; 1 if not; 2 if the command or \
             a file can't be used.",
        )
        .arg(
            Arg::new("key-file")
                .long("key-file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("open encrypted datagrams with this authkey; cipher and hash are found"),
        )
        .arg(
            Arg::new("generation")
                .long("generation")
                .value_name("N")
                .value_parser(["1", "2", "3"])
                .help(
                    "take all for that generation of corosync; told by each datagram if not given",
                ),
        )
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("PORT")
                .action(ArgAction::Append)
                .default_value("5405")
                .value_parser(value_parser!(u16))
                .help("UDP port whose every datagram counts; may be given more than once")
                .long_help(
                    "UDP port whose every datagram counts, whatever is in it; may be given more \
                     than once. On other ports only what starts like a totem message counts.",
                ),
        )
        .after_help(
            "Examples:\n  \
             tcpdump -ni eth0 -w ring.pcap udp port 5405\n  \
             everbeat decode totem ring.pcap\n  \
             everbeat decode totem --key-file /etc/corosync/authkey ring.pcap",
        )
}

pub fn run(matches: &ArgMatches) -> ExitCode {
    super::verdict(decode_files(matches))
}

fn decode_files(matches: &ArgMatches) -> anyhow::Result<Tally> {
    let key = matches.get_one::<PathBuf>("key-file");
    let key = key.map(|path| read_key(path)).transpose()?;
    let generation = matches.get_one::<String>("generation");
    let only = generation.map(|number| match number.as_str() {
        "1" => Dialect::V1,
        "2" => Dialect::V2,
        _ => Dialect::V3,
    });
    let mut guard = Guard::new(key.as_ref().map(|key| &key[..]), only);
    let ports = super::ports(matches);
    let json = matches.get_flag("json");
    super::files(matches, "totem datagram", |sighting| {
        if !sighting.counts(&ports, looks_like_one) {
            return None;
        }
        let said = Said::of(sighting, &mut guard);
        let text = match json {
            true => said.json(sighting),
            false => said.text(sighting),
        };
        Some((said.outcome.is_ok(), text))
    })
}

fn read_key(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    use std::io::Read;
    let mut key = Zeroizing::new(Vec::with_capacity(KEY_BYTES_MAX as usize));
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    file.take(KEY_BYTES_MAX)
        .read_to_end(&mut key)
        .with_context(|| path.display().to_string())?;
    Ok(key)
}

/// What is to be said of a datagram.
struct Said {
    /// Generation and protection.
    how: Option<(Dialect, String)>,
    /// The datagram's own fields, and a line for each part.
    message: Option<(String, Vec<String>)>,
    /// Why it isn't decoded.
    outcome: Result<(), String>,
}

impl Said {
    fn of(sighting: &Sighting, guard: &mut Guard) -> Self {
        let mut said = Self {
            how: None,
            message: None,
            outcome: Ok(()),
        };
        let outcome = match &sighting.payload {
            Err(error) => Err(error.clone()),
            Ok(bytes) => said.open(bytes, guard),
        };
        said.outcome = match outcome {
            Err(error) if sighting.cut => {
                let cut = "(the capture lacks the end of the packet)";
                Err(format!("{error} {cut}"))
            }
            other => other,
        };
        said
    }

    fn open(&mut self, bytes: &[u8], guard: &mut Guard) -> Result<(), String> {
        let Opened {
            dialect,
            how,
            message,
        } = guard.open(bytes)?;
        self.how = Some((dialect, how));
        let datagram = Datagram::decode(&message, dialect).map_err(|e| e.to_string())?;
        let mut lines = Vec::new();
        let outcome = parts::explain(&datagram, dialect, &mut lines);
        self.message = Some((datagram.to_string(), lines));
        outcome
    }

    fn text(&self, sighting: &Sighting) -> String {
        let Sighting { from, to, via, .. } = sighting;
        let mut out = format!("{} {from} > {to} {via}  ", time_text(sighting.time));
        if let Some((dialect, how)) = &self.how {
            out.push_str(&format!("{dialect} {how}  "));
        }
        if let Err(reason) = &self.outcome {
            out.push_str(&format!("unreadable: {reason}  "));
        }
        if let Some((message, parts)) = &self.message {
            out.push_str(message);
            for part in parts {
                out.push_str("\n    ");
                out.push_str(part);
            }
        }
        out.truncate(out.trim_end().len());
        out
    }

    fn json(&self, sighting: &Sighting) -> String {
        let mut object = serde_json::json!({
            "from": sighting.from,
            "to": sighting.to,
            "via": sighting.via,
            "decoded": self.outcome.is_ok(),
        });
        match sighting.time {
            Time::Unknown => {}
            Time::Utc(_) => object["time"] = time_text(sighting.time).into(),
            Time::SinceStart(ms) => object["t_ms"] = ms.into(),
        }
        if let Some((dialect, how)) = &self.how {
            object["generation"] = dialect.to_string().into();
            object["protection"] = how.as_str().into();
        }
        if let Err(reason) = &self.outcome {
            object["reason"] = reason.as_str().into();
        }
        if let Some((message, parts)) = &self.message {
            object["message"] = message.as_str().into();
            object["parts"] = parts.clone().into();
        }
        object.to_string()
    }
}
