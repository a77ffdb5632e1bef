//! Each key by itself: its name, its value, and whether anything comes of it.
//!
//! What corosync refuses though its meaning is plain is read as it was meant. What corosync takes
//! in an unexpected way is taken the same way here, as all nodes must agree.

use super::generation::{Generation, join};
use super::schema::{self, Directive, Kind};
use super::tree::{Key, Section};
use crate::config::diagnostic::{Findings, Severity};
use crate::config::source::Span;
use crate::config::{suggest, value};

/// Flags that are numbers; people write `yes`.
const FLAGS: [&str; 7] = [
    "two_node",
    "wait_for_all",
    "last_man_standing",
    "auto_tie_breaker",
    "allow_downscale",
    "expected_votes_tracking",
    "master_wins",
];

/// Checks the keys of a section and of those in it, and leaves their values as they are meant.
pub(super) fn check(tree: &mut Section, generation: Generation, found: &mut Findings<'_>) {
    let mut checker = Checker { generation, found };
    checker.section(tree, "");
}

struct Checker<'f, 's> {
    generation: Generation,
    found: &'f mut Findings<'s>,
}

impl Checker<'_, '_> {
    fn section(&mut self, section: &mut Section, path: &str) {
        self.repeated(section);
        let keys = std::mem::take(&mut section.keys);
        section.keys = keys
            .into_iter()
            .filter_map(|key| self.key(path, key))
            .collect();
        for inner in &mut section.sections {
            let inner_path = join(path, &inner.name);
            if schema::is_section(&inner_path) {
                self.section(inner, &inner_path);
            } else if !inner.name.is_empty() {
                self.unknown_section(path, inner);
            }
        }
    }

    fn unknown_section(&mut self, path: &str, section: &Section) {
        let name = &section.name;
        let message = format!(
            "corosync does nothing with a section {name:?}{}",
            within(path)
        );
        let near = suggest::nearest(name, schema::sections_in(path));
        let help = match near {
            Some(near) => format!("did you mean {near}?"),
            None => "take it out".into(),
        };
        self.found
            .add(Severity::Warning, section.span, message)
            .help = Some(help);
    }

    fn repeated(&mut self, section: &Section) {
        for (at, key) in section.keys.iter().enumerate() {
            let again = section.keys[at + 1..].iter().find(|k| k.name == key.name);
            // `uidgid` may name several users.
            if let Some(again) = again.filter(|_| section.name != "uidgid" && key.colon) {
                let (line, _) = self.found.source().position(again.name_span.start);
                let message = format!("{} is given again in line {line}", key.name);
                self.found.add(Severity::Warning, key.span(), message).help =
                    Some("the last one counts; keep that".into());
            }
        }
    }

    /// The key as it counts, if it does.
    fn key(&mut self, path: &str, mut key: Key) -> Option<Key> {
        if schema::is_free(path) && key.colon {
            return Some(key);
        }
        let Some(directive) = schema::find(path, &key.name) else {
            self.unknown(path, &key);
            return key.colon.then_some(key);
        };
        if !key.colon {
            self.without_colon(&key);
        }
        self.heeded(directive, &key);
        self.remark(directive, &mut key);
        let value = self.value(directive, path, &key)?;
        key.value = value;
        Some(key)
    }

    fn without_colon(&mut self, key: &Key) {
        let message = match self.generation {
            Generation::Three => format!("{} lacks its colon", key.name),
            of => format!(
                "{} lacks its colon, and corosync {of} ignores the line",
                key.name
            ),
        };
        self.found.add_refused(key.span(), message).help =
            Some(format!("write {}: {}", key.name, key.value));
    }

    fn unknown(&mut self, path: &str, key: &Key) {
        if !key.colon {
            return self.stray(key);
        }
        let name = &key.name;
        let bad = |c: char| !c.is_ascii_alphanumeric() && !"._-/:".contains(c);
        if name.contains(bad) {
            let message = format!("{name:?} is no name of a key");
            let help = Some(self.unknown_help(path, name));
            self.found.add_refused(key.name_span, message).help = help;
            return;
        }
        if matches!(path, "uidgid" | "totem.interface.member") {
            let message = format!("{path} has no key {name:?}");
            let help = Some(self.unknown_help(path, name));
            self.found.add_refused(key.name_span, message).help = help;
            return;
        }
        let message = format!("corosync does nothing with a key {name:?}{}", within(path));
        let help = self.unknown_help(path, name);
        self.found
            .add(Severity::Warning, key.name_span, message)
            .help = Some(help);
    }

