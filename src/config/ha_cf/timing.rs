//! keepalive, deadtime and the other times.

use std::time::Duration;

use super::lines::Word;
use super::reader::Reader;
use crate::config::value::{self, Taken, show_time};

pub(super) fn keepalive(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(time) = nonzero(reader, word) {
        reader.model.keepalive = time;
    }
}

pub(super) fn deadtime(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(time) = nonzero(reader, word) {
        reader.model.deadtime = time;
    }
}

pub(super) fn warntime(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(time) = nonzero(reader, word) {
        reader.model.warntime = time;
    }
}

pub(super) fn initdead(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(time) = time(reader, word) {
        reader.model.initdead = time;
    }
}

pub(super) fn deadping(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(time) = time(reader, word) {
        reader.model.deadping = time;
    }
}

pub(super) fn conn_logd_time(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(time) = nonzero(reader, word) {
        reader.model.conn_logd_time = time;
    }
}

/// Milliseconds without a unit, unlike all other times.
pub(super) fn max_rexmit_delay(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let (ms, whole) = value::leading_number(word.text);
    if ms <= 0 {
        reader
            .error(word.span, "max_rexmit_delay must be more than 0")
            .help = Some("write milliseconds as a plain number, such as 250".into());
        return;
    }
    let unit = word.text.trim_start_matches(|c: char| c.is_ascii_digit());
    if !whole && !unit.to_ascii_lowercase().starts_with("ms") {
        let message = format!("max_rexmit_delay is in milliseconds: {ms} ms are used here");
        reader.warning(word.span, message).help =
            Some("write milliseconds as a plain number, such as 250".into());
    }
    reader.model.max_rexmit_delay = Duration::from_millis(ms.unsigned_abs());
}

fn nonzero(reader: &mut Reader<'_, '_>, word: Word<'_>) -> Option<Duration> {
    let time = time(reader, word)?;
    if time.is_zero() {
        let name = reader.directive;
        reader
            .error(word.span, format!("{name} must be more than 0"))
            .help = Some("a number means seconds; milliseconds are written 500ms".into());
        return None;
    }
    Some(time)
}

fn time(reader: &mut Reader<'_, '_>, word: Word<'_>) -> Option<Duration> {
    match value::time(word.text) {
        Some((time, Taken::Plain)) => Some(time),
        Some((time, Taken::Cut)) => {
            let message = format!("heartbeat reads {:?} as {}", word.text, show_time(time));
            reader.warning(word.span, message).help = Some(in_our_units(time));
            Some(time)
        }
        Some((time, Taken::ForeignUnit)) => {
            let message = format!("heartbeat has no such unit; read as {}", show_time(time));
            reader.refused(word.span, message).help = Some(in_our_units(time));
            Some(time)
        }
        None if value::is_time_unit(word.text) => separate_unit(reader, word),
        None => {
            let name = reader.directive;
            let message = format!("{name}: {:?} is no length of time", word.text);
            reader.error(word.span, message).help = Some(
                "write a number of seconds, such as 2 or 0.5, or milliseconds, such as 500ms"
                    .into(),
            );
            None
        }
    }
}

/// `keepalive 500 ms`: the unit stands alone, the number before it was read as seconds.
fn separate_unit(reader: &mut Reader<'_, '_>, unit: Word<'_>) -> Option<Duration> {
    let before = reader
        .found
        .source()
        .slice(crate::config::source::Span::new(0, unit.span.start));
    let number = before
        .trim_end()
        .rsplit([' ', '\t'])
        .next()
        .unwrap_or("")
        .to_owned();
    let joined = format!("{number}{}", unit.text);
    let Some((time, _)) = value::time(&joined) else {
        let name = reader.directive;
        reader
            .error(
                unit.span,
                format!("{name}: a unit without a number before it"),
            )
            .help = Some("write it as one word, such as 500ms".into());
        return None;
    };
    let message = format!(
        "the unit must touch the number; read as {}",
        show_time(time)
    );
    reader.refused(unit.span, message).help = Some(in_our_units(time));
    reader.remember(&joined);
    Some(time)
}

fn in_our_units(time: Duration) -> String {
    let ms = time.as_millis();
    if ms.is_multiple_of(1000) {
        format!("write {}: a number without a unit means seconds", ms / 1000)
    } else {
        format!("write {ms}ms")
    }
}
