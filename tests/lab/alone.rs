//! Clusters of one node, each on a host of its own; one of them may be the original's.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use everbeat::cib;
use everbeat::lab::Lab;

use crate::host::{Ground, PROGRAM, lay_over, put_below_usr, shell, spec, within};

pub const PATIENCE: Duration = Duration::from_secs(30);

pub const OPTIONS: &str = "<crm_config><cluster_property_set id=\"cib-bootstrap-options\">\
<nvpair id=\"o1\" name=\"stonith-enabled\" value=\"false\"/>\
</cluster_property_set></crm_config>";

/// What hosts find below /usr: agents, a check, and the tools where agents call them. The host
/// of the original has its tools from the machine.
const FILES: [(&str, &[u8]); 5] = [
    ("lib/ocf/resource.d/lab/counted", include_bytes!("counted")),
    (
        "lib/nagios/plugins/check_lab",
        b"#!/bin/sh\n[ \"$*\" = --version ] || [ \"$*\" = '--port 80' ] || exit 3\n",
    ),
    ("sbin/modprobe", b"#!/bin/sh\n"),
    (
        "sbin/crm_attribute",
        b"#!/bin/sh\nexec /run/lab/bin/everbeat crm_attribute \"$@\"\n",
    ),
    (
        "sbin/attrd_updater",
        b"#!/bin/sh\nexec /run/lab/bin/everbeat attrd_updater \"$@\"\n",
    ),
];

/// The host where the original runs.
pub const ORIGINAL: &str = "p";

/// A cluster of one node on each host of a lab.
pub struct Alone {
    pub lab: Lab,
    running: Vec<Child>,
    _ground: Ground,
}

fn configuration(address: &str) -> String {
    format!(
        "totem {{\nversion: 2\ncluster_name: lab\ntransport: udpu\ntoken: 1000\n\
         crypto_cipher: none\ncrypto_hash: none\n}}\n\
         nodelist {{\nnode {{\nring0_addr: {address}\nnodeid: 1\nname: a\n}}\n}}\n\
         quorum {{\nprovider: corosync_votequorum\n}}\n\
         logging {{\nto_stderr: no\nto_syslog: no\nto_logfile: yes\n\
         logfile: /var/log/corosync.log\n}}\n"
    )
}

impl Alone {
    pub fn new(name: &str, hosts: &[&str]) -> Option<Self> {
        if !Path::new("/usr/lib/ocf/resource.d/heartbeat/Dummy").exists() {
            println!("SKIPPED: resource-agents is not installed");
            return None;
        }
        let ground = Ground::new();
        let numbered = |(at, host): (usize, &&str)| format!("{host}=10.9.1.{}/24", at + 1);
        let hosts: Vec<String> = hosts.iter().enumerate().map(numbered).collect();
        let words: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let lab = ground.lab(&spec(name, &words))?;
        for host in &hosts {
            let (host, address) = host.split_once('=').expect("a host");
            let address = address.trim_end_matches("/24");
            let host = lab.host(host);
            let text = configuration(address);
            host.write("/etc/corosync/corosync.conf", text.as_bytes(), 0o644)
                .expect("a file");
        }
        for host in hosts.iter().filter_map(|host| host.split('=').next()) {
            let tools = ["sbin/crm_", "sbin/attrd_"];
            let is_tool = |path: &str| tools.iter().any(|tool| path.starts_with(tool));
            let own = |path: &str| host != ORIGINAL || !is_tool(path);
            for file in FILES.into_iter().filter(|(path, _)| own(path)) {
                put_below_usr(&lab, host, file);
            }
            if let Err(error) = lay_over(&lab, host) {
                println!("SKIPPED: nothing can be laid over /usr: {error}");
                return None;
            }
        }
        Some(Self {
            lab,
            running: Vec::new(),
            _ground: ground,
        })
    }

