//! The models of clusters that everybody draws, one test each.

use super::{Cluster, HOSTS, Layer};
use crate::host::{shell, text};

const BASE: &str = "property stonith-enabled=true stonith-timeout=20s\n\
primitive switch stonith:fence_lab params pcmk_host_list=\"a b c d e\"";

/// A cluster with these lines, all hosts up; none where it can't be made.
fn cluster(name: &str, hosts: &'static [&'static str], lines: &str) -> Option<Cluster> {
    let mut cluster = Cluster::with_shell_of(name, Layer::Totem, hosts)?;
    cluster.start_all();
    cluster.configure_by_shell("a", &format!("{BASE}\n{lines}"));
    Some(cluster)
}

/// Power off and on by the fence device, and the host takes part again.
fn returns(cluster: &mut Cluster, host: &str) {
    let fenced = format!("Peer {host} was terminated (reboot)");
    cluster.await_that("it is fenced", || cluster.logged(&fenced) > 0);
    cluster.start(host);
    cluster.await_same(cluster.hosts, "the return");
}

fn power_off(cluster: &Cluster, host: &str) {
    cluster.lab.host(host).kill().expect("power off");
}

/// A service, and where it is rather than elsewhere.
fn service(name: &str, scores: &[(&str, &str)]) -> String {
    let mut lines = format!("primitive {name} ocf:heartbeat:Dummy op monitor interval=5s\n");
    for (host, score) in scores {
        lines += &format!("location {name}-{host} {name} {score}: {host}\n");
    }
    lines
}

#[test]
fn active_passive_one_serves_and_the_other_waits() {
    let lines = "rsc_defaults resource-stickiness=100\n\
        primitive vip ocf:heartbeat:IPaddr2 params ip=10.9.0.100 cidr_netmask=24\n\
        primitive site ocf:heartbeat:Dummy\ngroup web vip site\n\
        location not-on-c web -inf: c\nlocation rather-on-a web 50: a";
    let Some(mut cluster) = cluster("model1", &HOSTS, lines) else {
        return;
    };
    cluster.await_at("site", &["a"], "the configuration");
    let dc = cluster.run("b", "crmadmin -qD");
    assert_eq!(dc.as_deref(), Ok("a"), "who was there first decides");
    power_off(&cluster, "a");
    cluster.await_at("site", &["b"], "the power-off of the DC");
    let address = "ip -o address show | grep -q 'inet 10.9.0.100/'";
    assert!(
        shell(&cluster.lab, "b", address).is_ok(),
        "{}",
        cluster.logs()
    );
    returns(&mut cluster, "a");
    cluster.await_at("site", &["b"], "the return: no fail-back");
    cluster.end();
}

#[test]
#[ignore = "full matrix: models of clusters"]
fn active_active_both_serve_and_one_takes_the_others_address() {
    let lines = "primitive site ocf:heartbeat:Dummy\nclone sites site\n\
        primitive vip1 ocf:heartbeat:IPaddr2 params ip=10.9.0.101 cidr_netmask=24\n\
        primitive vip2 ocf:heartbeat:IPaddr2 params ip=10.9.0.102 cidr_netmask=24\n\
        location sites-not-on-c sites -inf: c\n\
        colocation vip1-served inf: vip1 sites\ncolocation vip2-served inf: vip2 sites\n\
        location vip1-on-a vip1 100: a\nlocation vip2-on-b vip2 100: b";
    let Some(mut cluster) = cluster("model2", &HOSTS, lines) else {
        return;
    };
    cluster.await_at("site", &["a", "b"], "the configuration");
    cluster.await_at("vip1", &["a"], "the configuration");
    cluster.await_at("vip2", &["b"], "the configuration");
    power_off(&cluster, "a");
    cluster.await_at("vip1", &["b"], "the power-off");
    cluster.await_at("vip2", &["b"], "the power-off");
    returns(&mut cluster, "a");
    cluster.await_at("site", &["a", "b"], "the return");
    cluster.await_at("vip1", &["a"], "the return");
    cluster.end();
}

#[test]
#[ignore = "full matrix: models of clusters"]
fn n_plus_1_one_spare_host_takes_what_fails() {
    let lines = "rsc_defaults resource-stickiness=1000\n".to_owned()
        + &service("s1", &[("a", "100"), ("b", "-inf"), ("c", "10")])
        + &service("s2", &[("b", "100"), ("a", "-inf"), ("c", "10")]);
    let Some(mut cluster) = cluster("model3", &HOSTS, &lines) else {
        return;
    };
    cluster.await_at("s1", &["a"], "the configuration");
    cluster.await_at("s2", &["b"], "the configuration");
    power_off(&cluster, "b");
    cluster.await_at("s2", &["c"], "the power-off");
    cluster.await_at("s1", &["a"], "the power-off");
    returns(&mut cluster, "b");
    cluster.await_at("s2", &["c"], "the return: it stays");
    cluster.end();
}

