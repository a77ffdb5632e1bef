//! The notation of `grammar.txt`, which its head explains.

use std::collections::BTreeMap;

use super::edition::Edition;
use super::value::Value;

/// A piece of a grammar as it is written, before an edition is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// An element: its name and its type.
    Child(String, String),
    /// An attribute.
    Attribute(String, Expected),
    /// A part by its name, with what stands for `$` in it.
    Part(String, Option<Box<Piece>>),
    /// Where the piece goes that a part is given.
    Hole,
    /// Everything.
    Anything,
    /// Nothing.
    Nothing,
    /// One after the other.
    Sequence(Vec<Piece>),
    /// In any order.
    Mixed(Vec<Piece>),
    /// One of them.
    Choice(Vec<Piece>),
    /// At most one.
    Optional(Box<Piece>),
    /// Any number.
    Any(Box<Piece>),
    /// At least one.
    Many(Box<Piece>),
    /// Only in some editions.
    During(Span, Box<Piece>),
}

/// What the value of an attribute has to be, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A type or a list of words by its name.
    Named(String),
    /// Words.
    Words(How, Vec<(String, Span)>),
}

/// How words are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// One of them.
    OneOf,
    /// One of them, and no blanks around.
    Exactly,
    /// None of them.
    Except,
}

/// From one edition to another, both within.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    from: Option<Edition>,
    to: Option<Edition>,
}

impl Span {
    /// Whether an edition is in it.
    pub fn contains(self, edition: Edition) -> bool {
        self.from.is_none_or(|from| from <= edition) && self.to.is_none_or(|to| edition <= to)
    }
}

/// The definitions of a grammar.
#[derive(Debug, Default)]
pub struct Grammar {
    /// Types of elements, in the order of the text.
    pub types: Vec<(String, Piece)>,
    /// Pieces with a name.
    pub parts: BTreeMap<String, Piece>,
    /// Words with a name.
    pub words: BTreeMap<String, Vec<(String, Span)>>,
}

/// Reads a grammar. The error says in which line and what was expected there.
pub fn read(text: &str) -> Result<Grammar, String> {
    let mut reader = Reader {
        tokens: tokens(text),
        at: 0,
    };
    let mut grammar = Grammar::default();
    while let Some(kind) = reader.take() {
        let name = reader.word()?;
        reader.require("=")?;
        match kind {
            "type" => {
                let piece = reader.choice()?;
                grammar.types.push((name, piece));
            }
            "part" => {
                let piece = reader.choice()?;
                grammar.parts.insert(name, piece);
            }
            "words" => {
                let words = reader.words(";")?;
                grammar.words.insert(name, words);
                continue;
            }
            _ => return Err(reader.error("type, part or words")),
        }
        reader.require(";")?;
    }
    Ok(grammar)
}

/// Tokens with their lines.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut rest = line.trim_start();
        while !rest.is_empty() && !rest.starts_with('#') {
            let length = token_length(rest);
            let (token, after) = rest.split_at(length);
            found.push((number, token));
            rest = after.trim_start();
        }
    }
    found
}

fn token_length(text: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    match text.chars().next() {
        Some('"') => text[1..].find('"').map_or(text.len(), |end| end + 2),
        Some(c) if is_word(c) => text.find(|c| !is_word(c)).unwrap_or(text.len()),
        Some(c) => c.len_utf8(),
        None => 0,
    }
}

