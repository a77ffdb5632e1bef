//! Characters that have no business in a configuration file.

use super::diagnostic::{Findings, Severity};
use super::source::Span;

/// Reports bytes that aren't UTF-8, a byte-order mark, no-break spaces, control characters.
///
/// Comments (from `#` on) may hold what they like, but for what isn't UTF-8.
pub fn check(found: &mut Findings<'_>) {
    let (source, original) = (found.source(), found.original());
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
            new.help = Some(help(c, original));
            new.refused_by_original = true;
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

fn help(c: char, original: &str) -> String {
    match c {
        '\u{feff}' => {
            format!("save the file without it; {original} takes it for a part of the first word")
        }
        c if c.is_whitespace() => format!(
            "it looks like a blank, and {original} takes it for a part of the word, as it comes \
             with text copied from a web page; write a plain blank"
        ),
        _ => "take it out".into(),
    }
}

/// What separates words. The originals know blank and tab; other kinds of white space, such as
/// the no-break space that comes with text copied from web pages, are ours and draw a warning.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}
