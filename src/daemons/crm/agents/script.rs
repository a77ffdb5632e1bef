//! Agents that are programs: how each class is called, and what its answer means.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::leftover::Mark;
use super::{LOOK, done, failed, judge, not_installed, secrets, timeout};
use crate::executor::{Agent, Class, Exit, Operation, Outcome, Status};
use crate::runtime::process::Process;

/// Where OCF agents are, by provider.
const OCF_ROOT: &str = "/usr/lib/ocf";

/// Where init scripts are.
const LSB_DIR: &str = "/etc/init.d";

/// Where scripts of haresources are.
const HEARTBEAT_DIR: &str = "/etc/ha.d/resource.d";

/// Where plugins of nagios are. Source: Pacemaker 2.1.5 of Debian, `NAGIOS_PLUGIN_DIR`.
const NAGIOS_DIR: &str = "/usr/lib/nagios/plugins";

/// How a program is called.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    program: PathBuf,
    args: Vec<String>,
    environment: Vec<(String, String)>,
}

/// True if this node has the agent's program.
pub(super) fn is_there(agent: &Agent) -> bool {
    crate::agents::is_program(&program(agent))
}

/// Runs it, within its time.
pub(super) async fn run(agent: &Agent, operation: &Operation) -> Outcome {
    let parameters = match secrets::parameters(operation) {
        Ok(parameters) => parameters,
        Err(name) => {
            let reason = format!("the secret value of {name} is not on this node");
            return failed(Status::NoSecrets, reason);
        }
    };
    let operation = &Operation {
        parameters,
        ..operation.clone()
    };
    let call = call(agent, operation);
    if !crate::agents::is_program(&call.program) {
        return not_installed(&call.program.display().to_string());
    }
    let time = timeout(operation);
    match (agent.class, &*operation.key.action) {
        // There is nothing that a check could stop.
        (Class::Nagios, "stop") => done(Exit::OK),
        (Class::Nagios, "start") => {
            let until = Instant::now() + time;
            loop {
                let left = until.saturating_duration_since(Instant::now());
                let outcome = once(call.clone(), agent, operation, left).await;
                let pause = LOOK.min(time / 10);
                if outcome.exit == Exit::OK || Instant::now() + pause >= until {
                    return outcome;
                }
                tokio::time::sleep(pause).await;
            }
        }
        _ => once(call, agent, operation, time).await,
    }
}

async fn once(call: Call, agent: &Agent, operation: &Operation, time: Duration) -> Outcome {
    let mut mark = None;
    let process = Process::new(call.program)
        .args(call.args)
        .envs(call.environment)
        .timeout(time)
        .started(|pid| mark = Mark::new(pid, operation, time));
    let outcome = match process.run().await {
        Ok(finished) => judge(agent.class, operation, &finished),
        Err(error) => failed(Status::Error, error.to_string()),
    };
    drop(mark);
    outcome
}

pub(super) fn program(agent: &Agent) -> PathBuf {
    let name = &*agent.name;
    match agent.class {
        Class::Ocf => {
            let provider = agent.provider.as_deref().unwrap_or("heartbeat");
            Path::new(OCF_ROOT)
                .join("resource.d")
                .join(provider)
                .join(name)
        }
        Class::Heartbeat => Path::new(HEARTBEAT_DIR).join(name),
        Class::Nagios => Path::new(NAGIOS_DIR).join(name),
        _ => Path::new(LSB_DIR).join(name),
    }
}

fn call(agent: &Agent, operation: &Operation) -> Call {
    let action = &*operation.key.action;
    let script_action = match action {
        "monitor" => "status",
        action => action,
    };
    let (args, environment) = match agent.class {
        Class::Ocf => (vec![action.to_owned()], environment(agent, operation)),
        Class::Heartbeat => {
            let mut args = positional(operation);
            args.push(script_action.to_owned());
            (args, Vec::new())
        }
        Class::Nagios => (check(operation), Vec::new()),
        _ => (vec![script_action.to_owned()], Vec::new()),
    };
    Call {
        program: program(agent),
        args,
        environment,
    }
}

/// The parameters `1`, `2` … in the order of their numbers; they stand before the action.
///
/// Source: cluster-glue 1.0.12, the executor's plugin for this class: a number that is missing is
/// left out, what is no number isn't given.
fn positional(operation: &Operation) -> Vec<String> {
    let numbered = operation.parameters.iter().filter_map(|(name, value)| {
        let number = name.parse::<u32>().ok().filter(|number| *number > 0);
        number.map(|number| (number, value.clone()))
    });
    let mut numbered: Vec<(u32, String)> = numbered.collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, value)| value).collect()
}

/// A plugin of nagios gets its parameters as options; a probe only asks whether it is there.
///
/// Source: Pacemaker 2.1.5, `services__nagios_prepare`.
fn check(operation: &Operation) -> Vec<String> {
    if &*operation.key.action == "monitor" && !operation.key.is_recurring() {
        return vec!["--version".to_owned()];
    }
    let parameters = operation.parameters.iter();
    let parameters =
        parameters.filter(|(name, _)| !name.starts_with("CRM_meta_") && *name != "crm_feature_set");
    parameters
        .flat_map(|(name, value)| [format!("--{name}"), value.clone()])
        .collect()
}