struct Reader<'a> {
    tokens: Vec<(usize, &'a str)>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> &'a str {
        self.tokens.get(self.at).map_or("", |token| token.1)
    }

    fn take(&mut self) -> Option<&'a str> {
        let token = self.tokens.get(self.at)?.1;
        self.at += 1;
        Some(token)
    }

    fn accept(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        self.at += usize::from(found);
        found
    }

    fn require(&mut self, token: &str) -> Result<(), String> {
        match self.accept(token) {
            true => Ok(()),
            false => Err(self.error(token)),
        }
    }

    fn error(&self, expected: &str) -> String {
        let line = self.tokens.get(self.at).map_or(0, |token| token.0);
        format!("line {line}: {expected} expected, not {:?}", self.peek())
    }

    fn word(&mut self) -> Result<String, String> {
        let token = self.peek().trim_matches('"');
        if !token.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return Err(self.error("a word"));
        }
        self.at += 1;
        Ok(token.to_owned())
    }

    fn words(&mut self, end: &str) -> Result<Vec<(String, Span)>, String> {
        let mut words = Vec::new();
        while !self.accept(end) {
            words.push((self.word()?, self.span()?.unwrap_or_default()));
        }
        Ok(words)
    }

    fn list(
        &mut self,
        sign: &str,
        make: fn(Vec<Piece>) -> Piece,
        part: fn(&mut Self) -> Result<Piece, String>,
    ) -> Result<Piece, String> {
        let first = part(self)?;
        if self.peek() != sign {
            return Ok(first);
        }
        let mut pieces = vec![first];
        while self.accept(sign) {
            pieces.push(part(self)?);
        }
        Ok(make(pieces))
    }

    fn choice(&mut self) -> Result<Piece, String> {
        self.list("|", Piece::Choice, Self::mixed)
    }

    fn mixed(&mut self) -> Result<Piece, String> {
        self.list("&", Piece::Mixed, Self::sequence)
    }

    fn sequence(&mut self) -> Result<Piece, String> {
        self.list(",", Piece::Sequence, Self::repeated)
    }

    fn repeated(&mut self) -> Result<Piece, String> {
        let mut piece = self.single()?;
        loop {
            if let Some(span) = self.span()? {
                piece = Piece::During(span, Box::new(piece));
            } else if self.accept("?") {
                piece = Piece::Optional(Box::new(piece));
            } else if self.accept("*") {
                piece = Piece::Any(Box::new(piece));
            } else if self.accept("+") {
                piece = Piece::Many(Box::new(piece));
            } else {
                return Ok(piece);
            }
        }
    }

    fn single(&mut self) -> Result<Piece, String> {
        if self.accept("(") {
            let piece = self.choice()?;
            self.require(")")?;
            return Ok(piece);
        }
        if self.accept("$") {
            return Ok(Piece::Hole);
        }
        if self.accept("<") {
            let name = self.word()?;
            let kind = match self.accept(":") {
                true => self.word()?,
                false => name.clone(),
            };
            self.require(">")?;
            return Ok(Piece::Child(name, kind));
        }
        let name = self.word()?;
        if self.accept("=") {
            let expected = self.expected()?;
            return Ok(Piece::Attribute(name, expected));
        }
        if self.accept("(") {
            let given = self.choice()?;
            self.require(")")?;
            return Ok(Piece::Part(name, Some(Box::new(given))));
        }
        Ok(match name.as_str() {
            "anything" => Piece::Anything,
            "nothing" => Piece::Nothing,
            _ => Piece::Part(name, None),
        })
    }

    fn expected(&mut self) -> Result<Expected, String> {
        let how = match (self.accept("="), self.accept("!")) {
            (true, _) => How::Exactly,
            (_, true) => How::Except,
            _ => How::OneOf,
        };
        match self.accept("(") {
            true => Ok(Expected::Words(how, self.words(")")?)),
            false => Ok(Expected::Named(self.word()?)),
        }
    }

    fn span(&mut self) -> Result<Option<Span>, String> {
        if !self.accept("[") {
            return Ok(None);
        }
        let token = self.take().unwrap_or_default();
        self.require("]")?;
        let edition = |text: &str| match text {
            "" => Ok(None),
            text => match Edition::numbered(text) {
                Some(edition) => Ok(Some(edition)),
                None => Err(format!("no edition {text}")),
            },
        };
        let (from, to) = token.split_once("..").unwrap_or((token, token));
        Ok(Some(Span {
            from: edition(from)?,
            to: edition(to)?,
        }))
    }
}

impl Grammar {
    /// What a value has to be in an edition; none if nothing is so named.
    pub fn value(&self, expected: &Expected, edition: Edition) -> Option<Value> {
        let chosen = |words: &[(String, Span)]| {
            let words = words.iter().filter(|(_, span)| span.contains(edition));
            words.map(|(word, _)| word.clone()).collect()
        };
        Some(match expected {
            Expected::Named(name) => match self.words.get(name) {
                Some(words) => Value::Words(chosen(words)),
                None => Value::named(name)?,
            },
            Expected::Words(How::OneOf, words) => Value::Words(chosen(words)),
            Expected::Words(How::Exactly, words) => Value::Exactly(chosen(words)),
            Expected::Words(How::Except, words) => Value::Except(chosen(words)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_line() {
        assert_eq!(
            read("type a = <b> ;\ntype b = (x=text ;").unwrap_err(),
            "line 2: ) expected, not \";\""
        );
        assert_eq!(read("type a = <b>[9.9..] ;").unwrap_err(), "no edition 9.9");
    }

    #[test]
    fn signs_bind_as_the_head_says() {
        let grammar = read("type a = <b>?, <c> & <d> | e=(f g[1.2..])[..1.3] ;").unwrap();
        let child = |name: &str| Piece::Child(name.into(), name.into());
        let Piece::Choice(pieces) = &grammar.types[0].1 else {
            panic!("a choice");
        };
        let sequence = vec![Piece::Optional(Box::new(child("b"))), child("c")];
        let mixed = vec![Piece::Sequence(sequence), child("d")];
        assert_eq!(pieces[0], Piece::Mixed(mixed));
        assert!(matches!(pieces[1], Piece::During(..)));
    }
}
