//! Every option that the original's tools name in their help is one of ours, and takes a value
//! where theirs does.

use std::path::Path;
use std::process::Command;

use everbeat::cli::applets;

use crate::cib::ORIGINAL;

/// Tools that are compared. crm_master has no help of its own.
const TOOLS: [&str; 18] = [
    "attrd_updater",
    "cibadmin",
    "crm_attribute",
    "crm_diff",
    "crm_error",
    "crm_failcount",
    "crm_mon",
    "crm_node",
    "crm_resource",
    "crm_rule",
    "crm_shadow",
    "crm_simulate",
    "crm_standby",
    "crm_ticket",
    "crm_verify",
    "crmadmin",
    "iso8601",
    "stonith_admin",
];

/// One option as a help names it.
#[derive(Debug)]
struct Named {
    short: Option<char>,
    long: Option<String>,
    value: bool,
}

/// The option that a line of a help begins with.
fn named(line: &str) -> Option<Named> {
    let line = line.trim_start();
    let first = line.split(' ').next().unwrap_or_default();
    // A sentence that ends with the name of an option begins none.
    if !line.starts_with('-') || first.ends_with(").") {
        return None;
    }
    let mut option = Named {
        short: None,
        long: None,
        value: false,
    };
    for word in line.split([' ', '\t']).filter(|word| !word.is_empty()) {
        let word = word.trim_end_matches(',');
        if let Some(long) = word.strip_prefix("--") {
            // `--show-access[=VALUE]` may have a value; a sentence that begins so ends with a dot.
            let (name, value) = long.split_once('=').unwrap_or((long, ""));
            option.value = !value.is_empty() && !name.ends_with('[');
            option.long = Some(name.trim_end_matches(['[', '.']).to_owned());
            break;
        }
        let letter = word.strip_prefix('-').filter(|l| l.chars().count() == 1);
        option.short = letter.and_then(|letter| letter.chars().next());
        option.short?;
    }
    (option.short.is_some() || option.long.is_some()).then_some(option)
}

/// What our tool lacks of an option, if anything.
fn lack(command: &clap::Command, option: &Named) -> Option<&'static str> {
    let long = |arg: &&clap::Arg| {
        let name = option.long.as_deref();
        let aliases = arg.get_all_aliases().unwrap_or_default();
        name.is_none() || arg.get_long() == name || aliases.iter().any(|a| Some(*a) == name)
    };
    let short = |arg: &&clap::Arg| {
        let aliases = arg.get_all_short_aliases().unwrap_or_default();
        option.short.is_none()
            || arg.get_short() == option.short
            || aliases.iter().any(|a| Some(*a) == option.short)
    };
    let Some(arg) = command.get_arguments().find(|a| long(a) && short(a)) else {
        return Some("is missing");
    };
    let takes = arg.get_action().takes_values();
    (option.value && !takes).then_some("takes no value")
}

#[test]
fn every_option_of_the_original_is_there() {
    let (mut same, mut lacks) = (0, Vec::new());
    for tool in TOOLS {
        let program = Path::new(ORIGINAL).join(tool);
        if !program.exists() {
            println!("SKIPPED: {tool} is not installed");
            continue;
        }
        let out = Command::new(program).arg("--help-all").output();
        let out = out.expect("it runs");
        let help = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
        let applet = applets::all().find(|applet| applet.name == tool);
        let command = (applet.expect("a tool of ours").command)();
        // Groups of help: all of ours is in one.
        let is_group = |o: &Named| o.long.as_deref().is_some_and(|l| l.starts_with("help-"));
        for option in help.lines().filter_map(named).filter(|o| !is_group(o)) {
            match lack(&command, &option) {
                None => same += 1,
                Some(lack) => lacks.push(format!("{tool}: {option:?} {lack}")),
            }
        }
    }
    println!("{same} options are there, {} not", lacks.len());
    assert!(lacks.is_empty(), "{}", lacks.join("\n"));
    assert!(same == 0 || same > 250, "only {same} were found");
}
