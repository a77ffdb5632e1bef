//! What the demo shows: a picture that is drawn anew on a terminal, lines elsewhere.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};

use super::watch::Sample;

/// Answers that the strip shows: five seconds of them, in 80 columns.
const STRIP: usize = 50;
/// Time between two drawings.
const REDRAW: Duration = Duration::from_millis(90);

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();
const OWNERS: [Style; 2] = [AnsiColor::Cyan.on_default(), AnsiColor::Yellow.on_default()];

/// A host on the picture.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its name.
    pub name: &'static str,
    /// Its address.
    pub address: &'static str,
    /// Whether its power is on.
    pub on: bool,
}

/// One step of the story.
#[derive(Debug, Clone)]
struct Step {
    text: String,
    outcome: Option<String>,
    failed: bool,
}

/// The picture.
pub struct View {
    terminal: bool,
    began: Instant,
    drawn_at: Option<Instant>,
    lines: usize,
    /// The hosts that can own the page.
    pub hosts: [Host; 2],
    page: &'static str,
    owner: Option<String>,
    strip: VecDeque<Option<usize>>,
    steps: Vec<Step>,
}

impl View {
    /// An empty picture of `hosts`, one of which serves `page`.
    pub fn new(hosts: [Host; 2], page: &'static str) -> Self {
        Self {
            terminal: std::io::stdout().is_terminal(),
            began: Instant::now(),
            drawn_at: None,
            lines: 0,
            hosts,
            page,
            owner: None,
            strip: VecDeque::new(),
            steps: Vec::new(),
        }
    }

    /// Shows whether a host's power is on.
    pub fn power(&mut self, name: &str, on: bool) {
        for host in self.hosts.iter_mut().filter(|h| h.name == name) {
            host.on = on;
        }
        self.draw(true);
    }

    /// A step begins.
    pub fn begin(&mut self, text: &str) {
        self.steps.push(Step {
            text: text.to_owned(),
            outcome: None,
            failed: false,
        });
        if self.terminal {
            self.draw(true);
        } else {
            self.line(&format!("{text} ..."));
        }
    }

    /// The step has come to an end as it should.
    pub fn done(&mut self, outcome: &str) {
        self.end(outcome, false);
    }

    /// The step has not.
    pub fn failed(&mut self, outcome: &str) {
        self.end(outcome, true);
    }

    fn end(&mut self, outcome: &str, failed: bool) {
        if let Some(step) = self.steps.last_mut() {
            step.outcome = Some(outcome.to_owned());
            step.failed = failed;
        }
        if self.terminal {
            self.draw(true);
        } else {
            let mark = if failed { "FAILED: " } else { "" };
            self.line(&format!("  {mark}{outcome}"));
        }
    }

    /// An answer has come, or none.
    pub fn sample(&mut self, sample: &Sample) {
        let changed = self.owner != sample.owner;
        self.owner.clone_from(&sample.owner);
        let owner = self.owner.as_deref();
        let number = self.hosts.iter().position(|h| Some(h.name) == owner);
        self.strip.push_back(number);
        if self.strip.len() > STRIP {
            self.strip.pop_front();
        }
        if self.terminal {
            self.draw(changed);
        } else if changed {
            let owner = owner.unwrap_or("nobody").to_owned();
            self.line(&format!("  page: {owner}"));
        }
    }

    fn line(&self, text: &str) {
        println!("[{:6.2} s] {text}", self.began.elapsed().as_secs_f64());
    }

    fn draw(&mut self, now: bool) {
        let soon = self.drawn_at.is_some_and(|at| at.elapsed() < REDRAW);
        if !self.terminal || (soon && !now) {
            return;
        }
        self.drawn_at = Some(Instant::now());
        let picture = self.picture();
        let mut out = anstream::stdout().lock();
        // Back to the first line of the last picture, and nothing left of it.
        let back = match self.lines {
            0 => String::new(),
            n => format!("\x1b[{n}A\x1b[J"),
        };
        self.lines = picture.lines().count();
        // Lines that wrap would be more than were counted; the last picture may wrap.
        let last = self.steps.last().is_some_and(|step| step.failed);
        let (clip, wrap) = if last {
            ("", "")
        } else {
            ("\x1b[?7l", "\x1b[?7h")
        };
        let _ = write!(out, "{back}{clip}{picture}{wrap}").and_then(|()| out.flush());
    }

    fn picture(&self) -> String {
        let mut text = format!(
            "{FAINT}everbeat demo{FAINT:#}  {:6.1} s\n\n",
            self.began.elapsed().as_secs_f64()
        );
        for (n, host) in self.hosts.iter().enumerate() {
            text.push_str(&self.host_line(n, host));
        }
        text.push_str(&format!("\n  {}  {}\n\n", self.page, self.strip_text()));
        for step in &self.steps {
            text.push_str(&step_text(step));
        }
        text
    }

    fn host_line(&self, n: usize, host: &Host) -> String {
        let owns = self.owner.as_deref() == Some(host.name);
        let (style, what) = match (host.on, owns) {
            (false, _) => (BAD, "powered off"),
            (true, true) => (OWNERS[n], "serves the page"),
            (true, false) => (FAINT, "on"),
        };
        format!(
            "  {:6} {:12} {style}{what}{style:#}\n",
            host.name, host.address
        )
    }

    /// Each answer a character: the first letter of the host, a dot for none.
    fn strip_text(&self) -> String {
        let answer = |owner: &Option<usize>| match owner {
            Some(n) => {
                let letter = self.hosts[*n].name.chars().next().unwrap_or('?');
                format!("{0}{letter}{0:#}", OWNERS[*n])
            }
            None => format!("{BAD}.{BAD:#}"),
        };
        self.strip.iter().map(answer).collect()
    }
}

fn step_text(step: &Step) -> String {
    match (&step.outcome, step.failed) {
        (None, _) => format!("  {FAINT}..{FAINT:#}   {}\n", step.text),
        (Some(outcome), false) => {
            format!("  {GOOD}done{GOOD:#} {}\n       {outcome}\n", step.text)
        }
        (Some(outcome), true) => format!("  {BAD}not{BAD:#}  {}\n       {outcome}\n", step.text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        let host = |name, address| Host {
            name,
            address,
            on: true,
        };
        View::new(
            [host("alpha", "10.0.0.1"), host("beta", "10.0.0.2")],
            "PAGE",
        )
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn the_picture_shows_owner_and_strip() {
        let mut view = view();
        view.terminal = false;
        for owner in [Some("alpha"), None, Some("beta")] {
            view.sample(&Sample {
                at: Instant::now(),
                owner: owner.map(str::to_owned),
            });
        }
        view.power("alpha", false);
        view.begin("pull the plug");
        view.done("3.1 s");
        let text = plain(&view.picture());
        assert!(text.contains("PAGE  a.b\n"), "{text}");
        assert!(text.contains("alpha  10.0.0.1     powered off\n"), "{text}");
        assert!(
            text.contains("beta   10.0.0.2     serves the page\n"),
            "{text}"
        );
        assert!(
            text.contains("done pull the plug\n       3.1 s\n"),
            "{text}"
        );
    }

    #[test]
    fn the_strip_is_bounded() {
        let mut view = view();
        view.terminal = false;
        for _ in 0..200 {
            view.sample(&Sample {
                at: Instant::now(),
                owner: None,
            });
        }
        assert_eq!(plain(&view.strip_text()), ".".repeat(STRIP));
    }
}
