//! Characters that have no business in a configuration file.

use super::diagnostic::{Findings, Severity};
use super::source::Span;

/// Reports bytes that aren't UTF-8, a byte-order mark, no-break spaces, control characters.
///
/// Comments (from `#` on) may hold what they like, but for what isn't UTF-8.
pub fn check(found: &mut Findings<'_>) {
    let source = found.source();
    if let Some(at) = source.bad_bytes() {
        let message = "the text is not UTF-8 from here on";
        found
            .add(Severity::Warning, Span::new(at, at), message)
            .help = Some("convert it: iconv -f latin1 -t utf-8 FILE".into());
    }
    for (line, text) in source.lines() {
        let said = text.split('#').next().unwrap_or("");
        if let Some((at, c)) = said.char_indices().find(|(_, c)| is_foreign(*c)) {
            let at = line.start + at;
            let span = Span::new(at, at + c.len_utf8());
            let name = name(c);
            let new = found.add(Severity::Warning, span, format!("{name} in the text"));
            new.help = Some(help(c));
            new.refused_by_heartbeat = true;
        }
    }
}

/// Not what editors write into configuration files.
fn is_foreign(c: char) -> bool {
    let blank = c.is_whitespace() && !matches!(c, ' ' | '\t' | '\r' | '\n');
    blank || matches!(c, '\u{feff}' | '\u{200b}') || (c.is_control() && !c.is_whitespace())
}

fn name(c: char) -> String {
    match c {
        '\u{a0}' => "a no-break space (U+00A0)".into(),
        '\u{feff}' => "a byte-order mark (U+FEFF)".into(),
        '\u{200b}' => "a zero-width space (U+200B)".into(),
        c if c.is_control() => format!("a control character (U+{:04X})", u32::from(c)),
        c => format!("a foreign kind of blank (U+{:04X})", u32::from(c)),
    }
}

fn help(c: char) -> String {
    match c {
        '\u{feff}' => "save the file without it; heartbeat takes it for a part of the first word",
        c if c.is_whitespace() => {
            "it looks like a blank, and heartbeat takes it for a part of the word, as it comes \
             with text copied from a web page; write a plain blank"
        }
        _ => "take it out",
    }
    .into()
}
