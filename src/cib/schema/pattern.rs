//! Patterns and what is left of them after an attribute or an element: an automaton that is
//! built as documents need it.
//!
//! These are derivatives (Brzozowski 1964; for XML: James Clark, "An algorithm for RELAX NG
//! validation"). Equal patterns have equal numbers, and each step is worked out once, so that
//! a step costs a look into a short list however many alternatives there are.

use indexmap::IndexSet;

use super::value::Value;

/// A pattern by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(u32);

/// Nothing can match it any more.
pub const FAILED: Pattern = Pattern(0);
/// Nothing more may come.
pub const EMPTY: Pattern = Pattern(1);

/// Name of an attribute or an element, by its number among the grammar's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

/// Type of elements by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeNumber(pub u32);

/// What a pattern is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    Failed,
    Empty,
    /// Any attributes and any content.
    Anything,
    /// An attribute, and the bit of its value in masks.
    Attribute(Symbol, u8),
    Child(Symbol, TypeNumber),
    Sequence(Pattern, Pattern),
    Mixed(Pattern, Pattern),
    Choice(Pattern, Pattern),
    Many(Pattern),
}

/// What a pattern has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// An attribute whose value is of these types, by their bits.
    Attribute(Symbol, u32),
    /// The end of the attributes.
    Content,
    Child(Symbol),
}

/// All patterns of a grammar that were met so far.
#[derive(Debug)]
pub struct Patterns {
    shapes: IndexSet<Shape>,
    steps: Vec<Vec<(Step, Pattern)>>,
}

impl Default for Patterns {
    fn default() -> Self {
        let shapes = IndexSet::from([Shape::Failed, Shape::Empty, Shape::Anything]);
        let steps = vec![Vec::new(); shapes.len()];
        Self { shapes, steps }
    }
}

impl Patterns {
    fn shape(&self, pattern: Pattern) -> Shape {
        let shape = self.shapes.get_index(pattern.0 as usize);
        shape.copied().unwrap_or(Shape::Failed)
    }

    fn add(&mut self, shape: Shape) -> Pattern {
        let (index, is_new) = self.shapes.insert_full(shape);
        if is_new {
            self.steps.push(Vec::new());
        }
        u32::try_from(index).map_or(FAILED, Pattern)
    }

    /// Anything whatever.
    pub fn anything(&mut self) -> Pattern {
        self.add(Shape::Anything)
    }

    /// One attribute.
    pub fn attribute(&mut self, name: Symbol, bit: u8) -> Pattern {
        self.add(Shape::Attribute(name, bit))
    }

    /// One element.
    pub fn child(&mut self, name: Symbol, kind: TypeNumber) -> Pattern {
        self.add(Shape::Child(name, kind))
    }

    /// One after the other.
    pub fn sequence(&mut self, a: Pattern, b: Pattern) -> Pattern {
        match (a, b) {
            (FAILED, _) | (_, FAILED) => FAILED,
            (EMPTY, other) | (other, EMPTY) => other,
            (a, b) => self.add(Shape::Sequence(a, b)),
        }
    }

    /// Both in any order.
    pub fn mixed(&mut self, a: Pattern, b: Pattern) -> Pattern {
        match (a.min(b), a.max(b)) {
            (FAILED, _) => FAILED,
            (EMPTY, other) => other,
            (a, b) => self.add(Shape::Mixed(a, b)),
        }
    }

    /// One of the two. Choices are lists without repetition, in the order of numbers.
    pub fn choice(&mut self, a: Pattern, b: Pattern) -> Pattern {
        let mut all = Vec::new();
        self.alternatives(a, &mut all);
        self.alternatives(b, &mut all);
        all.sort_unstable();
        all.dedup();
        all.retain(|&pattern| pattern != FAILED);
        let Some(mut choice) = all.pop() else {
            return FAILED;
        };
        while let Some(pattern) = all.pop() {
            choice = self.add(Shape::Choice(pattern, choice));
        }
        choice
    }

    fn alternatives(&self, pattern: Pattern, all: &mut Vec<Pattern>) {
        let mut pattern = pattern;
        while let Shape::Choice(a, b) = self.shape(pattern) {
            all.push(a);
            pattern = b;
        }
        all.push(pattern);
    }

    /// At least one.
    pub fn many(&mut self, a: Pattern) -> Pattern {
        match a {
            FAILED | EMPTY => a,
            a => self.add(Shape::Many(a)),
        }
    }

    /// At most one.
    pub fn optional(&mut self, a: Pattern) -> Pattern {
        self.choice(EMPTY, a)
    }

