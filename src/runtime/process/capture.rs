//! Output of a child: split into lines, bounded.

use std::os::fd::AsFd;

use nix::unistd;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Line, Stream, Watch};
use crate::limits::{PROCESS_LINE_BYTES_MAX, PROCESS_OUTPUT_BYTES_MAX};

/// Reads left after the child's end: enough to empty a pipe of the default size.
const DRAIN_READS_MAX: usize = 64;

/// The reading end of a child's pipe, and the line that is not ended yet.
pub struct Pipe<R> {
    reader: R,
    buffer: Box<[u8; 4096]>,
    partial: Vec<u8>,
}

impl<R> Pipe<R> {
    /// A pipe nothing was read from.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Box::new([0; 4096]),
            partial: Vec::new(),
        }
    }
}

/// Lines kept, bytes not kept.
pub struct Capture<'a> {
    lines: Vec<Line>,
    kept_bytes: usize,
    dropped_bytes: u64,
    watch: Option<Watch<'a>>,
}

impl<'a> Capture<'a> {
    /// Nothing captured yet.
    pub fn new(watch: Option<Watch<'a>>) -> Self {
        Self {
            lines: Vec::new(),
            kept_bytes: 0,
            dropped_bytes: 0,
            watch,
        }
    }

    /// The lines and how many bytes were left out.
    pub fn finish(self) -> (Vec<Line>, u64) {
        (self.lines, self.dropped_bytes)
    }

    /// Takes bytes, ends lines at newlines and at the longest line there may be.
    fn take(&mut self, partial: &mut Vec<u8>, bytes: &[u8], stream: Stream) {
        for &byte in bytes {
            if byte == b'\n' {
                self.end_line(partial, stream);
                continue;
            }
            if partial.len() == PROCESS_LINE_BYTES_MAX {
                self.end_line(partial, stream);
            }
            partial.push(byte);
        }
    }

    fn end_line(&mut self, partial: &mut Vec<u8>, stream: Stream) {
        let text = String::from_utf8_lossy(partial);
        let text = text.strip_suffix('\r').unwrap_or(&text).to_owned();
        partial.clear();
        let line = Line { stream, text };
        if let Some(watch) = &mut self.watch {
            watch(&line);
        }
        // An empty line costs memory too: count the newline.
        let size = line.text.len() + 1;
        if self.kept_bytes + size > PROCESS_OUTPUT_BYTES_MAX {
            self.dropped_bytes += size as u64;
        } else {
            self.kept_bytes += size;
            self.lines.push(line);
        }
    }
}

/// Reads once into the pipe's buffer: how many bytes, 0 at end of file or error.
pub async fn read<R: AsyncRead + Unpin>(pipe: &mut Option<Pipe<R>>) -> usize {
    match pipe {
        Some(open) => open.reader.read(&mut open.buffer[..]).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

/// Takes what [`read`] has read; at the end the pipe goes.
pub fn received<R>(
    pipe: &mut Option<Pipe<R>>,
    count: usize,
    capture: &mut Capture<'_>,
    stream: Stream,
) {
    match pipe {
        Some(open) if count > 0 => {
            capture.take(&mut open.partial, &open.buffer[..count], stream);
        }
        _ => close(pipe.take(), capture, stream),
    }
}

/// Takes what is in the pipe right now: whoever holds the other end may write for ever.
pub fn drain<R: AsFd>(pipe: Option<Pipe<R>>, capture: &mut Capture<'_>, stream: Stream) {
    let Some(mut open) = pipe else { return };
    for _ in 0..DRAIN_READS_MAX {
        // The runtime has set the descriptor non-blocking.
        match unistd::read(open.reader.as_fd(), &mut open.buffer[..]) {
            Ok(n) if n > 0 => capture.take(&mut open.partial, &open.buffer[..n], stream),
            _ => break,
        }
    }
    close(Some(open), capture, stream);
}

/// The last line may lack its newline.
fn close<R>(pipe: Option<Pipe<R>>, capture: &mut Capture<'_>, stream: Stream) {
    if let Some(mut open) = pipe
        && !open.partial.is_empty()
    {
        capture.end_line(&mut open.partial, stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(bytes: &[u8]) -> (Vec<String>, u64) {
        let mut capture = Capture::new(None);
        let mut partial = Vec::new();
        capture.take(&mut partial, bytes, Stream::Stdout);
        if !partial.is_empty() {
            capture.end_line(&mut partial, Stream::Stdout);
        }
        let (lines, dropped) = capture.finish();
        (lines.into_iter().map(|l| l.text).collect(), dropped)
    }

    #[test]
    fn lines_end_at_newlines_and_the_last_needs_none() {
        let (lines, dropped) = capture(b"one\r\n\ntwo\nthree");
        assert_eq!(lines, ["one", "", "two", "three"]);
        assert_eq!(dropped, 0);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let (lines, _) = capture(&vec![b'x'; PROCESS_LINE_BYTES_MAX + 1]);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], "x");
    }

    #[test]
    fn output_beyond_the_bound_is_counted_not_kept() {
        let (lines, dropped) = capture(&vec![b'\n'; PROCESS_OUTPUT_BYTES_MAX + 7]);
        assert_eq!(lines.len(), PROCESS_OUTPUT_BYTES_MAX);
        assert_eq!(dropped, 7);
    }
}
