//! The terminal as a screen: what is on it is replaced, and keys come one by one.

use std::io::{self, Write};

use nix::sys::termios::{self, LocalFlags, SetArg, Termios};

use crate::sys::terminal;

/// The other screen, empty, with lines that don't go over its edge; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?7l\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?7h\x1b[?1049l";
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Rows of a terminal that doesn't tell them.
const ROWS: usize = 24;

/// The screen; the terminal is as it was before once this is dropped.
#[derive(Debug)]
pub(super) struct Screen {
    before: Termios,
    /// Lines above what is shown.
    above: usize,
}

impl Screen {
    /// Takes the terminal of standard input and output.
    ///
    /// Errors: they are none.
    pub(super) fn open() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut keys = before.clone();
        keys.local_flags
            .remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG);
        termios::tcsetattr(io::stdin(), SetArg::TCSANOW, &keys)?;
        let screen = Self { before, above: 0 };
        let mut out = io::stdout();
        out.write_all(ENTER.as_bytes())?;
        out.flush()?;
        Ok(screen)
    }

    /// What was pressed; empty at the end of the input.
    pub(super) fn read(&self) -> io::Result<String> {
        let mut bytes = [0; 64];
        // Past the buffer of the standard library, which poll(2) doesn't see.
        let count = nix::unistd::read(io::stdin(), &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes[..count]).into_owned())
    }

    /// Shows a text in place of what was there.
    pub(super) fn draw(&mut self, text: &str) -> io::Result<()> {
        let rows = terminal::size(io::stdout()).map_or(ROWS, |(rows, _)| rows);
        let out = page(text, rows, &mut self.above);
        let mut stdout = io::stdout().lock();
        stdout.write_all(CLEAR.as_bytes())?;
        stdout.write_all(out.as_bytes())?;
        stdout.flush()
    }

    /// Goes on to the lines that had no room.
    pub(super) fn further(&mut self) {
        let rows = terminal::size(io::stdout()).map_or(ROWS, |(rows, _)| rows);
        self.above += rows.saturating_sub(1).max(1);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = io::stdout();
        let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
        let _ = termios::tcsetattr(io::stdin(), SetArg::TCSANOW, &self.before);
    }
}

/// The lines of a text that a screen of so many rows shows below those that are above; from the
/// start again when there are no more.
fn page(text: &str, rows: usize, above: &mut usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    if *above >= lines.len() {
        *above = 0;
    }
    let rest = &lines[*above..];
    if rest.len() <= rows && *above == 0 {
        return rest.join("\r\n");
    }
    let room = rows.saturating_sub(1).max(1);
    let mut shown: Vec<String> = rest
        .iter()
        .take(room)
        .map(|&line| line.to_owned())
        .collect();
    let below = rest.len().saturating_sub(room);
    shown.push(match below {
        0 => "-- the end; space goes back to the start --".to_owned(),
        1 => "-- 1 more line: space --".to_owned(),
        _ => format!("-- {below} more lines: space --"),
    });
    shown.join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_on_the_next_page() {
        let text = "a\nb\nc\nd\ne\n";
        let mut above = 0;
        assert_eq!(page(text, 5, &mut above), "a\r\nb\r\nc\r\nd\r\ne");
        assert_eq!(
            page(text, 4, &mut above),
            "a\r\nb\r\nc\r\n-- 2 more lines: space --"
        );
        above += 3;
        assert!(page(text, 4, &mut above).starts_with("d\r\ne\r\n-- the end"));
        above += 3;
        assert!(page(text, 4, &mut above).starts_with("a\r\n"));
    }
}
