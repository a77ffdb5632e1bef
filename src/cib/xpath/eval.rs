//! Expressions to values.

use super::XPathError;
use super::ast::{Axis, Expr, Operator, Path, Start, Step, Test};
use super::axes::select;
use super::functions;
use super::value::{Item, Value, number_of, text_of};
use crate::cib::dom::Document;
use crate::limits;

pub(super) type Evaluated = Result<Value, XPathError>;

pub(super) fn evaluate(doc: &Document, expr: &Expr) -> Evaluated {
    let mut evaluation = Evaluation {
        doc,
        visits: 0,
        order: Vec::new(),
    };
    let nowhere = Context {
        item: None,
        position: 1,
        size: 1,
    };
    evaluation.value(expr, nowhere)
}

/// The node that an expression looks from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    /// None outside of predicates: a path that isn't from the root finds nothing there.
    pub(super) item: Option<Item>,
    pub(super) position: usize,
    pub(super) size: usize,
}

pub(super) struct Evaluation<'a> {
    pub(super) doc: &'a Document,
    visits: usize,
    /// Rank of each node in document order, made when first needed.
    order: Vec<u32>,
}

impl Evaluation<'_> {
    pub(super) fn value(&mut self, expr: &Expr, context: Context) -> Evaluated {
        self.count(1)?;
        Ok(match expr {
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Negative(inner) => Value::Number(-self.value(inner, context)?.number(self.doc)),
            Expr::Binary(operator, left, right) => {
                return self.binary(*operator, left, right, context);
            }
            Expr::Call(name, arguments) => {
                return functions::call(self, name, arguments, context);
            }
            Expr::Path(path) => Value::Nodes(self.path(path, context)?),
        })
    }

    fn count(&mut self, visits: usize) -> Result<(), XPathError> {
        self.visits += visits;
        match self.visits > limits::XPATH_VISITS_MAX {
            true => Err(XPathError::TooLong),
            false => Ok(()),
        }
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: &Expr,
        right: &Expr,
        context: Context,
    ) -> Evaluated {
        let left = self.value(left, context)?;
        match operator {
            Operator::Or if left.flag() => return Ok(Value::Flag(true)),
            Operator::And if !left.flag() => return Ok(Value::Flag(false)),
            _ => {}
        }
        let right = self.value(right, context)?;
        let doc = self.doc;
        let numbers = || (left.number(doc), right.number(doc));
        Ok(match operator {
            Operator::Or | Operator::And => Value::Flag(right.flag()),
            Operator::Union => Value::Nodes(self.united(left, right)?),
            Operator::Add => Value::Number(numbers().0 + numbers().1),
            Operator::Subtract => Value::Number(numbers().0 - numbers().1),
            Operator::Multiply => Value::Number(numbers().0 * numbers().1),
            Operator::Divide => Value::Number(numbers().0 / numbers().1),
            Operator::Modulo => Value::Number(numbers().0 % numbers().1),
            _ => {
                self.count(size(&left).saturating_mul(size(&right)))?;
                Value::Flag(compare(doc, operator, &left, &right))
            }
        })
    }

    fn united(&mut self, left: Value, right: Value) -> Result<Vec<Item>, XPathError> {
        match (left, right) {
            (Value::Nodes(mut left), Value::Nodes(right)) => {
                left.extend(right);
                Ok(self.in_order(left))
            }
            _ => Err(XPathError::NoNodes),
        }
    }

    fn path(&mut self, path: &Path, context: Context) -> Result<Vec<Item>, XPathError> {
        let mut items = match &path.start {
            Start::Root => vec![Item::Top],
            Start::Context => context.item.into_iter().collect(),
            Start::Expression(expr) => match self.value(expr, context)? {
                Value::Nodes(items) => items,
                _ => return Err(XPathError::NoNodes),
            },
        };
        for filter in &path.filters {
            items = self.filtered(items, filter)?;
        }
        let mut steps = path.steps.iter().peekable();
        while let Some(step) = steps.next() {
            let anywhere = step.axis == Axis::DescendantOrSelf
                && step.test == Test::Node
                && step.predicates.is_empty();
            let child = steps.next_if(|next| {
                anywhere
                    && next.axis == Axis::Child
                    && next.predicates.iter().all(Expr::is_positionless)
            });
            items = match child {
                Some(child) => self.step(&items, child, Axis::Descendant)?,
                None => self.step(&items, step, step.axis)?,
            };
        }
        Ok(items)
    }

    fn step(&mut self, from: &[Item], step: &Step, axis: Axis) -> Result<Vec<Item>, XPathError> {
        let mut all = Vec::new();
        for &item in from {
            let (mut found, visited) = select(self.doc, item, axis, &step.test);
            self.count(visited)?;
            for predicate in &step.predicates {
                found = self.filtered(found, predicate)?;
            }
            all.extend(found);
        }
        let sorted = from.len() < 2 && !is_reverse(axis);
        Ok(if sorted { all } else { self.in_order(all) })
    }

    fn filtered(&mut self, items: Vec<Item>, predicate: &Expr) -> Result<Vec<Item>, XPathError> {
        let size = items.len();
        let mut kept = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let context = Context {
                item: Some(item),
                position: at + 1,
                size,
            };
            let keep = match self.value(predicate, context)? {
                Value::Number(number) => number == context.position as f64,
                other => other.flag(),
            };
            if keep {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    fn in_order(&mut self, mut items: Vec<Item>) -> Vec<Item> {
        if items.len() < 2 {
            return items;
        }
        if self.order.is_empty() {
            self.order = vec![0; self.doc.node_count()];
            for (rank, node) in self.doc.descendants(self.doc.root()).enumerate() {
                if let Some(place) = self.order.get_mut(node.index()) {
                    *place = u32::try_from(rank + 1).unwrap_or(u32::MAX);
                }
            }
        }
        let rank = |node: crate::cib::NodeRef| self.order.get(node.index()).copied().unwrap_or(0);
        items.sort_by_key(|item| match *item {
            Item::Top => (0, 0),
            Item::Node(node) => (rank(node), 0),
            Item::Attr(node, at) => (rank(node), at + 1),
        });
        items.dedup();
        items
    }
}

fn is_reverse(axis: Axis) -> bool {
    matches!(
        axis,
        Axis::Ancestor | Axis::AncestorOrSelf | Axis::Preceding | Axis::PrecedingSibling
    )
}

fn size(value: &Value) -> usize {
    match value {
        Value::Nodes(items) => items.len(),
        _ => 1,
    }
}

/// Source: XPath 1.0, section 3.4.
fn compare(doc: &Document, operator: Operator, left: &Value, right: &Value) -> bool {
    let single = |a: &Value, b: &Value| compare_single(doc, operator, a, b);
    let text = |&item: &Item| Value::Text(text_of(doc, item).into_owned());
    match (left, right) {
        (Value::Nodes(_), Value::Flag(_)) => single(&Value::Flag(left.flag()), right),
        (Value::Flag(_), Value::Nodes(_)) => single(left, &Value::Flag(right.flag())),
        (Value::Nodes(a), Value::Text(b)) | (Value::Text(b), Value::Nodes(a))
            if operator == Operator::Equal =>
        {
            a.iter().any(|&a| text_of(doc, a) == *b)
        }
        (Value::Nodes(a), Value::Nodes(b)) => {
            let b: Vec<_> = b.iter().map(text).collect();
            a.iter().map(text).any(|a| b.iter().any(|b| single(&a, b)))
        }
        (Value::Nodes(a), other) => a.iter().any(|a| single(&text(a), other)),
        (other, Value::Nodes(b)) => b.iter().any(|b| single(other, &text(b))),
        (a, b) => single(a, b),
    }
}

fn compare_single(doc: &Document, operator: Operator, left: &Value, right: &Value) -> bool {
    let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
    if equality {
        let flags = matches!(left, Value::Flag(_)) || matches!(right, Value::Flag(_));
        let numbers = matches!(left, Value::Number(_)) || matches!(right, Value::Number(_));
        let equal = if flags {
            left.flag() == right.flag()
        } else if numbers {
            left.number(doc) == right.number(doc)
        } else {
            left.text(doc) == right.text(doc)
        };
        return equal == (operator == Operator::Equal);
    }
    let number = |value: &Value| match value {
        Value::Text(text) => number_of(text),
        other => other.number(doc),
    };
    let (a, b) = (number(left), number(right));
    match operator {
        Operator::Less => a < b,
        Operator::LessEqual => a <= b,
        Operator::Greater => a > b,
        _ => a >= b,
    }
}
