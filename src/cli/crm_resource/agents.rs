//! Which agents this machine has, and what they say of themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::agents::is_program;
use crate::cli::crm::fence_agents::{self, names, told};
use crate::cli::crm::output::{add_cdata, add_text};
use crate::cli::crm::{Failure, Line, Output, code};

const OCF_ROOT: &str = "/usr/lib/ocf";
const LSB_FOLDER: &str = "/etc/init.d";

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
        "stonith" => fence_agents::installed(),
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
    match agent.standard {
        "stonith" => output.page(&text),
        _ => output.text(&text),
    }
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
        ("stonith", _) => return fence_agents::metadata(agent.kind),
        _ => return None,
    };
    told(&mut process)
}
