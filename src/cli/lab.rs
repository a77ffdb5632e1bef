//! `everbeat lab`: hosts in namespaces on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::applets::{self, Applet, Kind};
use crate::lab::request::HostState;
use crate::lab::{Entry, HostRef, Lab, Place, Spec, birth, enter, init, launch, power, root};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "lab",
    summary: "make hosts in namespaces on this machine, to practise and to test",
    kind: Kind::Subcommand,
    man: "everbeat-lab(8)",
    command,
    run,
};

/// Exit status of `lab sh` when the host can't be entered. Source: env(1), timeout(1).
const CAN_NOT_ENTER: u8 = 125;

fn command() -> Command {
    Command::new("lab")
        .about("Make hosts in namespaces on this machine, cut their cables, pull their plugs")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("root")
                .long("root")
                .value_name("DIR")
                .global(true)
                .value_parser(value_parser!(PathBuf))
                .help("folder of all labs [default: /run/everbeat-lab, or one of the user's]"),
        )
        .subcommand(up_command())
        .subcommands(host_commands())
        .subcommands(lab_commands())
        .subcommand(keeper_command())
        .subcommand(
            Command::new("launch")
                .hide(true)
                .about("Start a program that stays, from a host")
                .arg(words_arg().required(true)),
        )
        .subcommand(
            Command::new("init")
                .hide(true)
                .about("A host's first process"),
        )
        .after_help(
            "Examples:\n  \
             everbeat lab up l1 a=10.0.0.1/24 b=10.0.0.2/24 --config ./conf\n  \
             everbeat lab bg l1 a everbeatd\n  \
             everbeat lab sh l1 b ping -c 3 a\n  \
             everbeat lab kill l1 a\n  \
             everbeat lab boot l1 a\n  \
             everbeat lab down l1",
        )
}

fn up_command() -> Command {
    Command::new("up")
        .about("Make a lab and power its hosts on")
        .arg(lab_arg())
        .arg(
            Arg::new("hosts")
                .value_name("HOST=ADDR/LEN[+ADDR/LEN][,ADDR/LEN]")
                .required(true)
                .num_args(1..)
                .help("a host: eth0's address, more of them after +, eth1's after a comma"),
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("copy what is in DIR to each host's /etc/ha.d"),
        )
        .arg(
            Arg::new("serial")
                .long("serial")
                .value_name("HOST:HOST")
                .action(ArgAction::Append)
                .value_parser(cable)
                .help("a serial cable, /dev/lab-ttyS0 at both its ends"),
        )
}

fn cable(text: &str) -> Result<(String, String), String> {
    let (one, other) = text.split_once(':').ok_or("write HOST:HOST, as in a:b")?;
    Ok((one.to_owned(), other.to_owned()))
}

fn host_commands() -> Vec<Command> {
    let on_host = |name: &'static str, about: &'static str| {
        Command::new(name)
            .about(about)
            .arg(lab_arg())
            .arg(host_arg())
    };
    let port = || {
        Arg::new("port")
            .value_name("INTERFACE")
            .default_value("eth0")
            .value_parser(interface)
            .help("which cable")
    };
    vec![
        on_host("sh", "Run a command on a host")
            .arg(
                Arg::new("folder")
                    .short('C')
                    .long("chdir")
                    .value_name("DIR")
                    .default_value("/")
                    .value_parser(value_parser!(PathBuf))
                    .help("the folder, on the host, to run in"),
            )
            .arg(words_arg()),
        on_host("bg", "Start a command on a host and leave it running").arg(
            words_arg()
                .required(true)
                .num_args(1..)
                .help("the program and its arguments"),
        ),
        on_host("kill", "Power off: kill everything on a host at once"),
        on_host("boot", "Power on, with the disks as they were"),
        on_host("cut", "Unplug a cable").arg(port()),
        on_host("join", "Plug a cable in again").arg(port()),
        on_host("loss", "Drop a share of what comes in").arg(
            Arg::new("percent")
                .value_name("PERCENT")
                .required(true)
                .value_parser(value_parser!(u8).range(0..=100))
                .help("0 drops nothing any more"),
        ),
        Command::new("press")
            .about("Press the power switch, from a host of the lab: for fence agents")
            .arg(host_arg())
            .arg(
                Arg::new("button")
                    .value_name("BUTTON")
                    .required(true)
                    .value_parser(["off", "on", "reboot", "status"])
                    .help("the answer is what the host is then: on or off"),
            ),
    ]
}

fn words_arg() -> Arg {
    Arg::new("command")
        .value_name("COMMAND")
        .num_args(0..)
        .trailing_var_arg(true)
        .allow_hyphen_values(true)
        .value_parser(value_parser!(OsString))
        .help("the program and its arguments; without it, a shell")
}

fn lab_commands() -> Vec<Command> {
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("for programs");
    vec![
        Command::new("ps")
            .about("Show hosts, cables and processes")
            .arg(lab_arg())
            .arg(json),
        Command::new("down")
            .about("End a lab: nothing of it is left")
            .arg(lab_arg()),
        Command::new("list").about("Name the labs there are"),
    ]
}

fn keeper_command() -> Command {
    Command::new("keeper")
        .hide(true)
        .about("A lab's first process")
        .arg(
            Arg::new("inside")
                .long("inside")
                .hide(true)
                .action(ArgAction::SetTrue),
        )
        .arg(
            Arg::new("folder")
                .required(true)
                .value_parser(value_parser!(PathBuf)),
        )
}

