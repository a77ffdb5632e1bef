//! Man pages and `--help`: there for every tool, correct, and in step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use everbeat::cli::applets::{self, Applet};

use super::{none, tree};

/// `name(8)` -> man/man8/name.8
fn page(man: &str) -> PathBuf {
    let (name, section) = man
        .trim_end_matches(')')
        .split_once('(')
        .expect("NAME(SECTION)");
    PathBuf::from(format!("man/man{section}/{name}.{section}"))
}

#[test]
fn every_tool_has_a_man_page() {
    let mut findings = Vec::new();
    for applet in applets::all() {
        let file = page(applet.man);
        if !tree::top().join(&file).is_file() {
            findings.push(format!("{}: {} is missing", applet.name, file.display()));
        } else if !tree::read(&file).contains(applet.name) {
            findings.push(format!("{} doesn't name {}", file.display(), applet.name));
        }
    }
    none(&findings, "a tool without a man page is half a tool");
}

#[test]
fn man_pages_lint_clean() {
    if Command::new("mandoc").arg("-V").output().is_err() && !has_mandoc() {
        println!("skipped: mandoc is not installed");
        return;
    }
    let mut findings = Vec::new();
    for file in tree::files("man", "").iter().filter(|f| is_page(f)) {
        let lint = Command::new("mandoc")
            .args(["-T", "lint", "-W", "warning"])
            .arg(tree::top().join(file))
            .output()
            .expect("mandoc runs");
        let text = String::from_utf8_lossy(&lint.stdout);
        findings.extend(text.lines().map(str::to_owned));
    }
    none(&findings, "mandoc -T lint");
}

fn has_mandoc() -> bool {
    Command::new("mandoc").arg("-h").status().is_ok()
}

fn is_page(file: &std::path::Path) -> bool {
    let end = file.extension().and_then(|e| e.to_str());
    end.is_some_and(|e| e.len() == 1 && e.chars().all(|c| c.is_ascii_digit()))
}

#[test]
fn man_pages_and_help_name_the_same_options() {
    let mut pages: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for applet in applets::all() {
        pages.entry(applet.man).or_default().extend(options(applet));
    }
    let mut findings = Vec::new();
    for (man, of_help) in pages {
        let file = page(man);
        if !tree::top().join(&file).is_file() {
            continue;
        }
        let of_page = flags(&tree::read(&file));
        for missing in of_help.difference(&of_page) {
            findings.push(format!("{}: lacks {missing}", file.display()));
        }
        for stray in of_page.difference(&of_help) {
            findings.push(format!("{}: {stray} is no option", file.display()));
        }
    }
    none(&findings, "man page and --help name the same options");
}

/// All options of a tool and its sub-commands, help and hidden ones apart.
fn options(applet: &Applet) -> BTreeSet<String> {
    fn add(command: &clap::Command, to: &mut BTreeSet<String>) {
        for arg in command.get_arguments().filter(|a| !a.is_hide_set()) {
            to.extend(arg.get_short().map(|c| format!("-{c}")));
            to.extend(arg.get_long().map(|l| format!("--{l}")));
        }
        for sub in command.get_subcommands() {
            add(sub, to);
        }
    }
    let mut all = BTreeSet::new();
    add(&(applet.command)(), &mut all);
    all.remove("-h");
    all.remove("--help");
    all
}

/// What stands behind `Fl` in an mdoc page; `-h` and `--help` go without saying.
fn flags(page: &str) -> BTreeSet<String> {
    const MACROS: [&str; 16] = [
        "Ar", "Ns", "Pa", "Oo", "Oc", "Op", "Cm", "Ic", "Nm", "Xr", "No", "Sm", "Ql", "Sy", "Li",
        "Em",
    ];
    let mut found = BTreeSet::new();
    for line in page
        .lines()
        .filter(|l| l.starts_with('.') && !l.starts_with(".\\\""))
    {
        let (mut dashes, mut before) = (None, "");
        for word in line[1..].split_whitespace() {
            let after_flag = std::mem::replace(&mut before, word) == "Fl";
            if word == "Fl" {
                dashes = Some(if after_flag { "--" } else { "-" });
            } else if MACROS.contains(&word) {
                dashes = None;
            } else if let Some(dash) = dashes {
                let name = word.trim_matches(['"', ',', '.', ')', '(', ';', ':', '|']);
                let name = name.split('=').next().unwrap_or_default();
                if dash == "-" && !name.starts_with('-') {
                    // Fl mnv: three letters of one argument.
                    found.extend(name.chars().map(|c| format!("-{c}")));
                } else {
                    found.insert(format!("{dash}{name}"));
                }
                dashes = Some("-");
            }
        }
    }
    found.remove("-h");
    found.remove("--help");
    found
}

#[test]
fn every_help_shows_an_example() {
    let mut findings = Vec::new();
    for applet in applets::all() {
        let mut command = (applet.command)();
        let help = command.render_long_help().to_string();
        if !help.contains("Example") {
            findings.push(format!("{} --help has no example", applet.name));
        }
        if command.get_about().is_none() {
            findings.push(format!("{} --help doesn't say what it does", applet.name));
        }
    }
    none(&findings, "help that helps");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let ours: BTreeSet<PathBuf> = tree::files("man", "").into_iter().collect();
    let names: BTreeSet<String> = ours
        .iter()
        .filter_map(|f| Some(f.file_name()?.to_str()?.to_owned()))
        .collect();
    let mut findings = Vec::new();
    for file in ours.iter().filter(|f| is_page(f)) {
        for line in tree::read(file).lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            for at in words.windows(3).filter(|w| w[0] == ".Xr" || w[0] == "Xr") {
                let target = format!("{}.{}", at[1], at[2]);
                if is_ours(at[1]) && !names.contains(&target) {
                    findings.push(format!("{}: no page {target}", file.display()));
                }
            }
        }
    }
    none(&findings, "SEE ALSO");
}

fn is_ours(name: &str) -> bool {
    let files = ["ha.cf", "haresources", "authkeys", "heartbeat", "cl_status"];
    files.contains(&name) || name.starts_with("everbeat") || name.starts_with("hb_")
}

#[test]
fn flags_of_a_page_are_found() {
    let page = ".Op Fl vw\n.It Fl Fl json , Fl n , -all\nText Fl x\n.It Fl p Ar NAME\n.Fl h\n";
    let found: Vec<String> = flags(page).into_iter().collect();
    assert_eq!(found, ["--all", "--json", "-n", "-p", "-v", "-w"]);
}