    pub fn spawn(&mut self, host: &str, program: &str, args: &[&str]) {
        let mut command = self.lab.host(host).background(program);
        command.args(args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.running
            .push(command.spawn().expect("the daemon starts"));
    }

    pub fn start(&mut self, host: &str) {
        let conf = "/etc/corosync/corosync.conf";
        self.spawn(host, PROGRAM, &["everbeatd", "--corosync-conf", conf]);
        let up = || {
            let online = "crm_mon -1 | grep -q 'Online: \\[ a \\]'";
            self.sh(host, &format!("{PROGRAM} {online}")).is_ok()
        };
        assert!(within(PATIENCE, up), "{}", self.log(host));
    }

    /// Starts the original's daemons on their host.
    pub fn start_original(&mut self) {
        self.sh(ORIGINAL, "mkdir -p /var/log/pacemaker /var/log/cluster")
            .expect("folders");
        self.spawn(ORIGINAL, "corosync", &["-f"]);
        let quorate = || self.sh(ORIGINAL, "corosync-quorumtool -s").is_ok();
        assert!(within(PATIENCE, quorate));
        self.spawn(ORIGINAL, "pacemakerd", &[]);
        let online = "crm_mon -1 | grep -q 'Online: \\[ a \\]'";
        let up = || self.sh(ORIGINAL, online).is_ok();
        assert!(within(PATIENCE, up), "the original starts");
    }

    pub fn sh(&self, host: &str, script: &str) -> Result<String, String> {
        shell(&self.lab, host, script)
    }

    pub fn log(&self, host: &str) -> String {
        let log = self.lab.host(host).read("/var/log/corosync.log");
        log.unwrap_or_default()
    }

    #[track_caller]
    pub fn tool(&self, host: &str, tool: &str) -> String {
        self.sh(host, &format!("{PROGRAM} {tool}"))
            .unwrap_or_else(|error| panic!("{tool}: {error}\n{}", self.log(host)))
    }

    pub fn replace(&self, host: &str, section: &str, xml: &str) {
        self.tool(host, &format!("cibadmin -R -o {section} -X '{xml}'"));
    }

    /// The history of a host by resource and id, as `cibadmin` of its cluster has it.
    pub fn history(&self, host: &str, cibadmin: &str) -> BTreeMap<String, Entry> {
        let text = self.sh(host, &format!("{cibadmin} -Q -o status"));
        let Ok(doc) = cib::read(&text.unwrap_or_default()) else {
            return BTreeMap::new();
        };
        let ops = doc.descendants(doc.root());
        let ops = ops.filter(|node| doc.name(*node) == "lrm_rsc_op");
        ops.map(|op| {
            let attrs = doc
                .attrs(op)
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
            (doc.id(op).unwrap_or_default().to_owned(), attrs.collect())
        })
        .collect()
    }

    /// Waits until the history has these results, each `ID operation rc-code`.
    #[track_caller]
    pub fn await_results(&self, host: &str, cibadmin: &str, wanted: &[&str]) {
        let mut seen = Vec::new();
        let came = within(PATIENCE, || {
            let history = self.history(host, cibadmin);
            seen = history
                .iter()
                .map(|(id, op)| format!("{id} {} {}", of(op, "operation"), of(op, "rc-code")))
                .collect();
            wanted
                .iter()
                .all(|one| seen.iter().any(|known| known == one))
        });
        assert!(came, "{wanted:?} of {seen:?}\n{}", self.log(host));
    }

    /// Lines of the counted agent's log that begin so.
    pub fn counted(&self, host: &str, line: &str) -> usize {
        let log = self.lab.host(host).read("/var/log/counted");
        let log = log.unwrap_or_default();
        log.lines().filter(|known| known.starts_with(line)).count()
    }

    pub fn kill(&self, host: &str, signal: &str) {
        let script = format!(
            "p=$(cat /run/corosync.pid) && kill -{signal} $p && \
             while kill -0 $p 2>/dev/null; do sleep 0.05; done"
        );
        self.sh(host, &script).expect("it runs");
    }

    pub fn end(mut self) {
        self.lab.down().expect("the lab ends");
        for child in &mut self.running {
            let _ = child.wait();
        }
    }
}

pub type Entry = BTreeMap<String, String>;

pub fn of<'a>(entry: &'a Entry, name: &str) -> &'a str {
    entry.get(name).map_or("", String::as_str)
}

pub fn primitive(id: &str, class: &str, kind: &str, parameters: &[(&str, &str)]) -> String {
    let (class, provider) = match class.split_once(':') {
        Some((class, provider)) => (class, format!(" provider=\"{provider}\"")),
        None => (class, String::new()),
    };
    let pairs: String = parameters
        .iter()
        .map(|(name, value)| {
            format!("<nvpair id=\"{id}-{name}\" name=\"{name}\" value=\"{value}\"/>")
        })
        .collect();
    format!(
        "<primitive id=\"{id}\" class=\"{class}\"{provider} type=\"{kind}\">\
         <instance_attributes id=\"{id}-i\">{pairs}</instance_attributes><operations>\
         <op id=\"{id}-m\" name=\"monitor\" interval=\"2s\" timeout=\"20s\"/></operations>\
         </primitive>"
    )
}

/// Whether the original's daemons are installed; said if not.
pub fn original_is_there() -> bool {
    let real = [
        "/usr/sbin/pacemakerd",
        "/usr/sbin/corosync",
        "/usr/sbin/cibadmin",
    ];
    let there = real.iter().all(|program| Path::new(program).exists());
    if !there {
        println!("SKIPPED: pacemaker is not installed");
    }
    there
}
