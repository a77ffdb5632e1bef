//! A grammar as it is in one edition, ready for documents.

use std::sync::LazyLock;

use indexmap::{IndexMap, IndexSet};

use super::edition::Edition;
use super::notation::{self, Grammar, Piece};
use super::pattern::{EMPTY, Pattern, Patterns, Symbol, TypeNumber, Values};
use super::value::Value;

const TEXT: &str = include_str!("grammar.txt");

const OLD_TEXT: &str = include_str!("grammar_0_6.txt");

// A test reads both texts, so that there is no other case.
static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| notation::read(TEXT).unwrap_or_default());

static OLD_GRAMMAR: LazyLock<Grammar> =
    LazyLock::new(|| notation::read(OLD_TEXT).unwrap_or_default());

/// A type of elements.
#[derive(Debug, Default)]
pub struct Type {
    /// What is in it.
    pub pattern: Option<Pattern>,
    /// Its attributes with the types of their values.
    pub attributes: Vec<(Symbol, Values)>,
    /// Its elements with their types.
    pub children: Vec<(Symbol, TypeNumber)>,
}

impl Type {
    /// The types of values of one of its attributes. They are few, and searched in order.
    pub fn values(&self, name: Symbol) -> Option<&Values> {
        let found = self.attributes.iter().find(|known| known.0 == name);
        found.map(|(_, values)| values)
    }

    /// The type of one of its elements.
    pub fn child(&self, name: Symbol) -> Option<TypeNumber> {
        let found = self.children.iter().find(|known| known.0 == name);
        found.map(|&(_, kind)| kind)
    }

    fn bit(&mut self, name: Symbol, value: Value) -> u8 {
        let known = self.attributes.iter_mut().find(|known| known.0 == name);
        if let Some((_, values)) = known {
            return values.bit(value);
        }
        let mut values = Values::default();
        let bit = values.bit(value);
        self.attributes.push((name, values));
        bit
    }
}

/// A grammar in one edition.
#[derive(Debug, Default)]
pub struct Compiled {
    /// Names of attributes and elements.
    pub names: IndexSet<String>,
    /// The types by their names.
    pub types: IndexMap<String, Type>,
    /// Patterns of the types and what is left of them.
    pub patterns: Patterns,
}

impl Compiled {
    /// The grammar of an edition.
    pub fn for_edition(edition: Edition) -> Self {
        match edition {
            Edition::V0_6 => Self::of(&OLD_GRAMMAR, edition),
            Edition::V1_1 => Self::of(&GRAMMAR, edition.next().unwrap_or(edition)),
            _ => Self::of(&GRAMMAR, edition),
        }
    }

    fn of(grammar: &Grammar, edition: Edition) -> Self {
        let mut compiled = Self::default();
        for (name, _) in &grammar.types {
            compiled.types.insert(name.clone(), Type::default());
        }
        for (name, piece) in &grammar.types {
            let mut compiler = Compiler {
                grammar,
                edition,
                given: None,
                kind: Type::default(),
                compiled: &mut compiled,
            };
            let pattern = compiler.pattern(piece).unwrap_or(EMPTY);
            let mut kind = compiler.kind;
            kind.pattern = Some(pattern);
            kind.children = compiled.patterns.all_children(pattern);
            compiled.types.insert(name.clone(), kind);
        }
        compiled
    }

    /// A type by its number.
    pub fn kind(&self, number: TypeNumber) -> Option<&Type> {
        let (_, kind) = self.types.get_index(number.0 as usize)?;
        Some(kind)
    }

    /// The number of a type.
    pub fn type_named(&self, name: &str) -> Option<TypeNumber> {
        number(self.types.get_index_of(name)?).map(TypeNumber)
    }

    /// The number of a name.
    pub fn symbol(&self, name: &str) -> Option<Symbol> {
        number(self.names.get_index_of(name)?).map(Symbol)
    }

    /// The name with a number.
    pub fn name(&self, symbol: Symbol) -> &str {
        let name = self.names.get_index(symbol.0 as usize);
        name.map_or("", |name| name.as_str())
    }

    fn intern(&mut self, name: &str) -> Symbol {
        let (index, _) = self.names.insert_full(name.to_owned());
        Symbol(number(index).unwrap_or(u32::MAX))
    }
}

fn number(index: usize) -> Option<u32> {
    u32::try_from(index).ok()
}

struct Compiler<'a> {
    grammar: &'a Grammar,
    edition: Edition,
    given: Option<Pattern>,
    kind: Type,
    compiled: &'a mut Compiled,
}

