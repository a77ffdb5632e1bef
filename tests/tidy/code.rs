//! Rust source as far as these rules need it: without comments and strings, and its functions.

/// The part of a file before its unit tests.
pub fn production(text: &str) -> &str {
    match text.find("#[cfg(test)]\nmod ") {
        Some(at) if text[at..].contains("mod tests") => &text[..at],
        _ => text,
    }
}

/// The source with comments, strings and characters blanked, line ends kept.
pub fn bare(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let length = blank_length(rest, &out);
        if length == 0 {
            let c = rest.chars().next().expect("rest is not empty");
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            let blanks = rest[..length].chars();
            out.extend(blanks.map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    out
}

/// How many bytes at the start of `rest` are a comment, string or character; 0: none.
fn blank_length(rest: &str, before: &str) -> usize {
    let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |i| i + from);
    if rest.starts_with("//") {
        return until("\n", 0);
    }
    if rest.starts_with("/*") {
        return (until("*/", 2) + 2).min(rest.len());
    }
    let in_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if rest.starts_with("r\"") || rest.starts_with("r#") && !in_word {
        let hashes = rest[1..].bytes().take_while(|&b| b == b'#').count();
        if rest.as_bytes().get(1 + hashes) == Some(&b'"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return (until(&end, hashes + 2) + end.len()).min(rest.len());
        }
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    // A lifetime has no closing quote right behind its first character.
    let mut chars = rest.chars();
    if chars.next() == Some('\'') {
        let (first, second) = (chars.next(), chars.next());
        if first == Some('\\') || second == Some('\'') {
            return quoted(rest, '\'');
        }
    }
    0
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return i + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// A function with a body.
#[derive(Debug)]
pub struct Function {
    pub name: String,
    /// Line of its name, from 1.
    pub line: usize,
    /// From its `fn` to its closing brace.
    pub lines: usize,
    /// Without `self`.
    pub arguments: usize,
}

/// The functions in source that [`bare`] gave.
pub fn functions(bare: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in bare.match_indices("fn ") {
        let in_word = bare[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let name: String = bare[at + 3..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if in_word || name.is_empty() {
            continue;
        }
        let Some(open) = bare[at..].find('(').map(|i| i + at) else {
            continue;
        };
        let close = closing(bare, open, ('(', ')'));
        let body = bare[close..].find(['{', ';']).map(|i| i + close);
        let Some(body) = body.filter(|&b| bare[b..].starts_with('{')) else {
            continue;
        };
        let end = closing(bare, body, ('{', '}'));
        found.push(Function {
            name,
            line: bare[..at].matches('\n').count() + 1,
            lines: bare[at..end].matches('\n').count() + 1,
            arguments: arguments(&bare[open + 1..close]),
        });
    }
    found
}

/// Place of the bracket that closes the one at `open`.
fn closing(bare: &str, open: usize, (up, down): (char, char)) -> usize {
    let mut depth = 0;
    for (i, c) in bare[open..].char_indices() {
        if c == up {
            depth += 1;
        } else if c == down {
            depth -= 1;
            if depth == 0 {
                return open + i;
            }
        }
    }
    bare.len()
}

fn arguments(list: &str) -> usize {
    let (mut depth, mut count, mut word) = (0_i32, 0, String::new());
    for c in list.chars().chain([',']) {
        match c {
            '(' | '[' | '<' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '>' if !word.ends_with('-') => depth -= 1,
            ',' if depth == 0 => {
                let name = word.trim();
                let own = name
                    .trim_start_matches(['&', ' '])
                    .trim_start_matches("mut ");
                let own = own.split([':', ' ']).next() == Some("self") || name.ends_with("self");
                count += usize::from(!name.is_empty() && !own);
                word.clear();
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    count
}

#[test]
fn strings_and_comments_are_no_code() {
    let source = "let a = \"}\\\"\"; // }\nlet b = '}'; let c: &'a str = r#\"}\"#; /* } */ x";
    let bare = bare(source);
    assert!(!bare.contains('}'), "{bare}");
    assert_eq!(bare.matches('\n').count(), 1);
    assert!(bare.contains("&'a str") && bare.ends_with('x'));
}

#[test]
fn functions_are_measured() {
    let source = "
        fn one(&mut self, a: Vec<(u8, u8)>, b: impl Fn(u8, u8) -> u8) -> u8 {
            { 1 }
        }
        trait T { fn none(&self); }
    ";
    let found = functions(&bare(source));
    assert_eq!(found.len(), 1, "{found:?}");
    let one = &found[0];
    assert_eq!((one.name.as_str(), one.line), ("one", 2));
    assert_eq!((one.lines, one.arguments), (3, 2));
}
