//! `date_expression`: a moment before, after or within others.

use super::date_spec;
use super::iso8601::{Clock, Time};
use super::number::leading_int;
use super::rule::NextChange;
use crate::cib::Element;

/// Where a moment is.
/// Source: Pacemaker 2.1.5, `pcmk_rc_before_range` and those beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InRange {
    /// Before the range.
    Before,
    /// Within it.
    Within,
    /// After it.
    After,
    /// The `date_spec` fits.
    Satisfied,
    /// The expression doesn't say what it needs to.
    Undetermined,
}

impl InRange {
    /// Whether the expression is true.
    pub fn holds(self) -> bool {
        matches!(self, Self::Within | Self::Satisfied)
    }
}

/// Where `now` is by a `date_expression`, and in `next` when that may change. `clock` is for
/// dates that leave their zone or their day out.
/// Source: Pacemaker 2.1.5, `pe__eval_date_expr`.
pub fn evaluate_date(expr: Element, now: Time, clock: Clock, next: &mut NextChange) -> InRange {
    let date = |name| {
        let text = expr.attr(name)?;
        Time::parse(text.as_bytes(), clock).ok()
    };
    let start = date("start");
    let end = date("end").or_else(|| {
        let duration = expr.child("duration")?;
        Some(after(start?, duration))
    });
    let is = |word: &str| {
        expr.attr("operation")
            .is_some_and(|op| op.eq_ignore_ascii_case(word))
    };
    if expr.attr("operation").is_none() || is("in_range") {
        in_range(start, end, now, next)
    } else if is("date_spec") {
        let spec = expr.child("date_spec");
        spec.map_or(InRange::Satisfied, |spec| date_spec::evaluate(spec, now))
    } else if is("gt") {
        start.map_or(InRange::Undetermined, |start| later(start, now, next))
    } else if is("lt") {
        end.map_or(InRange::Undetermined, |end| earlier(end, now, next))
    } else {
        InRange::Undetermined
    }
}

fn in_range(start: Option<Time>, end: Option<Time>, now: Time, next: &mut NextChange) -> InRange {
    match (start, end) {
        (None, None) => InRange::Undetermined,
        (Some(start), _) if now < start => {
            next.at(start);
            InRange::Before
        }
        (_, Some(end)) if now > end => InRange::After,
        (_, Some(end)) => {
            next.after(end);
            InRange::Within
        }
        (_, None) => InRange::Within,
    }
}

fn later(start: Time, now: Time, next: &mut NextChange) -> InRange {
    if now > start {
        return InRange::Within;
    }
    next.after(start);
    InRange::Before
}

fn earlier(end: Time, now: Time, next: &mut NextChange) -> InRange {
    if now < end {
        next.at(end);
        return InRange::Within;
    }
    InRange::After
}

/// The moment a `duration` later; its fields are added from the longest to the shortest.
/// Source: Pacemaker 2.1.5, `pe_parse_xml_duration`.
fn after(start: Time, duration: Element) -> Time {
    let field = |name| duration.attr(name).map_or(0, amount);
    let mut end = start;
    end.add_years(field("years"));
    if let Some(months) = duration.attr("months") {
        end.add_months(amount(months));
    }
    end.add_days(i64::from(field("weeks")) * 7);
    end.add_days(field("days").into());
    end.add_seconds(i64::from(field("hours")) * 3600);
    end.add_seconds(i64::from(field("minutes")) * 60);
    end.add_seconds(field("seconds").into());
    end
}

/// A number of 32 bits at the front of a text; 0 if there is none.
fn amount(text: &str) -> i32 {
    leading_int(text).map_or(0, |(value, _)| i32::try_from(value).unwrap_or(0))
}