fn lab_arg() -> Arg {
    Arg::new("lab")
        .value_name("LAB")
        .required(true)
        .help("name of the lab")
}

fn host_arg() -> Arg {
    Arg::new("host")
        .value_name("HOST")
        .required(true)
        .help("name of the host")
}

fn interface(text: &str) -> Result<usize, String> {
    let number = text.strip_prefix("eth").and_then(|n| n.parse().ok());
    number.ok_or_else(|| "write eth0, eth1 and so on".to_owned())
}

fn run(args: applets::Args) -> Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let Some((verb, matches)) = matches.subcommand() else {
        return Err(anyhow!("no command"));
    };
    match verb {
        "keeper" => return keeper(matches).map(|()| ExitCode::SUCCESS),
        "init" => return init::run().map(|()| ExitCode::SUCCESS),
        "press" => return press(matches),
        "launch" => return launch(&words(matches)),
        _ => {}
    }
    let place = match matches.get_one::<PathBuf>("root") {
        Some(root) => Place::in_folder(root)?,
        None => Place::of_this_user()?,
    };
    match verb {
        "up" => up(matches, &place)?,
        "list" => place.labs().iter().for_each(|name| println!("{name}")),
        "down" => Lab::open(text(matches, "lab"), &place)?.down()?,
        "ps" => show(
            &Lab::open(text(matches, "lab"), &place)?,
            matches.get_flag("json"),
        )?,
        _ => {
            let lab = Lab::open(text(matches, "lab"), &place)?;
            return on_host(verb, &lab.host(text(matches, "host")), matches);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

fn up(matches: &ArgMatches, place: &Place) -> Result<()> {
    let mut spec = Spec::new(text(matches, "lab"));
    for host in matches.get_many::<String>("hosts").into_iter().flatten() {
        spec = spec.host(host)?;
    }
    spec.config = matches.get_one("config").cloned();
    let cables = matches.get_many::<(String, String)>("serial");
    spec.serial = cables.into_iter().flatten().cloned().collect();
    let lab = Lab::up_detached(&spec, place)?;
    for path in lab.unread() {
        eprintln!(
            "lab: {} can't be read: the hosts do without",
            path.display()
        );
    }
    Ok(())
}

fn on_host(verb: &str, host: &HostRef<'_>, matches: &ArgMatches) -> Result<ExitCode> {
    let port = || matches.get_one::<usize>("port").copied().unwrap_or(0);
    match verb {
        "sh" | "bg" => return Ok(run_on(host, matches, verb == "bg")),
        "kill" => host.kill()?,
        "boot" => host.boot()?,
        "cut" => host.cut(port())?,
        "join" => host.join(port())?,
        "loss" => host.loss(matches.get_one::<u8>("percent").copied().unwrap_or(0))?,
        _ => return Err(anyhow!("no such command: {verb}")),
    }
    Ok(ExitCode::SUCCESS)
}

fn run_on(host: &HostRef<'_>, matches: &ArgMatches, background: bool) -> ExitCode {
    let mut words = words(matches);
    if words.is_empty() {
        words.push(std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into()));
    }
    let folder = matches.try_get_one::<PathBuf>("folder").ok().flatten();
    let entry = Entry {
        words,
        folder: folder.cloned().unwrap_or_else(|| "/".into()),
        background,
    };
    enter(host, &entry).unwrap_or_else(|error| {
        eprintln!("lab: {error:#}");
        ExitCode::from(CAN_NOT_ENTER)
    })
}

fn words(matches: &ArgMatches) -> Vec<OsString> {
    let words = matches.get_many::<OsString>("command");
    words.into_iter().flatten().cloned().collect()
}

fn press(matches: &ArgMatches) -> Result<ExitCode> {
    let switch = Path::new(root::LAB_FOLDER).join("power");
    let on = power::press(&switch, text(matches, "host"), text(matches, "button"))?;
    println!("{}", if on { "on" } else { "off" });
    Ok(ExitCode::SUCCESS)
}

fn show(lab: &Lab, json: bool) -> Result<()> {
    let hosts = lab.state()?;
    if json {
        println!("{}", serde_json::to_string_pretty(&hosts)?);
        return Ok(());
    }
    for host in &hosts {
        println!("{}", headline(host));
        for p in &host.processes {
            println!(
                "  {:>5} {:>5} {:>7} KiB  {}",
                p.pid, p.parent, p.resident_kib, p.command
            );
        }
    }
    Ok(())
}

/// `a (on, loss 20 %): eth0 10.0.0.1/24, eth1 10.1.0.1/24 unplugged`
fn headline(host: &HostState) -> String {
    let power = if host.on { "on" } else { "off" };
    let loss = match host.loss {
        0 => String::new(),
        percent => format!(", loss {percent} %"),
    };
    let ports: Vec<String> = host
        .ports
        .iter()
        .map(|p| {
            let unplugged = if p.plugged { "" } else { " unplugged" };
            format!("{} {}{unplugged}", p.name, p.addresses.join(" "))
        })
        .collect();
    format!("{} ({power}{loss}): {}", host.name, ports.join(", "))
}

fn keeper(matches: &ArgMatches) -> Result<()> {
    let folder = matches
        .get_one::<PathBuf>("folder")
        .expect("clap requires the folder");
    if matches.get_flag("inside") {
        birth::keep(folder)
    } else {
        birth::bear(folder)
    }
}
