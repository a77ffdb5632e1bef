//! A transition as a picture: layers from left to right, what comes first on the left.

use std::fmt::Write;

use super::diff::{Line, Side};
use super::transition::{Action, State, layers};

const BOX_HEIGHT: usize = 40;
const ROW: usize = 54;
const GAP: usize = 70;
const MARGIN: usize = 20;
const LEGEND: usize = 64;
/// Width of a character of the titles, and of the smaller reasons, in tenths of a pixel.
const TITLE_TENTHS: usize = 72;
const REASON_TENTHS: usize = 57;
const REASON_CHARACTERS_MAX: usize = 60;
/// Above this many actions orderings that follow from others are drawn too: to find them takes
/// time that grows with the square.
const REDUCED_MAX: usize = 2000;

struct Shape<'a> {
    line: &'a Line,
    layer: usize,
    row: usize,
    x: usize,
    y: usize,
    width: usize,
}

/// Draws the actions of one CIB, or of the difference of two.
pub fn draw(lines: &[Line], title: &str) -> String {
    let actions: Vec<Action> = lines.iter().map(|line| line.action.clone()).collect();
    let edges = edges(&actions);
    let (shapes, size) = place(lines, &layers(&actions), &edges);
    let (width, height) = (size.0.max(620), size.1 + LEGEND);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">"
    );
    let _ = writeln!(out, "<title>{}</title>", escaped(title));
    out.push_str(
        "<defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" \
         orient=\"auto\"><path d=\"M0,1 L7,4 L0,7 z\" fill=\"#667\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
    );
    for &(from, to) in &edges {
        draw_edge(&mut out, &shapes[from], &shapes[to]);
    }
    for shape in &shapes {
        draw_shape(&mut out, shape);
    }
    draw_legend(&mut out, lines, size.1);
    if shapes.is_empty() {
        let _ = writeln!(
            out,
            "<text x=\"{MARGIN}\" y=\"{}\">Nothing is to be done.</text>",
            MARGIN + 16
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Orderings, without those that follow from others.
fn edges(actions: &[Action]) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    for (to, action) in actions.iter().enumerate() {
        let inputs = action.after.iter().copied().filter(|&i| i < actions.len());
        let implied = match actions.len() <= REDUCED_MAX {
            true => implied(actions, &action.after),
            false => vec![false; actions.len()],
        };
        edges.extend(inputs.filter(|&i| !implied[i]).map(|from| (from, to)));
    }
    edges
}

/// What comes before any of these.
fn implied(actions: &[Action], inputs: &[usize]) -> Vec<bool> {
    let mut seen = vec![false; actions.len()];
    let earlier = |i: usize| actions.get(i).map_or(&[][..], |a| &a.after);
    let mut open: Vec<usize> = inputs.iter().flat_map(|&i| earlier(i)).copied().collect();
    while let Some(at) = open.pop() {
        if seen.get(at) == Some(&false) {
            seen[at] = true;
            open.extend(earlier(at));
        }
    }
    seen
}

fn place<'a>(
    lines: &'a [Line],
    layers: &[usize],
    edges: &[(usize, usize)],
) -> (Vec<Shape<'a>>, (usize, usize)) {
    let columns = layers.iter().max().map_or(0, |l| l + 1);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); columns];
    for (i, &layer) in layers.iter().enumerate() {
        members[layer].push(i);
    }
    let rows = rows(lines, &mut members, edges);
    let tallest = members.iter().map(Vec::len).max().unwrap_or(0);
    let mut left = Vec::with_capacity(columns);
    let mut x = MARGIN;
    for column in &members {
        left.push(x);
        let widest = column.iter().map(|&i| width_of(&lines[i])).max();
        x += widest.unwrap_or(0) + GAP;
    }
    let shapes = lines.iter().enumerate().map(|(i, line)| {
        let (layer, row) = (layers[i], rows[i]);
        // Shorter columns stand in the middle of the tallest one.
        let lead = (tallest - members[layer].len()) * ROW / 2;
        Shape {
            line,
            layer,
            row,
            x: left[layer],
            y: MARGIN + lead + row * ROW,
            width: width_of(line),
        }
    });
    let right = x.saturating_sub(GAP) + MARGIN;
    (shapes.collect(), (right, 2 * MARGIN + tallest.max(1) * ROW))
}

/// The row of each action in its column: near to what comes before it.
fn rows(lines: &[Line], members: &mut [Vec<usize>], edges: &[(usize, usize)]) -> Vec<usize> {
    let mut rows = vec![0; lines.len()];
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); lines.len()];
    for &(from, to) in edges {
        before[to].push(from);
    }
    for column in members {
        let key = |&i: &usize| {
            let near: Vec<usize> = before[i].iter().map(|&b| rows[b]).collect();
            let mean = near.iter().sum::<usize>() * 1000 / near.len().max(1);
            let action = &lines[i].action;
            let of_none = near.is_empty();
            (of_none, mean, action.node.clone(), action.text.clone())
        };
        column.sort_by_cached_key(key);
        for (row, &i) in column.iter().enumerate() {
            rows[i] = row;
        }
    }
    rows
}

