//! A timeline as SVG.

use std::fmt::Write;

use super::timeline::{Cause, Timeline};
use crate::migrate::report::html::escape;

/// Units: pixels
const WIDTH: f64 = 1100.0;
const LEFT: f64 = 150.0;
const ROW: f64 = 26.0;
const BAR: f64 = 16.0;
const TOP: f64 = 30.0;
/// Room below the rows for the names of steps.
const BELOW: f64 = 96.0;
/// Names of steps stand at least so far apart.
const APART: f64 = 11.0;

/// Colours of nodes, told apart by people who see few colours, too; the last ones repeat.
const COLOURS: [&str; 6] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00",
];

/// The colour of the node in that place.
pub fn colour(place: usize) -> &'static str {
    COLOURS[place % COLOURS.len()]
}

/// The picture: a row for each node and for each resource.
pub fn svg(timeline: &Timeline) -> String {
    let nodes: Vec<_> = timeline.power.keys().collect();
    let rows = nodes.len() + timeline.rows.len();
    let bottom = TOP + ROW * to_f64(rows) + 8.0;
    let mut draw = Draw {
        out: String::new(),
        scale: (WIDTH - LEFT - 20.0) / to_f64_us(timeline.end_us.max(1)),
    };
    let height = bottom + BELOW;
    let _ = writeln!(
        draw.out,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"timeline\">"
    );
    draw.seconds(timeline.end_us, bottom);
    draw.marks(timeline, bottom);
    for (place, node) in nodes.iter().enumerate() {
        let y = TOP + ROW * to_f64(place);
        draw.label(node, y, "node");
        for (from, to) in &timeline.power[*node] {
            let told = format!("{node} has power");
            draw.bar(
                (*from, *to),
                y + BAR / 2.0 - 3.0,
                (6.0, colour(place)),
                &told,
            );
        }
    }
    for (place, row) in timeline.rows.iter().enumerate() {
        let y = TOP + ROW * to_f64(nodes.len() + place);
        draw.label(&row.resource, y, "resource");
        for held in &row.held {
            let at = nodes.iter().position(|n| **n == held.node).unwrap_or(0);
            let told = format!("{} on {}", row.resource, held.node);
            draw.bar((held.from_us, held.to_us), y, (BAR, colour(at)), &told);
        }
        for gap in &row.gaps {
            let to = gap.from_us + gap.ms * 1000;
            let told = format!("nobody has {} for {} ms", row.resource, gap.ms);
            let colour = match gap.cause {
                Cause::Unexplained => "#b00020",
                _ => "#b0002088",
            };
            draw.bar((gap.from_us, to), y + BAR / 2.0 - 1.5, (3.0, colour), &told);
        }
    }
    for twice in &timeline.twice {
        let place = timeline
            .rows
            .iter()
            .position(|r| r.resource == twice.resource);
        let y = TOP + ROW * to_f64(nodes.len() + place.unwrap_or(0)) - 3.0;
        let told = format!(
            "{} on {} and {}",
            twice.resource, twice.nodes[0], twice.nodes[1]
        );
        draw.bar(
            (twice.from_us, twice.from_us + twice.us),
            y,
            (BAR + 6.0, "#ff0000"),
            &told,
        );
    }
    draw.out.push_str("</svg>\n");
    draw.out
}

#[allow(clippy::cast_precision_loss)]
fn to_f64(count: usize) -> f64 {
    count as f64
}

#[allow(clippy::cast_precision_loss)]
fn to_f64_us(us: u64) -> f64 {
    us as f64
}

struct Draw {
    out: String,
    /// Pixels in a microsecond.
    scale: f64,
}

impl Draw {
    fn x(&self, us: u64) -> f64 {
        LEFT + to_f64_us(us) * self.scale
    }

    fn label(&mut self, text: &str, y: f64, class: &str) {
        let (x, y) = (LEFT - 8.0, y + BAR - 4.0);
        let _ = write!(
            self.out,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"end\">"
        );
        escape(&mut self.out, text);
        self.out.push_str("</text>\n");
    }

    /// At least a pixel wide, with a text for the mouse.
    fn bar(&mut self, (from, to): (u64, u64), y: f64, (height, colour): (f64, &str), told: &str) {
        let x = self.x(from);
        let width = (self.x(to) - x).max(1.0);
        let _ = write!(
            self.out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" \
             fill=\"{colour}\"><title>"
        );
        escape(&mut self.out, told);
        let seconds = |us: u64| to_f64_us(us) / 1e6;
        let _ = writeln!(
            self.out,
            ", {:.3} s to {:.3} s</title></rect>",
            seconds(from),
            seconds(to)
        );
    }

    /// About ten lines with the seconds above them.
    fn seconds(&mut self, end_us: u64, bottom: f64) {
        let steps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600];
        let end_s = end_us / 1_000_000;
        let step = steps.into_iter().find(|s| end_s / s <= 12).unwrap_or(3600);
        for s in (0..=end_s).step_by(usize::try_from(step).unwrap_or(60)) {
            let x = self.x(s * 1_000_000);
            let _ = writeln!(
                self.out,
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
                 <text class=\"grid\" x=\"{x:.1}\" y=\"18\" text-anchor=\"middle\">{s} s</text>"
            );
        }
    }

    /// Steps: a line each, and the name where there is room for it.
    fn marks(&mut self, timeline: &Timeline, bottom: f64) {
        let mut free = LEFT - APART;
        for (at, text) in &timeline.marks {
            let x = self.x(*at);
            let _ = write!(
                self.out,
                "<line class=\"mark\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" \
                 y2=\"{bottom}\"><title>"
            );
            escape(&mut self.out, text);
            self.out.push_str("</title></line>\n");
            if x < free + APART {
                continue;
            }
            free = x;
            let y = bottom + 6.0;
            let _ = write!(
                self.out,
                "<text class=\"mark\" transform=\"translate({x:.1} {y}) rotate(60)\">"
            );
            escape(&mut self.out, text);
            self.out.push_str("</text>\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::timeline::{Event, What};
    use super::*;

    #[test]
    fn the_picture_has_a_bar_for_each_time_and_no_markup_of_names() {
        let start = |at_us, node: &str| Event {
            at_us,
            what: What::Start {
                node: node.into(),
                resource: "<ip>".into(),
            },
        };
        let off = Event {
            at_us: 5_000_000,
            what: What::PowerOff { node: "a".into() },
        };
        let nodes = ["a".to_owned(), "b".to_owned()];
        let events = [start(1_000_000, "a"), off, start(7_000_000, "b")];
        let timeline = Timeline::of(&events, &nodes, &["<ip>".to_owned()], 9_000_000);
        let svg = svg(&timeline);
        // Power of a and b, two times held, one gap.
        assert_eq!(svg.matches("<rect").count(), 5, "{svg}");
        assert!(svg.contains("&lt;ip&gt;") && !svg.contains("<ip>"), "{svg}");
        assert!(svg.contains("for 2000 ms"), "{svg}");
        let text = format!("<?xml version=\"1.0\"?>{svg}");
        assert!(crate::cib::reader::read(&text).is_ok(), "{text}");
    }
}
