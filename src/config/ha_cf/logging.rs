//! Where the log goes.

use std::path::PathBuf;

use super::lines::Word;
use super::model::Facility;
use super::options;
use super::reader::Reader;
use crate::config::{suggest, value};

pub(super) fn logfile(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    reader.model.logfile = path(reader, word);
}

pub(super) fn debugfile(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    reader.model.debugfile = path(reader, word);
}

fn path(reader: &mut Reader<'_, '_>, word: Word<'_>) -> Option<PathBuf> {
    if !word.text.starts_with('/') {
        let message = format!("{}: {:?} is no full path", reader.directive, word.text);
        reader.warning(word.span, message).help =
            Some("where it ends up depends on the folder the daemon is started in".into());
    }
    Some(PathBuf::from(word.text))
}

pub(super) fn logfacility(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if word.text == "none" {
        reader.model.logfacility = None;
        return;
    }
    if let Some(facility) = Facility::parse(word.text) {
        reader.model.logfacility = Some(facility);
        return;
    }
    let lower = word.text.to_ascii_lowercase();
    if let Some(facility) = Facility::parse(&lower) {
        reader
            .refused(word.span, "facilities are in lower case")
            .help = Some(format!("write {lower}"));
        reader.model.logfacility = Some(facility);
        return;
    }
    let near = suggest::nearest(word.text, Facility::ALL.iter().map(|f| f.name));
    let help = match near {
        Some(near) => format!("did you mean {near}?"),
        None => "use daemon, local0 to local7, another one of syslog(3), or none".into(),
    };
    let message = format!("logfacility: {:?} is no syslog facility", word.text);
    reader.error(word.span, message).help = Some(help);
}

pub(super) fn use_logd(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(on) = options::truth(reader, word) {
        reader.model.use_logd = Some(on);
    }
}

pub(super) fn syslogmsgfmt(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(on) = options::truth(reader, word) {
        reader.model.syslogmsgfmt = on;
    }
}

pub(super) fn log_badpack(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(on) = options::truth(reader, word) {
        reader.model.log_badpack = on;
    }
}

pub(super) fn debug(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let (level, whole) = value::leading_number(word.text);
    match u8::try_from(level) {
        Ok(level) => {
            if !whole {
                let message = format!("debug: heartbeat reads {:?} as {level}", word.text);
                reader.warning(word.span, message).help = Some(format!("write {level}"));
            }
            reader.model.debug = level;
        }
        Err(_) => {
            reader
                .error(word.span, format!("debug: {:?} is no level", word.text))
                .help = Some("write a number from 0 to 255".into());
        }
    }
}
