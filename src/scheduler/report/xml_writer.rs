//! XML that is written as it comes, indented as libxml does.

/// A document that grows at its end.
#[derive(Debug, Default)]
pub struct Xml {
    text: String,
    open: Vec<&'static str>,
    /// Whether the start tag of the innermost element is still open.
    pending: bool,
}

impl Xml {
    /// Begins an element.
    pub fn start(&mut self, name: &'static str) -> &mut Self {
        self.settle();
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        self.open.push(name);
        self.pending = true;
        self
    }

    /// Adds an attribute to the element that was just begun.
    pub fn attr(&mut self, name: &str, value: impl std::fmt::Display) -> &mut Self {
        self.text.push_str(&format!(" {name}=\""));
        escape(&value.to_string(), &mut self.text);
        self.text.push('"');
        self
    }

    /// Adds an attribute, if it has a value.
    pub fn maybe(&mut self, name: &str, value: Option<impl std::fmt::Display>) -> &mut Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// Ends the innermost element.
    pub fn end(&mut self) {
        let Some(name) = self.open.pop() else { return };
        if self.pending {
            self.text.push_str("/>\n");
            self.pending = false;
        } else {
            self.indent();
            self.text.push_str(&format!("</{name}>\n"));
        }
    }

    /// An element with a text.
    pub fn leaf(&mut self, name: &str, text: &str) {
        self.settle();
        self.indent();
        self.text.push_str(&format!("<{name}>"));
        let plain = text.replace('&', "&amp;").replace('<', "&lt;");
        self.text.push_str(&plain.replace('>', "&gt;"));
        self.text.push_str(&format!("</{name}>\n"));
    }

    /// The whole text; what is open is ended.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }

    fn settle(&mut self) {
        if self.pending {
            self.text.push_str(">\n");
            self.pending = false;
        }
    }

    fn indent(&mut self) {
        for _ in 0..self.open.len() {
            self.text.push_str("  ");
        }
    }
}

fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
}
