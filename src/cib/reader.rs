//! XML text to a [`Document`], with the checks of well-formedness.
//!
//! quick-xml finds the tokens; names, attributes, references, nesting and limits are checked
//! here, since what is read may come from anybody. There are no entities but the five of XML
//! and character references; a DTD is passed over, and one that declares things is refused.

mod attributes;
mod characters;
mod error;

pub use error::{ReadError, Reason};

use quick_xml::events::Event;

use super::dom::{Document, Kind, NodeRef};
use super::names::Name;
use super::store::{Span, narrow};
use crate::limits;
use attributes::Tag;
use characters::{is_space, normalize_line_ends, resolve};

/// Reads a document; text between elements is kept as libxml keeps it with "no blanks".
///
/// Bounds: [`limits::CIB_BYTES_MAX`], [`limits::CIB_DEPTH_MAX`].
/// Errors: the first place that is not well-formed.
pub fn read(text: &str) -> Result<Document, ReadError> {
    read_owned(text.to_owned())
}

/// [`read`] of bytes in UTF-8, ASCII or ISO 8859-1, as the XML declaration says.
pub fn read_bytes(bytes: Vec<u8>) -> Result<Document, ReadError> {
    read_owned(characters::decode(bytes)?)
}

/// [`read_bytes`], then all text between elements goes, as the tools do with a file.
/// Source: Pacemaker 2.1.5, `filename2xml`, `strip_text_nodes`; comments and CDATA stay.
pub fn read_file_text(bytes: Vec<u8>) -> Result<Document, ReadError> {
    let mut doc = read_bytes(bytes)?;
    doc.strip_text();
    Ok(doc)
}

fn read_owned(text: String) -> Result<Document, ReadError> {
    if text.len() > limits::CIB_BYTES_MAX {
        return Err(ReadError::new(&text, 0, Reason::TooLarge));
    }
    if let Some(at) = characters::forbidden(&text) {
        return Err(ReadError::new(&text, at, Reason::Character));
    }
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    let mut doc = Document::with_source(String::new());
    match Build::default().run(&mut doc, &text) {
        Err((at, reason)) => Err(ReadError::new(&text, at, reason)),
        Ok(()) => {
            doc.set_source(text);
            Ok(doc)
        }
    }
}

type Step<T> = Result<T, (usize, Reason)>;

/// How many names are kept at hand.
const RECENT: usize = 256;

/// The state while a document is built.
struct Build {
    open: Vec<Open>,
    root: Option<NodeRef>,
    /// For each name the last element with an attribute of that name: finds doubled ones.
    seen: Vec<u32>,
    elements: u32,
    /// Names by what is quickly seen of them.
    recent: [Option<Name>; RECENT],
    /// Text since the last tag, references resolved.
    text: String,
    text_start: usize,
}

impl Default for Build {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            root: None,
            seen: Vec::new(),
            elements: 0,
            recent: [None; RECENT],
            text: String::new(),
            text_start: 0,
        }
    }
}

struct Open {
    node: NodeRef,
    name: Name,
    start: usize,
}

impl Build {
    fn run(&mut self, doc: &mut Document, source: &str) -> Step<()> {
        let mut reader = quick_xml::Reader::from_str(source);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.check_comments = true;
        loop {
            let start = place(reader.buffer_position());
            let event = reader
                .read_event()
                .map_err(|error| token_error(&error, place(reader.error_position())))?;
            let end = place(reader.buffer_position());
            match event {
                Event::Text(text) => self.gather(start, &text),
                Event::GeneralRef(name) => {
                    let c = resolve(&name).map_err(|reason| (start, reason))?;
                    self.gather_char(start, c);
                }
                Event::Eof => return self.finish(doc, end),
                other => {
                    let closing = matches!(other, Event::End(_));
                    self.flush_text(doc, closing)?;
                    self.markup(doc, &other, (start, end))?;
                }
            }
        }
    }

    fn markup(&mut self, doc: &mut Document, event: &Event, at: (usize, usize)) -> Step<()> {
        let (start, end) = at;
        match event {
            Event::Start(tag) => {
                let (node, name) = self.element(doc, tag, start)?;
                if self.open.len() >= limits::CIB_DEPTH_MAX {
                    return Err((start, Reason::Depth));
                }
                self.open.push(Open { node, name, start });
            }
            Event::Empty(tag) => {
                self.element(doc, tag, start)?;
            }
            Event::End(name) => self.close(doc, name, start)?,
            Event::CData(_) | Event::Comment(_) => self.verbatim(doc, event, start, end)?,
            Event::DocType(text) if self.root.is_some() || text.contains('[') => {
                return Err((start, Reason::DocType));
            }
            Event::Decl(_) if start != 0 => return Err((start, Reason::Declaration)),
            _ => {}
        }
        Ok(())
    }

    fn element(&mut self, doc: &mut Document, tag: &str, start: usize) -> Step<(NodeRef, Name)> {
        if self.open.is_empty() && self.root.is_some() {
            return Err((start, Reason::SecondRoot));
        }
        let mut tag = Tag::new(tag, start + 1);
        let name = self.name(doc, tag.name(), start)?;
        self.elements += 1;
        let mut count = 0;
        while let Some(attr) = tag.next_attribute()? {
            let attr_name = self.name(doc, attr.name, attr.start)?;
            self.once(attr_name)
                .map_err(|()| (attr.start, Reason::DoubledAttribute(attr.name.into())))?;
            let value = match attributes::normalized(attr.value, attr.value_start)? {
                Some(changed) => doc.push_value(&changed),
                None => Span::of_source(attr.value_start, attr.value_start + attr.value.len()),
            };
            doc.push_attr(attr_name, value);
            count += 1;
        }
        let node = doc.push_element(name, count, start);
        self.put(doc, node);
        Ok((node, name))
    }

