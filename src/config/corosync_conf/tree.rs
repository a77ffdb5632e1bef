//! The text of a corosync.conf as nested sections of keys, each with its place.
//!
//! corosync reads line by line: a brace anywhere makes the line a section, and nothing may stand
//! beside it. We read what was meant where only one thing can be meant, and say so.

use crate::config::diagnostic::{Findings, Severity};
use crate::config::encoding::is_blank;
use crate::config::source::Span;

/// Sections inside each other; `quorum.device.net` and `resources.system.memory_used` are the
/// deepest that mean something. Ours.
const DEPTH_MAX: usize = 8;

/// Longest line, bytes. Source: corosync 3.1.7, exec/coroparse.c, `parse_section`
const LINE_BYTES_MAX: usize = 511;

/// `key: value`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What stands before the first colon.
    pub name: String,
    /// What follows it, without blanks at its ends.
    pub value: String,
    /// Place of the name.
    pub name_span: Span,
    /// Place of the value.
    pub value_span: Span,
    /// False when the line has no colon.
    pub colon: bool,
}

impl Key {
    /// Name and value.
    pub fn span(&self) -> Span {
        self.name_span.to(self.value_span)
    }
}

/// `name { … }`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// Its name; empty for the file itself.
    pub name: String,
    /// Place of the name.
    pub span: Span,
    /// Its keys, in order.
    pub keys: Vec<Key>,
    /// The sections in it, in order.
    pub sections: Vec<Section>,
}

impl Section {
    /// Sections of that name directly in it.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(move |s| s.name == name)
    }

    /// The last key of that name, as corosync takes it.
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().rfind(|k| k.name == name)
    }

    /// The last key of that name in any of the sections `section` directly in it.
    pub fn key_of(&self, section: &'static str, name: &str) -> Option<&Key> {
        let found = self.all(section).filter_map(|s| s.key(name));
        found.last()
    }

    /// True when there is a section of that name in it.
    pub fn has(&self, section: &'static str) -> bool {
        self.all(section).next().is_some()
    }
}

/// Reads the sections of a file.
pub fn parse(found: &mut Findings<'_>) -> Section {
    let source = found.source();
    let mut reader = Reader {
        found,
        open: vec![Section::default()],
        too_deep: 0,
    };
    for (span, line) in source.lines() {
        reader.line(line, span);
    }
    reader.close_all()
}

struct Reader<'f, 's> {
    found: &'f mut Findings<'s>,
    /// The file, and the sections that are open.
    open: Vec<Section>,
    /// Sections open beyond the deepest that is kept.
    too_deep: usize,
}

/// A piece of a line.
#[derive(Clone, Copy)]
struct Piece<'t> {
    text: &'t str,
    start: usize,
}

impl<'t> Piece<'t> {
    fn part(self, from: usize, to: usize) -> Self {
        let text = self.text.get(from..to).unwrap_or("");
        let left = text.len() - text.trim_start_matches(is_blank).len();
        Self {
            text: text.trim_matches(is_blank),
            start: self.start + from + left,
        }
    }

    fn span(self) -> Span {
        Span::new(self.start, self.start + self.text.len())
    }

    fn is_comment(self) -> bool {
        self.text.starts_with('#')
    }
}

