//! A cluster that is configured with the real crm shell, through our tools: what resources of all
//! kinds do, and what becomes of them when they are moved, changed, or fail.

use std::path::Path;

use super::{Cluster, HOSTS, Layer, PATIENCE};
use crate::host::{PROGRAM, put_below_usr, shell, within};

/// Where our tools stand for the original's, below the /usr that a host sees.
const LINKS: &str = "/var/lab/usr/sbin";

impl Cluster {
    /// A cluster whose hosts have our tools under the original's names, and the agents of these
    /// tests; none, with a line, where there is no crm shell.
    pub fn with_shell(name: &str, layer: Layer) -> Option<Self> {
        Self::with_shell_of(name, layer, &HOSTS)
    }

    /// The same of these hosts.
    pub fn with_shell_of(name: &str, layer: Layer, hosts: &'static [&'static str]) -> Option<Self> {
        if !Path::new("/usr/sbin/crm").exists() {
            println!("SKIPPED: crmsh is not installed");
            return None;
        }
        let cluster = Self::of(name, layer, hosts)?;
        for host in hosts {
            let agents = "lib/ocf/resource.d/lab/lame";
            put_below_usr(&cluster.lab, host, (agents, include_bytes!("lame")));
            // The file system's agent asks for it, though nothing is to be loaded.
            put_below_usr(&cluster.lab, host, ("sbin/modprobe", b"#!/bin/sh\n"));
            let script = format!("mkdir -p {LINKS} /var/log/crmsh && {PROGRAM} links {LINKS}");
            shell(&cluster.lab, host, &script).expect("links are made");
        }
        Some(cluster)
    }

    /// Starts all hosts, and waits until they are one cluster.
    pub fn start_all(&mut self) {
        for host in self.hosts {
            self.start(host);
        }
        self.await_same(self.hosts, "the start");
    }

    /// A host that lives.
    fn teller(&self) -> &'static str {
        let lives = |host: &&&str| self.run(host, "crmadmin -qD").is_ok();
        self.hosts.iter().find(lives).copied().unwrap_or("a")
    }

    /// Lines for `crm`, as in a file; each must succeed.
    #[track_caller]
    pub fn crm(&self, host: &str, lines: &str) -> String {
        let script = format!("crm -f - 2>&1 <<'END'\n{lines}\nEND\n");
        match shell(&self.lab, host, &script) {
            // It goes on after an error, and says at its end that all went well.
            Ok(said) if !said.contains("ERROR") => said,
            Ok(error) | Err(error) => panic!("{lines}\n{error}\n{}", self.logs()),
        }
    }

    /// Puts lines into the configuration.
    #[track_caller]
    pub fn configure_by_shell(&self, host: &str, lines: &str) {
        self.crm(host, &format!("configure\n{lines}\ncommit\nup"));
    }

    /// A shell's words on a host, which must succeed.
    #[track_caller]
    pub fn on(&self, host: &str, script: &str) -> String {
        match shell(&self.lab, host, script) {
            Ok(said) => said,
            Err(error) => panic!("{script} on {host}: {error}\n{}", self.logs()),
        }
    }

    /// What `crm_mon` shows, without its head.
    pub fn picture(&self, host: &str) -> String {
        let mon = self.run(host, "crm_mon -1rf").unwrap_or_default();
        let resources = mon.split_once("Node List:").map(|(_, rest)| rest);
        resources.unwrap_or_default().to_owned()
    }

    /// Where a resource is started, in the order of the hosts; instances of a clone too.
    pub fn at(&self, resource: &str) -> Vec<&'static str> {
        let said = self.run(self.teller(), &format!("crm_resource -r {resource} -W"));
        let said = said.unwrap_or_default();
        let of = |host: &&str| {
            let line = format!("is running on: {host}");
            let mut lines = said.lines().map(str::trim_end);
            lines.any(|known| known.trim_end_matches(" Promoted").ends_with(&line))
        };
        self.hosts.iter().copied().filter(of).collect()
    }

    /// Waits until a resource is started on these hosts and no other.
    #[track_caller]
    pub fn await_at(&self, resource: &str, hosts: &[&str], after: &str) {
        let mut at = Vec::new();
        let came = within(PATIENCE, || {
            at = self.at(resource);
            at == hosts
        });
        assert!(
            came,
            "{resource} is at {at:?}, not {hosts:?}, after {after}\n{}\n{}",
            self.picture(self.teller()),
            self.logs()
        );
    }

    /// Waits until something holds.
    #[track_caller]
    pub fn await_that(&self, what: &str, holds: impl FnMut() -> bool) {
        let came = within(PATIENCE, holds);
        assert!(
            came,
            "{what}\n{}\n{}",
            self.picture(self.teller()),
            self.logs()
        );
    }

    /// Lines of all logs that have these words.
    pub fn logged(&self, words: &str) -> usize {
        self.logs().matches(words).count()
    }
}

const BASE: &str = "property stonith-enabled=false cluster-recheck-interval=5s\n\
rsc_defaults resource-stickiness=100";