#[test]
#[ignore = "full matrix: models of clusters"]
fn n_plus_m_several_spare_hosts_take_what_fails() {
    const FIVE: [&str; 5] = ["a", "b", "c", "d", "e"];
    let spare = [("c", "-inf"), ("d", "10"), ("e", "10")];
    let of = |name: &str, home: &'static str| {
        let mut scores = vec![(home, "100")];
        scores.extend(
            FIVE[..3]
                .iter()
                .filter(|host| **host != home)
                .map(|host| (*host, "-inf")),
        );
        scores.extend(spare[1..].iter().copied());
        service(name, &scores)
    };
    let lines = "rsc_defaults resource-stickiness=1000\n".to_owned()
        + &of("s1", "a")
        + &of("s2", "b")
        + &of("s3", "c")
        + "colocation apart -inf: s1 s2 \n";
    let Some(cluster) = cluster("model4", &FIVE, &lines) else {
        return;
    };
    for (name, home) in [("s1", "a"), ("s2", "b"), ("s3", "c")] {
        cluster.await_at(name, &[home], "the configuration");
    }
    power_off(&cluster, "a");
    power_off(&cluster, "b");
    let mut spares = Vec::new();
    cluster.await_that("both are on spare hosts", || {
        spares = [cluster.at("s1"), cluster.at("s2")].concat();
        spares.sort_unstable();
        spares == ["d", "e"]
    });
    cluster.await_at("s3", &["c"], "the power-offs");
    cluster.end();
}

#[test]
#[ignore = "full matrix: models of clusters"]
fn n_to_1_what_failed_goes_back_home() {
    let lines = service("s1", &[("a", "100"), ("b", "-inf"), ("c", "10")])
        + &service("s2", &[("b", "100"), ("a", "-inf"), ("c", "10")]);
    let Some(mut cluster) = cluster("model5", &HOSTS, &lines) else {
        return;
    };
    cluster.await_at("s1", &["a"], "the configuration");
    power_off(&cluster, "a");
    cluster.await_at("s1", &["c"], "the power-off");
    returns(&mut cluster, "a");
    cluster.await_at("s1", &["a"], "the return");
    cluster.await_at("s2", &["b"], "all of it");
    cluster.end();
}

#[test]
#[ignore = "full matrix: models of clusters"]
fn n_to_n_what_fails_is_spread_over_the_others() {
    let names = ["s1", "s2", "s3", "s4"];
    let lines: String = names.iter().map(|name| service(name, &[])).collect();
    let Some(mut cluster) = cluster("model6", &HOSTS, &lines) else {
        return;
    };
    let most = |cluster: &Cluster, hosts: &[&str]| {
        let at: Vec<&str> = names.iter().flat_map(|name| cluster.at(name)).collect();
        let count = |host: &&str| at.iter().filter(|known| *known == host).count();
        match at.len() == names.len() && at.iter().all(|host| hosts.contains(host)) {
            true => hosts.iter().map(count).max().unwrap_or(0),
            false => usize::MAX,
        }
    };
    cluster.await_that("they are spread", || most(&cluster, &HOSTS) <= 2);
    let gone = cluster.at("s1")[0];
    let left: Vec<&str> = HOSTS.into_iter().filter(|host| *host != gone).collect();
    power_off(&cluster, gone);
    // The fence device needs a place, too.
    cluster.await_that("the others share them", || most(&cluster, &left) <= 3);
    returns(&mut cluster, gone);
    cluster.await_that("they are spread again", || most(&cluster, &HOSTS) <= 2);
    cluster.end();
}

/// A file with a file system as a block device that all hosts see.
struct Image {
    device: String,
    _file: tempfile::NamedTempFile,
}