fn width_of(line: &Line) -> usize {
    let title = line.action.text.chars().count() * TITLE_TENTHS;
    let reason = shortened(&line.action.reason).chars().count() * REASON_TENTHS;
    title.max(reason) / 10 + 24
}

fn shortened(reason: &str) -> String {
    match reason.chars().count() > REASON_CHARACTERS_MAX {
        true => {
            let start: String = reason.chars().take(REASON_CHARACTERS_MAX - 1).collect();
            format!("{start}\u{2026}")
        }
        false => reason.to_owned(),
    }
}

fn draw_edge(out: &mut String, from: &Shape<'_>, to: &Shape<'_>) {
    let (x, y) = (from.x + from.width, from.y + BOX_HEIGHT / 2);
    let (end_x, end_y) = (to.x, to.y + BOX_HEIGHT / 2);
    let bend = (end_x.saturating_sub(x) / 2).max(GAP / 2);
    let (first, second) = (x + bend, end_x.saturating_sub(bend));
    // An arrow over several layers leaves its box upwards or downwards, so that it doesn't lie
    // on the boxes between.
    let far = to.layer > from.layer + 1 && from.row == to.row;
    let lift = if far { ROW / 2 } else { 0 };
    let (first_y, second_y) = (y.saturating_sub(lift), end_y.saturating_sub(lift));
    let _ = writeln!(
        out,
        "<path d=\"M{x},{y} C{first},{first_y} {second},{second_y} {end_x},{end_y}\" \
         fill=\"none\" stroke=\"#667\" marker-end=\"url(#tip)\"/>"
    );
}

/// Colours of frame and ground, and the dashes of the frame.
fn style(line: &Line) -> (&'static str, &'static str, &'static str) {
    match (line.side, line.action.state) {
        (Side::Gone, _) => ("#8a8f98", "#eeeff1", "2,3"),
        (_, State::Blocked) => ("#c0392b", "#fdecea", "6,4"),
        (_, State::Pseudo) => ("#8a8f98", "#ffffff", "none"),
        (Side::New, State::Done) if line.action.task == "stonith" => ("#b35900", "#fff0dd", "none"),
        (Side::New, State::Done) => ("#1e7a3c", "#e8f6ec", "none"),
        (Side::Both, State::Done) => ("#2c5aa0", "#e9f0fa", "none"),
    }
}

fn draw_shape(out: &mut String, shape: &Shape<'_>) {
    let action = &shape.line.action;
    let (frame, ground, dashes) = style(shape.line);
    let round = if action.state == State::Pseudo { 20 } else { 5 };
    let (x, y, width) = (shape.x, shape.y, shape.width);
    let tip = match action.reason.as_str() {
        "" => action.text.clone(),
        reason => format!("{}: {reason}", action.text),
    };
    let _ = writeln!(
        out,
        "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" \
         height=\"{BOX_HEIGHT}\" rx=\"{round}\" fill=\"{ground}\" stroke=\"{frame}\" \
         stroke-width=\"1.5\" stroke-dasharray=\"{dashes}\"/>",
        escaped(&tip)
    );
    let line_through = match shape.line.side {
        Side::Gone => " text-decoration=\"line-through\"",
        Side::New | Side::Both => "",
    };
    let title_y = if action.reason.is_empty() {
        y + 25
    } else {
        y + 17
    };
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{title_y}\" fill=\"#16181c\"{line_through}>{}</text>",
        x + 10,
        escaped(&action.text)
    );
    if !action.reason.is_empty() {
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" font-size=\"10.5\" fill=\"#555a64\">{}</text>",
            x + 10,
            y + 32,
            escaped(&shortened(&action.reason))
        );
    }
    out.push_str("</g>\n");
}

/// What the colours mean, of those that are there.
fn draw_legend(out: &mut String, lines: &[Line], top: usize) {
    let meaning = |line: &Line| match (line.side, line.action.state) {
        (Side::Gone, _) => "not done any more",
        (_, State::Blocked) => "can't be done",
        (_, State::Pseudo) => "begin or end of several",
        (Side::New, State::Done) if line.action.task == "stonith" => "fencing",
        (Side::New, State::Done) => "is done",
        (Side::Both, State::Done) => "is done in any case",
    };
    let mut told: Vec<&str> = Vec::new();
    let mut x = MARGIN;
    for line in lines {
        let text = meaning(line);
        if told.contains(&text) {
            continue;
        }
        told.push(text);
        let ((frame, ground, dashes), y) = (style(line), top + 18);
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"16\" height=\"16\" rx=\"3\" fill=\"{ground}\" \
             stroke=\"{frame}\" stroke-dasharray=\"{dashes}\"/><text x=\"{}\" y=\"{}\" \
             font-size=\"11\" fill=\"#333\">{text}</text>",
            x + 22,
            y + 12
        );
        x += 36 + text.chars().count() * 6;
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // Control characters aren't allowed in XML.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
