//! Rules: whether an attribute set or a constraint applies, here and now.

use std::cell::Cell;

use super::dates::{self, Civil};
use super::score;
use crate::cib::Element;
use crate::scheduler::model::Values;

/// What a rule is asked about.
#[derive(Clone, Copy)]
pub struct Facts<'x> {
    /// The time, in seconds since 1970.
    pub now: i64,
    /// Attributes of the node.
    pub attrs: Option<&'x Values>,
    /// Class, provider and type of the resource.
    pub resource: Option<(&'x str, Option<&'x str>, &'x str)>,
    /// Name and interval of the operation.
    pub operation: Option<(&'x str, u32)>,
    /// Parameters of the resource, for `value-source`.
    pub params: Option<&'x Values>,
    /// Meta attributes of the resource, for `value-source`.
    pub meta: Option<&'x Values>,
    /// What a pattern matched, the whole first.
    pub captures: &'x [String],
    /// The next time at which the answer may be another.
    pub next: &'x Cell<Option<i64>>,
}

impl<'x> Facts<'x> {
    /// Only the time.
    pub fn at(now: i64, next: &'x Cell<Option<i64>>) -> Self {
        Self {
            now,
            attrs: None,
            resource: None,
            operation: None,
            params: None,
            meta: None,
            captures: &[],
            next,
        }
    }

    fn changes_at(&self, time: i64) {
        if time > self.now && self.next.get().is_none_or(|t| time < t) {
            self.next.set(Some(time));
        }
    }
}

/// Whether an element has no rule, or one that is true.
pub fn applies(element: Element<'_>, facts: &Facts<'_>) -> bool {
    let mut rules = element.children_named("rule").peekable();
    rules.peek().is_none() || rules.any(|rule| rule_true(rule, facts))
}

/// Whether a rule is true.
pub fn rule_true(rule: Element<'_>, facts: &Facts<'_>) -> bool {
    let any = rule
        .attr("boolean-op")
        .is_some_and(|op| op.eq_ignore_ascii_case("or"));
    for child in rule.children() {
        if expression_true(child, facts) == any {
            return any;
        }
    }
    !any
}

fn expression_true(element: Element<'_>, facts: &Facts<'_>) -> bool {
    match element.name() {
        "rule" => rule_true(element, facts),
        "expression" => attribute_true(element, facts),
        "date_expression" => date_true(element, facts),
        "rsc_expression" => resource_true(element, facts),
        "op_expression" => operation_true(element, facts),
        _ => false,
    }
}

fn resource_true(element: Element<'_>, facts: &Facts<'_>) -> bool {
    let Some((class, provider, agent)) = facts.resource else {
        return false;
    };
    element.attr("class").is_none_or(|c| c == class)
        && element.attr("provider") == provider
        && element.attr("type").is_none_or(|t| t == agent)
}

fn operation_true(element: Element<'_>, facts: &Facts<'_>) -> bool {
    let Some((name, interval)) = facts.operation else {
        return false;
    };
    element.attr("name").is_none_or(|n| n == name)
        && element
            .attr("interval")
            .is_none_or(|i| score::interval(i) == interval)
}

/// Puts what a pattern matched for `%0` to `%9`.
pub fn substitute(text: &str, captures: &[String]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let digit = chars.peek().and_then(|d| d.to_digit(10));
        match (c, digit) {
            ('%', Some(digit)) if !captures.is_empty() => {
                chars.next();
                if let Some(capture) = captures.get(digit as usize) {
                    out.push_str(capture);
                }
            }
            _ => out.push(c),
        }
    }
    out
}

fn attribute_true(element: Element<'_>, facts: &Facts<'_>) -> bool {
    let Some(attrs) = facts.attrs else {
        return false;
    };
    let (Some(name), Some(op)) = (element.attr("attribute"), element.attr("operation")) else {
        return false;
    };
    let name = substitute(name, facts.captures);
    let actual = attrs.get(&*name).map(|v| &**v);
    match op.to_ascii_lowercase().as_str() {
        "defined" => return actual.is_some(),
        "not_defined" => return actual.is_none(),
        _ => {}
    }
    let given = element.attr("value");
    let lookup = |table: Option<&'_ Values>| {
        let value = table?.get(given?)?;
        Some(value.to_string())
    };
    let wanted = match element.attr("value-source") {
        Some("param") => lookup(facts.params),
        Some("meta") => lookup(facts.meta),
        _ => given.map(str::to_owned),
    };
    let order = compare(actual, wanted.as_deref(), element.attr("type"), op);
    decide(op, order, actual.is_some() && wanted.is_some())
}

