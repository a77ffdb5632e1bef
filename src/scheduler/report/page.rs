//! A page of the report: sections with nested lists, as text or as HTML.
//!
//! ```text
//!  sections --text-->  Node List:            --html-->  <h2>Node List</h2><ul><li>...</li></ul>
//!                        * Online: [ a b ]
//! ```
//!
//! Source: Pacemaker 2.1.5, `lib/common/output_text.c`, `output_html.c`; libxml's HTML writer.

/// A piece of a line, with the class that HTML gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Class in HTML.
    pub class: Option<&'static str>,
}

/// A line, or a list under a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A line of plain text.
    Line(String),
    /// A line whose pieces have classes.
    Spans(Vec<Span>),
    /// A line that has a class itself.
    Classed(Span),
    /// A list under a title.
    List(String, Vec<Entry>),
    /// A list under a title without a colon, or under none.
    Open(String, Vec<Entry>),
    /// A node with its state and what runs on it; HTML only.
    Status(String, Vec<Span>, Vec<Entry>),
}

/// What stands on the page, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A titled list.
    Section(String, Vec<Entry>),
    /// Lines as they are; in HTML each is a warning.
    Banner(Vec<String>),
}

/// A page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its parts.
    pub parts: Vec<Part>,
    /// Whether sections have no titles.
    pub headless: bool,
}

impl Span {
    /// Text without a class.
    pub fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { text, class: None }
    }

    /// Text with a class.
    pub fn of(class: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        let class = Some(class);
        Self { text, class }
    }
}

impl Page {
    /// Adds a section, if anything is in it.
    pub fn section(&mut self, title: &str, entries: Vec<Entry>) {
        if !entries.is_empty() {
            self.parts.push(Part::Section(title.to_owned(), entries));
        }
    }

    /// Adds a section about all nodes: its title stands even if nothing is below it.
    pub fn history(&mut self, title: &str, entries: Option<Vec<Entry>>) {
        if let Some(entries) = entries {
            self.parts.push(Part::Section(title.to_owned(), entries));
        }
    }

    /// As text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for part in &self.parts {
            if !out.is_empty() || matches!(part, Part::Banner(_)) {
                out.push('\n');
            }
            match part {
                Part::Section(title, entries) => {
                    if !self.headless {
                        out.push_str(&format!("{title}:\n"));
                    }
                    lines(&mut out, entries, 1);
                }
                Part::Banner(all) => {
                    for line in all {
                        out.push_str(&format!("{line}\n"));
                    }
                }
            }
        }
        out
    }

    /// As what is in the body of an HTML page.
    pub fn html(&self) -> Vec<Tag> {
        let mut body = Vec::new();
        for part in &self.parts {
            match part {
                Part::Section(title, entries) => {
                    if !self.headless {
                        body.push(Tag::text("h2", title));
                    }
                    body.push(list(entries));
                }
                Part::Banner(all) => {
                    for line in all {
                        let warning = Tag::text("span", line.trim()).class("warning");
                        body.push(warning);
                        body.push(Tag::of("br", Vec::new()));
                    }
                }
            }
        }
        body
    }
}

/// Entries as text, indented.
pub(super) fn lines(out: &mut String, entries: &[Entry], level: usize) {
    for entry in entries {
        if let Entry::Open(title, below) = entry
            && title.is_empty()
        {
            lines(out, below, level + 1);
            continue;
        }
        out.push_str(&"  ".repeat(level));
        out.push_str("* ");
        match entry {
            Entry::Line(text) => out.push_str(text),
            Entry::Classed(span) => out.push_str(&span.text),
            Entry::Spans(spans) | Entry::Status(_, spans, _) => {
                spans.iter().for_each(|span| out.push_str(&span.text))
            }
            Entry::List(title, below) | Entry::Open(title, below) => {
                out.push_str(title);
                let open = matches!(entry, Entry::Open(..));
                out.push_str(if open { "\n" } else { ":\n" });
                lines(out, below, level + 1);
                continue;
            }
        }
        out.push('\n');
    }
}

fn spans(spans: &[Span]) -> Vec<Tag> {
    let tag = |span: &Span| {
        let tag = Tag::text("span", &span.text);
        match span.class {
            Some(class) => tag.class(class),
            None => tag,
        }
    };
    spans.iter().map(tag).collect()
}

fn list(entries: &[Entry]) -> Tag {
    let mut items = Vec::new();
    for entry in entries {
        match entry {
            Entry::Open(title, below) if title.is_empty() => items.extend(list(below).children),
            _ => items.push(item(entry)),
        }
    }
    Tag::of("ul", items)
}

fn item(entry: &Entry) -> Tag {
    match entry {
        Entry::Line(text) => Tag::text("li", text),
        Entry::Spans(all) => Tag::of("li", spans(all)),
        Entry::Classed(span) => Tag::text("li", &span.text).class(span.class.unwrap_or_default()),
        Entry::Status(title, state, below) => {
            let mut inner = spans(state);
            if !below.is_empty() {
                let resources = vec![Tag::text("h3", "Resources"), list(below)];
                inner.push(Tag::of("li", resources));
            }
            let state = Tag::of("ul", vec![Tag::of("li", inner)]);
            Tag::of("li", vec![Tag::text("h3", title), state])
        }
        Entry::List(title, below) | Entry::Open(title, below) => {
            Tag::of("li", vec![Tag::text("h3", title), list(below)])
        }
    }
}

/// An element of an HTML page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    name: &'static str,
    attrs: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Self>,
}

impl Tag {
    /// An element with a text.
    pub fn text(name: &'static str, text: impl Into<String>) -> Self {
        let mut tag = Self::of(name, Vec::new());
        tag.text = text.into();
        tag
    }

    /// An element with elements in it.
    pub fn of(name: &'static str, children: Vec<Self>) -> Self {
        Self {
            name,
            attrs: Vec::new(),
            text: String::new(),
            children,
        }
    }

    /// With a class.
    #[must_use]
    pub fn class(self, class: &str) -> Self {
        self.attr("class", class)
    }

    /// With an attribute.
    #[must_use]
    pub fn attr(mut self, name: &'static str, value: &str) -> Self {
        self.attrs.push((name, value.to_owned()));
        self
    }

    /// Writes it. New lines stand where libxml's writer puts them: around the children of an
    /// element of its own line that has more than one.
    pub fn write(&self, out: &mut String, last: bool) {
        let inline = matches!(self.name, "span" | "br");
        out.push_str(&format!("<{}", self.name));
        for (name, value) in &self.attrs {
            out.push_str(&format!(
                " {name}=\"{}\"",
                escaped(value).replace('"', "&quot;")
            ));
        }
        out.push('>');
        if !matches!(self.name, "meta" | "link" | "br") {
            match self.name {
                "style" => out.push_str(&self.text),
                _ => out.push_str(&escaped(&self.text)),
            }
            let broken = !inline && self.children.len() > 1;
            if broken {
                out.push('\n');
            }
            for (place, child) in self.children.iter().enumerate() {
                child.write(out, place + 1 == self.children.len());
            }
            if broken {
                out.push('\n');
            }
            out.push_str(&format!("</{}>", self.name));
        }
        if !inline && !last {
            out.push('\n');
        }
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}
