//! `ResourceManager` on groups of scripts that keep a file while they run.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use assert_cmd::Command;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A folder as /etc/ha.d, with scripts that note what they are asked.
struct Ground {
    folder: tempfile::TempDir,
}

const SCRIPT: &str = r#"#!/bin/sh
# NAME [ARGUMENT…] ACTION: runs while $HA_DIR/run/NAME is there.
name=${0##*/}
for action; do :; done
[ "$action" = status ] || echo "$name $*" >>"$HA_DIR/said"
[ ! -e "$HA_DIR/$name.$action" ] || exit 9
case $action in
start) : >"$HA_DIR/run/$name" ;;
stop) rm -f "$HA_DIR/run/$name" ;;
status) [ -e "$HA_DIR/run/$name" ] && echo running || echo stopped ;;
esac
"#;

impl Ground {
    fn new() -> Self {
        let ground = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for folder in ["run", "resource.d"] {
            std::fs::create_dir(ground.path(folder)).unwrap();
        }
        for script in ["disk", "db", "web"] {
            let path = ground.path("resource.d").join(script);
            std::fs::write(&path, SCRIPT).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let text = "# who runs what\nAlpha disk::/dev/sdb::/srv \\\n db\nbeta web # last\n";
        std::fs::write(ground.path("haresources"), text).unwrap();
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Exit code and output.
    fn run(&self, args: &[&str]) -> (i32, String) {
        let output = Command::cargo_bin("everbeat")
            .unwrap()
            .arg("ResourceManager")
            .args(args)
            .env("HA_DIR", self.folder.path())
            .env("HA_RESOURCEDIR", self.path("resource.d"))
            .env("HA_CURHOST", "alpha")
            .env("HA_LOGFILE", self.path("log"))
            .env("HA_STOPRETRYMAX", "1")
            .env_remove("HA_DEBUGLOG")
            .env_remove("HA_LOGFACILITY")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), text)
    }

    /// What the scripts were asked since the last time.
    fn said(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("said")).unwrap_or_default();
        let _ = std::fs::remove_file(self.path("said"));
        text.lines().map(str::to_owned).collect()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Ends what a command has left behind, each a process group of its own; how many there were.
    fn end_left_behind(&self) -> usize {
        let mark = format!("HA_DIR={}", self.folder.path().display());
        let ours = |pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|word| word == mark.as_bytes())
        };
        let numbers = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let groups: std::collections::BTreeSet<_> = pids
            .filter(ours)
            .filter_map(|pid| nix::unistd::getpgid(Some(Pid::from_raw(pid))).ok())
            .collect();
        for group in &groups {
            killpg(*group, Signal::SIGKILL).unwrap();
        }
        groups.len()
    }

    fn fails(&self, script: &str, action: &str) {
        std::fs::write(self.path(&format!("{script}.{action}")), "").unwrap();
    }
}

#[test]
fn lists() {
    let ground = Ground::new();
    let lists = |args: &[&str]| ground.run(args).1;
    assert_eq!(lists(&["allkeys"]), "disk::/dev/sdb::/srv\nweb\n");
    assert_eq!(lists(&["listkeys", "alpha"]), "disk::/dev/sdb::/srv\n");
    assert_eq!(lists(&["listkeys", ".*"]), "disk::/dev/sdb::/srv\nweb\n");
    assert_eq!(lists(&["ourkeys"]), "disk::/dev/sdb::/srv db\n");
    assert_eq!(lists(&["otherkeys"]), "web\n");
    assert_eq!(ground.run(&["nosuch"]).0, 1);
    assert_eq!(ground.run(&[]).0, 1);
    assert_eq!(ground.run(&["takegroup"]).0, 1);
}

#[test]
fn a_group_starts_in_order_and_stops_in_reverse() {
    let ground = Ground::new();
    let key = "disk::/dev/sdb::/srv";
    assert_eq!(ground.run(&["status", key]).0, 3);
    assert_eq!(ground.run(&["statgroup", key]).1, "NONE\n");
    assert_eq!(ground.run(&["verifyallidle"]).0, 0);
    assert_eq!(ground.run(&["takegroup", key]).0, 0);
    assert_eq!(ground.said(), ["disk /dev/sdb /srv start", "db start"]);
    assert_eq!(ground.run(&["status", key]).0, 0);
    assert_eq!(ground.run(&["statgroup", key]).1, "ALL\n");
    assert_eq!(ground.run(&["verifyallidle"]).0, 1);
    assert_eq!(ground.run(&["takegroup", key]).0, 0);
    assert_eq!(ground.said(), [""; 0], "what runs is not started");
    std::fs::remove_file(ground.path("run/db")).unwrap();
    assert_eq!(ground.run(&["statgroup", key]).1, "SOME\n");
    assert_eq!(ground.run(&["givegroup", "db"]).0, 0);
    assert_eq!(ground.said(), ["db stop", "disk /dev/sdb /srv stop"]);
    assert_eq!(ground.run(&["givegroup", "nosuch"]).0, 0);
    let log = ground.log();
    assert!(
        log.contains("Acquiring resource group: Alpha disk::/dev/sdb::/srv db"),
        "{log}"
    );
    assert!(log.contains("/resource.d/db stop"), "{log}");
}

#[test]
fn a_start_that_fails_takes_the_group_down() {
    let ground = Ground::new();
    ground.fails("db", "start");
    assert_eq!(ground.run(&["takegroup", "disk::/dev/sdb::/srv"]).0, 9);
    assert_eq!(
        ground.said(),
        [
            "disk /dev/sdb /srv start",
            "db start",
            "db stop",
            "disk /dev/sdb /srv stop"
        ]
    );
    let log = ground.log();
    assert!(
        log.contains("Giving up resources due to failure of db"),
        "{log}"
    );
    assert!(log.contains("Return code 9 from"), "{log}");
    // In half a minute the other node would be asked to take it.
    assert_eq!(ground.end_left_behind(), 1);
}

#[test]
fn a_stop_that_fails_is_tried_again_and_told() {
    let ground = Ground::new();
    ground.fails("web", "stop");
    assert_eq!(ground.run(&["takegroup", "web"]).0, 0);
    assert_eq!(ground.run(&["givegroup", "web"]).0, 9);
    assert_eq!(ground.said(), ["web start", "web stop", "web stop"]);
    let log = ground.log();
    assert!(
        log.contains("Retrying failed stop operation [web]"),
        "{log}"
    );
    assert!(log.contains("Resource STOP failure."), "{log}");
    // A script that fails to stop what does not run is only told.
    std::fs::remove_file(ground.path("run/web")).unwrap();
    assert_eq!(ground.run(&["givegroup", "web"]).0, 0);
    assert!(ground.log().contains("probably not LSB-compliant"));
}