fn decide(op: &str, order: std::cmp::Ordering, both: bool) -> bool {
    match op.to_ascii_lowercase().as_str() {
        "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        "lt" => both && order.is_lt(),
        "lte" => both && order.is_le(),
        "gt" => both && order.is_gt(),
        "gte" => both && order.is_ge(),
        _ => false,
    }
}

fn compare(
    left: Option<&str>,
    right: Option<&str>,
    kind: Option<&str>,
    op: &str,
) -> std::cmp::Ordering {
    let (Some(l), Some(r)) = (left, right) else {
        return left.is_some().cmp(&right.is_some());
    };
    let kind = kind.unwrap_or_else(|| {
        let op = op.to_ascii_lowercase();
        if !["lt", "lte", "gt", "gte"].contains(&op.as_str()) {
            "string"
        } else if l.contains('.') || r.contains('.') {
            "number"
        } else {
            "integer"
        }
    });
    let text = || l.to_ascii_lowercase().cmp(&r.to_ascii_lowercase());
    match kind.to_ascii_lowercase().as_str() {
        "integer" => match (integer(l), integer(r)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => text(),
        },
        "number" => match (number(l), number(r)) {
            (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal),
            _ => text(),
        },
        "version" => crate::scheduler::model::text::compare_versions(l, r),
        _ => text(),
    }
}

/// An integer; a number with a point is one that loses what follows it.
fn integer(text: &str) -> Option<i64> {
    score::leading_integer(text)
}

fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_digit() || *c == '.' || (*i == 0 && "+-".contains(*c))))
        .map_or(text.len(), |(i, _)| i);
    text[..end].parse().ok()
}

fn date_true(element: Element<'_>, facts: &Facts<'_>) -> bool {
    let duration = element.child("duration");
    let spec = element.child("date_spec");
    let start = element.attr("start").and_then(dates::parse);
    let mut end = element.attr("end").and_then(dates::parse);
    if let (Some(start), None, Some(duration)) = (start, end, duration) {
        end = Some(after(start, duration));
    }
    let now = facts.now;
    match element.attr("operation").unwrap_or("in_range") {
        "in_range" => {
            if start.is_none() && end.is_none() {
                return false;
            }
            if let Some(start) = start.filter(|&s| now < s) {
                facts.changes_at(start);
                return false;
            }
            match end {
                Some(end) if now > end => false,
                Some(end) => {
                    facts.changes_at(end + 1);
                    true
                }
                None => true,
            }
        }
        "date_spec" => spec.is_some_and(|spec| matches(spec, now)),
        "gt" => start.is_some_and(|start| {
            facts.changes_at(start + 1);
            now > start
        }),
        "lt" => end.is_some_and(|end| {
            facts.changes_at(end);
            now < end
        }),
        _ => false,
    }
}

fn after(start: i64, duration: Element<'_>) -> i64 {
    let field = |name: &str| {
        let value = duration.attr(name).and_then(score::leading_integer);
        value.unwrap_or(0).clamp(-1_000_000_000, 1_000_000_000)
    };
    let months = dates::add_months(start, field("years") * 12);
    dates::add_months(months, field("months"))
        + field("weeks") * 604_800
        + field("days") * 86_400
        + field("hours") * 3600
        + field("minutes") * 60
        + field("seconds")
}

fn matches(spec: Element<'_>, now: i64) -> bool {
    let at = Civil::from_epoch(now);
    let (week_year, week, weekday) = at.week();
    let fields = [
        ("years", at.year),
        ("months", at.month),
        ("monthdays", at.day),
        ("hours", at.hour),
        ("minutes", at.minute),
        ("seconds", at.second),
        ("yeardays", at.ordinal()),
        ("weekyears", week_year),
        ("weeks", week),
        ("weekdays", weekday),
        ("moon", phase(at)),
    ];
    fields
        .iter()
        .all(|(name, value)| spec.attr(name).is_none_or(|range| in_range(range, *value)))
}

fn in_range(range: &str, value: i64) -> bool {
    let number = |t: &str| t.trim().parse::<i64>().ok();
    match range.split_once('-') {
        None => number(range) == Some(value),
        Some((low, high)) => {
            number(low).is_none_or(|low| low <= value)
                && number(high).is_none_or(|high| value <= high)
        }
    }
}

/// Phase of the moon, 0 (new) to 7; 4 is full.
fn phase(at: Civil) -> i64 {
    let golden = at.year % 19 + 1;
    let mut epact = (11 * golden + 18) % 30;
    if (epact == 25 && golden > 11) || epact == 24 {
        epact += 1;
    }
    (((((at.ordinal() + epact) * 6) + 11) % 177) / 22) & 7
}
