//! Three hosts with a cluster of one kind on a ring, and what is measured of them from outside.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use everbeat::lab::Lab;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::host::{Ground, PROGRAM, lay_over, put_below_usr, shell, spec};

pub const HOSTS: [&str; 3] = ["a", "b", "c"];
const VIP: &str = "10.9.0.100";
const LOG: &str = "/var/log/corosync.log";

/// What waits for anything at most; the original needs most of it for its thousand resources.
const PATIENCE: Duration = Duration::from_secs(900);

const OPTIONS: &str = "<crm_config><cluster_property_set id=\"cib-bootstrap-options\">\
<nvpair id=\"o1\" name=\"stonith-enabled\" value=\"true\"/>\
<nvpair id=\"o2\" name=\"stonith-timeout\" value=\"20s\"/>\
</cluster_property_set></crm_config>";

/// The address, what goes with it, and the power switch.
const RESOURCES: &str = "<resources><group id=\"web\">\
<primitive id=\"vip\" class=\"ocf\" provider=\"heartbeat\" type=\"IPaddr2\">\
<instance_attributes id=\"vip-i\"><nvpair id=\"vip-1\" name=\"ip\" value=\"10.9.0.100\"/>\
<nvpair id=\"vip-2\" name=\"cidr_netmask\" value=\"24\"/></instance_attributes><operations>\
<op id=\"vip-m\" name=\"monitor\" interval=\"10s\" timeout=\"20s\"/></operations></primitive>\
<primitive id=\"site\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"/></group>\
<primitive id=\"switch\" class=\"stonith\" type=\"fence_lab\">\
<instance_attributes id=\"sw\"><nvpair id=\"sw-1\" name=\"pcmk_host_list\" value=\"a b c\"/>\
</instance_attributes></primitive></resources>";

/// What runs on the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Software {
    Everbeat,
    Pacemaker,
}

/// A cluster.
pub struct Nodes {
    lab: Lab,
    software: Software,
    running: Vec<Child>,
    _ground: Ground,
}

fn configuration() -> String {
    let node = |(at, name): (usize, &str)| {
        let id = at + 1;
        format!("node {{\nring0_addr: 10.9.0.{id}\nnodeid: {id}\nname: {name}\n}}\n")
    };
    let nodes: String = HOSTS.into_iter().enumerate().map(node).collect();
    format!(
        "totem {{\nversion: 2\ncluster_name: lab\ntransport: udpu\ntoken: 1000\n\
         token_coefficient: 0\ncrypto_cipher: none\ncrypto_hash: none\n}}\n\
         nodelist {{\n{nodes}}}\nquorum {{\nprovider: corosync_votequorum\n}}\n\
         logging {{\nto_stderr: no\nto_syslog: no\nto_logfile: yes\nlogfile: {LOG}\n}}\n"
    )
}

/// How the original is started: its second part needs the first.
const ORIGINAL: &str = "mkdir -p /var/log/pacemaker /var/log/cluster; corosync -f & \
                        until corosync-quorumtool -s >/dev/null 2>&1 || [ $? = 2 ]; \
                        do sleep 0.02; done; pacemakerd & wait";

impl Nodes {
    /// Hosts on which nothing runs yet; none where the machine lets nobody make some.
    pub fn new(name: &str, software: Software) -> Option<Self> {
        let ground = Ground::new();
        let hosts = ["a=10.9.0.1/24", "b=10.9.0.2/24", "c=10.9.0.3/24"];
        let lab = ground.lab(&spec(name, &hosts))?;
        for host in HOSTS {
            let conf = configuration();
            let path = "/etc/corosync/corosync.conf";
            let written = lab.host(host).write(path, conf.as_bytes(), 0o644);
            written.expect("a file");
            let agent = include_bytes!("../../tests/lab/fence_lab");
            put_below_usr(&lab, host, ("sbin/fence_lab", agent));
        }
        Some(Self {
            lab,
            software,
            running: Vec::new(),
            _ground: ground,
        })
    }

