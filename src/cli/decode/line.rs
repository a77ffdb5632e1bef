//! What is printed of a message.

use std::fmt::Write;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::keys::Keys;
use super::source::{Sighting, Time};
use crate::ids::NodeUuid;
use crate::wire::heartbeat::compress;
use crate::wire::heartbeat::datagram::{self, Form, Opened, Refusal, check_inner};
use crate::wire::heartbeat::{Keyring, Message, OpenError, Value, auth::Signer};

/// A message and what is to be said of it.
pub struct Line<'a> {
    sighting: &'a Sighting,
    verdict: Verdict,
    message: Option<Message>,
    /// Words about its shape: its form, how it was compressed.
    marks: Vec<&'static str>,
}

/// Whether the message can be believed.
enum Verdict {
    Authentic(Signer),
    NotAuthenticated,
    Refused(Refusal, String),
    /// The line of the capture itself is no good.
    Unreadable(String),
}

impl<'a> Line<'a> {
    /// Decodes what was seen.
    pub fn new(sighting: &'a Sighting, keys: &mut Keys) -> Self {
        let mut line = Self {
            sighting,
            verdict: Verdict::NotAuthenticated,
            message: None,
            marks: Vec::new(),
        };
        match (
            &sighting.payload,
            keys.for_lines(sighting.auth_key.as_deref()),
        ) {
            (Err(error), _) => line.verdict = Verdict::Unreadable(error.clone()),
            (_, Err(error)) => line.verdict = Verdict::Unreadable(error),
            (Ok(bytes), Ok(Some(keyring))) => line.open(bytes, keyring),
            (Ok(bytes), Ok(None)) => line.open_unauthenticated(bytes),
        }
        line
    }

    fn open(&mut self, bytes: &[u8], keyring: &Keyring) {
        match datagram::open(bytes, keyring) {
            Ok(opened) => {
                self.verdict = Verdict::Authentic(opened.signer);
                self.take(opened, keyring);
            }
            Err(error) => {
                self.open_unauthenticated(bytes);
                self.refuse(&error);
            }
        }
    }