    /// Whether nothing more has to come.
    pub fn is_complete(&self, pattern: Pattern) -> bool {
        match self.shape(pattern) {
            Shape::Empty | Shape::Anything => true,
            Shape::Failed | Shape::Attribute(..) | Shape::Child(..) => false,
            Shape::Sequence(a, b) | Shape::Mixed(a, b) => {
                self.is_complete(a) && self.is_complete(b)
            }
            Shape::Choice(a, b) => self.is_complete(a) || self.is_complete(b),
            Shape::Many(a) => self.is_complete(a),
        }
    }

    /// Whether everything is allowed from here on.
    pub fn is_anything(&self, pattern: Pattern) -> bool {
        self.shape(pattern) == Shape::Anything
    }

    /// What is left after an attribute whose value is of the types with bits in `mask`.
    pub fn after_attribute(&mut self, pattern: Pattern, name: Symbol, mask: u32) -> Pattern {
        self.after(pattern, Step::Attribute(name, mask))
    }

    /// What is left when there are no more attributes.
    pub fn content(&mut self, pattern: Pattern) -> Pattern {
        self.after(pattern, Step::Content)
    }

    /// What is left after an element.
    pub fn after_child(&mut self, pattern: Pattern, name: Symbol) -> Pattern {
        self.after(pattern, Step::Child(name))
    }

    fn after(&mut self, pattern: Pattern, step: Step) -> Pattern {
        let known = self.steps.get(pattern.0 as usize);
        let known = known.and_then(|steps| steps.iter().find(|known| known.0 == step));
        if let Some(&(_, next)) = known {
            return next;
        }
        let next = match step {
            Step::Content => self.without_attributes(pattern),
            step => self.derive(pattern, step),
        };
        if let Some(steps) = self.steps.get_mut(pattern.0 as usize) {
            steps.push((step, next));
        }
        next
    }

    fn without_attributes(&mut self, pattern: Pattern) -> Pattern {
        match self.shape(pattern) {
            Shape::Attribute(..) => FAILED,
            Shape::Sequence(a, b) => {
                let (a, b) = (self.content(a), self.content(b));
                self.sequence(a, b)
            }
            Shape::Mixed(a, b) => {
                let (a, b) = (self.content(a), self.content(b));
                self.mixed(a, b)
            }
            Shape::Choice(a, b) => {
                let (a, b) = (self.content(a), self.content(b));
                self.choice(a, b)
            }
            Shape::Many(a) => {
                let a = self.content(a);
                self.many(a)
            }
            Shape::Failed | Shape::Empty | Shape::Anything | Shape::Child(..) => pattern,
        }
    }

    fn derive(&mut self, pattern: Pattern, step: Step) -> Pattern {
        match (self.shape(pattern), step) {
            (Shape::Anything, _) => pattern,
            (Shape::Attribute(name, bit), Step::Attribute(met, mask)) => {
                match name == met && mask >> bit & 1 == 1 {
                    true => EMPTY,
                    false => FAILED,
                }
            }
            (Shape::Child(name, _), Step::Child(met)) if name == met => EMPTY,
            (Shape::Sequence(a, b), _) => {
                let in_first = self.after(a, step);
                let first = self.sequence(in_first, b);
                // Attributes have no order; an element comes second only after the first.
                let skips = matches!(step, Step::Attribute(..)) || self.is_complete(a);
                let second = match skips {
                    true => self.after(b, step),
                    false => FAILED,
                };
                let second = match step {
                    Step::Attribute(..) => self.sequence(a, second),
                    _ => second,
                };
                self.choice(first, second)
            }
            (Shape::Mixed(a, b), _) => {
                let (in_a, in_b) = (self.after(a, step), self.after(b, step));
                let (first, second) = (self.mixed(in_a, b), self.mixed(a, in_b));
                self.choice(first, second)
            }
            (Shape::Choice(a, b), _) => {
                let (a, b) = (self.after(a, step), self.after(b, step));
                self.choice(a, b)
            }
            (Shape::Many(a), _) => {
                let after = self.after(a, step);
                let more = self.optional(pattern);
                self.sequence(after, more)
            }
            _ => FAILED,
        }
    }

