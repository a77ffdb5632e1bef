//! An agent is called here and now, beside the cluster: `--validate` and `--force-*`.
//!
//! Source: Pacemaker 2.1.5, `cli_resource_execute` of `tools/crm_resource_runtime.c`; the
//! installed tool.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::perform::{Done, Job, outermost};
use crate::agents::is_program;
use crate::cib::NodeRef;
use crate::cli::crm::output::add_text;
use crate::cli::crm::{Failure, Line, Output, code};
use crate::executor::{Class, Exit, exit_reason};
use crate::rules;
use crate::runtime::process::{Ending, Finished, Process, Stream};
use crate::scheduler::model::Values;
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;

/// Options, and what they have an agent do.
const ACTIONS: [(&str, &str); 6] = [
    ("validate", "validate-all"),
    ("force-check", "monitor"),
    ("force-start", "start"),
    ("force-stop", "stop"),
    ("force-promote", "promote"),
    ("force-demote", "demote"),
];

/// If `--timeout` isn't given. Source: Pacemaker 2.1.5, `CRM_DEFAULT_OP_TIMEOUT_S`.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The feature set that agents are told. Source: Pacemaker 2.1.5, `CRM_FEATURE_SET`.
const FEATURE_SET: &str = "3.16.1";

const OCF_ROOT: &str = "/usr/lib/ocf";
const LSB_FOLDER: &str = "/etc/init.d";

/// An agent with what it is given.
struct Call<'a> {
    /// Of the command line.
    command: &'a str,
    /// The resource as it was named; none if only an agent was.
    resource: Option<String>,
    class: String,
    provider: Option<String>,
    kind: String,
    /// Instance and meta attributes.
    parameters: Values,
    /// Those of the command line: they go over the others.
    overrides: Vec<(String, String)>,
}

