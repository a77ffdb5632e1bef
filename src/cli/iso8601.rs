//! `iso8601`: reads dates, durations and periods as rules do, and prints them.
//!
//! Source: Pacemaker 2.1.5, `tools/iso8601.c`; the installed tool, asked about hundreds of texts
//! in `tests/oracle`.

use std::process::ExitCode;

use clap::Command;

use super::applets::{self, Applet, Kind};
use super::crm::arguments::{self, flag, value};
use super::crm::{Line, clock::clock, code};
use crate::rules::iso8601::{Calendar, Clock, Period, Span, Style, Time, TimeError};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "iso8601",
    summary: "read dates, durations and periods as rules do, and print them",
    kind: Kind::Tool,
    man: "iso8601(8)",
    command,
    run,
};

fn command() -> Command {
    arguments::command(
        "iso8601",
        "Read dates, durations and periods as the cluster does, and print them",
    )
    .arg(flag("now", 'n').help("print the current date and time"))
    .arg(
        value("date", "DATE")
            .short('d')
            .help("read a date, with or without a time"),
    )
    .arg(
        value("period", "PERIOD")
            .short('p')
            .help("read a period: two dates, or a date and a duration, with a slash between"),
    )
    .arg(
        value("duration", "DURATION")
            .short('D')
            .help("read a duration"),
    )
    .arg(
        value("expected", "TEXT")
            .short('E')
            .help("exit with 1 if the date, or where the duration ends, is not printed like this"),
    )
    .arg(flag("seconds", 's').help("print seconds since the year 1 began"))
    .arg(flag("epoch", 'S').help("print seconds since 1970 began"))
    .arg(flag("local", 'L').help("print in the zone that was given, or the local one"))
    .arg(flag("ordinal", 'O').help("print the day of the year"))
    .arg(flag("week", 'W').help("print the week and the day of the week"))
    .after_help(
        "Examples:\n  \
         iso8601 --date '2026-11-26 10:00:00 +01:00'   what the cluster makes of it, in UTC\n  \
         iso8601 --date 2026-330 --duration P1M        where the month from then on ends\n  \
         iso8601 --now --local",
    )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let line = match arguments::parse(command(), &args) {
        Ok(line) => line,
        Err(code) => return Ok(code),
    };
    if line.has("version") {
        println!("{}", arguments::version_text());
        return Ok(code::OK.into());
    }
    match answer(&line, clock()) {
        Ok(exit) => Ok(exit.into()),
        Err((what, text, error)) => {
            line.log_error(error.function(), &error);
            eprintln!("iso8601: Invalid {what} specified: {text}");
            Ok(code::INVALID_PARAM.into())
        }
    }
}

/// What was asked for, the text, and what is wrong with it.
type Wrong = (&'static str, String, TimeError);

fn answer(line: &Line, clock: Clock) -> Result<u8, Wrong> {
    let style = style(line);
    let read = |id: &str| line.value(id).map(str::to_owned);
    let mut moment = None;
    let date = read("date").filter(|_| line.last(&["now", "date"]) == Some("date"));
    if let Some(text) = date.filter(|text| text != "now") {
        let time = Time::parse(text.as_bytes(), clock).map_err(|e| ("date/time", text, e))?;
        println!("Date: {}", time.render(style));
        moment = Some(time);
    } else if line.has("now") || line.has("date") {
        println!("Current date/time: {}", clock.now().render(style));
        moment = Some(clock.now());
    }
    let mut duration = None;
    if let Some(text) = read("duration") {
        let span = Span::parse(text.as_bytes()).map_err(|e| ("duration", text, e))?;
        println!("Duration: {span}");
        duration = Some(span);
    }
    if let Some(text) = read("period") {
        let period = Period::parse(text.as_bytes(), clock).map_err(|e| ("interval", text, e))?;
        println!("Period: {}", period.render(style));
    }
    let mut result = moment;
    if let (Some(time), Some(span)) = (moment, duration) {
        let end = time.plus(span);
        // The original leaves this one moment in its zone.
        println!("Duration ends at: {}", end.render(in_its_zone(style)));
        result = Some(end);
    }
    match (line.value("expected"), result) {
        (Some(text), Some(time)) if !text.eq_ignore_ascii_case(&time.render(style)) => {
            Ok(code::ERROR)
        }
        _ => Ok(code::OK),
    }
}

fn in_its_zone(style: Style) -> Style {
    match style {
        Style::Calendar { day, .. } => Style::Calendar { day, local: true },
        other => other,
    }
}

fn style(line: &Line) -> Style {
    if line.has("seconds") {
        return Style::Seconds;
    }
    if line.has("epoch") {
        return Style::Epoch;
    }
    let day = if line.has("week") {
        Calendar::Week
    } else if line.has("ordinal") {
        Calendar::Ordinal
    } else {
        Calendar::Date
    };
    let local = line.has("local");
    Style::Calendar { day, local }
}