impl Image {
    /// None, with a line, where the machine has no such device to give.
    fn new(cluster: &Cluster) -> Option<Self> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(16 << 20).expect("its length");
        let run = |program: &str, args: &[&std::ffi::OsStr]| {
            let output = std::process::Command::new(program).args(args).output();
            output
                .map_err(|error| error.to_string())
                .and_then(|output| text(&output))
        };
        let path = file.path().as_os_str();
        let made = run("mkfs.ext4", &["-q".as_ref(), path])
            .and_then(|_| run("losetup", &["--find".as_ref(), "--show".as_ref(), path]));
        let device = match made {
            Ok(device) => device,
            Err(error) => {
                println!("SKIPPED: no block device can be made of a file: {error}");
                return None;
            }
        };
        let image = Self {
            device,
            _file: file,
        };
        let number = image.device.trim_start_matches("/dev/loop");
        for host in cluster.hosts {
            let node = format!(
                "mknod {} b 7 {number} && blockdev --getsize64 {0}",
                image.device
            );
            if let Err(error) = shell(&cluster.lab, host, &node) {
                println!("SKIPPED: hosts can't have a block device: {error}");
                return None;
            }
        }
        Some(image)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = std::process::Command::new("losetup")
            .args(["-d", &self.device])
            .status();
    }
}

/// All hosts of a lab have one kernel, and that one view of the disk: it may be mounted by all.
#[test]
#[ignore = "full matrix: models of clusters"]
fn shared_storage_all_hosts_have_the_file_system() {
    let Some(cluster) = cluster("model7", &HOSTS, "") else {
        return;
    };
    let Some(image) = Image::new(&cluster) else {
        return cluster.end();
    };
    let lines = format!(
        "primitive data ocf:heartbeat:Filesystem params device={} directory=/var/lib/data \
         fstype=ext4 force_clones=true op monitor interval=5s timeout=40s \
         op start timeout=60s op stop timeout=60s\nclone datas data meta interleave=true\n\
         primitive user ocf:heartbeat:Dummy\nclone users user meta interleave=true\n\
         order data-first Mandatory: datas users\ncolocation with-data inf: users datas",
        image.device
    );
    for host in HOSTS {
        cluster.on(host, "mkdir -p /var/lib/data");
    }
    cluster.configure_by_shell("b", &lines);
    cluster.await_at("user", &HOSTS, "the configuration");
    cluster.on("a", "echo hello >/var/lib/data/file");
    assert_eq!(cluster.on("c", "cat /var/lib/data/file"), "hello");
    power_off(&cluster, "b");
    cluster.await_at("user", &["a", "c"], "the power-off");
    assert_eq!(cluster.on("a", "cat /var/lib/data/file"), "hello");
    cluster.crm("a", "resource stop users\nresource stop datas");
    cluster.await_at("data", &[], "the stop");
    cluster.end();
}

#[test]
#[ignore = "full matrix: models of clusters"]
fn promotable_pair_the_file_system_is_with_the_promoted() {
    let lines = "rsc_defaults resource-stickiness=100\n\
        primitive disk ocf:pacemaker:Stateful op monitor interval=3s role=Promoted \
        op monitor interval=4s role=Unpromoted\n\
        clone pair disk meta promotable=true promoted-max=1 promoted-node-max=1 clone-max=2 \
        clone-node-max=1 notify=true\n\
        primitive data ocf:heartbeat:Filesystem params device=tmpfs directory=/var/lib/data \
        fstype=tmpfs op monitor interval=5s timeout=40s op start timeout=60s op stop timeout=60s\n\
        location pair-not-on-c pair -inf: c\n\
        colocation data-with-promoted inf: data pair:Promoted\n\
        order promoted-first Mandatory: pair:promote data:start";
    let Some(mut cluster) = cluster("model8", &HOSTS, lines) else {
        return;
    };
    cluster.await_at("disk", &["a", "b"], "the configuration");
    cluster.await_that("the file system is mounted", || {
        cluster.at("data").len() == 1
    });
    let first = cluster.at("data")[0];
    let second = if first == "a" { "b" } else { "a" };
    let promoted = |cluster: &Cluster, host: &str| {
        let said = cluster
            .run(second, "crm_resource -r disk -W")
            .unwrap_or_default();
        said.contains(&format!("is running on: {host} Promoted"))
    };
    assert!(promoted(&cluster, first), "{}", cluster.logs());
    cluster.on(first, "grep -q ' /var/lib/data tmpfs' /proc/mounts");
    power_off(&cluster, first);
    cluster.await_at("data", &[second], "the power-off");
    assert!(promoted(&cluster, second), "{}", cluster.logs());
    returns(&mut cluster, first);
    cluster.await_at("disk", &["a", "b"], "the return");
    cluster.await_at("data", &[second], "the return");
    cluster.end();
}