/// What came of a call.
struct Came {
    exit: i32,
    /// Why it was not even begun, or did not end: a status, its number and its reason.
    failed: Option<(u8, &'static str, String)>,
    reason: Option<String>,
    stdout: String,
    stderr: String,
}

/// Whether a command calls an agent.
pub(super) fn is_call(command: &str) -> bool {
    ACTIONS.iter().any(|(name, _)| *name == command)
}

/// What is wrong with the options before anything else is looked at.
pub(super) fn fault(line: &Line) -> Option<String> {
    if line.values("option").iter().any(|pair| !pair.contains('=')) {
        return Some("Error parsing option --option".to_owned());
    }
    let levels = ["validate", "force-check"].into_iter();
    let mut levels = levels.flat_map(|name| line.values(name));
    let wrong = levels.find(|level| level.parse::<u32>().is_err())?;
    Some(format!("Invalid check level setting: {wrong}"))
}

/// Calls the agent that `--class`, `--provider` and `--agent` name; false if none is named.
pub(super) fn of_agent(command: &str, line: &Line, output: &mut Output) -> Result<bool, Failure> {
    let value = |name: &str| line.value(name).map(str::to_owned);
    let (class, provider, kind) = (value("class"), value("provider"), value("agent"));
    if class.is_none() && provider.is_none() && kind.is_none() {
        return Ok(false);
    }
    if line.has("resource") {
        let text = "--resource cannot be used with --class, --agent, and --provider";
        return Err(Failure::Usage(text.to_owned()));
    }
    let mut parameters = Values::new();
    for option in line.values("option") {
        if let Some((name, value)) = option.split_once('=') {
            parameters.insert(name.into(), value.into());
        }
    }
    let call = Call {
        command,
        resource: None,
        class: class.unwrap_or_default(),
        provider,
        kind: kind.unwrap_or_default(),
        parameters,
        overrides: Vec::new(),
    };
    if !is_known(&call) {
        let provider = call.provider.as_deref().unwrap_or_default();
        let text = format!(
            "{}:{provider}:{} is not a known resource",
            call.class, call.kind
        );
        return Err(Failure::Usage(text));
    }
    carry_out(&call, line, output)?;
    Ok(true)
}

fn is_known(call: &Call<'_>) -> bool {
    match &*call.class {
        "stonith" => true,
        "ocf" if call.provider.is_none() || call.kind.is_empty() => false,
        "ocf" | "lsb" | "service" => program(call).is_some_and(|path| is_program(&path)),
        _ => false,
    }
}

/// Calls the agent of a resource.
pub(super) fn of_resource(
    job: &mut Job<'_>,
    command: &str,
    cluster: &mut Cluster<'_>,
    mut resource: ResourceId,
) -> Done {
    let named = job.name().to_owned();
    let changes = matches!(command, "force-start" | "force-promote" | "force-demote");
    if cluster.resources[resource].is_clone() {
        if changes && !job.force() && !cluster.locations_of(resource, true).is_empty() {
            let action = command.trim_start_matches("force-");
            job.output.error(format!(
                "It is not safe to {action} {named} here: the cluster claims it is already \
                 active\nTry setting target-role=Stopped first or specifying the force option"
            ));
            return Err(Failure::Exit(code::UNSAFE));
        }
        let first = cluster.resources[resource].children.first();
        resource = first.copied().unwrap_or(resource);
    }
    let kinds = [
        (cluster.resources[resource].is_group(), "group"),
        (cluster.resources[resource].is_bundle(), "bundled"),
    ];
    if let Some((_, kind)) = kinds.into_iter().find(|(is, _)| *is) {
        job.output.error(format!(
            "Sorry, the {command} option doesn't support {kind} resources"
        ));
        return Err(Failure::Exit(code::UNIMPLEMENTED));
    }
    let call = call_of(job, command, cluster, (resource, named))?;
    carry_out(&call, job.line, job.output)
}

fn call_of<'a>(
    job: &Job<'_>,
    command: &'a str,
    cluster: &mut Cluster<'_>,
    (resource, named): (ResourceId, String),
) -> Result<Call<'a>, Failure> {
    let mut overrides = Vec::new();
    for operand in job.line.operands() {
        let Some((name, value)) = operand.split_once('=') else {
            let text = format!("Error parsing '{operand}' as a name=value pair");
            return Err(Failure::Usage(text));
        };
        overrides.push((name.to_owned(), value.to_owned()));
    }
    let mut parameters = (*cluster.params(resource, None)).clone();
    let r = &cluster.resources[resource];
    for (name, value) in &r.meta {
        let name = format!("CRM_meta_{}", name.replace('-', "_"));
        parameters.insert(name.into(), value.clone());
    }
    let unique = cluster.resources[outermost(cluster, resource)].unique;
    let named = if unique { r.id.to_string() } else { named };
    for (name, value) in [("id", Some(&*named)), ("class", Some(r.class))]
        .into_iter()
        .chain([("provider", r.provider), ("type", Some(r.agent))])
    {
        if let Some(value) = value {
            parameters.insert(format!("CRM_meta_{name}").into(), value.into());
        }
    }
    for (name, value) in &overrides {
        parameters.insert(name.as_str().into(), value.as_str().into());
    }
    Ok(Call {
        command,
        resource: Some(named),
        class: r.class.to_owned(),
        provider: r.provider.map(str::to_owned),
        kind: r.agent.to_owned(),
        parameters,
        overrides,
    })
}

fn program(call: &Call<'_>) -> Option<PathBuf> {
    if call.kind.contains('/') || call.kind.is_empty() {
        return None;
    }
    match &*call.class {
        "ocf" => {
            let provider = call.provider.as_deref().unwrap_or("heartbeat");
            let folder = Path::new(OCF_ROOT).join("resource.d").join(provider);
            Some(folder.join(&call.kind))
        }
        _ => Some(Path::new(LSB_FOLDER).join(&call.kind)),
    }
}

fn carry_out(call: &Call<'_>, line: &Line, output: &mut Output) -> Done {
    let came = run(call, line);
    tell(call, &came, output);
    match u8::try_from(came.exit).unwrap_or(code::ERROR) {
        0 => Ok(()),
        exit => Err(Failure::Exit(exit)),
    }
}