    pub fn name(&self) -> &'static str {
        match self.software {
            Software::Everbeat => "everbeat",
            Software::Pacemaker => "pacemaker",
        }
    }

    pub fn start(&mut self, host: &str) {
        lay_over(&self.lab, host).expect("the fence agent is laid over /usr");
        let host = self.lab.host(host);
        let mut command = match self.software {
            Software::Everbeat => {
                let mut command = host.background(PROGRAM);
                let conf = "/etc/corosync/corosync.conf";
                command.args(["everbeatd", "--corosync-conf", conf]);
                command
            }
            Software::Pacemaker => {
                let mut command = host.background("sh");
                command.args(["-c", ORIGINAL]);
                command
            }
        };
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.running.push(command.spawn().expect("a daemon"));
    }

    /// A tool's command line, by the name that both have for it.
    pub fn tool(&self, line: &str) -> String {
        match self.software {
            Software::Everbeat => format!("{PROGRAM} {line}"),
            Software::Pacemaker => line.to_owned(),
        }
    }

    pub fn sh(&self, host: &str, script: &str) -> Result<String, String> {
        shell(&self.lab, host, script)
    }

    #[track_caller]
    pub fn run(&self, host: &str, line: &str) -> String {
        self.sh(host, &self.tool(line))
            .unwrap_or_else(|error| panic!("{:?}: {line}: {error}\n{}", self.software, self.logs()))
    }

    /// Waits until a tool finds all of them online.
    pub fn await_online(&self) {
        let online = format!("Online: [ {} ]", HOSTS.join(" "));
        self.until("all are online", || {
            let status = self.sh("a", &self.tool("crm_mon -1"));
            status.is_ok_and(|status| status.contains(&online))
        });
    }

    pub fn configure(&self) {
        for (section, xml) in [("crm_config", OPTIONS), ("resources", RESOURCES)] {
            self.run("a", &format!("cibadmin -R -o {section} -X '{xml}'"));
        }
    }

    fn owner(&self) -> Option<&'static str> {
        let script = format!(
            "ip -o address show | grep -q 'inet {VIP}/' && \
             [ -e /run/resource-agents/Dummy-site.state ]"
        );
        HOSTS
            .into_iter()
            .find(|host| self.sh(host, &script).is_ok())
    }

    /// Waits until the group runs on one of these hosts.
    pub fn await_owner(&self, among: &[&str]) -> &'static str {
        let mut owner = None;
        self.until("the group runs", || {
            owner = self.owner().filter(|owner| among.contains(owner));
            owner.is_some()
        });
        owner.expect("an owner")
    }

    /// Waits until nothing is left to be done.
    pub fn await_idle(&self) {
        let line = format!(
            "{} -S $({} -D -q)",
            self.tool("crmadmin"),
            self.tool("crmadmin")
        );
        self.until("the cluster is idle", || {
            self.sh("a", &line)
                .is_ok_and(|state| state.contains("S_IDLE"))
        });
    }

    /// The plug, not the shutdown; gives when.
    pub fn power_off(&self, host: &str) -> Instant {
        let init = self.lab.host(host).path("/").expect("a path");
        let pid = init.components().nth(2).expect("/proc/PID");
        let pid = pid.as_os_str().to_string_lossy().parse();
        let off = Instant::now();
        kill(Pid::from_raw(pid.expect("a number")), Signal::SIGKILL).expect("the host's init");
        off
    }

    pub fn power_on(&self, host: &str) {
        self.lab.host(host).kill().expect("power off");
        self.lab.host(host).boot().expect("power on");
    }

    /// How many of the resources `Dummy-x…` run on all hosts.
    pub fn dummies(&self) -> usize {
        let script = "ls /run | grep -c '^Dummy-x' || true";
        let counts = HOSTS.iter().map(|host| self.sh(host, script));
        counts
            .flatten()
            .filter_map(|n| n.parse::<usize>().ok())
            .sum()
    }

    /// Memory in RAM of all processes of the cluster's software on a host, shared pages counted
    /// in each.
    pub fn resident_mib(&self, host: &str) -> f64 {
        let script = format!(
            "for p in $(pgrep '{}'); do cat /proc/$p/status; done | \
             awk '/^VmRSS/ {{sum += $2}} END {{print sum / 1024}}'",
            self.processes()
        );
        self.sh(host, &script)
            .ok()
            .and_then(|n| n.parse().ok())
            .expect("a number")
    }

    /// CPU time of these processes so far. Units: 1/100 s
    pub fn cpu_ticks(&self, host: &str) -> f64 {
        let script = format!(
            "for p in $(pgrep '{}'); do cat /proc/$p/stat; done | sed 's/.*) //' | \
             awk '{{sum += $12 + $13}} END {{print sum + 0}}'",
            self.processes()
        );
        self.sh(host, &script)
            .ok()
            .and_then(|n| n.parse().ok())
            .expect("a number")
    }

    fn processes(&self) -> &'static str {
        match self.software {
            Software::Everbeat => "^everbeat$",
            Software::Pacemaker => "^(corosync|pacemaker)",
        }
    }

    #[track_caller]
    pub fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done() {
            assert!(
                Instant::now() < end,
                "{:?}: never: {what}\n{}",
                self.software,
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn logs(&self) -> String {
        let logs = HOSTS.map(|host| {
            let log = self.lab.host(host).read(LOG).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(30).collect();
            format!("--- {host}\n{}", lines.join("\n"))
        });
        logs.join("\n")
    }

    pub fn end(mut self) {
        self.lab.down().expect("the lab ends");
        for child in &mut self.running {
            let _ = child.wait();
        }
    }
}
