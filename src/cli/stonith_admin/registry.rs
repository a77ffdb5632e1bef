//! Devices and levels of the fencer: what there is, what is added and removed by hand.

use super::agents::devices;
use super::run::{Done, Failed, Fencer, Job};
use crate::cli::crm::output::{Counted, Row};
use crate::cli::crm::{Output, code};
use crate::daemons::crm::protocol::fencing::{Answer, Ask, LevelTarget};

const TARGETS: Counted<'_> = Counted {
    title: "Fence Targets",
    one: "fence target",
    many: "fence targets",
};

pub(super) fn perform(job: &Job<'_>, fencer: &mut Fencer, output: &mut Output) -> Done {
    match job.command {
        "list-registered" | "list" => list(job, fencer, output),
        "list-targets" => targets(job, fencer, output),
        "query" => query(job, fencer),
        "register" | "deregister" => device(job, fencer),
        _ => level(job, fencer),
    }
}

fn timeout_ms(job: &Job<'_>) -> Option<u64> {
    u64::try_from(job.timeout.as_millis()).ok()
}

fn list(job: &Job<'_>, fencer: &mut Fencer, output: &mut Output) -> Done {
    let ask = Ask::Devices {
        target: job.line.value("list").map(str::to_owned),
        timeout_ms: timeout_ms(job),
    };
    match fencer.ask(ask, || ()) {
        Ok(Some(Answer::Devices { devices: names })) => {
            devices("Registered fence devices", names, output);
            Ok(())
        }
        Ok(_) => Err(senseless()),
        Err(refusal) => Err(refusal.failed("Failed to list registered devices")),
    }
}

fn targets(job: &Job<'_>, fencer: &mut Fencer, output: &mut Output) -> Done {
    let device = job.line.value("list-targets").unwrap_or_default();
    let ask = Ask::Targets {
        device: device.to_owned(),
        timeout_ms: timeout_ms(job),
    };
    match fencer.ask(ask, || ()) {
        Ok(Some(Answer::Targets { targets })) => {
            let row = |text| Row {
                text,
                ..Row::default()
            };
            let rows: Vec<Row> = targets.into_iter().map(row).collect();
            output.counted(&TARGETS, &rows);
            Ok(())
        }
        Ok(_) => Err(senseless()),
        Err(refusal) => Err(refusal.failed("Couldn't list targets")),
    }
}

/// The fencer gave another kind of answer.
fn senseless() -> Failed {
    let text = "The fencer gave another answer: it may be of another version than this tool";
    Failed(code::PROTOCOL, Some(text.to_owned()))
}

/// A device works if its monitor says so, or if it can list what it fences.
fn query(job: &Job<'_>, fencer: &mut Fencer) -> Done {
    let device = job.line.value("query").unwrap_or_default().to_owned();
    let timeout_ms = timeout_ms(job);
    let ask = Ask::Monitor {
        device: device.clone(),
        timeout_ms,
    };
    if fencer.ask(ask, || ()).is_ok() {
        return Ok(());
    }
    let listed = fencer.ask(Ask::Targets { device, timeout_ms }, || ());
    // Only the exit code tells: so does the original.
    listed
        .map(|_| ())
        .map_err(|refusal| Failed(refusal.exit, None))
}

fn device(job: &Job<'_>, fencer: &mut Fencer) -> Done {
    let device = job.line.value(job.command).unwrap_or_default().to_owned();
    let agent = job.line.value("agent").unwrap_or_default().to_owned();
    let (ask, what) = match job.command {
        "register" => {
            let what = format!("Can't register device {device} using agent {agent}");
            let parameters = job.parameters.iter().cloned().collect();
            let ask = Ask::Register {
                device,
                agent,
                parameters,
            };
            (ask, what)
        }
        _ => {
            let what = format!("Can't unregister device {device}");
            (Ask::Deregister { device }, what)
        }
    };
    let done = fencer.ask(ask, || ());
    done.map(|_| ()).map_err(|refusal| refusal.failed(what))
}

/// Whom a level is for: `NODE`, `@PATTERN`, `ATTRIBUTE=VALUE`.
fn level_target(text: &str) -> LevelTarget {
    match (text.strip_prefix('@'), text.split_once('=')) {
        (Some(pattern), _) => LevelTarget::Pattern(pattern.to_owned()),
        (None, Some((name, value))) => LevelTarget::Attribute {
            name: name.to_owned(),
            value: value.to_owned(),
        },
        (None, None) => LevelTarget::Node(text.to_owned()),
    }
}

fn level(job: &Job<'_>, fencer: &mut Fencer) -> Done {
    let named = job.line.value(job.command).unwrap_or_default();
    let registers = job.command == "register-level";
    let word = if registers { "register" } else { "unregister" };
    let what = format!("Can't {word} topology level {} for {named}", job.index);
    let index = u32::try_from(job.index).ok();
    let Some(index) = index.filter(|index| (1..=9).contains(index)) else {
        let text = format!("{what}: Invalid argument");
        return Err(Failed(code::SOFTWARE, Some(text)));
    };
    let target = level_target(named);
    let ask = match registers {
        true => Ask::RegisterLevel {
            target,
            index,
            devices: job
                .line
                .values("device")
                .into_iter()
                .map(str::to_owned)
                .collect(),
        },
        false => Ask::DeregisterLevel {
            target,
            index: Some(index),
        },
    };
    let done = fencer.ask(ask, || ());
    done.map(|_| ()).map_err(|refusal| refusal.failed(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_for_nodes_patterns_and_attributes() {
        assert_eq!(level_target("n1"), LevelTarget::Node("n1".to_owned()));
        let pattern = LevelTarget::Pattern("n.*=x".to_owned());
        assert_eq!(level_target("@n.*=x"), pattern);
        let attribute = LevelTarget::Attribute {
            name: "rack".to_owned(),
            value: "7=8".to_owned(),
        };
        assert_eq!(level_target("rack=7=8"), attribute);
    }
}
