//! Watchdogs instead of fence devices: a part without quorum and a daemon that hangs are reset,
//! and the others take over after the time. The device is a file that the test watches, with the
//! lab's power switch in its hand.

use std::time::SystemTime;

use super::*;

const DEVICE: &str = "/run/dog";
/// Its time-out, in seconds.
const TIMEOUT: Duration = Duration::from_secs(3);

const GUARDED: &str = "<crm_config><cluster_property_set id=\"cib-bootstrap-options\">\
<nvpair id=\"o1\" name=\"stonith-enabled\" value=\"true\"/>\
<nvpair id=\"o2\" name=\"stonith-watchdog-timeout\" value=\"8s\"/>\
</cluster_property_set></crm_config>";

fn start(cluster: &mut Cluster, host: &str) {
    lay_over(&cluster.lab, host).expect("the agents are laid over /usr");
    shell(&cluster.lab, host, &format!(": >{DEVICE}")).expect("a device");
    let mut command = cluster.lab.host(host).background("env");
    command.args([
        &format!("SBD_WATCHDOG_DEV={DEVICE}"),
        &format!("SBD_WATCHDOG_TIMEOUT={}", TIMEOUT.as_secs()),
        PROGRAM,
        "everbeatd",
    ]);
    command.args(cluster.layer.daemon());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("the daemon starts");
    cluster.running.push(child);
}

/// Whether the device of a host is armed and was not fed in its time.
fn bites(cluster: &Cluster, host: &str) -> bool {
    let path = cluster.lab.host(host).path(DEVICE).expect("a path");
    let (Ok(bytes), Ok(about)) = (std::fs::read(&path), std::fs::metadata(&path)) else {
        return false;
    };
    let fed = about.modified().expect("a time");
    let hungry = SystemTime::now().duration_since(fed).unwrap_or_default();
    !bytes.is_empty() && bytes.last() != Some(&b'V') && hungry >= TIMEOUT
}

/// Waits until the watchdog of a host resets it, which turns off its power; nobody else is reset,
/// and nobody has taken over by then.
fn await_reset(cluster: &Cluster, host: &'static str, after: &str) {
    let begin = Instant::now();
    let bitten = within(PATIENCE, || {
        for other in others(host) {
            assert!(
                !bites(cluster, other),
                "{other} after {after}\n{}",
                cluster.logs()
            );
        }
        bites(cluster, host)
    });
    assert!(bitten, "after {after}\n{}", cluster.logs());
    let early: Vec<_> = cluster
        .owners()
        .into_iter()
        .filter(|o| *o != host)
        .collect();
    assert_eq!(early, [""; 0], "after {after}\n{}", cluster.logs());
    cluster.lab.host(host).kill().expect("power off");
    println!("{host} was reset {:.1?} after {after}", begin.elapsed());
}

fn reset_who_is_cut_off_or_hangs(name: &str, layer: Layer) {
    let Some(mut cluster) = Cluster::new(name, layer) else {
        return;
    };
    HOSTS.into_iter().for_each(|host| start(&mut cluster, host));
    cluster.await_same(&HOSTS, "the start");
    let told = cluster.run("a", "crm_attribute -G -q -n have-watchdog");
    assert_eq!(told.as_deref(), Ok("true"));
    cluster.replace("a", "crm_config", GUARDED);
    let at = RESOURCES
        .find("<primitive id=\"switch\"")
        .expect("the switch");
    let resources = format!("{}</resources>", &RESOURCES[..at]);
    cluster.replace("b", "resources", &resources);
    for fault in ["a cut", "a daemon that hangs"] {
        let owner = cluster.await_owner(&HOSTS, "the configuration");
        let armed = within(PATIENCE, || {
            let mut logs = HOSTS
                .into_iter()
                .map(|h| cluster.lab.host(h).read(layer.log()));
            logs.all(|log| log.is_ok_and(|log| log.contains("is armed, time-out 3 s")))
        });
        assert!(armed, "{}", cluster.logs());
        // All of them have told the others.
        std::thread::sleep(Duration::from_secs(3));
        let begin = Instant::now();
        match fault {
            "a cut" => cluster.lab.host(owner).cut(0).expect("a cable"),
            _ => {
                let stop = format!("kill -STOP $(cat {})", cluster.pid_file());
                shell(&cluster.lab, owner, &stop).expect("a daemon");
            }
        }
        await_reset(&cluster, owner, fault);
        let new = cluster.await_owner(&others(owner), fault);
        println!("{new} took over {:.1?} after {fault}", begin.elapsed());
        assert!(begin.elapsed() >= Duration::from_secs(8));
        let words = format!("Self-fencing (reboot) by {owner} assumed complete");
        assert!(cluster.logs().contains(&words), "{}", cluster.logs());
        cluster.lab.host(owner).boot().expect("power on");
        if fault == "a cut" {
            cluster.lab.host(owner).join(0).expect("a cable");
        }
        start(&mut cluster, owner);
        cluster.await_same(&HOSTS, "the return");
    }
    // Who leaves in order disarms its device.
    let pid = cluster.pid_file();
    shell(&cluster.lab, "a", &format!("kill -TERM $(cat {pid})")).expect("a daemon");
    let disarmed = within(PATIENCE, || {
        let bytes = std::fs::read(cluster.lab.host("a").path(DEVICE).expect("a path"));
        bytes.is_ok_and(|bytes| bytes.last() == Some(&b'V'))
    });
    assert!(disarmed, "{}", cluster.logs());
    cluster.end();
}

#[test]
fn watchdogs_reset_who_is_cut_off_or_hangs() {
    reset_who_is_cut_off_or_hangs("crmw1", Totem);
}

#[test]
#[ignore = "full matrix: the same over heartbeat"]
fn watchdogs_reset_over_heartbeat() {
    reset_who_is_cut_off_or_hangs("crmw2", Heartbeat);
}