impl Reader<'_, '_> {
    fn line(&mut self, line: &str, span: Span) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let all = Piece {
            text: line,
            start: span.start,
        };
        let said = all.part(0, line.len());
        if said.is_comment() || said.text.is_empty() {
            return;
        }
        if line.len() > LINE_BYTES_MAX {
            let message = format!("the line has {} bytes", line.len());
            self.found.add_refused(said.span(), message).help =
                Some(format!("corosync reads {LINE_BYTES_MAX} bytes of a line"));
        }
        let mut rest = said;
        while let Some(more) = self.statement(rest) {
            rest = more;
        }
    }

    /// Reads one statement; gives what stands behind it on the line.
    fn statement<'t>(&mut self, said: Piece<'t>) -> Option<Piece<'t>> {
        let length = said.text.len();
        if said.text.starts_with('}') {
            self.close(said.part(0, 1).span());
            return self.behind(said.part(1, length), "}");
        }
        if let Some(brace) = opening(said.text) {
            let name = said.text[..brace].trim_end_matches(|c: char| is_blank(c) || c == ':');
            self.open(said.part(0, name.len()), said.start + brace);
            return self.behind(said.part(brace + 1, length), "{");
        }
        if let Some(colon) = said.text.find(':') {
            return self.key(said.part(0, colon), said.part(colon + 1, length));
        }
        if let Some(brace) = said.text.find('}') {
            self.push(without_colon(said.part(0, brace)));
            let message = "corosync wants } on a line of its own";
            let at = said.part(brace, brace + 1).span();
            self.found.add_refused(at, message).help = Some("give it a line of its own".into());
            return Some(said.part(brace, length));
        }
        self.push(without_colon(said));
        None
    }

    /// What stands behind a brace.
    fn behind<'t>(&mut self, rest: Piece<'t>, brace: &str) -> Option<Piece<'t>> {
        if rest.text.is_empty() {
            return None;
        }
        if rest.is_comment() {
            let message = format!("a remark behind {brace}");
            self.found.add_refused(rest.span(), message).help =
                Some("a line is a comment when # is its first character; give it its own".into());
            return None;
        }
        let message = format!("more text behind {brace}");
        self.found.add_refused(rest.span(), message).help =
            Some("corosync reads one thing per line; give it a line of its own".into());
        Some(rest)
    }

    fn open(&mut self, name: Piece<'_>, brace: usize) {
        if name.text.is_empty() {
            let at = Span::new(brace, brace + 1);
            self.found
                .add(Severity::Error, at, "a section without a name")
                .help = Some("write its name before {, such as `totem {`".into());
        }
        if self.open.len() > DEPTH_MAX {
            self.too_deep += 1;
            if self.too_deep == 1 {
                let message = "sections are nested too deep";
                self.found.add(Severity::Error, name.span(), message).help =
                    Some("a section before it may lack its }".into());
            }
            return;
        }
        self.open.push(Section {
            name: name.text.to_owned(),
            span: name.span(),
            ..Section::default()
        });
    }

    fn close(&mut self, at: Span) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        match self.open.pop() {
            Some(done) if !self.open.is_empty() => self.innermost().sections.push(done),
            file => {
                self.open.extend(file);
                let message = "there is nothing to close here";
                self.found.add(Severity::Error, at, message).help =
                    Some("take this } out, or look for a { that is missing above".into());
            }
        }
    }

    /// `key: value`, and a `}` that closes the section at the end of the value.
    fn key<'t>(&mut self, name: Piece<'t>, value: Piece<'t>) -> Option<Piece<'t>> {
        if name.text.is_empty() {
            self.found
                .add(Severity::Error, value.span(), "a value without a key")
                .help = Some("write the key before the colon".into());
            return None;
        }
        if value.text.contains('{') {
            let message = "a line with { begins a section, also in a value";
            self.found.add_refused(value.span(), message).help =
                Some("choose a value without it; read here as a part of the value".into());
        }
        let bare = value.text.strip_suffix('}');
        let bare = bare.filter(|b| self.open.len() > 1 && ends_value(b));
        let kept = value.part(0, bare.map_or(value.text.len(), str::len));
        self.push(Key {
            name: name.text.to_owned(),
            value: kept.text.to_owned(),
            name_span: name.span(),
            value_span: kept.span(),
            colon: true,
        });
        let bare = bare?;
        let brace = value.part(bare.len(), value.text.len());
        let message = "corosync takes this } as a part of the value";
        self.found.add_refused(brace.span(), message).help =
            Some("give it a line of its own".into());
        Some(brace)
    }

    fn push(&mut self, key: Key) {
        if self.too_deep == 0 && !key.name.is_empty() {
            self.innermost().keys.push(key);
        }
    }

    fn innermost(&mut self) -> &mut Section {
        if self.open.is_empty() {
            self.open.push(Section::default());
        }
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    fn close_all(mut self) -> Section {
        while self.open.len() > 1 {
            let unclosed = self.innermost();
            let (name, span) = (unclosed.name.clone(), unclosed.span);
            let message = format!("the section {name:?} is not closed");
            self.found.add(Severity::Error, span, message).help =
                Some("write } on a line of its own where it ends".into());
            self.too_deep = 0;
            self.close(span);
        }
        self.open.pop().unwrap_or_default()
    }
}