    fn unknown_help(&self, path: &str, name: &str) -> String {
        if let Some(near) = suggest::nearest(name, schema::names(path)) {
            return format!("did you mean {near}?");
        }
        match schema::homes(name).find(|home| *home != path) {
            Some(home) if !home.is_empty() => format!("it belongs into the section {home}"),
            _ => "take it out, or write # in front of it".into(),
        }
    }

    /// A line that is neither a section nor a key: 1.x and 2.x pass it over.
    fn stray(&mut self, key: &Key) {
        let help = "write # as its first character if it is a remark";
        if self.generation == Generation::Three {
            let message = "the line opens or closes no section and has no colon";
            self.found.add(Severity::Error, key.span(), message).help = Some(help.into());
            return;
        }
        let of = self.generation;
        let message = format!("the line says nothing to corosync {of}, which passes it over");
        let new = self.found.add(Severity::Warning, key.span(), message);
        new.help = Some(help.into());
        new.refused_by_original = true;
    }

    /// A note about what another generation reads.
    fn heeded(&mut self, directive: &Directive, key: &Key) {
        // The legacy sections are explained as a whole.
        let explained = matches!(directive.section, "" | "service" | "aisexec" | "amf");
        if directive.heeded_by(self.generation) || explained {
            return;
        }
        let name = &key.name;
        let others: Vec<_> = Generation::ALL
            .into_iter()
            .filter(|g| directive.heeded_by(*g))
            .map(Generation::as_str)
            .collect();
        let message = match others.as_slice() {
            [] => format!("{name} has no effect"),
            others => format!(
                "{name} has no effect in corosync {}, only in {}",
                self.generation,
                others.join(" and ")
            ),
        };
        self.found.add(Severity::Note, key.span(), message).help = Some("it can go".into());
    }

    /// `value # remark`: corosync knows comments only at the start of a line.
    fn remark(&mut self, directive: &Directive, key: &mut Key) {
        let Some(at) = remark_in(&key.value) else {
            return;
        };
        let span = Span::new(key.value_span.start + at, key.value_span.end);
        let message = format!(
            "corosync takes this remark as a part of the value of {}",
            key.name
        );
        if directive.kind == Kind::Text {
            self.found.add(Severity::Warning, span, message).help =
                Some("give it a line of its own; here it stays, as on all nodes".into());
            return;
        }
        self.found.add_refused(span, message).help = Some("give it a line of its own".into());
        let bare = key.value[..at].trim_end().len();
        key.value.truncate(bare);
        key.value_span.end = key.value_span.start + bare;
    }

    fn value(&mut self, directive: &Directive, path: &str, key: &Key) -> Option<String> {
        let several = next_key(path, &key.value);
        if let Some(next) = several {
            let message = format!("{next} stands in the value of {}", key.name);
            self.found
                .add(Severity::Error, key.value_span, message)
                .help = Some("write one key per line".into());
            return None;
        }
        match directive.kind {
            Kind::Number(most) => self.number(key, most),
            Kind::Signed => self.signed(key),
            Kind::Strict(words) => self.strict(key, words),
            Kind::Lax(words) => Some(self.lax(key, words)),
            Kind::Word | Kind::Text => Some(self.text(key)),
        }
    }

    fn text(&mut self, key: &Key) -> String {
        let quoted = |q: char| key.value.strip_prefix(q).and_then(|v| v.strip_suffix(q));
        if quoted('"').or(quoted('\'')).is_some() {
            let message = "corosync knows no quotes: they are a part of the value";
            self.found
                .add(Severity::Warning, key.value_span, message)
                .help = Some("write it without them".into());
        }
        key.value.clone()
    }

