//! Which agents this machine has, and what they say of themselves.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::agents::is_program;
use crate::cli::crm::output::{add_cdata, add_text};
use crate::cli::crm::{Failure, Line, Output, code};

const OCF_ROOT: &str = "/usr/lib/ocf";
const LSB_FOLDER: &str = "/etc/init.d";
const FENCE_FOLDER: &str = "/usr/sbin";

/// As much as an agent may tell of itself.
const OUTPUT_BYTES_MAX: u64 = 4 << 20;

/// Carries out a command about agents; false if it is no such command.
pub(super) fn perform(command: &str, line: &Line, output: &mut Output) -> Result<bool, Failure> {
    let value = line.value(command).unwrap_or_default();
    match command {
        "list-standards" => {
            let all = ["ocf", "lsb", "service", "stonith"].map(str::to_owned);
            output.list("standards", None, &all);
        }
        "list-ocf-providers" => {
            let all = providers(None);
            list(
                output,
                "providers",
                &[("standard", "ocf")],
                "provider",
                &all,
            );
        }
        "list-ocf-alternatives" => {
            let all = providers(Some(value));
            if all.is_empty() {
                let text = format!("No OCF providers found for {value}");
                return Err(Failure::Because(code::NOSUCH, text));
            }
            list(output, "providers", &[("for", value)], "provider", &all);
        }
        "list-agents" => list_agents(output, value)?,
        "show-metadata" => show_metadata(output, value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn list(output: &mut Output, name: &str, attrs: &[(&str, &str)], item: &str, all: &[String]) {
    let list = output.element(name, attrs);
    for text in all {
        output.text(text);
        if let (Some(list), Some(doc)) = (list, output.document()) {
            let element = doc.add_element(list, item, &[]);
            add_text(doc, element, text);
        }
    }
}

/// Names in a folder for which the test holds, in order; hidden ones never.
fn names(folder: &Path, holds: impl Fn(&Path) -> bool) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let found = entries.flatten().filter(|entry| holds(&entry.path()));
    let names = found.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn ocf_folder() -> PathBuf {
    Path::new(OCF_ROOT).join("resource.d")
}

/// Providers, of one agent or all.
fn providers(agent: Option<&str>) -> Vec<String> {
    names(&ocf_folder(), |folder| {
        folder.is_dir() && agent.is_none_or(|agent| is_program(&folder.join(agent)))
    })
}

fn list_agents(output: &mut Output, spec: &str) -> Result<(), Failure> {
    let (standard, provider) = match spec.split_once(':') {
        Some((standard, provider)) => (standard, Some(provider)),
        None => (spec, None),
    };
    let all = match standard.to_ascii_lowercase().as_str() {
        "ocf" => ocf_agents(provider),
        "lsb" | "service" => names(Path::new(LSB_FOLDER), is_program),
        "stonith" => fence_agents(),
        _ => Vec::new(),
    };
    if all.is_empty() {
        let of = provider.map_or(String::new(), |p| format!(" and provider '{p}'"));
        let text = format!("No agents found for standard '{standard}'{of}");
        return Err(Failure::Because(code::ERROR, text));
    }
    let mut attrs = vec![("standard", standard)];
    attrs.extend(provider.map(|provider| ("provider", provider)));
    list(output, "agents", &attrs, "agent", &all);
    Ok(())
}

fn ocf_agents(provider: Option<&str>) -> Vec<String> {
    let providers = match provider {
        Some(provider) => vec![provider.to_owned()],
        None => providers(None),
    };
    let all = providers
        .iter()
        .flat_map(|provider| names(&ocf_folder().join(provider), is_program));
    // One that two providers have is named once.
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Types of STONITH plugins, as `stonith -L` names them, and fence agents.
fn fence_agents() -> Vec<String> {
    let mut lister = Command::new("/usr/sbin/stonith");
    let plugins = told(lister.arg("-L")).unwrap_or_default();
    let mut all: Vec<String> = plugins.lines().map(|line| line.trim().to_owned()).collect();
    all.retain(|name| !name.is_empty());
    all.extend(
        names(Path::new(FENCE_FOLDER), is_program)
            .into_iter()
            .filter(|name| name.starts_with("fence_")),
    );
    all
}

/// An agent by its three parts.
struct Agent<'a> {
    standard: &'a str,
    provider: Option<&'a str>,
    kind: &'a str,
}

fn agent(spec: &str) -> Option<Agent<'_>> {
    let mut parts = spec.splitn(3, ':');
    let (standard, second, third) = (parts.next()?, parts.next(), parts.next());
    let agent = match (standard, second, third) {
        ("ocf", Some(provider), Some(kind)) => Agent {
            standard,
            provider: Some(provider),
            kind,
        },
        ("ocf", ..) => return None,
        (_, Some(_), _) => Agent {
            standard,
            provider: None,
            kind: spec.get(standard.len() + 1..)?,
        },
        _ => return None,
    };
    (!agent.kind.is_empty()).then_some(agent)
}

fn show_metadata(output: &mut Output, spec: &str) -> Result<(), Failure> {
    let Some(agent) = agent(spec) else {
        let text = format!("'{spec}' is not a valid agent specification");
        return Err(Failure::Because(code::NOSUCH, text));
    };
    let Some(text) = metadata(&agent) else {
        let text = format!("Metadata query for {spec} failed: No such device or address");
        return Err(Failure::Because(code::NOSUCH, text));
    };
    output.text(&text);
    if let Some(element) = output.element("metadata", &[])
        && let Some(doc) = output.document()
    {
        add_cdata(doc, element, &text);
    }
    Ok(())
}

fn metadata(agent: &Agent<'_>) -> Option<String> {
    let mut process = match (agent.standard, agent.provider) {
        ("ocf", Some(provider)) => {
            let program = ocf_folder().join(provider).join(agent.kind);
            if !is_program(&program) {
                return None;
            }
            let mut process = Command::new(program);
            process.arg("meta-data").envs([
                ("OCF_ROOT", OCF_ROOT),
                ("OCF_RA_VERSION_MAJOR", "1"),
                ("OCF_RA_VERSION_MINOR", "1"),
                ("OCF_RESOURCE_INSTANCE", agent.kind),
                ("OCF_RESOURCE_TYPE", agent.kind),
                ("OCF_RESOURCE_PROVIDER", provider),
            ]);
            process
        }
        ("stonith", _) if agent.kind.starts_with("fence_") => {
            let program = Path::new(FENCE_FOLDER).join(agent.kind);
            if !is_program(&program) {
                return None;
            }
            let mut process = Command::new(program);
            process.args(["-o", "metadata"]);
            process
        }
        _ => return None,
    };
    told(&mut process).filter(|text| !text.trim().is_empty())
}

/// What a program that ends well prints, up to a bound.
fn told(command: &mut Command) -> Option<String> {
    let command = command.stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let mut text = String::new();
    let mut stdout = child.stdout.take()?.take(OUTPUT_BYTES_MAX);
    let read = stdout.read_to_string(&mut text);
    drop(stdout);
    let ended = child.wait().ok()?;
    (read.is_ok() && ended.success()).then_some(text)
}
