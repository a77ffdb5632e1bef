//! A [`Document`] to text, byte for byte as Pacemaker writes it.
//!
//! Source: Pacemaker 2.1.5 `lib/common/xml.c`, `pcmk__xml2text` and `crm_xml_escape`; tried on
//! its tools.

use super::dom::{Document, Kind, NodeRef};

/// Attributes that a version 2 digest leaves out, on every element.
/// Source: Pacemaker 2.1.5, `pcmk__xa_filterable`.
pub const FILTERED: [&str; 5] = [
    "crm-debug-origin",
    "cib-last-written",
    "update-origin",
    "update-client",
    "update-user",
];

/// A node and what is in it, a line each, two blanks a level, with a line feed at the end.
pub fn pretty(doc: &Document, node: NodeRef) -> String {
    write(
        doc,
        node,
        Form {
            pretty: true,
            filtered: false,
        },
    )
}

/// A node and what is in it in one line, without a line feed.
pub fn compact(doc: &Document, node: NodeRef) -> String {
    write(
        doc,
        node,
        Form {
            pretty: false,
            filtered: false,
        },
    )
}

/// [`compact`] without the attributes of [`FILTERED`].
pub(super) fn compact_filtered(doc: &Document, node: NodeRef) -> String {
    write(
        doc,
        node,
        Form {
            pretty: false,
            filtered: true,
        },
    )
}

#[derive(Clone, Copy)]
struct Form {
    pretty: bool,
    filtered: bool,
}

fn write(doc: &Document, node: NodeRef, form: Form) -> String {
    let mut out = Out {
        doc,
        form,
        text: String::new(),
        depth: 0,
    };
    let mut walk = Some(node);
    while let Some(at) = walk {
        walk = out.open(at, node);
    }
    out.text
}

struct Out<'a> {
    doc: &'a Document,
    form: Form,
    text: String,
    depth: usize,
}

impl Out<'_> {
    /// Writes a node's start; gives the node that comes next, after the ends between.
    fn open(&mut self, node: NodeRef, top: NodeRef) -> Option<NodeRef> {
        match self.doc.kind(node) {
            Kind::Element => {
                self.start_tag(node);
                if let Some(first) = self.doc.first_node(node) {
                    self.text.push('>');
                    self.line_end();
                    self.depth += 1;
                    return Some(first);
                }
                self.text.push_str("/>");
                self.line_end();
            }
            Kind::Comment => self.verbatim("<!--", self.doc.text(node), "-->"),
            Kind::CData => self.verbatim("<![CDATA[", self.doc.text(node), "]]>"),
            Kind::Text => {}
        }
        self.close_up(node, top)
    }

    fn close_up(&mut self, node: NodeRef, top: NodeRef) -> Option<NodeRef> {
        let mut node = node;
        while node != top {
            if let Some(next) = self.doc.next_node(node) {
                return Some(next);
            }
            node = self.doc.parent(node)?;
            self.depth = self.depth.saturating_sub(1);
            self.indent();
            self.text.push_str("</");
            self.text.push_str(self.doc.name(node));
            self.text.push('>');
            self.line_end();
        }
        None
    }

    fn start_tag(&mut self, node: NodeRef) {
        self.indent();
        self.text.push('<');
        self.text.push_str(self.doc.name(node));
        for (name, value) in self.doc.attrs(node) {
            if self.form.filtered && FILTERED.contains(&name) {
                continue;
            }
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape_into(&mut self.text, value);
            self.text.push('"');
        }
    }

    fn verbatim(&mut self, before: &str, text: &str, after: &str) {
        self.indent();
        for part in [before, text, after] {
            self.text.push_str(part);
        }
        self.line_end();
    }

    fn indent(&mut self) {
        if self.form.pretty {
            self.text.extend(std::iter::repeat_n(' ', self.depth * 2));
        }
    }

    fn line_end(&mut self) {
        if self.form.pretty {
            self.text.push('\n');
        }
    }
}

/// Writes an attribute's value as Pacemaker does.
///
/// What is below blank or above `~` becomes an octal escape. The first UTF-8 character of more
/// than one byte ends all escaping in that value: a fault of the original that digests depend on.
pub fn escape_into(out: &mut String, value: &str) {
    let mut from = 0;
    for (at, byte) in value.bytes().enumerate() {
        let replacement = match byte {
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&apos;",
            b'&' => "&amp;",
            b'\t' => "    ",
            b'\n' => "\\n",
            b'\r' => "\\r",
            0x80.. => break,
            0x20..=0x7e => continue,
            _ => "",
        };
        out.push_str(value.get(from..at).unwrap_or(""));
        from = at + 1;
        if replacement.is_empty() {
            out.push_str(&format!("\\{byte:03o}"));
        } else {
            out.push_str(replacement);
        }
    }
    out.push_str(value.get(from..).unwrap_or(""));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cib::{read, read_file_text};

    #[test]
    fn the_layout_is_pacemakers() {
        // Printed by cibadmin 2.1.5 -Q from the same text.
        let source = "<?xml version=\"1.0\"?>\n<!-- top -->\n\
            <cib epoch=\"1\" x=\"\"><!-- c1 --><?pi x?>\n  <configuration>\
            <crm_config a=\"x&#10;y&#9;z\tw\nq\">text <![CDATA[cd <a> ]]> more</crm_config>\
            <nodes> </nodes><resources>\n  </resources></configuration>\n  \
            <status x=\"é&amp;&lt;\" y='\"&amp;' z=\"&#127;\"/>\n</cib>\n";
        let doc = read_file_text(source.into()).unwrap();
        assert_eq!(
            pretty(&doc, doc.root()),
            r#"<cib epoch="1" x="">
  <!-- c1 -->
  <configuration>
    <crm_config a="x\ny    z w q">
      <![CDATA[cd <a> ]]>
    </crm_config>
    <nodes/>
    <resources/>
  </configuration>
  <status x="é&<" y="&quot;&amp;" z="\177"/>
</cib>
"#
        );
    }

    #[test]
    fn text_leaves_its_element_open() {
        let doc = read("<a><b> </b></a>").unwrap();
        assert_eq!(compact(&doc, doc.root()), "<a><b></b></a>");
        assert_eq!(pretty(&doc, doc.root()), "<a>\n  <b>\n  </b>\n</a>\n");
    }

    #[test]
    fn a_part_is_written_from_its_own_margin() {
        let doc = read("<a><b><c/></b><d/></a>").unwrap();
        let b = doc.child(doc.root(), "b").unwrap();
        assert_eq!(pretty(&doc, b), "<b>\n  <c/>\n</b>\n");
    }
}