    fn number(&mut self, key: &Key, most: u64) -> Option<String> {
        if let Ok(number) = key.value.parse::<u64>()
            && number <= most
            && key.value.bytes().all(|b| b.is_ascii_digit())
        {
            return Some(number.to_string());
        }
        if key.value.is_empty() {
            let message = format!("{} has no value", key.name);
            self.found.add_refused(key.span(), message).help =
                Some("its default is taken; give it a number or take it out".into());
            return None;
        }
        if let Some(meant) = meant_number(key).filter(|n| *n <= most) {
            let message = format!("{:?} is no plain number; read as {meant}", key.value);
            self.found.add_refused(key.value_span, message).help =
                Some(format!("write {}: {meant}", key.name));
            return Some(meant.to_string());
        }
        let message = format!(
            "{} wants a number from 0 to {most}, not {:?}",
            key.name, key.value
        );
        self.found
            .add(Severity::Error, key.value_span, message)
            .help = Some("write digits only".into());
        None
    }

    fn signed(&mut self, key: &Key) -> Option<String> {
        if let Ok(number) = key.value.parse::<i32>() {
            return Some(number.to_string());
        }
        let message = format!("{} wants a whole number, not {:?}", key.name, key.value);
        self.found
            .add(Severity::Error, key.value_span, message)
            .help = Some("write digits only".into());
        None
    }

    fn strict(&mut self, key: &Key, words: &[&str]) -> Option<String> {
        if words.contains(&key.value.as_str()) {
            return Some(key.value.clone());
        }
        let any_case = words.iter().find(|w| w.eq_ignore_ascii_case(&key.value));
        if let Some(meant) = any_case.copied().or_else(|| switch(words, &key.value)) {
            let message = format!("{} is spelt {meant}", key.value);
            self.found.add_refused(key.value_span, message).help =
                Some(format!("write {}: {meant}", key.name));
            return Some(meant.to_owned());
        }
        let message = format!("{} can't be {:?}", key.name, key.value);
        self.found
            .add(Severity::Error, key.value_span, message)
            .help = Some(choice(&key.value, words));
        None
    }

    fn lax(&mut self, key: &Key, words: &[&str]) -> String {
        if !words.contains(&key.value.as_str()) {
            let message = format!(
                "{} can't be {:?}, and corosync doesn't say so",
                key.name, key.value
            );
            self.found
                .add(Severity::Warning, key.value_span, message)
                .help = Some(choice(&key.value, words));
        }
        key.value.clone()
    }
}

fn within(path: &str) -> String {
    if path.is_empty() {
        " outside of all sections".into()
    } else {
        format!(" in {path}")
    }
}

fn choice(word: &str, words: &[&str]) -> String {
    match suggest::nearest(word, words.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("it can be {}", words.join(", ")),
    }
}

/// Where a remark begins in a value: `#` at its start or behind a blank.
fn remark_in(value: &str) -> Option<usize> {
    let mut hashes = value.match_indices('#').map(|(at, _)| at);
    hashes.find(|at| {
        value[..*at]
            .chars()
            .next_back()
            .is_none_or(char::is_whitespace)
    })
}

/// The name of a key of the same section that stands in a value, with its colon.
fn next_key(path: &str, value: &str) -> Option<String> {
    let names = value.split_whitespace().skip(1);
    let mut names = names.filter_map(|word| word.split_once(':').map(|(name, _)| name));
    names
        .find(|name| schema::find(path, name).is_some())
        .map(str::to_owned)
}

/// `1000ms`, `1 s` of a time, `yes` of a flag.
fn meant_number(key: &Key) -> Option<u64> {
    if FLAGS.contains(&key.name.as_str()) {
        return value::truth(&key.value).map(u64::from);
    }
    let digits = key.value.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = key.value[..digits].parse().ok()?;
    match key.value[digits..].trim() {
        "ms" | "msec" | "" => Some(number),
        "s" | "sec" => number.checked_mul(1000),
        _ => None,
    }
}

/// `true` where `yes` or `on` is known.
fn switch<'w>(words: &[&'w str], word: &str) -> Option<&'w str> {
    let meant: &[&str] = match value::truth(word)? {
        true => &["yes", "on"],
        false => &["no", "off"],
    };
    words.iter().copied().find(|w| meant.contains(w))
}