    /// The elements that may come next, with their types, in the order of the grammar.
    pub fn next_children(&self, pattern: Pattern) -> Vec<(Symbol, TypeNumber)> {
        let mut found = Vec::new();
        self.walk(pattern, false, &mut |shape| {
            if let Shape::Child(name, kind) = shape {
                found.push((name, kind));
            }
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// All elements in a pattern.
    pub fn all_children(&self, pattern: Pattern) -> Vec<(Symbol, TypeNumber)> {
        let mut found = Vec::new();
        self.walk(pattern, true, &mut |shape| {
            if let Shape::Child(name, kind) = shape {
                found.push((name, kind));
            }
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The attributes in a pattern.
    pub fn attributes(&self, pattern: Pattern) -> Vec<Symbol> {
        let mut found = Vec::new();
        self.walk(pattern, true, &mut |shape| {
            if let Shape::Attribute(name, _) = shape {
                found.push(name);
            }
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    fn walk(&self, pattern: Pattern, all: bool, visit: &mut impl FnMut(Shape)) {
        let shape = self.shape(pattern);
        visit(shape);
        match shape {
            Shape::Sequence(a, b) => {
                self.walk(a, all, visit);
                if all || self.is_complete(a) {
                    self.walk(b, all, visit);
                }
            }
            Shape::Mixed(a, b) | Shape::Choice(a, b) => {
                self.walk(a, all, visit);
                self.walk(b, all, visit);
            }
            Shape::Many(a) => self.walk(a, all, visit),
            _ => (),
        }
    }

    /// The pattern if every attribute in it were there, or could be left out, at will.
    pub fn forgiving(&mut self, pattern: Pattern) -> Pattern {
        match self.shape(pattern) {
            Shape::Attribute(..) => EMPTY,
            Shape::Sequence(a, b) => {
                let (a, b) = (self.forgiving(a), self.forgiving(b));
                self.sequence(a, b)
            }
            Shape::Mixed(a, b) => {
                let (a, b) = (self.forgiving(a), self.forgiving(b));
                self.mixed(a, b)
            }
            Shape::Choice(a, b) => {
                let (a, b) = (self.forgiving(a), self.forgiving(b));
                self.choice(a, b)
            }
            Shape::Many(a) => {
                let a = self.forgiving(a);
                self.many(a)
            }
            _ => pattern,
        }
    }

    /// Whether nothing matches without an attribute of this name.
    pub fn needs(&self, pattern: Pattern, name: Symbol) -> bool {
        match self.shape(pattern) {
            Shape::Attribute(found, _) => found == name,
            Shape::Sequence(a, b) | Shape::Mixed(a, b) => {
                self.needs(a, name) || self.needs(b, name)
            }
            Shape::Choice(a, b) => self.needs(a, name) && self.needs(b, name),
            Shape::Many(a) => self.needs(a, name),
            Shape::Failed | Shape::Empty | Shape::Anything | Shape::Child(..) => false,
        }
    }

    /// How many patterns were met.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.shapes.len()
    }
}

/// The types of values that an attribute of one name may have in a type of elements.
#[derive(Debug, Clone, Default)]
pub struct Values {
    all: Vec<Value>,
}

impl Values {
    /// The bit of a value in masks, added if need be; a type has few enough of them.
    pub fn bit(&mut self, value: Value) -> u8 {
        let place = self.all.iter().position(|known| *known == value);
        let place = place.unwrap_or_else(|| {
            self.all.push(value);
            self.all.len() - 1
        });
        u8::try_from(place).unwrap_or(u8::MAX)
    }

    /// The types that a value is of, as bits.
    pub fn mask(&self, text: &str) -> u32 {
        (0..)
            .zip(&self.all)
            .filter(|(_, value)| value.accepts(text))
            .fold(0, |mask, (bit, _)| mask | 1 << bit)
    }

    /// The types.
    pub fn all(&self) -> &[Value] {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_content_takes_any_order_and_stays_small() {
        let mut patterns = Patterns::default();
        let names: Vec<Symbol> = (0..10).map(Symbol).collect();
        let mut all = EMPTY;
        for &name in &names {
            let child = patterns.child(name, TypeNumber(0));
            let many = patterns.many(child);
            let any = patterns.optional(many);
            all = patterns.mixed(all, any);
        }
        let mut pattern = all;
        for round in 0..1000 {
            let name = names[round * 7 % 10];
            pattern = patterns.after_child(pattern, name);
            assert_ne!(pattern, FAILED);
        }
        assert!(patterns.is_complete(pattern));
        assert!(patterns.len() < 4000, "{}", patterns.len());
    }

    #[test]
    fn attributes_have_no_order_and_choices_go_together() {
        let mut patterns = Patterns::default();
        let [a, b, c] = [0, 1, 2].map(Symbol);
        let [pa, pb, pc] = [a, b, c].map(|name| patterns.attribute(name, 0));
        let both = patterns.sequence(pa, pb);
        let start = patterns.choice(both, pc);
        let after = |patterns: &mut Patterns, names: &[Symbol]| {
            let left = names.iter().fold(start, |pattern, &name| {
                patterns.after_attribute(pattern, name, 1)
            });
            let content = patterns.content(left);
            patterns.is_complete(content)
        };
        assert!(after(&mut patterns, &[a, b]) && after(&mut patterns, &[b, a]));
        assert!(after(&mut patterns, &[c]));
        assert!(!after(&mut patterns, &[a]) && !after(&mut patterns, &[a, c]));
        assert_eq!(patterns.after_attribute(start, a, 0), FAILED);
    }
}