    fn name(&mut self, doc: &mut Document, name: &str, at: usize) -> Step<Name> {
        let number = self.intern(doc, name);
        if number.0 as usize >= self.seen.len() {
            if !characters::is_name(name) {
                return Err((at, Reason::Name(name.into())));
            }
            self.seen.push(0);
        }
        Ok(number)
    }

    /// Most names were there a moment ago: such a one is found without its hash.
    fn intern(&mut self, doc: &mut Document, name: &str) -> Name {
        let bytes = name.as_bytes();
        let byte = |b: Option<&u8>| b.copied().unwrap_or(0) as usize;
        let place = byte(bytes.first()) ^ (byte(bytes.last()) << 2) ^ (bytes.len() << 4);
        let recent = &mut self.recent[place % RECENT];
        match *recent {
            Some(known) if doc.name_of(known) == name => known,
            _ => *recent.insert(doc.intern(name)),
        }
    }

    fn once(&mut self, name: Name) -> Result<(), ()> {
        let Some(seen) = self.seen.get_mut(name.0 as usize) else {
            return Ok(());
        };
        if *seen == self.elements {
            return Err(());
        }
        *seen = self.elements;
        Ok(())
    }

    fn put(&mut self, doc: &mut Document, node: NodeRef) {
        match self.open.last() {
            Some(open) => doc.link(open.node, node, None),
            None => {
                self.root = Some(node);
                doc.set_root(node);
            }
        }
    }

    fn close(&mut self, doc: &mut Document, name: &str, start: usize) -> Step<()> {
        let name = name.trim_end_matches(is_space);
        let Some(open) = self.open.pop() else {
            return Err((start, Reason::Unopened(name.into())));
        };
        if doc.name_of(open.name) != name {
            return Err((
                start,
                Reason::Mismatch {
                    open: doc.name_of(open.name).into(),
                    open_at: open.start,
                    close: name.into(),
                },
            ));
        }
        Ok(())
    }

    fn verbatim(
        &mut self,
        doc: &mut Document,
        event: &Event,
        start: usize,
        end: usize,
    ) -> Step<()> {
        let (kind, before, after) = match event {
            Event::CData(_) => (Kind::CData, "<![CDATA[".len(), "]]>".len()),
            _ => (Kind::Comment, "<!--".len(), "-->".len()),
        };
        let Some(open) = self.open.last() else {
            // Comments around the root belong to no element; the tools drop them.
            return match kind {
                Kind::CData => Err((start, Reason::TextOutside)),
                _ => Ok(()),
            };
        };
        let text = if event.contains('\r') {
            doc.push_value(&normalize_line_ends(event))
        } else {
            Span::of_source(start + before, end.saturating_sub(after))
        };
        let node = doc.push_text(kind, text, narrow(start));
        doc.link(open.node, node, None);
        Ok(())
    }

    fn gather(&mut self, start: usize, text: &str) {
        if self.text.is_empty() {
            self.text_start = start;
        }
        if text.contains('\r') {
            self.text.push_str(&normalize_line_ends(text));
        } else {
            self.text.push_str(text);
        }
    }

    fn gather_char(&mut self, start: usize, c: char) {
        if self.text.is_empty() {
            self.text_start = start;
        }
        self.text.push(c);
    }

    fn flush_text(&mut self, doc: &mut Document, closing: bool) -> Step<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        let blank = self.text.chars().all(is_space);
        let Some(open) = self.open.last() else {
            let outside = !blank;
            self.text.clear();
            return match outside {
                true => Err((self.text_start, Reason::TextOutside)),
                false => Ok(()),
            };
        };
        if !(blank && ignorable(doc, open.node, closing)) {
            let value = doc.push_value(&self.text);
            let node = doc.push_text(Kind::Text, value, narrow(self.text_start));
            doc.link(open.node, node, None);
        }
        self.text.clear();
        Ok(())
    }

    fn finish(&mut self, doc: &mut Document, end: usize) -> Step<()> {
        self.flush_text(doc, false)?;
        if let Some(open) = self.open.pop() {
            return Err((
                end,
                Reason::Unclosed {
                    name: doc.name_of(open.name).into(),
                    open_at: open.start,
                },
            ));
        }
        match self.root {
            Some(_) => Ok(()),
            None => Err((end, Reason::Empty)),
        }
    }
}

/// Whether blank text is of no meaning, as libxml2 decides with `XML_PARSE_NOBLANKS`.
/// Source: libxml2 2.9.14 `areBlanks`: it stays if it is all that an element has, and beside
/// other text.
fn ignorable(doc: &Document, parent: NodeRef, closing: bool) -> bool {
    let is_text = |node: Option<NodeRef>| node.is_some_and(|n| doc.kind(n) == Kind::Text);
    match doc.last_node(parent) {
        None => !closing,
        last => !is_text(last) && !is_text(doc.first_node(parent)),
    }
}

fn place(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn token_error(error: &quick_xml::Error, at: usize) -> (usize, Reason) {
    let text = error.to_string();
    (at, Reason::Markup(text))
}

impl Document {
    /// Removes all text that is no CDATA and no comment.
    pub fn strip_text(&mut self) {
        let text: Vec<_> = self
            .descendants(self.root())
            .filter(|&node| self.kind(node) == Kind::Text)
            .collect();
        for node in text {
            self.detach(node);
        }
    }
}

#[cfg(test)]
mod tests;