fn not_begun(exit: Exit, status: (u8, &'static str), reason: String) -> Came {
    Came {
        exit: exit.0,
        failed: Some((status.0, status.1, reason)),
        reason: None,
        stdout: String::new(),
        stderr: String::new(),
    }
}

fn run(call: &Call<'_>, line: &Line) -> Came {
    let class = match (&*call.class, Class::parse(&call.class)) {
        ("stonith", _) | (_, None) => {
            let reason = format!(
                "Manual execution of the {} standard is unsupported",
                call.class
            );
            return not_begun(Exit::UNIMPLEMENTED, (4, "Error"), reason);
        }
        (_, Some(class)) => class,
    };
    let action = ACTIONS.iter().find(|(name, _)| *name == call.command);
    let action = action.map_or("monitor", |(_, action)| *action);
    let limit = limit(line);
    let mut process = match (class, program(call)) {
        (Class::Systemd, _) => systemctl(&call.kind, action),
        (_, Some(path)) if is_program(&path) => {
            let asked = match (class, action) {
                (Class::Ocf, action) => action,
                (_, "monitor") => "status",
                (_, action) => action,
            };
            Process::new(path).args([asked])
        }
        (_, path) => {
            let path = path.unwrap_or_else(|| PathBuf::from(&call.kind));
            let reason = format!("{}: No such file or directory", path.display());
            return not_begun(Exit::NOT_INSTALLED, (7, "Not installed"), reason);
        }
    };
    if class == Class::Ocf {
        process = process.envs(environment(call, line, limit));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let finished = runtime.and_then(|runtime| runtime.block_on(process.timeout(limit).run()));
    match finished {
        Ok(finished) => judge(class, action, &finished),
        Err(error) => not_begun(Exit::NOT_INSTALLED, (7, "Not installed"), error.to_string()),
    }
}

/// Units are asked by systemd's own tool, whose answers are those of init scripts.
fn systemctl(unit: &str, action: &str) -> Process<'static> {
    let action = if action == "monitor" {
        "status"
    } else {
        action
    };
    Process::new("systemctl").args([action.to_owned(), unit.to_owned()])
}

fn limit(line: &Line) -> Duration {
    let given = line
        .value("timeout")
        .map_or(-1, |text| rules::milliseconds(text).unwrap_or(-1));
    match u64::try_from(given) {
        Ok(ms) if ms > 0 => Duration::from_millis(ms),
        _ => TIMEOUT,
    }
}

fn judge(class: Class, action: &str, finished: &Finished) -> Came {
    let (stdout, stderr) = (finished.text(Stream::Stdout), finished.text(Stream::Stderr));
    let reason = exit_reason(&stderr).map(str::to_owned);
    let (exit, failed) = match finished.ending {
        Ending::Exited(code) => (Exit::of_program(class, action, code), None),
        Ending::Signalled(signal) => {
            let reason = format!("Process interrupted by signal {signal}");
            (Exit::ERROR, Some((4, "Error", reason)))
        }
        Ending::TimedOut => {
            let reason = "Process did not exit within specified timeout".to_owned();
            (Exit::ERROR, Some((2, "Timed Out", reason)))
        }
    };
    let exit = match failed {
        Some((2, ..)) => i32::from(code::TIMEOUT),
        _ => exit.0,
    };
    Came {
        exit,
        failed,
        reason,
        stdout,
        stderr,
    }
}

/// What an OCF agent finds in its environment.
fn environment(call: &Call<'_>, line: &Line, limit: Duration) -> Vec<(String, String)> {
    let instance = call.resource.as_deref().unwrap_or("test");
    let timeout = limit.as_millis().to_string();
    let set = [
        ("OCF_RA_VERSION_MAJOR", "1"),
        ("OCF_RA_VERSION_MINOR", "1"),
        ("OCF_ROOT", OCF_ROOT),
        ("OCF_EXIT_REASON_PREFIX", "ocf-exit-reason:"),
        ("OCF_OUTPUT_FORMAT", "text"),
        ("OCF_RESOURCE_INSTANCE", instance),
        ("OCF_RESOURCE_TYPE", &call.kind),
        (
            "OCF_RESOURCE_PROVIDER",
            call.provider.as_deref().unwrap_or("heartbeat"),
        ),
        ("OCF_RESKEY_crm_feature_set", FEATURE_SET),
        ("OCF_RESKEY_CRM_meta_timeout", &timeout),
        ("HA_logfacility", "none"),
        ("PCMK_logfacility", "none"),
        ("PCMK_service", "crm_resource"),
    ];
    let mut all: Vec<(String, String)> = set
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    if line.verbosity() > 0 {
        all.push(("HA_debug".to_owned(), "1".to_owned()));
    }
    if line.verbosity() > 1 {
        all.push(("OCF_TRACE_RA".to_owned(), "1".to_owned()));
        all.push(("OCF_TRACE_FILE".to_owned(), "/dev/stderr".to_owned()));
    }
    if let Some(level) = line.value(call.command).filter(|level| !level.is_empty()) {
        all.push(("OCF_CHECK_LEVEL".to_owned(), level.to_owned()));
    }
    for (name, value) in &call.parameters {
        let name = format!("OCF_RESKEY_{}", name.replace('-', "_"));
        all.push((name, value.to_string()));
    }
    all
}

fn tell(call: &Call<'_>, came: &Came, output: &mut Output) {
    let name = call.resource.as_deref();
    for (option, value) in &call.overrides {
        let name = name.unwrap_or_default();
        output.text(format_args!(
            "Overriding the cluster configuration for '{name}' with '{option}' = '{value}'"
        ));
    }
    let of = name.map_or(String::new(), |name| format!(" for {name}"));
    let provider = call.provider.as_ref();
    let provider = provider.map_or(String::new(), |provider| format!("{provider}:"));
    let what = format!(
        "Operation {}{of} ({}:{provider}{})",
        call.command, call.class, call.kind
    );
    let because = |reason: &str| match reason.is_empty() {
        true => String::new(),
        false => format!(": {reason}"),
    };
    match &came.failed {
        None => {
            let reason = because(came.reason.as_deref().unwrap_or_default());
            let exit = Exit(came.exit);
            output.text(format_args!(
                "{what} returned {} ({exit}{reason})",
                came.exit
            ));
        }
        Some((_, status, reason)) if !output.is_xml() => output.error(format!(
            "{what} could not be executed ({status}{})",
            because(reason)
        )),
        Some(_) => {}
    }
    for text in [&came.stdout, &came.stderr] {
        if !text.is_empty() {
            output.text(format_args!("{text}\n"));
        }
    }
    let attrs = [
        ("action", Some(call.command)),
        ("class", Some(&*call.class)),
        ("type", Some(&*call.kind)),
        ("rsc", name),
        ("provider", call.provider.as_deref()),
    ];
    let attrs: Vec<_> = attrs
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    if let Some(element) = output.element("resource-agent-action", &attrs) {
        add_details(call, came, output, element);
    }
}

/// The XML of what came of a call.
fn add_details(call: &Call<'_>, came: &Came, output: &mut Output, element: NodeRef) {
    let Some(doc) = output.document() else { return };
    let overrides = doc.add_element(element, "overrides", &[]);
    for (name, value) in &call.overrides {
        let of = call.resource.as_deref().unwrap_or_default();
        let attrs = [("rsc", of), ("name", name), ("value", value)];
        doc.add_element(overrides, "override", &attrs);
    }
    let exit = came.exit.to_string();
    let message = Exit(came.exit).to_string();
    let (status, word, reason) = match &came.failed {
        None => (0, "complete", came.reason.as_deref()),
        Some((status, word, reason)) => (*status, *word, Some(reason.as_str())),
    };
    let status = status.to_string();
    let mut attrs = vec![
        ("code", exit.as_str()),
        ("message", &message),
        ("execution_code", &status),
        ("execution_message", word),
    ];
    attrs.extend(reason.map(|reason| ("reason", reason)));
    doc.add_element(element, "agent-status", &attrs);
    if came.stdout.is_empty() && came.stderr.is_empty() {
        return;
    }
    let command = doc.add_element(element, "command", &[("code", &exit)]);
    for (source, text) in [("stdout", &came.stdout), ("stderr", &came.stderr)] {
        if !text.is_empty() {
            let printed = doc.add_element(command, "output", &[("source", source)]);
            add_text(doc, printed, &format!("{text}\n"));
        }
    }
}
