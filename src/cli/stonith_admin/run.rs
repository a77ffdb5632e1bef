//! A command line, and what is done about it.

use std::process::ExitCode;
use std::time::Duration;

use super::{agents, fence, history, options, registry};
use crate::cli::applets::Args;
use crate::cli::crm::arguments;
use crate::cli::crm::live::Live;
use crate::cli::crm::{Line, Output, code};
use crate::daemons::crm::protocol::fencing::{Answer, Ask};
use crate::rules;

/// If `--timeout` isn't given, seconds. Source: Pacemaker 2.1.5, `stonith_admin.c`.
const TIMEOUT_S: i64 = 120;

/// What a command line asks for.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub line: &'a Line,
    /// What is done: the name of its option.
    pub command: &'static str,
    /// Parameters of a device, in order.
    pub parameters: Vec<(String, String)>,
    pub timeout: Duration,
    /// Seconds; -1 for no delay at all.
    pub delay_s: i64,
    pub index: i64,
    pub tolerance: Duration,
}

/// How a command ended badly: an exit code, and the complaint if there is one to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed(pub u8, pub Option<String>);

pub(super) type Done = Result<(), Failed>;

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let line = match arguments::parse(options::command(), &args) {
        Ok(line) => line,
        Err(code) => return Ok(code),
    };
    let (numbers, parameters) = match numbers(&line).and_then(|n| Ok((n, parameters(&line)?))) {
        Ok(read) => read,
        Err(text) => {
            eprintln!("stonith_admin: {text}");
            return Ok(code::USAGE.into());
        }
    };
    let mut output = match Output::open_or_html(&line) {
        Ok(output) => output,
        Err(code) => return Ok(code),
    };
    let given = options::COMMANDS.iter().rev();
    let Some(command) = given.copied().find(|command| line.has(command)) else {
        output.error(options::command().render_help().to_string());
        return Ok(output.finish(code::USAGE));
    };
    let number = |name: &str| numbers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
    let timeout = number("timeout").unwrap_or(TIMEOUT_S);
    let tolerance = line.value("tolerance");
    let tolerance = tolerance.map_or(0, |text| rules::milliseconds(text).unwrap_or(0));
    let job = Job {
        line: &line,
        command,
        parameters,
        timeout: Duration::from_secs(u64::try_from(timeout).unwrap_or(0)),
        delay_s: number("delay").unwrap_or(0),
        index: number("index").unwrap_or(0),
        tolerance: Duration::from_millis(u64::try_from(tolerance).unwrap_or(0)),
    };
    let done = perform(&job, &mut output);
    Ok(match done {
        Ok(()) => output.finish(code::OK),
        Err(Failed(exit, complaint)) => {
            if let Some(complaint) = complaint {
                output.error(complaint);
            }
            output.finish(exit)
        }
    })
}

fn perform(job: &Job<'_>, output: &mut Output) -> Done {
    let needs_agent = ["validate", "register", "metadata"];
    if needs_agent.iter().any(|name| job.line.has(name)) && !job.line.has("agent") {
        let text = "Please specify an agent to query using -a,--agent [value]";
        let help = options::command().render_help();
        return Err(Failed(code::USAGE, Some(format!("{text}\n{help}"))));
    }
    match job.command {
        "list-installed" => agents::list(output),
        "metadata" => return agents::metadata(job, output),
        "validate" => return agents::validate(job, output),
        _ => {
            let mut fencer = Fencer::open(job)?;
            return match job.command {
                "history" => history::history(job, &mut fencer, output),
                "last" => history::last(job, &mut fencer, output),
                "fence" | "reboot" | "unfence" | "confirm" => fence::fence(job, &mut fencer),
                _ => registry::perform(job, &mut fencer, output),
            };
        }
    }
    Ok(())
}

/// The numbers of the command line, by option.
fn numbers(line: &Line) -> Result<Vec<(&'static str, i64)>, String> {
    let mut numbers = Vec::new();
    for (name, letter) in options::NUMBERS {
        for text in line.values(name) {
            let given = match line.request.contains(&format!("--{name}")) {
                true => format!("--{name}"),
                false => format!("-{letter}"),
            };
            let Ok(number) = text.trim_start().parse::<i64>() else {
                return Err(format!("Cannot parse integer value “{text}” for {given}"));
            };
            if i32::try_from(number).is_err() {
                return Err(format!("Integer value “{text}” for {given} out of range"));
            }
            numbers.push((name, number));
        }
    }
    // The last one counts.
    numbers.reverse();
    Ok(numbers)
}

