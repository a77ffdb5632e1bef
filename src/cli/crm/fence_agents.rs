//! Fence agents and plugins of cluster-glue on this machine: their names, what they say of
//! themselves, whether they take parameters.
//!
//! Source: Pacemaker 2.1.5, `lib/fencing/st_rhcs.c`, `st_lha.c`; the installed tools.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::codes::GENERIC;
use super::output::libxml_text;
use crate::agents::is_program;
use crate::cib::{self, Document};
use crate::runtime::process::{Ending, Process, Stream};

const FOLDER: &str = "/usr/sbin";

/// The command of cluster-glue.
const STONITH: &str = "/usr/sbin/stonith";

/// The node that an agent is told when it looks at its parameters: any will do.
/// Source: Pacemaker 2.1.5, `stonith_api_validate`.
const TARGET: &str = "node1";

/// As much as an agent may tell of itself.
const OUTPUT_BYTES_MAX: u64 = 4 << 20;

/// What the original adds to meta-data: it does these two itself.
const OWN_ACTIONS: [&str; 2] = ["stop", "start"];

/// Parameters that the configuration need not have: the fencer gives them.
const GIVEN: [&str; 3] = ["action", "plug", "port"];

/// Names in a folder for which the test holds, in order; hidden ones never.
pub fn names(folder: &Path, holds: impl Fn(&Path) -> bool) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let found = entries.flatten().filter(|entry| holds(&entry.path()));
    let names = found.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// All that are installed: plugins, as `stonith -L` names them, then agents.
pub fn installed() -> Vec<String> {
    let mut all = plugins();
    let agents = names(Path::new(FOLDER), is_program);
    all.extend(agents.into_iter().filter(|name| name.starts_with("fence_")));
    all
}

