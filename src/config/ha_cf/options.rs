//! Directives of one value: nodes, switches, choices, numbers.

use std::path::PathBuf;

use super::children;
use super::lines::Word;
use super::model::*;
use super::reader::Reader;
use crate::config::{suggest, value};
use crate::ids::NodeName;
use crate::limits;

pub(super) fn cluster(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    reader.model.cluster = word.text.to_owned();
}

pub(super) fn node(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let name = match NodeName::lowered(word.text) {
        Ok(name) => name,
        Err(error) => {
            reader.error(word.span, error.to_string());
            return;
        }
    };
    if reader.model.nodes.contains(&name) {
        reader
            .warning(word.span, format!("node {name} a second time"))
            .help = Some("take this one out".into());
        return;
    }
    if reader.model.node_table.len() >= limits::HEARTBEAT_NODES_MAX {
        let message = format!("more than {} nodes", limits::HEARTBEAT_NODES_MAX);
        reader.error(word.span, message);
        return;
    }
    if !word
        .text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    {
        let message = format!("{:?} can hardly be the name of a host", word.text);
        reader.warning(word.span, message).help =
            Some("node takes names as `uname -n` prints them; a comment starts with #".into());
    }
    let entry = TableNode {
        name: name.clone(),
        ping: false,
    };
    reader.model.node_table.push(entry);
    reader.model.nodes.push(name);
    reader.model.places.nodes.push(word.span);
}

/// A truth value, or an error.
pub(super) fn truth(reader: &mut Reader<'_, '_>, word: Word<'_>) -> Option<bool> {
    let found = value::truth(word.text);
    if found.is_none() {
        let message = format!(
            "{}: {:?} is neither yes nor no",
            reader.directive, word.text
        );
        reader.error(word.span, message).help = Some("write on or off".into());
    }
    found
}

/// One of several words; another case than heartbeat's is taken with a warning.
fn choice<T: Copy>(reader: &mut Reader<'_, '_>, word: Word<'_>, of: &[(&str, T)]) -> Option<T> {
    if let Some((_, value)) = of.iter().find(|(name, _)| *name == word.text) {
        return Some(*value);
    }
    let name = reader.directive;
    let lower = word.text.to_ascii_lowercase();
    if let Some((written, value)) = of.iter().find(|(name, _)| *name == lower) {
        let value = *value;
        let message = format!("{name}: the value is in lower case");
        reader.refused(word.span, message).help = Some(format!("write {written}"));
        return Some(value);
    }
    let words: Vec<_> = of.iter().map(|(name, _)| *name).collect();
    let help = match suggest::nearest(word.text, words.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("write one of {}", words.join(", ")),
    };
    let message = format!("{name}: {:?} is none of its values", word.text);
    reader.error(word.span, message).help = Some(help);
    None
}

pub(super) fn auto_failback(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let mode = match value::truth(word.text) {
        Some(true) => AutoFailback::On,
        Some(false) => AutoFailback::Off,
        None if word.text.eq_ignore_ascii_case("legacy") => AutoFailback::Legacy,
        None => {
            let message = format!("auto_failback: {:?} is none of its values", word.text);
            reader.error(word.span, message).help = Some("write on, off or legacy".into());
            return;
        }
    };
    reader.model.auto_failback = mode;
}

/// Obsolete, and without effect.
///
/// Source: heartbeat 3.0.6 [tried]: alone it ends as legacy, beside `auto_failback` as that
pub(super) fn nice_failback(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let Some(on) = truth(reader, word) else {
        return;
    };
    let meant = if on { "off" } else { "on" };
    reader
        .warning(word.span, "nice_failback is obsolete and has no effect")
        .help = Some(format!("write auto_failback {meant} instead"));
}

pub(super) fn hopfudge(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let (number, whole) = value::leading_number(word.text);
    let Ok(hops) = u8::try_from(number) else {
        let message = format!("hopfudge: {:?} is out of bounds", word.text);
        reader.error(word.span, message).help = Some("write a number from 0 to 255".into());
        return;
    };
    if !whole {
        let message = format!("hopfudge: heartbeat reads {:?} as {hops}", word.text);
        reader.warning(word.span, message).help = Some(format!("write {hops}"));
    }
    reader.model.hopfudge = hops;
}

pub(super) fn rtprio(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let (number, whole) = value::leading_number(word.text);
    match u8::try_from(number) {
        Ok(priority @ 1..=99) => {
            if !whole {
                let message = format!("rtprio: heartbeat reads {:?} as {priority}", word.text);
                reader.warning(word.span, message).help = Some(format!("write {priority}"));
            }
            reader.model.rtprio = Some(priority);
        }
        _ => {
            let message = format!("rtprio: {:?} is no real-time priority", word.text);
            reader.error(word.span, message).help = Some("write a number from 1 to 99".into());
        }
    }
}

pub(super) fn realtime(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(on) = truth(reader, word) {
        reader.model.realtime = on;
    }
}

pub(super) fn memreserve(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(kib) = positive(reader, word, "KiB") {
        reader.model.memreserve = kib;
    }
}

pub(super) fn compression_threshold(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(kib) = positive(reader, word, "KiB") {
        reader.model.compression_threshold = kib;
    }
}

