//! `date_spec`: parts of a date and time that must be in ranges.

use std::cmp::Ordering;

use super::date_expression::InRange;
use super::iso8601::Time;
use super::number::Range;
use crate::cib::Element;

/// Whether every field that is given and can be read has the moment in its range; if not, on
/// which side of it the first one is. The parts are those of the moment's own zone.
/// Source: Pacemaker 2.1.5, `pe_cron_range_satisfied`.
pub(super) fn evaluate(spec: Element, now: Time) -> InRange {
    let date = now.date();
    let time = now.time_of_day();
    let week = now.week_date();
    let fields = [
        ("years", date.year),
        ("months", date.month),
        ("monthdays", date.day),
        ("hours", time.hour),
        ("minutes", time.minute),
        ("seconds", time.second),
        ("yeardays", now.year_day()),
        ("weekyears", week.year),
        ("weeks", week.week),
        ("weekdays", week.day),
        ("moon", moon_phase(now)),
    ];
    let missed = fields.into_iter().find_map(|(name, value)| {
        let range = Range::parse(spec.attr(name)?)?;
        match range.side(value.into()) {
            Ordering::Equal => None,
            Ordering::Less => Some(InRange::Before),
            Ordering::Greater => Some(InRange::After),
        }
    });
    missed.unwrap_or(InRange::Satisfied)
}

/// Phase of the moon, 0 (new) to 7; 4 is full.
///
/// From the epact, the moon's age on 1 January, that the golden number gives; a lunation is
/// 29.5 days, 177 sixths of a day, in eight parts.
/// Source: Pacemaker 2.1.5, `phase_of_the_moon`.
fn moon_phase(now: Time) -> i32 {
    let golden = now.date().year.rem_euclid(19) + 1;
    let mut epact = (11 * golden + 18) % 30;
    if (epact == 25 && golden > 11) || epact == 24 {
        epact += 1;
    }
    ((((now.year_day() + epact) * 6 + 11) % 177) / 22) & 7
}
