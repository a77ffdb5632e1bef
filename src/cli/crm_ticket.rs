//! `crm_ticket`: the tickets of a cluster that is one of several sites.
//!
//! Source: Pacemaker 2.1.5, `tools/crm_ticket.c`; the installed tool.

mod change;
mod options;
mod show;
mod tickets;

use std::process::ExitCode;

use super::applets::{self, Applet, Kind};
use super::crm::output::Failure;
use super::crm::{Line, Output, Session, arguments, code};
use change::Wanted;
use tickets::Tickets;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_ticket",
    summary: "show, grant and revoke the tickets of a site",
    kind: Kind::Tool,
    man: "crm_ticket(8)",
    command: options::command,
    run,
};

/// What is asked for; of several the last. A change is only looked at without any of them.
const COMMANDS: [&str; 7] = [
    "info",
    "details",
    "raw",
    "query-xml",
    "constraints",
    "get-attr",
    "cleanup",
];

type Done = Result<(), Failure>;

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let opened = arguments::parse(options::command(), &args)
        .and_then(|line| Output::open(&line).map(|output| (line, output)));
    let (line, mut output) = match opened {
        Ok(opened) => opened,
        Err(code) => return Ok(code),
    };
    let result = perform(&line, &mut output);
    Ok(output.end(result))
}

fn perform(line: &Line, output: &mut Output) -> Done {
    let mut session = Session::open().map_err(|error| {
        let mut text = format!("Could not connect to the CIB: {error}");
        if let Some(hint) = error.hint() {
            text = format!("{text}\n{hint}");
        }
        Failure::Said(error.exit_code(), text)
    })?;
    let result = match line.last(&COMMANDS) {
        Some(command @ ("info" | "details" | "raw")) => {
            let doc = session.readable()?;
            show::lines(output, &Tickets::of(&doc), line.value("ticket"), command)
        }
        Some("query-xml") => show::state_xml(output, &session, line.value("ticket")),
        Some("constraints") => show::constraints_xml(output, &session, line.value("ticket")),
        Some("get-attr") => attribute(line, output, &session),
        Some(_) => cleanup(line, output, &mut session),
        None => modify(line, output, &mut session),
    };
    let closed = session.close().map_err(|error| {
        let text = format!("Could not write the CIB: {error}");
        Failure::Because(code::IOERR, text)
    });
    result.and(closed)
}

fn id_of(line: &Line, exit: u8) -> Result<&str, Failure> {
    let missing = || Failure::Said(exit, "Must supply ticket ID with -t".to_owned());
    line.value("ticket").ok_or_else(missing)
}

fn attribute(line: &Line, output: &mut Output, session: &Session) -> Done {
    let id = id_of(line, code::NOSUCH)?;
    let name = line.value("get-attr").unwrap_or_default();
    let doc = session.readable()?;
    let tickets = Tickets::of(&doc);
    let ticket = tickets.named(id);
    let value = ticket.and_then(|ticket| ticket.attr(name));
    match value.or(line.value("default")) {
        Some(value) => {
            output.text(value);
            Ok(())
        }
        None => Err(Failure::Silent(code::NOSUCH)),
    }
}

fn cleanup(line: &Line, output: &mut Output, session: &mut Session) -> Done {
    let id = id_of(line, code::USAGE)?;
    if !line.has("force") {
        let doc = session.readable()?;
        let tickets = Tickets::of(&doc);
        let Some(ticket) = tickets.named(id) else {
            return Err(show::unknown(id));
        };
        if ticket.is_granted() {
            warn_revoking(output, id);
            return Err(Failure::Silent(code::INSUFFICIENT_PRIV));
        }
    }
    let removed = change::remove(session, id);
    let failed = |error| said(error, "Could not clean up ticket");
    if removed.map_err(failed)? {
        output.text(format_args!("Cleaned up {id}"));
    }
    Ok(())
}

fn modify(line: &Line, output: &mut Output, session: &mut Session) -> Done {
    let wanted = Wanted::of(line);
    if wanted.is_nothing() {
        return Err(Failure::Usage("Must supply a command".to_owned()));
    }
    let id = id_of(line, code::USAGE)?;
    if let Some(text) = wanted.half() {
        return Err(Failure::Usage(text));
    }
    if let Some(grants) = wanted.grants().filter(|_| !line.has("force")) {
        match grants {
            true => warn_granting(output, id),
            false => warn_revoking(output, id),
        }
        let text = "Ticket modification not allowed".to_owned();
        return Err(Failure::Said(code::INSUFFICIENT_PRIV, text));
    }
    let made = change::make(session, id, &wanted);
    made.map_err(|error| said(error, "Could not modify ticket"))
}

fn said(error: crate::cib::Error, what: &str) -> Failure {
    Failure::Said(error.exit_code(), format!("{what}: {error}"))
}

fn warn_granting(output: &mut Output, id: &str) {
    output.text(format_args!(
        "This command cannot help you verify whether '{id}' has been already granted elsewhere.\n\
         If you really want to grant '{id}' to this site now, and you know what you are doing,\n\
         please specify --force."
    ));
}

fn warn_revoking(output: &mut Output, id: &str) {
    output.text(format_args!(
        "Revoking '{id}' can trigger the specified 'loss-policy'(s) relating to '{id}'.\n\n\
         You can check that with:\n\
         crm_ticket --ticket {id} --constraints\n\n\
         Otherwise before revoking '{id}', you may want to make '{id}' standby with:\n\
         crm_ticket --ticket {id} --standby\n\n\
         If you really want to revoke '{id}' from this site now, and you know what you are \
         doing,\n\
         please specify --force."
    ));
}