fn plugins() -> Vec<String> {
    let listed = told(Command::new(STONITH).arg("-L")).unwrap_or_default();
    let names = listed.lines().map(|line| line.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

fn is_agent(name: &str) -> bool {
    name.starts_with("fence_") && !name.contains('/') && is_program(&Path::new(FOLDER).join(name))
}

/// What an agent or a plugin says of itself; none if it isn't there, or says nothing that can be
/// read.
pub fn metadata(name: &str) -> Option<String> {
    match name.starts_with("fence_") {
        true => metadata_of_agent(name),
        false if name.is_empty() || name.starts_with('-') => None,
        false => {
            let text = told(Command::new(STONITH).args(["-m", "-t", name]))?;
            Some(indented(&text))
        }
    }
}

fn metadata_of_agent(name: &str) -> Option<String> {
    let doc = described(name)?;
    Some(libxml_text(&doc, doc.root()))
}

/// The meta-data of an agent, with what the fencer does for it.
fn described(name: &str) -> Option<Document> {
    if !is_agent(name) {
        return None;
    }
    let mut agent = Command::new(Path::new(FOLDER).join(name));
    let text = told(agent.args(["-o", "metadata"]))?;
    let mut doc = cib::read(&text).ok()?;
    let elements: Vec<_> = doc.descendants(doc.root()).collect();
    let named = |doc: &Document, element: &str, names: &[&str]| -> Vec<_> {
        let is = |node: &&_| doc.name(**node) == element;
        let of = |node: &&_| doc.attr(**node, "name").is_some_and(|n| names.contains(&n));
        elements.iter().filter(is).filter(of).copied().collect()
    };
    let actions = elements.iter().find(|node| doc.name(**node) == "actions");
    if let Some(&actions) = actions
        && named(&doc, "action", &["stop"]).is_empty()
    {
        for action in OWN_ACTIONS {
            let attrs = [("name", action), ("timeout", "20s")];
            doc.add_element(actions, "action", &attrs);
        }
    }
    for parameter in named(&doc, "parameter", &GIVEN) {
        doc.set_attr(parameter, "required", "0");
    }
    Some(doc)
}

/// Meta-data of a plugin, which `stonith -m` prints without the indents that the original's
/// tools have.
fn indented(text: &str) -> String {
    let Some((head, rest)) = text.split_once("<longdesc lang=\"en\">\n") else {
        return text.to_owned();
    };
    let head = head.replace("\n<version>", "\n  <version>");
    let rest = rest.replacen(
        "\n</longdesc>\n<shortdesc ",
        "\n  </longdesc>\n  <shortdesc ",
        1,
    );
    let (body, tail) = match rest.rfind("\n<actions>\n") {
        Some(at) => rest.split_at(at + 1),
        None => (rest.as_str(), ""),
    };
    let mut out = format!("{head}  <longdesc lang=\"en\">\n{body}");
    for line in tail.lines() {
        let depth = match line.split([' ', '>']).next().unwrap_or_default() {
            "<actions" | "</actions" | "<special" | "</special" => "  ",
            "<action" | "<version" => "    ",
            _ => "",
        };
        let line = match line.contains("interval=") {
            true => line.replace(" />", "/>"),
            false => line.to_owned(),
        };
        out.push_str(&format!("{depth}{line}\n"));
    }
    out
}

/// What a program that ends well prints, up to a bound.
pub fn told(command: &mut Command) -> Option<String> {
    let command = command.stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let mut text = String::new();
    let mut stdout = child.stdout.take()?.take(OUTPUT_BYTES_MAX);
    let read = stdout.read_to_string(&mut text);
    drop(stdout);
    let ended = child.wait().ok()?;
    let said = read.is_ok() && ended.success() && !text.trim().is_empty();
    said.then_some(text)
}

/// What came of a look at parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validation {
    /// 0 if they are right, else the original's code, which is negative.
    pub code: i32,
    /// What the agent printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
    /// What the tool itself complains of.
    pub complaint: Option<&'static str>,
}

/// Has an agent look at its parameters.
pub fn validate(name: &str, parameters: &[(String, String)], limit: Duration) -> Validation {
    if !is_agent(name) {
        if !name.starts_with("fence_") && plugins().iter().any(|plugin| plugin == name) {
            return Validation {
                code: -nix::libc::EOPNOTSUPP,
                complaint: Some(
                    "Cannot validate Linux-HA fence agents: Operation not supported (95)",
                ),
                ..Validation::default()
            };
        }
        return Validation {
            code: -nix::libc::ENOENT,
            stderr: format!("Agent {name} not found"),
            ..Validation::default()
        };
    }
    let process = Process::new(Path::new(FOLDER).join(name))
        .input(question(name, parameters))
        .timeout(limit);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let finished = match runtime.and_then(|runtime| runtime.block_on(process.run())) {
        Ok(finished) => finished,
        Err(error) => {
            return Validation {
                code: GENERIC,
                stderr: error.to_string(),
                ..Validation::default()
            };
        }
    };
    let text = |stream| match finished.text(stream) {
        text if text.is_empty() => text,
        text => text + "\n",
    };
    Validation {
        code: match finished.ending {
            Ending::Exited(0) => 0,
            Ending::TimedOut => -nix::libc::ETIME,
            _ => GENERIC,
        },
        stdout: text(Stream::Stdout),
        stderr: text(Stream::Stderr),
        complaint: None,
    }
}

/// What the agent reads.
fn question(name: &str, parameters: &[(String, String)]) -> String {
    let mut input = format!("nodename={TARGET}\naction=validate-all\n");
    let own = |name: &str| name.starts_with("pcmk_") || name == "action";
    for (name, value) in parameters.iter().filter(|(name, _)| !own(name)) {
        input.push_str(&format!("{name}={value}\n"));
    }
    let given = parameters
        .iter()
        .rfind(|(name, _)| name == "pcmk_host_argument");
    let argument = match given {
        Some((_, argument)) => argument.clone(),
        None => target_parameter(name),
    };
    if argument != "none" && !parameters.iter().any(|(name, _)| *name == argument) {
        input.push_str(&format!("{argument}={TARGET}\n"));
    }
    input
}

/// The parameter that an agent takes a node by.
fn target_parameter(name: &str) -> String {
    let has_plug = described(name).is_some_and(|doc| {
        let mut all = doc.descendants(doc.root());
        all.any(|node| doc.name(node) == "parameter" && doc.attr(node, "name") == Some("plug"))
    });
    if has_plug { "plug" } else { "port" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_shown_with_the_indents_of_the_original() {
        let told = "<?xml version=\"1.0\"?>\n<resource-agent name=\"x\">\n<version>1.0</version>\n\
            <longdesc lang=\"en\">\nLong.\n</longdesc>\n<shortdesc lang=\"en\">S</shortdesc>\n\
            <parameters>\n<longdesc lang=\"en\">\nP\n</longdesc>\n</parameters>\n<actions>\n\
            <action name=\"monitor\" timeout=\"20\" interval=\"3600\" />\n</actions>\n\
            <special tag=\"heartbeat\">\n<version>2.0</version>\n</special>\n</resource-agent>\n";
        let shown = "<?xml version=\"1.0\"?>\n<resource-agent name=\"x\">\n  \
            <version>1.0</version>\n  <longdesc lang=\"en\">\nLong.\n  </longdesc>\n  \
            <shortdesc lang=\"en\">S</shortdesc>\n<parameters>\n<longdesc lang=\"en\">\nP\n\
            </longdesc>\n</parameters>\n  <actions>\n    \
            <action name=\"monitor\" timeout=\"20\" interval=\"3600\"/>\n  </actions>\n  \
            <special tag=\"heartbeat\">\n    <version>2.0</version>\n  </special>\n\
            </resource-agent>\n";
        assert_eq!(indented(told), shown);
        assert_eq!(indented("nothing of the kind"), "nothing of the kind");
    }

    #[test]
    fn what_the_fencer_has_for_itself_is_not_told_to_an_agent() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let given = [
            pair("ip", "10.0.0.1"),
            pair("pcmk_host_list", "a"),
            pair("action", "off"),
            pair("pcmk_host_argument", "none"),
        ];
        let input = question("fence_nosuch", &given);
        assert_eq!(input, "nodename=node1\naction=validate-all\nip=10.0.0.1\n");
        let input = question("fence_nosuch", &given[..1]);
        assert!(input.ends_with("ip=10.0.0.1\nport=node1\n"), "{input}");
    }
}