    fn open_unauthenticated(&mut self, bytes: &[u8]) {
        match datagram::open_unauthenticated(bytes) {
            Ok(unsigned) => {
                self.show_form(unsigned.form, unsigned.wrapped);
                self.show(unsigned.message);
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn take(&mut self, opened: Opened, keyring: &Keyring) {
        self.show_form(opened.form, opened.wrapped);
        let inner = check_inner(&opened.message, keyring);
        if opened.form == Form::Netstring && inner.is_some_and(|inner| inner.is_err()) {
            self.marks.push("inner token differs");
        }
        self.show(opened.message);
    }

    fn show_form(&mut self, form: Form, wrapped: Option<compress::Algorithm>) {
        if form == Form::Text {
            self.marks.push("text");
        }
        if let Some(algorithm) = wrapped {
            self.marks.push(algorithm.name());
        }
    }

    fn refuse(&mut self, error: &OpenError) {
        let mut reason = error.to_string();
        if self.sighting.cut {
            reason.push_str(" (the capture lacks the end of the packet)");
        }
        self.verdict = Verdict::Refused(error.refusal(), reason);
    }

    /// True if it was decoded and, where a key is known, authenticated.
    pub fn is_decoded(&self) -> bool {
        match self.verdict {
            Verdict::Authentic(_) | Verdict::NotAuthenticated => self.message.is_some(),
            Verdict::Refused(..) | Verdict::Unreadable(_) => false,
        }
    }

    /// Takes the message with its compressed fields opened, if they can be.
    fn show(&mut self, message: Message) {
        self.message = Some(compress::open_fields(&message).unwrap_or(message));
    }

    /// `TIME FROM > TO VIA  VERDICT  [MARKS] FIELDS`.
    pub fn text(&self) -> String {
        let Sighting { from, to, via, .. } = self.sighting;
        let mut out = format!("{} {from} > {to} {via}  ", self.time());
        match &self.verdict {
            Verdict::Authentic(signer) => {
                let _ = write!(out, "ok key {} {}", signer.index, signer.method);
                if signer.by_outbound_key {
                    out.push_str(" (our outbound key)");
                }
            }
            Verdict::NotAuthenticated => out.push_str("not authenticated"),
            Verdict::Refused(refusal, reason) => {
                let _ = write!(out, "{}: {reason}", refusal.name());
            }
            Verdict::Unreadable(reason) => {
                let _ = write!(out, "unreadable: {reason}");
            }
        }
        if let Some(message) = &self.message {
            out.push_str("  ");
            for mark in &self.marks {
                let _ = write!(out, "[{mark}] ");
            }
            let _ = write!(out, "{message}");
        }
        out
    }

    /// The same as a JSON object.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn time(&self) -> String {
        time_text(self.sighting.time)
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.sighting.time {
            Time::Unknown => {}
            Time::Utc(_) => map.serialize_entry("time", &self.time())?,
            Time::SinceStart(ms) => map.serialize_entry("t_ms", &ms)?,
        }
        map.serialize_entry("from", &self.sighting.from)?;
        map.serialize_entry("to", &self.sighting.to)?;
        map.serialize_entry("via", &self.sighting.via)?;
        match &self.verdict {
            Verdict::Authentic(signer) => {
                map.serialize_entry("verdict", "ok")?;
                map.serialize_entry("key", &signer.index)?;
                map.serialize_entry("method", signer.method.name())?;
                map.serialize_entry("by_outbound_key", &signer.by_outbound_key)?;
            }
            Verdict::NotAuthenticated => map.serialize_entry("verdict", "not-authenticated")?,
            Verdict::Refused(refusal, reason) => {
                map.serialize_entry("verdict", refusal.name())?;
                map.serialize_entry("reason", reason)?;
            }
            Verdict::Unreadable(reason) => {
                map.serialize_entry("verdict", "unreadable")?;
                map.serialize_entry("reason", reason)?;
            }
        }
        if let Some(message) = &self.message {
            map.serialize_entry("marks", &self.marks)?;
            map.serialize_entry("message", &Fields(message))?;
        }
        map.end()
    }
}

/// A message as an object; of fields of one name the first, as look-ups take it.
struct Fields<'a>(&'a Message);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let fields = self.0.fields();
        for (n, field) in fields.iter().enumerate() {
            if fields[..n].iter().all(|earlier| earlier.name != field.name) {
                let name = String::from_utf8_lossy(&field.name);
                map.serialize_entry(&name, &FieldValue(&field.value))?;
            }
        }
        map.end()
    }
}

/// Text as a string; 16 bytes as a uuid; other bytes as `{"hex": …}`.
struct FieldValue<'a>(&'a Value);

impl Serialize for FieldValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Text(bytes) => Text(bytes).serialize(serializer),
            Value::Binary(bytes) => match NodeUuid::from_bytes(bytes) {
                Some(uuid) => serializer.collect_str(&uuid),
                None => hex(bytes, serializer),
            },
            Value::Struct(message) | Value::Uncompressed(message) => {
                Fields(message).serialize(serializer)
            }
            Value::List(items) => serializer.collect_seq(items.iter().map(|item| Text(item))),
            Value::Compressed(bytes) => hex(bytes, serializer),
        }
    }
}

struct Text<'a>(&'a [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => hex(self.0, serializer),
        }
    }
}

fn hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry("hex", &digits)?;
    map.end()
}

/// A time as lines begin with it.
pub fn time_text(time: Time) -> String {
    match time {
        Time::Utc(ns) => utc(ns),
        Time::SinceStart(ms) => {
            let sign = if ms < 0 { "-" } else { "" };
            let ms = ms.unsigned_abs();
            format!("{sign}{}.{:03}", ms / 1000, ms % 1000)
        }
        Time::Unknown => "-".into(),
    }
}

/// `2026-11-25T22:51:05.123456Z`.
fn utc(ns: u64) -> String {
    let (seconds, us) = (ns / 1_000_000_000, ns / 1000 % 1_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{us:06}Z")
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Years begin on 1 March here, so that a leap day is a year's last; an era has 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leap_days = day_of_era / 1460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(utc(951_782_400_000_000_000), "2000-02-29T00:00:00.000000Z");
        assert_eq!(
            utc(1_795_647_065_123_456_789),
            "2026-11-25T22:51:05.123456Z"
        );
        assert_eq!(date(47_540), (2100, 2, 28));
        assert_eq!(date(47_541), (2100, 3, 1));
    }
}