fn positive(reader: &mut Reader<'_, '_>, word: Word<'_>, unit: &str) -> Option<u32> {
    let name = reader.directive;
    let (number, whole) = value::leading_number(word.text);
    if number <= 0 {
        let message = format!("{name}: {:?} is no number above 0", word.text);
        reader.error(word.span, message).help = Some(format!("write a whole number of {unit}"));
        return None;
    }
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    if !whole {
        let message = format!("{name}: heartbeat reads {:?} as {number} {unit}", word.text);
        reader.warning(word.span, message).help = Some(format!("write {number}"));
    }
    Some(number)
}

pub(super) fn hbgenmethod(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    use GenerationMethod::{File, Time};
    if let Some(method) = choice(reader, word, &[("file", File), ("time", Time)]) {
        reader.model.hbgenmethod = method;
    }
}

pub(super) fn uuidfrom(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    use UuidFrom::{File, NodeName};
    let Some(from) = choice(reader, word, &[("file", File), ("nodename", NodeName)]) else {
        return;
    };
    if from == NodeName {
        reader
            .warning(
                word.span,
                "everbeat takes the uuid from the file hb_uuid all the same",
            )
            .help = Some(
            "keep hb_uuid when you reinstall the node; else the peers report a changed uuid".into(),
        );
    }
    reader.model.uuidfrom = from;
}

pub(super) fn autojoin(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    use AutoJoin::{Any, None, Other};
    let of = [("none", None), ("other", Other), ("any", Any)];
    if let Some(mode) = choice(reader, word, &of) {
        reader.model.autojoin = mode;
    }
}

pub(super) fn msgfmt(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    use MessageFormat::{Classic, Netstring};
    if let Some(form) = choice(
        reader,
        word,
        &[("classic", Classic), ("netstring", Netstring)],
    ) {
        reader.model.msgfmt = form;
    }
}

pub(super) fn compression(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    use Compression::{Bz2, Zlib};
    if let Some(algorithm) = choice(reader, word, &[("zlib", Zlib), ("bz2", Bz2)]) {
        reader.model.compression = algorithm;
    }
}

pub(super) fn traditional_compression(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let Some(on) = truth(reader, word) else {
        return;
    };
    if on {
        let message = "traditional_compression compresses whole messages as they are sent";
        reader.warning(word.span, message).help =
            Some("leave it off, unless nodes older than heartbeat 2.1 need it".into());
    }
    reader.model.traditional_compression = on;
}

pub(super) fn env(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let Some((name, text)) = word.text.split_once('=') else {
        reader
            .warning(word.span, format!("env: {:?} sets nothing", word.text))
            .help = Some("write env NAME=VALUE; scripts see it as HA_NAME".into());
        return;
    };
    if name.is_empty() {
        reader.error(word.span, "env: the name is missing").help =
            Some("write env NAME=VALUE; scripts see it as HA_NAME".into());
        return;
    }
    if text.starts_with(['"', '\'']) {
        reader
            .warning(
                word.span,
                "env: quotes are part of the value, and a blank ends it",
            )
            .help = Some("write the value without quotes and blanks".into());
    }
    let env = &mut reader.model.env;
    env.retain(|(known, _)| known != name);
    env.push((name.to_owned(), text.to_owned()));
}

pub(super) fn coredumps(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(on) = truth(reader, word) {
        reader.model.coredumps = on;
    }
}

pub(super) fn coreroot(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    reader.model.coreroot = Some(PathBuf::from(word.text));
}

pub(super) fn use_apphbd(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(on) = truth(reader, word) {
        reader.model.use_apphbd = on;
    }
}

pub(super) fn crm(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let places = &reader.model.places;
    let first = places.directive("crm").or(places.directive("pacemaker"));
    if let Some(first) = first {
        let (line, _) = reader.found.source().position(first.start);
        let message = format!("crm or pacemaker a second time: line {line} has it already");
        reader.error(word.span, message).help = Some("take one of them out".into());
        return;
    }
    let lower = word.text.to_ascii_lowercase();
    let mode = match (value::truth(&lower), lower.as_str()) {
        (Some(false), _) => CrmMode::Off,
        (Some(true), _) => CrmMode::On,
        (None, "respawn") => CrmMode::Respawn,
        (None, "manual" | "minimal") => CrmMode::Manual,
        (None, "valgrind") => CrmMode::Valgrind,
        (None, "ccm-only") => CrmMode::CcmOnly,
        _ => {
            let message = format!(
                "{}: {:?} is none of its values",
                reader.directive, word.text
            );
            reader.error(word.span, message).help = Some("write off, on, respawn or manual".into());
            return;
        }
    };
    reader.model.crm = mode;
    if mode != CrmMode::Off {
        children::admit_the_crm(reader);
    }
}

/// heartbeat takes it only after `crm`, and then complains; it has no effect on us.
pub(super) fn crm_daemon_dir(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let places = &reader.model.places;
    let after_crm = places.directive("crm").or(places.directive("pacemaker"));
    let message = "crm_daemon_dir has no effect: everbeat's daemons are one program";
    let help = Some("take this line out".to_owned());
    if after_crm.is_some() {
        reader.warning(word.span, message).help = help;
    } else {
        reader.refused(word.span, message).help = help;
    }
}

/// Switches of Pacemaker's daemons.
pub(super) fn of_the_crm(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    truth(reader, word);
}

pub(super) fn quorum_server(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    reader
        .warning(
            word.span,
            "quorum_server has no effect: this build of heartbeat has none",
        )
        .help = Some("take this line out".into());
}
