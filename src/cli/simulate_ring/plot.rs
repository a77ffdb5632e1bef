//! Values over the number of nodes as a picture.

use std::fmt::Write;

const WIDTH: f64 = 640.0;
/// Height of a panel, its title included.
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 36.0;
const TICKS: u32 = 5;

/// One curve.
pub struct Panel {
    pub title: &'static str,
    /// Nodes and value, ascending.
    pub points: Vec<(f64, f64)>,
}

/// Draws panels one below the other.
pub fn draw(title: &str, panels: &[Panel]) -> String {
    let height = HEIGHT * panels.len() as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (at, panel) in panels.iter().enumerate() {
        draw_panel(&mut out, HEIGHT * at as f64, panel);
    }
    out.push_str("</svg>\n");
    out
}

fn draw_panel(out: &mut String, top: f64, panel: &Panel) {
    let largest = |values: &dyn Fn(&(f64, f64)) -> f64| {
        round_up(panel.points.iter().map(values).fold(0.0, f64::max))
    };
    let (most_nodes, most) = (largest(&|p| p.0), largest(&|p| p.1));
    let x = |nodes: f64| LEFT + nodes / most_nodes * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| top + HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM);
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{}\" font-size=\"14\">{}</text>",
        top + 26.0,
        panel.title
    );
    for tick in 0..=TICKS {
        let part = f64::from(tick) / f64::from(TICKS);
        let (value, nodes) = (most * part, most_nodes * part);
        let (line, column) = (y(value), x(nodes));
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT},{line:.1} H{:.1}\" stroke=\"#dddddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <text x=\"{column:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            line + 4.0,
            short(value),
            y(0.0) + 18.0,
            short(nodes),
        );
    }
    let place = |(nodes, value): &(f64, f64)| (x(*nodes), y(*value));
    let places: Vec<(f64, f64)> = panel.points.iter().map(place).collect();
    let line: Vec<String> = places
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>",
        line.join(" ")
    );
    for (x, y) in places {
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"#1f5fa8\"/>"
        );
    }
}

/// The next of 1, 2, 2.5, 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 5.0, 10.0];
    let step = steps.into_iter().find(|step| power * step >= value);
    power * step.unwrap_or(10.0)
}

fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0');
    text.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (value, end) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (128.0, 150.0),
            (3.1, 5.0),
            (0.07, 0.1),
        ] {
            assert!((round_up(value) - end).abs() < 1e-9, "{value}");
        }
        assert_eq!(
            (short(2.50), short(100.0), short(0.02)),
            ("2.5".into(), "100".into(), "0.02".into())
        );
    }

    #[test]
    fn each_point_is_drawn_inside_of_its_panel() {
        let panel = Panel {
            title: "ms",
            points: vec![(3.0, 1.0), (128.0, 40.0)],
        };
        let picture = draw("t", &[panel]);
        crate::cib::read(&picture).expect("it is XML");
        assert_eq!(picture.matches("<circle").count(), 2, "{picture}");
        let heights = picture
            .split("cy=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        for height in heights.map(|text| text.parse::<f64>().unwrap()) {
            assert!((TOP..=HEIGHT - BOTTOM).contains(&height), "{height}");
        }
    }
}
