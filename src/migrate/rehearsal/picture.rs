//! A timeline as SVG.

use std::fmt::Write;

use super::timeline::{Cause, Timeline};
use crate::migrate::report::html::escape;

/// Units: pixels
const WIDTH: f64 = 1100.0;
/// Room beside the rows for their names, at least, and at most: longer names are cut.
const LEFT: (f64, f64) = (60.0, 300.0);
/// Width of a letter of a name, and of a step: of most fonts it is less.
const LETTER: (f64, f64) = (6.9, 5.8);
const ROW: f64 = 26.0;
const BAR: f64 = 16.0;
const TOP: f64 = 30.0;
/// Names of steps hang at this angle; sine and cosine of 60 degrees.
const SLOPE: (f64, f64) = (0.866, 0.5);
/// Names of steps stand at least so far apart: a line of text across the slope.
const APART: f64 = 14.0;
/// Space around.
const EDGE: f64 = 12.0;

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
    let names = nodes.iter().map(|n| n.as_str());
    let names = names.chain(timeline.rows.iter().map(|r| &*r.resource));
    let left = (longest(names) * LETTER.0 + EDGE + 8.0).clamp(LEFT.0, LEFT.1);
    // The last name hangs out to the right of its step.
    let mark = longest(timeline.marks.iter().map(|(_, text)| &**text)) * LETTER.1;
    let right = mark * SLOPE.1 + EDGE;
    let mut draw = Draw {
        out: String::new(),
        left,
        scale: (WIDTH - left - right) / to_f64_us(timeline.end_us.max(1)),
    };
    let height = bottom + 6.0 + mark * SLOPE.0 + EDGE;
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
    draw.twice(timeline, nodes.len());
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

/// Letters of the longest of these.
fn longest<'a>(texts: impl Iterator<Item = &'a str>) -> f64 {
    to_f64(texts.map(|t| t.chars().count()).max().unwrap_or(0))
}

struct Draw {
    out: String,
    /// Where time begins. Units: pixels
    left: f64,
    /// Pixels in a microsecond.
    scale: f64,
}

impl Draw {
    fn x(&self, us: u64) -> f64 {
        self.left + to_f64_us(us) * self.scale
    }

    fn label(&mut self, text: &str, y: f64, class: &str) {
        let (x, y) = (self.left - 8.0, y + BAR - 4.0);
        let most = ((self.left - EDGE - 8.0) / LETTER.0).max(0.0);
        let cut = to_f64(text.chars().count()) > most + 0.5;
        let shown: String = match cut {
            true => {
                let kept = text.chars().enumerate();
                let kept = kept.take_while(|(at, _)| to_f64(*at) < most - 1.5);
                kept.map(|(_, c)| c).chain(['…']).collect()
            }
            false => text.to_owned(),
        };
        let _ = write!(
            self.out,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"end\">"
        );
        escape(&mut self.out, &shown);
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

    /// Bars over those rows that two nodes held, behind so many rows of nodes.
    fn twice(&mut self, timeline: &Timeline, nodes: usize) {
        for twice in &timeline.twice {
            let place = timeline
                .rows
                .iter()
                .position(|r| r.resource == twice.resource);
            let y = TOP + ROW * to_f64(nodes + place.unwrap_or(0)) - 3.0;
            let told = format!(
                "{} on {} and {}",
                twice.resource, twice.nodes[0], twice.nodes[1]
            );
            self.bar(
                (twice.from_us, twice.from_us + twice.us),
                y,
                (BAR + 6.0, "#ff0000"),
                &told,
            );
        }
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
        let mut free = self.left - APART;
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

    /// The numbers of an attribute, such as x, of all texts.
    fn texts(svg: &str) -> Vec<(f64, f64, bool, String)> {
        let mut all = Vec::new();
        for part in svg.split("<text ").skip(1) {
            let text = part.split_once('>').unwrap().1.split('<').next().unwrap();
            let number = |from: &str, to: char| -> Option<f64> {
                part.split_once(from)?.1.split(to).next()?.parse().ok()
            };
            let hangs = part.contains("rotate");
            let (x, y) = match hangs {
                true => {
                    let place = part.split_once("translate(").unwrap().1;
                    let place = place.split(')').next().unwrap().split_once(' ').unwrap();
                    (place.0.parse().unwrap(), place.1.parse().unwrap())
                }
                false => (number(" x=\"", '"').unwrap(), number(" y=\"", '"').unwrap()),
            };
            all.push((x, y, hangs, text.to_owned()));
        }
        all
    }

    #[test]
    fn no_text_is_cut_off_or_over_another() {
        let step = |at_us, step: &str| Event {
            at_us,
            what: What::Step { step: step.into() },
        };
        let node = "database-1.example.com";
        let events: Vec<_> = (0..200)
            .map(|n| step(n * 97_003, &format!("everbeat {node}")))
            .collect();
        let nodes = [node.to_owned(), "b".to_owned()];
        let long = "fs-srv-a-resource-with-a-name-that-is-longer-than-all-others-are";
        let rows = ["ip-10.0.0.5".to_owned(), long.to_owned()];
        let timeline = Timeline::of(&events, &nodes, &rows, 20_000_000);
        let svg = svg(&timeline);
        let height: f64 = svg
            .split_once("1100 ")
            .unwrap()
            .1
            .split('"')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let mut last = f64::NEG_INFINITY;
        for (x, y, hangs, text) in texts(&svg) {
            let letters = to_f64(text.chars().count());
            if hangs {
                assert!(x - last >= APART, "{text} at {x} after {last}");
                last = x;
                let long = letters * LETTER.1;
                assert!(
                    x + long * SLOPE.1 <= WIDTH && y + long * SLOPE.0 <= height,
                    "{text}"
                );
            } else if !text.ends_with(" s") {
                assert!(x - letters * LETTER.0 >= 0.0, "{text} begins outside");
            }
        }
        assert!(last > 0.0 && svg.contains('…'));
    }
}