impl Compiler<'_> {
    /// The pattern of a piece; none if it isn't there in the edition.
    fn pattern(&mut self, piece: &Piece) -> Option<Pattern> {
        Some(match piece {
            Piece::Child(name, kind) => {
                let name = self.compiled.intern(name);
                let kind = self.compiled.type_named(kind)?;
                self.compiled.patterns.child(name, kind)
            }
            Piece::Attribute(name, expected) => {
                let value = self.grammar.value(expected, self.edition)?;
                let name = self.compiled.intern(name);
                let bit = self.kind.bit(name, value);
                self.compiled.patterns.attribute(name, bit)
            }
            Piece::Part(name, given) => {
                let given = match given {
                    Some(given) => self.pattern(given),
                    None => None,
                };
                let part = self.grammar.parts.get(name)?;
                let outer = std::mem::replace(&mut self.given, given);
                let pattern = self.pattern(part);
                self.given = outer;
                pattern?
            }
            Piece::Hole => self.given?,
            Piece::Anything => self.compiled.patterns.anything(),
            Piece::Nothing => EMPTY,
            Piece::Sequence(pieces) => self.fold(pieces, Patterns::sequence)?,
            Piece::Mixed(pieces) => self.fold(pieces, Patterns::mixed)?,
            Piece::Choice(pieces) => self.fold(pieces, Patterns::choice)?,
            Piece::Optional(piece) => {
                let pattern = self.pattern(piece)?;
                self.compiled.patterns.optional(pattern)
            }
            Piece::Any(piece) => {
                let pattern = self.pattern(piece)?;
                let many = self.compiled.patterns.many(pattern);
                self.compiled.patterns.optional(many)
            }
            Piece::Many(piece) => {
                let pattern = self.pattern(piece)?;
                self.compiled.patterns.many(pattern)
            }
            Piece::During(span, piece) => match span.contains(self.edition) {
                true => self.pattern(piece)?,
                false => return None,
            },
        })
    }

    fn fold(
        &mut self,
        pieces: &[Piece],
        join: fn(&mut Patterns, Pattern, Pattern) -> Pattern,
    ) -> Option<Pattern> {
        let mut joined = None;
        for piece in pieces {
            let Some(pattern) = self.pattern(piece) else {
                continue;
            };
            joined = Some(match joined {
                Some(before) => join(&mut self.compiled.patterns, before, pattern),
                None => pattern,
            });
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cib::schema::notation::Expected;

    fn pieces<'a>(piece: &'a Piece, found: &mut Vec<&'a Piece>) {
        found.push(piece);
        match piece {
            Piece::Part(_, given) => given.iter().for_each(|piece| pieces(piece, found)),
            Piece::Sequence(all) | Piece::Mixed(all) | Piece::Choice(all) => {
                all.iter().for_each(|piece| pieces(piece, found));
            }
            Piece::Optional(piece)
            | Piece::Any(piece)
            | Piece::Many(piece)
            | Piece::During(_, piece) => pieces(piece, found),
            _ => (),
        }
    }

    #[test]
    fn the_grammars_are_whole() {
        for text in [TEXT, OLD_TEXT] {
            check(&notation::read(text).unwrap());
        }
    }

    fn check(grammar: &Grammar) {
        let mut all = Vec::new();
        for (_, piece) in &grammar.types {
            pieces(piece, &mut all);
        }
        grammar
            .parts
            .values()
            .for_each(|piece| pieces(piece, &mut all));
        for piece in all {
            match piece {
                Piece::Child(_, kind) => {
                    assert!(grammar.types.iter().any(|(name, _)| name == kind), "{kind}");
                }
                Piece::Part(name, _) => assert!(grammar.parts.contains_key(name), "{name}"),
                Piece::Attribute(name, expected) => {
                    assert!(
                        grammar.value(expected, Edition::NEWEST).is_some(),
                        "{name}={expected:?}"
                    );
                    assert_ne!(*expected, Expected::Words(notation::How::OneOf, Vec::new()));
                }
                _ => (),
            }
        }
    }

    /// The validator takes the type of an element from its name and the type around it.
    #[test]
    fn a_name_has_one_type_in_each_place() {
        for edition in Edition::all() {
            let compiled = Compiled::for_edition(edition);
            for (name, kind) in &compiled.types {
                let mut names: Vec<_> = kind.children.iter().map(|child| child.0).collect();
                names.dedup();
                assert_eq!(names.len(), kind.children.len(), "{edition}: {name}");
                for (_, values) in &kind.attributes {
                    assert!(values.all().len() < 32);
                }
            }
        }
    }
}