const KINDS: &str = "\
primitive vip ocf:heartbeat:IPaddr2 params ip=10.9.0.100 cidr_netmask=24 op monitor interval=5s\n\
primitive one ocf:heartbeat:Dummy op monitor interval=1s timeout=20s\n\
primitive two ocf:heartbeat:Dummy\n\
group web vip one two\n\
primitive each ocf:lab:lame\n\
clone all each meta notify=true interleave=true\n\
primitive disk ocf:pacemaker:Stateful op monitor interval=3s role=Promoted \
op monitor interval=4s role=Unpromoted\n\
clone pair disk meta promotable=true notify=true clone-max=2\n\
primitive guest ocf:pacemaker:Dummy params fake=1 meta allow-migrate=true\n\
location web-on-a web 50: a\n\
location guest-on-b guest 200: b\n\
colocation web-with-promoted inf: web pair:Promoted\n\
order promoted-then-web Mandatory: pair:promote web:start";

#[test]
fn the_crm_shell_configures_moves_and_changes_resources() {
    kinds_of_resources("crmsh1", Layer::Totem);
}

#[test]
fn the_crm_shell_does_so_over_heartbeat() {
    kinds_of_resources("crmsh2", Layer::Heartbeat);
}

fn kinds_of_resources(name: &str, layer: Layer) {
    let Some(mut cluster) = Cluster::with_shell(name, layer) else {
        return;
    };
    cluster.start_all();
    cluster.configure_by_shell("a", &format!("{BASE}\n{KINDS}"));
    cluster.await_at("each", &HOSTS, "the configuration");
    cluster.await_at("guest", &["b"], "the configuration");
    cluster.await_that("the group is whole", || cluster.at("two").len() == 1);
    let owner = cluster.at("two")[0];
    let promoted = cluster
        .run("a", "crm_resource -r disk -W")
        .unwrap_or_default();
    assert!(
        promoted.contains(&format!("is running on: {owner} Promoted")),
        "the group is with the promoted: {promoted}"
    );
    let notified = cluster.on("a", "sort -u /var/log/notified");
    assert!(notified.contains("post-start of"), "{notified}");
    moves(&cluster);
    changes(&cluster);
    rules_and_attributes(&cluster);
    cluster.await_same(&HOSTS, "all of it");
    cluster.end();
}

/// By an administrator: move and clear, standby and online; a guest moves while it runs.
fn moves(cluster: &Cluster) {
    cluster.crm("b", "resource move guest c");
    cluster.await_at("guest", &["c"], "the move");
    let migrated = |task: &str, host: &str| {
        let words = format!("Result of {task} operation for guest on {host}: ok");
        cluster.logged(&words)
    };
    let counts = (migrated("migrate_to", "b"), migrated("migrate_from", "c"));
    assert_eq!(counts, (1, 1), "{}", cluster.logs());
    cluster.crm("b", "resource clear guest");
    cluster.await_at("guest", &["b"], "the clearing");

    let owner = cluster.at("two")[0];
    cluster.crm("c", &format!("node standby {owner}"));
    cluster.await_that("the group has moved", || {
        let at = cluster.at("two");
        at.len() == 1 && at[0] != owner
    });
    let others: Vec<&str> = HOSTS.into_iter().filter(|host| *host != owner).collect();
    cluster.await_at("each", &others, "standby");
    cluster.crm("c", &format!("node online {owner}"));
    cluster.await_at("each", &HOSTS, "online");
}

/// A parameter that an agent takes over while it runs, and one that it doesn't; a resource that
/// comes and goes.
fn changes(cluster: &Cluster) {
    let told = |task: &str, resource: &str| {
        cluster.logged(&format!("Result of {task} operation for {resource} on"))
    };
    let stops = told("stop", "guest");
    cluster.crm("a", "resource param guest set fake 2");
    cluster.await_that("the guest is reloaded", || {
        told("reload-agent", "guest") == 1
    });
    assert_eq!(told("stop", "guest"), stops, "it wasn't stopped");

    cluster.configure_by_shell("c", "primitive late ocf:lab:lame params wanted=1");
    cluster.await_that("the new one runs", || cluster.at("late").len() == 1);
    cluster.crm("a", "resource param late set wanted 2");
    cluster.await_that("it is started anew", || {
        told("stop", "late") == 1 && told("start", "late") == 2
    });
    cluster.crm("a", "resource stop late");
    cluster.await_at("late", &[], "the stop");
    cluster.configure_by_shell("b", "delete late");
    cluster.await_that("nothing is left of it", || {
        let cib = cluster.run("c", "cibadmin -Q").unwrap_or_default();
        cib.contains("</cib>") && !cib.contains("\"late\"")
    });
}

/// A rule that looks at an attribute of the node, which a program sets.
fn rules_and_attributes(cluster: &Cluster) {
    let set = |host: &str, value: &str| {
        cluster.on(host, &format!("attrd_updater -n reach -U {value}"));
    };
    for host in HOSTS {
        set(host, "100");
    }
    cluster.configure_by_shell(
        "a",
        "location reached guest rule -inf: not_defined reach or reach lt 50",
    );
    cluster.await_at("guest", &["b"], "the rule");
    set("b", "0");
    cluster.await_that("it has left b", || {
        let at = cluster.at("guest");
        at.len() == 1 && at[0] != "b"
    });
    set("b", "100");
    cluster.await_at("guest", &["b"], "the attribute's return");
}
