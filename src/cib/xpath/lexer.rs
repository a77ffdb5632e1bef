//! Text of an expression to tokens.
//!
//! Source: XPath 1.0, section 3.7, with its two rules that tell names from operators.

use super::XPathError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// `and`, `or`, `div`, `mod` where an operator stands.
    Word(&'static str),
    Number(f64),
    Text(String),
    /// A sign or operator, two characters if they belong together.
    Sign(&'static str),
}

const SIGNS: [&str; 22] = [
    "//", "::", "..", "!=", "<=", ">=", "/", "(", ")", "[", "]", "@", ",", "|", "+", "-", "=", "<",
    ">", "*", ".", ":",
];
const WORDS: [&str; 4] = ["and", "or", "div", "mod"];

pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, XPathError> {
    let mut tokens: Vec<(usize, Token)> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let (token, after) = next(rest, operand_before(&tokens)).ok_or_else(|| {
            let c = rest.chars().next().unwrap_or(' ');
            XPathError::Syntax {
                at,
                what: match c {
                    '"' | '\'' => format!("the text after {c} has no end"),
                    '$' => "variables are not known here".to_owned(),
                    c => format!("{c:?} has no meaning here"),
                },
            }
        })?;
        tokens.push((at, token));
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// Whether what follows the tokens is an operator: there is something to its left.
fn operand_before(tokens: &[(usize, Token)]) -> bool {
    match tokens.last() {
        None | Some((_, Token::Word(_))) => false,
        Some((_, Token::Sign(sign))) => match *sign {
            "*" => !operand_before(&tokens[..tokens.len() - 1]),
            sign => matches!(sign, ")" | "]" | ".." | "."),
        },
        Some(_) => true,
    }
}

fn next(rest: &str, operand_before: bool) -> Option<(Token, &str)> {
    let first = rest.chars().next()?;
    if first == '"' || first == '\'' {
        let inside = rest.get(1..)?;
        let (text, after) = inside.split_once(first)?;
        return Some((Token::Text(text.to_owned()), after));
    }
    if first.is_ascii_digit() || (first == '.' && digit_at(rest, 1)) {
        let end = number_end(rest);
        let number = rest.get(..end)?.parse().ok()?;
        return Some((Token::Number(number), rest.get(end..)?));
    }
    if first.is_alphabetic() || first == '_' {
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end)?;
        let word = WORDS.iter().find(|word| **word == name);
        return Some(match word {
            Some(word) if operand_before => (Token::Word(word), after),
            _ => (Token::Name(name.to_owned()), after),
        });
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
    Some((Token::Sign(sign), rest.get(sign.len()..)?))
}

fn digit_at(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}

fn number_end(text: &str) -> usize {
    let digits = |from: usize| {
        text.get(from..).map_or(0, |rest| {
            rest.bytes().take_while(u8::is_ascii_digit).count()
        })
    };
    let whole = digits(0);
    if text.as_bytes().get(whole) == Some(&b'.') {
        whole + 1 + digits(whole + 1)
    } else {
        whole
    }
}