/// Place of the brace that opens a section: what stands before it is no `key: value`.
fn opening(text: &str) -> Option<usize> {
    let brace = text.find('{')?;
    let before = text[..brace].trim_end_matches(|c: char| is_blank(c) || c == ':');
    (!before.contains([':', '}'])).then_some(brace)
}

/// True when a `}` behind this is no part of a value: a blank comes before it, or a number.
fn ends_value(value: &str) -> bool {
    let opened = value.contains('{');
    let number = value.bytes().all(|b| b.is_ascii_digit());
    !opened && (number || value.ends_with(is_blank))
}

/// A line without a colon: its first word may be a key that lacks one.
fn without_colon(said: Piece<'_>) -> Key {
    let end = said.text.find(is_blank).unwrap_or(said.text.len());
    let (name, value) = (said.part(0, end), said.part(end, said.text.len()));
    Key {
        name: name.text.to_owned(),
        value: value.text.to_owned(),
        name_span: name.span(),
        value_span: value.span(),
        colon: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Source;

    fn read(text: &str) -> (Section, Vec<String>) {
        let source = Source::new("f", text);
        let mut found = Findings::of(&source, "corosync");
        let tree = parse(&mut found);
        let lines = found.finish().iter().map(|d| d.message.clone()).collect();
        (tree, lines)
    }

    #[test]
    fn sections_nest_and_keys_have_places() {
        let text = "compatibility: whitetank\r\n# x {\ntotem {\n\tversion: 2\n interface{\n\
                    mcastport:5405\n}\n}\n";
        let (tree, found) = read(text);
        assert_eq!(found, [""; 0]);
        let port = tree.sections[0].key_of("interface", "mcastport").unwrap();
        assert_eq!(port.value, "5405");
        assert_eq!(&text[port.value_span.range()], "5405");
        assert_eq!(&text[port.name_span.range()], "mcastport");
        assert_eq!(tree.key("compatibility").unwrap().value, "whitetank");
    }

    #[test]
    fn one_line_is_read_as_meant() {
        let (tree, found) = read("totem { version: 2 }\nquorum {\n two_node: 1}\n");
        assert_eq!(tree.key_of("totem", "version").unwrap().value, "2");
        assert_eq!(tree.key_of("quorum", "two_node").unwrap().value, "1");
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn a_brace_in_a_value_is_a_part_of_it() {
        let (tree, found) = read("logging {\n logfile: /x/{y}\n}\n");
        assert_eq!(tree.key_of("logging", "logfile").unwrap().value, "/x/{y}");
        assert!(found[0].contains("also in a value"), "{found:?}");
    }

    #[test]
    fn braces_are_counted() {
        let (_, found) = read("a {\n b {\n}\n");
        assert_eq!(found, ["the section \"a\" is not closed"]);
        let (tree, found) = read("}\na {\n}\n}\n");
        assert_eq!(found, ["there is nothing to close here"; 2]);
        assert!(tree.has("a"));
        let (_, found) = read(&"a {\n".repeat(40));
        assert!(found.iter().any(|f| f.contains("too deep")), "{found:?}");
    }
}
