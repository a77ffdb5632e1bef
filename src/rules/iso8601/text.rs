//! Moments, durations and periods as text.

use std::fmt::{self, Write};

use super::period::Period;
use super::span::Span;
use super::time::{Time, TimeOfDay};

/// How the day of a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Calendar {
    /// `2024-02-29`
    #[default]
    Date,
    /// `2024-060`
    Ordinal,
    /// `2024-W09-4`
    Week,
}

/// How a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The day, the time, and `Z`; or, if `local`, in its own zone and with its offset.
    Calendar {
        /// How the day is written.
        day: Calendar,
        /// Whether the zone stays.
        local: bool,
    },
    /// Seconds since the year 1 began.
    Seconds,
    /// Seconds since 1970 began.
    Epoch,
}

impl Default for Style {
    fn default() -> Self {
        Self::Calendar {
            day: Calendar::Date,
            local: false,
        }
    }
}

impl Time {
    /// The moment as text. Years are printed as the original does, without a sign.
    /// Source: Pacemaker 2.1.5, `crm_time_as_string`.
    pub fn render(self, style: Style) -> String {
        match style {
            Style::Seconds => self.seconds().to_string(),
            Style::Epoch => self.unix_s().to_string(),
            Style::Calendar { day, local: true } => {
                let zone = match self.offset_s {
                    0 => "Z".to_owned(),
                    offset => {
                        let sign = if offset < 0 { '-' } else { '+' };
                        let TimeOfDay { hour, minute, .. } = TimeOfDay::of_seconds(offset);
                        format!(" {sign}{hour:02}:{minute:02}")
                    }
                };
                self.day_and_time(day) + &zone
            }
            Style::Calendar { day, local: false } => self.utc().day_and_time(day) + "Z",
        }
    }

    fn day_and_time(self, calendar: Calendar) -> String {
        let day = match calendar {
            Calendar::Date => {
                let date = self.date();
                let year = date.year as u32;
                format!("{year:04}-{:02}-{:02}", date.month, date.day)
            }
            Calendar::Ordinal => format!("{}-{:03}", self.year as u32, self.day),
            Calendar::Week => {
                let date = self.week_date();
                let year = date.year as u32;
                format!("{year}-W{:02}-{}", date.week, date.day)
            }
        };
        let TimeOfDay {
            hour,
            minute,
            second,
        } = self.time_of_day();
        format!("{day} {hour:02}:{minute:02}:{second:02}")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::default()))
    }
}

impl fmt::Display for Span {
    /// Source: Pacemaker 2.1.5, `crm_duration_as_string`; spaces at the end are in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (amount, width, unit) in [
            (self.years, 4, "year"),
            (self.months, 2, "month"),
            (self.days, 2, "day"),
        ] {
            if amount != 0 {
                let s = plural(amount);
                write!(text, "{amount:width$} {unit}{s} ")?;
            }
        }
        let seconds = self.seconds;
        if text.is_empty() || seconds != 0 {
            write!(text, "{seconds} second{}", plural(seconds))?;
        }
        f.write_str(&text)?;
        if seconds.saturating_abs() < 60 {
            return Ok(());
        }
        let TimeOfDay {
            hour,
            minute,
            second,
        } = TimeOfDay::of_seconds(seconds);
        let parts: Vec<String> = [(hour, "hour"), (minute, "minute"), (second, "second")]
            .into_iter()
            .filter(|(amount, _)| *amount != 0)
            .map(|(amount, unit)| format!("{amount} {unit}{}", plural(amount)))
            .collect();
        write!(f, " ({})", parts.join(" "))
    }
}

fn plural(amount: i32) -> &'static str {
    if amount == 1 { "" } else { "s" }
}

impl Period {
    /// The period as text.
    pub fn render(self, style: Style) -> String {
        format!("{} to {}", self.start.render(style), self.end.render(style))
    }
}
