//! `cl_status hbstatus`: is there a daemon, and does it take us?

use std::ffi::OsString;

use super::super::client::{Error, Session};
use super::super::getopt;
use super::{Flags, Stop, code, commands, open, tell};

/// Runs it; unlike other sub-commands it reads its options first and only complains of them.
pub(super) fn run(args: &[OsString]) -> u8 {
    let mut flags = Flags::default();
    for item in getopt::parse("mv", args).items {
        if let Some(text) = item.complaint("hbstatus") {
            eprintln!("{text}");
        }
        flags.set(&item);
    }
    match open() {
        Ok(session) => running(session, &flags).unwrap_or_else(tell),
        Err(error @ Error::Unreachable(_)) => {
            println!("Heartbeat is stopped on this machine.");
            reason(&flags, &error);
            code::NEGATIVE
        }
        Err(error @ Error::Refused(_)) => {
            println!("Heartbeat is apparently running on this machine, but refuses my connection");
            reason(&flags, &error);
            code::OK
        }
        Err(error) => tell(error.into()),
    }
}

fn reason(flags: &Flags, error: &Error) {
    if flags.verbose {
        println!("({error})");
    }
}

fn running(mut session: Session, flags: &Flags) -> Result<u8, Stop> {
    if !flags.verbose {
        println!("Heartbeat is running on this machine.");
        return Ok(code::OK);
    }
    let welcome = session.welcome();
    let version = welcome.text("hbversion").unwrap_or("unknown");
    let crm = crm_mode(welcome.text("pacemaker"));
    match (flags.human, crm) {
        (true, None) => {
            println!("Heartbeat version {version}\nResources controlled by \"haresources\"");
        }
        (true, Some(_)) => {
            println!("Heartbeat version {version}\nResources controlled by Pacemaker.");
        }
        (false, None) => println!("version:\t{version}\nmanaged by:\t\"haresources\""),
        (false, Some(mode)) => {
            println!("version:\t{version}\nmanaged by:\tpacemaker\t({mode})");
        }
    }
    commands::print_nodes(&mut session, flags)?;
    Ok(code::OK)
}

/// The value of `pacemaker` in ha.cf if it means that the CRM has the resources.
pub(super) fn crm_mode(value: Option<&str>) -> Option<&str> {
    let off = ["", "no", "off", "false", "n", "0", "none"];
    value.filter(|v| !off.contains(&v.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_no_means_haresources() {
        for off in [None, Some(""), Some("false"), Some("off"), Some("No")] {
            assert_eq!(crm_mode(off), None);
        }
        assert_eq!(crm_mode(Some("respawn")), Some("respawn"));
    }
}
