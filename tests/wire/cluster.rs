//! Messages of corosync's services against captured traffic of three nodes of 3.1.7.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use everbeat::wire::cluster::{self, Cfg, Cpg, Message, Sync, Votequorum};
use everbeat::wire::cursor::ByteOrder;
use everbeat::wire::totem::Dialect;

use crate::hex;

struct Row {
    place: String,
    group: String,
    body: Vec<u8>,
}

/// The selection in tests/wire, and the whole where it is there.
fn rows() -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = root.join("../shared/vectors/corosync-services");
    let mut files = hex::files(&root.join("tests/wire/corosync-services"));
    if whole.is_dir() {
        files.extend(hex::files(&whole));
    } else {
        println!("../shared/vectors is not there, only the selection is tested");
    }
    let messages = files
        .iter()
        .filter(|f| !f.ends_with("votequorum-runs.jsonl"));
    messages
        .flat_map(|file| hex::objects(file))
        .map(row)
        .collect()
}

/// Of two large messages the captures keep the first bytes only; filler stands for the rest.
fn row((place, object): (String, serde_json::Value)) -> Row {
    let digits = object["hex"].as_str().unwrap().trim_end_matches('.');
    let mut body = hex::unhex(digits);
    body.resize(object["len"].as_u64().unwrap() as usize, 0xA5);
    let group = object["group"].as_str().unwrap().to_owned();
    Row { place, group, body }
}

fn one(hole: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(hole).collect()
}

/// What nobody initialises, besides the two holes of the header.
fn holes(message: &Message, length: usize) -> Vec<Range<usize>> {
    let name = |name: &cluster::CpgName, at: usize| {
        vec![at + 4..at + 8, at + 8 + name.as_bytes().len()..at + 136]
    };
    match message {
        Message::Cmap(cmap) => {
            let mut holes = vec![17..24, 25..32, 33..40, 41..48];
            let [item] = &cmap.items[..] else {
                panic!("captures have one item")
            };
            let key = item.key.as_bytes().len();
            holes.extend([50..56, 56 + key..312, 313..320]);
            holes
        }
        Message::Cfg(Cfg::KillNode { reason, .. }) => {
            vec![20..24, 26..32, 32 + reason.as_bytes().len()..288]
        }
        Message::Cfg(Cfg::Shutdown) => vec![],
        Message::Cfg(_) => one(20..24),
        Message::Cpg(Cpg::Process { group, .. }) => {
            [name(group, 16), vec![156..160, 164..168]].concat()
        }
        Message::Cpg(Cpg::JoinList(entries)) => {
            let mut holes = one(20..24);
            for (i, entry) in entries.iter().enumerate() {
                let at = 24 + 144 * i;
                holes.push(at + 4..at + 8);
                holes.extend(name(&entry.group, at + 8));
            }
            holes
        }
        Message::Cpg(Cpg::Mcast { group, .. }) => {
            [name(group, 16), vec![156..160, 164..168, 172..176]].concat()
        }
        Message::Cpg(Cpg::DownList { left, .. }) => {
            vec![20..24, 28..32, 32 + 4 * left.len()..length]
        }
        Message::Cpg(Cpg::Partial { group, .. }) => {
            let more = vec![156..160, 164..168, 172..176, 180..184, 188..192];
            [name(group, 16), more].concat()
        }
        Message::Votequorum(Votequorum::Reconfigure { .. }) => one(25..32),
        Message::Votequorum(_) => vec![],
    }
}

fn without(body: &[u8], holes: Vec<Range<usize>>) -> Vec<u8> {
    let mut body = body.to_vec();
    for hole in holes.into_iter().chain([4..8, 12..16]) {
        body[hole].fill(0);
    }
    body
}

#[test]
fn every_byte_is_explained_and_written_again() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for Row { place, group, body } in rows() {
        let (again, real, kind) = if group == "sync" {
            let message = cluster::decode_sync(&body, Dialect::V3);
            let message = message.unwrap_or_else(|e| panic!("{place}: {e}"));
            let (kind, holes) = match &message {
                Sync::Barrier(_) => ("barrier", one(28..32)),
                Sync::ServiceBuild { services, .. } => (
                    "service build",
                    vec![28..32, 36..40, 40 + 4 * services.len()..552],
                ),
            };
            let again = cluster::encode_sync(&message, Dialect::V3);
            (again, without(&body, holes), kind.to_owned())
        } else {
            let message = Message::decode(&body, ByteOrder::Little);
            let message = message.unwrap_or_else(|e| panic!("{place}: {e}"));
            let kind = format!("{message:?}");
            let words: Vec<_> = kind.split([' ', '(', '{']).take(2).collect();
            let holes = holes(&message, body.len());
            (message.encode(), without(&body, holes), words.join(" "))
        };
        assert!(again == real, "{place} {kind}: written otherwise");
        *kinds.entry(kind).or_default() += 1;
    }
    let all: usize = kinds.values().sum();
    println!("{all} messages: {kinds:?}");
    assert!(kinds.len() >= 11, "{kinds:?}");
}
