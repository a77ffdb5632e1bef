//! The verdicts as text and as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::evidence::Witness;
use super::path::Path;
use super::verdict::Verdict;

/// What is said of one path: of each peer, or of the pinged host.
#[derive(Debug)]
pub struct Finding {
    /// The path, by its place.
    pub path: usize,
    /// The peer; the path's own name for pinged hosts.
    pub peer: String,
    /// What is the matter.
    pub verdict: Verdict,
}

/// All that is to be said.
#[derive(Debug)]
pub struct Report<'a> {
    /// In the order of the paths.
    pub findings: Vec<Finding>,
    /// What was seen.
    pub witness: &'a Witness,
    /// Paths on which nothing could be sent, and why.
    pub troubles: Vec<(usize, String)>,
}

#[derive(Serialize)]
struct Entry<'a> {
    medium: &'static str,
    link: &'a str,
    port: Option<u16>,
    peer: &'a str,
    verdict: &'static str,
    text: String,
    help: &'static str,
}

#[derive(Serialize)]
struct Stranger<'a> {
    interface: &'a str,
    node: &'a str,
    address: String,
    our_key: bool,
}

impl Report<'_> {
    /// True if nothing is known to be wrong.
    pub fn is_good(&self) -> bool {
        self.troubles.is_empty() && self.findings.iter().all(|f| f.verdict.is_good())
    }

    /// For people.
    pub fn draw(&self, out: &mut dyn Write) -> io::Result<()> {
        for (place, path) in self.witness.paths.iter().enumerate() {
            writeln!(out, "{path}")?;
            for (_, why) in self.troubles.iter().filter(|(of, _)| *of == place) {
                writeln!(out, "  cannot send: {why}")?;
            }
            for finding in self.findings.iter().filter(|f| f.path == place) {
                draw(finding, path, out)?;
            }
        }
        for (interface, node, from, our_key) in &self.witness.strangers {
            let key = if *our_key { "our key" } else { "another key" };
            writeln!(
                out,
                "another cluster on {interface}: node {node} from {from}, {key}"
            )?;
        }
        Ok(())
    }

    /// For programs: an object with `paths` and `strangers`.
    pub fn json(&self) -> serde_json::Value {
        let entry = |finding: &Finding| {
            let path = &self.witness.paths[finding.path];
            serde_json::to_value(Entry {
                medium: path.directive,
                link: path.link.as_str(),
                port: path.port,
                peer: &finding.peer,
                verdict: finding.verdict.word(),
                text: text(finding, path),
                help: finding.verdict.advice(),
            })
        };
        let stranger =
            |(interface, node, from, our_key): &(String, String, std::net::IpAddr, bool)| {
                let address = from.to_string();
                serde_json::to_value(Stranger {
                    interface,
                    node,
                    address,
                    our_key: *our_key,
                })
            };
        let paths: Vec<_> = self.findings.iter().filter_map(|f| entry(f).ok()).collect();
        let strangers = self
            .witness
            .strangers
            .iter()
            .filter_map(|s| stranger(s).ok());
        let troubles = self
            .troubles
            .iter()
            .map(|(path, why)| format!("{}: cannot send: {why}", self.witness.paths[*path]));
        serde_json::json!({
            "paths": paths,
            "strangers": strangers.collect::<Vec<_>>(),
            "troubles": troubles.collect::<Vec<_>>(),
        })
    }
}

fn draw(finding: &Finding, path: &Path, out: &mut dyn Write) -> io::Result<()> {
    let indent = if path.is_ping() {
        2
    } else {
        finding.peer.len() + 4
    };
    match path.is_ping() {
        true => writeln!(out, "  {}", text(finding, path))?,
        false => writeln!(out, "  {}  {}", finding.peer, text(finding, path))?,
    }
    match finding.verdict.advice() {
        "" => Ok(()),
        _ if path.is_ping() => Ok(()),
        advice => writeln!(out, "{:indent$}{advice}", ""),
    }
}

fn text(finding: &Finding, path: &Path) -> String {
    match (path.is_ping(), finding.verdict.is_good()) {
        (true, true) => "answers".into(),
        (true, false) => "no answer".into(),
        _ => finding.verdict.to_string(),
    }
}