/// `--option` and `--env-option`, in order.
fn parameters(line: &Line) -> Result<Vec<(String, String)>, String> {
    let mut all = Vec::new();
    for (option, value) in &line.parsed.options {
        let text = value.as_deref().unwrap_or_default();
        let value = match option.as_str() {
            "option" => {
                let why = match text.split_once('=') {
                    Some(("", _)) => "Bad name/value pair given",
                    None | Some((_, "")) => "Operation not permitted",
                    Some((name, value)) => {
                        all.push((name.to_owned(), value.to_owned()));
                        continue;
                    }
                };
                return Err(format!("Invalid option: -o {text}: {why}"));
            }
            "env-option" => std::env::var(format!("OCF_RESKEY_{text}")),
            _ => continue,
        };
        match value {
            Ok(value) => all.push((text.to_owned(), value)),
            Err(_) => return Err(format!("Invalid option: -e {text}")),
        }
    }
    Ok(all)
}

/// The fencer of the cluster.
pub(super) struct Fencer(Live);

/// What the fencer's answer means where it isn't what was asked for: an exit code, a text, and
/// why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub exit: u8,
    pub text: &'static str,
    pub why: String,
}

impl Fencer {
    fn open(job: &Job<'_>) -> Result<Self, Failed> {
        if let Some(live) = Live::open() {
            return Ok(Self(live));
        }
        let why = "Transport endpoint is not connected";
        // These connect later in the original, each with its own words.
        let node = job.line.value(job.command).unwrap_or_default();
        let early = ["validate", "list-installed", "metadata"];
        let text = match job.command {
            "fence" | "reboot" => format!("stonith_admin: Couldn't fence {node}: {why}"),
            "unfence" => format!("stonith_admin: Couldn't unfence {node}: {why}"),
            "list-registered" | "list" if early.iter().any(|name| job.line.has(name)) => {
                format!("Failed to list registered devices: {why}")
            }
            _ => format!("Could not connect to fencer: {why}"),
        };
        Err(Failed(code::DISCONNECT, Some(text)))
    }

    pub(super) fn live(&mut self) -> &mut Live {
        &mut self.0
    }

    /// Asks; what ended well has no answer.
    pub(super) fn ask(
        &mut self,
        ask: Ask,
        waiting: impl FnMut(),
    ) -> Result<Option<Answer>, Refusal> {
        match self.0.fencing(ask, waiting) {
            Ok(Ok(Answer::Ended {
                exit: 0, status: 0, ..
            })) => Ok(None),
            Ok(Ok(Answer::Ended { status, reason, .. })) => Err(Refusal::of(status, reason)),
            Ok(Ok(answer)) => Ok(Some(answer)),
            Ok(Err(why)) => Err(Refusal {
                exit: code::INSUFFICIENT_PRIV,
                text: "Permission denied",
                why,
            }),
            Err(error) => Err(Refusal {
                exit: code::DISCONNECT,
                text: "Transport endpoint is not connected",
                why: error.to_string(),
            }),
        }
    }
}

impl Refusal {
    /// Of a status of execution. Source: Pacemaker 2.1.5, `stonith__result2rc`.
    fn of(status: i32, why: String) -> Self {
        let (exit, text) = match status {
            1 => (code::ERROR, "Operation canceled"),
            2 => (code::TIMEOUT, "Timer expired"),
            3 => (code::UNIMPLEMENTED, "Operation not supported"),
            7 => (code::NOSUCH, "No such file or directory"),
            8 => (code::DISCONNECT, "Transport endpoint is not connected"),
            9 => (code::SOFTWARE, "Invalid argument"),
            10 => (code::NOSUCH, "No such device"),
            11 => (code::INSUFFICIENT_PRIV, "Permission denied"),
            _ => (code::ERROR, "No data available"),
        };
        Self { exit, text, why }
    }

    /// The text, with the reason if it says more.
    pub(super) fn said(&self) -> String {
        match self.why.is_empty() || self.why == self.text {
            true => self.text.to_owned(),
            false => format!("{} ({})", self.text, self.why),
        }
    }

    /// As the end of a command.
    pub(super) fn failed(self, what: impl std::fmt::Display) -> Failed {
        Failed(self.exit, Some(format!("{what}: {}", self.text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_stands_behind_the_text_if_it_says_more() {
        let refusal = Refusal::of(2, "no answer in 12s".to_owned());
        assert_eq!(refusal.said(), "Timer expired (no answer in 12s)");
        assert_eq!(refusal.exit, code::TIMEOUT);
        let refusal = Refusal::of(10, "No such device".to_owned());
        assert_eq!(refusal.said(), "No such device");
        let failed = refusal.failed("Couldn't list targets");
        let text = "Couldn't list targets: No such device".to_owned();
        assert_eq!(failed, Failed(code::NOSUCH, Some(text)));
    }
}
