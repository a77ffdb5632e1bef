//! `hb_standby` and `hb_takeover`: whole sides change hands.

use std::process::ExitCode;

use clap::{Arg, Command};

use super::super::applets::{self, Applet, Kind};
use super::{deliver, operands, wrong_use};
use crate::daemons::control::Request;
use crate::v1::Side;
use crate::wire::heartbeat::Message;

/// `hb_standby`.
pub const STANDBY: Applet = Applet {
    name: "hb_standby",
    summary: "give resource groups to the other node",
    kind: Kind::Tool,
    man: "hb_standby(1)",
    command: standby_command,
    run: standby,
};

/// `hb_takeover`.
pub const TAKEOVER: Applet = Applet {
    name: "hb_takeover",
    summary: "get resource groups from the other node",
    kind: Kind::Tool,
    man: "hb_takeover(1)",
    command: takeover_command,
    run: takeover,
};

fn standby_command() -> Command {
    Command::new("hb_standby")
        .about("Give resource groups to the other node")
        .arg(side_argument("which, seen from this node [default: all]"))
        .after_help(
            "Examples:\n  hb_standby          before maintenance of this node\n  \
             hb_standby foreign  give the other node's groups back",
        )
}

fn takeover_command() -> Command {
    Command::new("hb_takeover")
        .about("Get resource groups from the other node")
        .arg(side_argument("which, seen from this node [default: all]"))
        .after_help(
            "Examples:\n  hb_takeover        this node is to run everything\n  \
             hb_takeover local  get back the groups that prefer this node",
        )
}

fn side_argument(help: &'static str) -> Arg {
    Arg::new("side")
        .value_name("all|foreign|local|failback")
        .help(help)
}

fn standby(args: applets::Args) -> anyhow::Result<ExitCode> {
    let Some(words) = operands(&mut standby_command(), &args)? else {
        return Ok(ExitCode::SUCCESS);
    };
    // What was taken over from the other node is foreign here.
    let side = match side("hb_standby", &words, Side::Foreign) {
        Ok(side) => side,
        Err(code) => return Ok(code),
    };
    let message = Message::of_type("ask_resources")
        .with("rsc_hold", word(side))
        .with("info", "me");
    deliver(&Request::Standby { side }, &message)
}

fn takeover(args: applets::Args) -> anyhow::Result<ExitCode> {
    let Some(words) = operands(&mut takeover_command(), &args)? else {
        return Ok(ExitCode::SUCCESS);
    };
    // Differs: the original sends `failback`, and the other node, not knowing the word, gives
    // up all. What belongs here is local.
    let side = match side("hb_takeover", &words, Side::Local) {
        Ok(side) => side,
        Err(code) => return Ok(code),
    };
    let message = Message::of_type("hb_takeover").with("rsc_hold", word(side));
    deliver(&Request::Takeover { side }, &message)
}

/// The side that the one word names; none: all.
fn side(tool: &str, words: &[String], failback: Side) -> Result<Side, ExitCode> {
    let usage = format!("usage:\n{tool} [all|foreign|local|failback]");
    match words {
        [] => Ok(Side::All),
        [word] => match word.as_str() {
            "all" => Ok(Side::All),
            "foreign" => Ok(Side::Foreign),
            "local" => Ok(Side::Local),
            "failback" => Ok(failback),
            _ => Err(wrong_use(&format!(
                "{tool}: wrong resources({word}).\n{usage}"
            ))),
        },
        _ => Err(wrong_use(&format!("{tool}: too many arguments\n{usage}"))),
    }
}

fn word(side: Side) -> &'static str {
    match side {
        Side::All => "all",
        Side::Foreign => "foreign",
        Side::Local => "local",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_four_words_or_none() {
        let read = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&w| w.to_owned()).collect();
            side("hb_standby", &words, Side::Foreign).ok()
        };
        assert_eq!(read(&[]), Some(Side::All));
        assert_eq!(read(&["local"]), Some(Side::Local));
        assert_eq!(read(&["failback"]), Some(Side::Foreign));
        assert_eq!(read(&["some"]), None);
        assert_eq!(read(&["all", "all"]), None);
    }
}