/// What every call of an OCF agent says. Source: spec crm-runtime.md section 11.
pub(super) fn identity(agent: &Agent, resource: &str) -> Vec<(String, String)> {
    let mut all = vec![
        ("OCF_RA_VERSION_MAJOR".to_owned(), "1".to_owned()),
        ("OCF_RA_VERSION_MINOR".to_owned(), "1".to_owned()),
        ("OCF_ROOT".to_owned(), OCF_ROOT.to_owned()),
        (
            "OCF_EXIT_REASON_PREFIX".to_owned(),
            "ocf-exit-reason:".to_owned(),
        ),
        ("OCF_RESOURCE_INSTANCE".to_owned(), resource.to_owned()),
        ("OCF_RESOURCE_TYPE".to_owned(), agent.name.to_string()),
        ("HA_LOGFACILITY".to_owned(), "daemon".to_owned()),
    ];
    if let Some(provider) = &agent.provider {
        all.push(("OCF_RESOURCE_PROVIDER".to_owned(), provider.to_string()));
    }
    all
}

/// What an OCF agent finds in its environment.
fn environment(agent: &Agent, operation: &Operation) -> Vec<(String, String)> {
    let mut all = identity(agent, operation.key.resource.as_str());
    let parameters = operation.parameters.iter();
    all.extend(parameters.map(|(name, value)| {
        let name = match &**name {
            "OCF_CHECK_LEVEL" => name.clone(),
            name => format!("OCF_RESKEY_{}", name.replace('-', "_")),
        };
        (name, value.clone())
    }));
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::executor::Key;
    use crate::ids::ResourceName;

    fn agent(class: Class, name: &str) -> Agent {
        Agent {
            class,
            provider: (class == Class::Ocf).then(|| "heartbeat".into()),
            name: name.into(),
        }
    }

    fn operation(action: &str, interval_s: u64, parameters: &[(&str, &str)]) -> Operation {
        let parameters = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Operation {
            key: Key {
                resource: ResourceName::new("r"),
                action: action.into(),
                interval: Duration::from_secs(interval_s),
            },
            timeout: Duration::from_secs(20),
            start_delay: Duration::ZERO,
            parameters: Arc::new(parameters.collect::<BTreeMap<_, _>>()),
            transition_key: String::new(),
        }
    }

    fn line(class: Class, operation: &Operation) -> String {
        let call = call(&agent(class, "web"), operation);
        format!("{} {}", call.program.display(), call.args.join(" "))
    }

    #[test]
    fn each_class_has_its_own_way_to_be_called() {
        let meta = ("CRM_meta_timeout", "20000");
        let parameters = [("10", "j"), ("2", "b"), ("1", "a"), ("0", "-"), meta];
        let start = operation("start", 0, &parameters);
        let web = "/etc/ha.d/resource.d/web";
        assert_eq!(line(Class::Heartbeat, &start), format!("{web} a b j start"));
        let monitor = operation("monitor", 10, &parameters);
        let status = format!("{web} a b j status");
        assert_eq!(line(Class::Heartbeat, &monitor), status);
        assert_eq!(line(Class::Lsb, &monitor), "/etc/init.d/web status");
        assert_eq!(line(Class::Service, &start), "/etc/init.d/web start");
        let ocf = "/usr/lib/ocf/resource.d/heartbeat/web monitor";
        assert_eq!(line(Class::Ocf, &monitor), ocf);
        let check = operation("monitor", 10, &[("hostname", "a"), ("port", "80"), meta]);
        let plugin = "/usr/lib/nagios/plugins/web";
        let options = format!("{plugin} --hostname a --port 80");
        assert_eq!(line(Class::Nagios, &check), options);
        let probe = operation("monitor", 0, &[("port", "80")]);
        assert_eq!(line(Class::Nagios, &probe), format!("{plugin} --version"));
    }

    #[test]
    fn an_ocf_agent_finds_its_parameters_in_the_environment() {
        let parameters = [
            ("ip", "10.0.0.1"),
            ("CRM_meta_on-node", "a"),
            ("OCF_CHECK_LEVEL", "10"),
        ];
        let operation = operation("monitor", 10, &parameters);
        let call = call(&agent(Class::Ocf, "IPaddr2"), &operation);
        let of = |name: &str| {
            let mut found = call.environment.iter().filter(|(known, _)| known == name);
            found.next().map(|(_, value)| value.as_str())
        };
        assert_eq!(of("OCF_RESKEY_ip"), Some("10.0.0.1"));
        assert_eq!(of("OCF_RESKEY_CRM_meta_on_node"), Some("a"));
        assert_eq!(of("OCF_CHECK_LEVEL"), Some("10"));
        assert_eq!(of("OCF_RESKEY_OCF_CHECK_LEVEL"), None);
        assert_eq!(of("OCF_RESOURCE_PROVIDER"), Some("heartbeat"));
        assert_eq!(of("OCF_RESOURCE_INSTANCE"), Some("r"));
    }
}
