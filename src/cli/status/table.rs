//! Columns that line up, coloured.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

/// All is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Worth a look.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// Somebody should act.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Names.
pub const BOLD: Style = Style::new().bold();
/// Nothing special.
pub const PLAIN: Style = Style::new();

/// A piece of text in one style.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
}

/// A cell; control characters are escaped, since names may come from the network.
pub fn cell(style: Style, text: impl AsRef<str>) -> Cell {
    let mut clean = String::new();
    for c in text.as_ref().chars() {
        if c.is_control() {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    Cell { text: clean, style }
}

/// Rows of cells under one another, two blanks between columns, `indent` blanks in front.
pub fn render(rows: &[Vec<Cell>], indent: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|r| r.get(i));
        cells.map(|c| c.text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let last = row.iter().rposition(|c| !c.text.is_empty());
        let _ = write!(out, "{:indent$}", "");
        for (i, Cell { text, style }) in row.iter().enumerate().take(last.map_or(0, |l| l + 1)) {
            let _ = write!(out, "{style}{text}{style:#}");
            if Some(i) != last {
                let gap = widths[i] - text.chars().count() + 2;
                let _ = write!(out, "{:gap$}", "");
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_with_text() {
        let rows = vec![
            vec![cell(PLAIN, "a"), cell(PLAIN, "b"), cell(PLAIN, "")],
            vec![cell(PLAIN, "äöü"), cell(PLAIN, "c")],
        ];
        assert_eq!(render(&rows, 1), " a    b\n äöü  c\n");
    }

    #[test]
    fn names_cant_move_the_cursor() {
        assert_eq!(
            render(&[vec![cell(PLAIN, "x\x1b[2J\n")]], 0),
            "x\\u{1b}[2J\\n\n"
        );
    }

    #[test]
    fn colour_is_no_part_of_the_width() {
        let rows = vec![
            vec![cell(BAD, "dead"), cell(PLAIN, "x")],
            vec![cell(PLAIN, "up"), cell(PLAIN, "y")],
        ];
        let plain = anstream::adapter::strip_str(&render(&rows, 0)).to_string();
        assert_eq!(plain, "dead  x\nup    y\n");
    }
}
