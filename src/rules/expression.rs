//! `expression`: an attribute of a node against a value.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Debug;

use super::number::{leading_float, leading_int};
use super::version::compare_versions;
use crate::cib::Element;

/// Values by name.
pub trait Lookup: Debug {
    /// The value of a name.
    fn value(&self, name: &str) -> Option<&str>;
}

impl<T: Borrow<str> + Ord + Debug> Lookup for BTreeMap<T, T> {
    fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(Borrow::borrow)
    }
}

/// What a location constraint knows of the resource it is evaluated for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Matched<'a> {
    /// What the constraint's pattern found in the resource's name.
    pub captures: Option<&'a Captures>,
    /// The resource's parameters, for `value-source="param"`.
    pub parameters: Option<&'a dyn Lookup>,
    /// The resource's meta attributes, for `value-source="meta"`.
    pub meta: Option<&'a dyn Lookup>,
}

/// The parts of a name that a pattern's groups found; the whole match is the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captures(Vec<Option<String>>);

impl Captures {
    /// From the groups in order, the whole match first.
    pub fn new(groups: impl IntoIterator<Item = Option<String>>) -> Self {
        Self(groups.into_iter().collect())
    }

    /// `text` with `%0` to `%9` replaced by what the groups found; those that found nothing
    /// are left out, those that the pattern doesn't have stay.
    /// Source: Pacemaker 2.1.5, `pe_expand_re_matches`.
    pub fn expand(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let digit = chars.peek().and_then(|next| next.to_digit(10));
            match digit.filter(|_| c == '%').map(|d| self.0.get(d as usize)) {
                Some(Some(group)) => {
                    chars.next();
                    out.push_str(group.as_deref().unwrap_or(""));
                }
                Some(None) | None => out.push(c),
            }
        }
        out
    }
}

/// Whether an `expression` is true of a node with these attributes.
/// Source: Pacemaker 2.1.5, `pe__eval_attr_expr`.
pub(super) fn evaluate(expr: Element, node: &dyn Lookup, matched: Option<Matched>) -> bool {
    let (Some(name), Some(operation)) = (expr.attr("attribute"), expr.attr("operation")) else {
        return false;
    };
    let captures = matched.and_then(|m| m.captures);
    let actual = match captures {
        Some(captures) => node.value(&captures.expand(name)),
        None => node.value(name),
    };
    let source = expr.attr("value-source").unwrap_or("literal");
    let value = expr.attr("value").filter(|value| !value.is_empty());
    let wanted = value.and_then(|value| {
        let table = if source.eq_ignore_ascii_case("param") {
            matched.and_then(|m| m.parameters)
        } else if source.eq_ignore_ascii_case("meta") {
            matched.and_then(|m| m.meta)
        } else {
            return Some(value);
        };
        table?.value(value)
    });
    compare_values(actual, wanted, expr.attr("type"), operation)
}

/// Whether `operation` holds between two values, either of which may be missing.
/// Source: Pacemaker 2.1.5, `accept_attr_expr`.
pub fn compare_values(
    actual: Option<&str>,
    wanted: Option<&str>,
    kind: Option<&str>,
    operation: &str,
) -> bool {
    let operation = operation.to_ascii_lowercase();
    match operation.as_str() {
        "defined" => return actual.is_some(),
        "not_defined" => return actual.is_none(),
        _ => {}
    }
    let order = match (actual, wanted) {
        (Some(actual), Some(wanted)) => {
            let kind = kind.map_or_else(
                || default_kind(&operation, actual, wanted),
                str::to_ascii_lowercase,
            );
            compare_as(&kind, actual, wanted)
        }
        (actual, wanted) => actual.is_some().cmp(&wanted.is_some()),
    };
    match operation.as_str() {
        "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        _ if actual.is_none() || wanted.is_none() => false,
        "lt" => order.is_lt(),
        "lte" => order.is_le(),
        "gt" => order.is_gt(),
        "gte" => order.is_ge(),
        _ => false,
    }
}

fn default_kind(operation: &str, left: &str, right: &str) -> String {
    let kind = match operation {
        "lt" | "lte" | "gt" | "gte" if left.contains('.') || right.contains('.') => "number",
        "lt" | "lte" | "gt" | "gte" => "integer",
        _ => "string",
    };
    kind.to_owned()
}

/// A kind that there isn't finds everything equal.
fn compare_as(kind: &str, left: &str, right: &str) -> Ordering {
    match kind {
        "string" => compare_text(left, right),
        "integer" => match (leading_int(left), leading_int(right)) {
            (Ok((left, _)), Ok((right, _))) => left.cmp(&right),
            _ => compare_text(left, right),
        },
        "number" => match (leading_float(left), leading_float(right)) {
            // What is not a number is neither below nor above one.
            (Ok(left), Ok(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
            _ => compare_text(left, right),
        },
        "version" => compare_versions(left, right),
        _ => Ordering::Equal,
    }
}

fn compare_text(left: &str, right: &str) -> Ordering {
    let lower = |text: &'_ str| {
        text.bytes()
            .map(|b| b.to_ascii_lowercase())
            .collect::<Vec<_>>()
    };
    lower(left).cmp(&lower(right))
}
