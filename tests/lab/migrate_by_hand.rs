//! The guide `migrating-from-heartbeat(7)`, followed as it is printed: each command of the page is
//! typed on its node, with real heartbeat at the start and again at the end, and a real ssh.
//!
//! systemd itself doesn't run on hosts of a lab; a script stands in for `systemctl`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use everbeat::lab::Lab;

use crate::cluster::HEARTBEAT;
use crate::host::{Ground, PROGRAM, lay_over, put_below_usr, shell, spec, within};

const PAGE: &str = include_str!("../../man/man7/migrating-from-heartbeat.7");
const SYSTEMCTL: &[u8] = include_bytes!("systemctl");
const SSHD: &str = "/usr/sbin/sshd";
const VIP: &str = "10.8.0.100";
const NODES: [&str; 2] = ["node1", "node2"];
/// Where the page puts the program.
const PROGRAM_THERE: &str = "/usr/local/sbin/everbeat";
/// Where the commands are typed.
const FOLDER: &str = "/var/tmp/by-hand";

/// A command of the page: the host of its prompt, or all hosts, and what is typed there.
#[derive(Debug)]
struct Typed {
    host: Option<&'static str>,
    words: &'static str,
}

/// The commands of one section of the page, in order.
fn section(title: &str) -> Vec<Typed> {
    let (_, rest) = PAGE
        .split_once(&format!("\n.Ss {title}\n"))
        .unwrap_or_else(|| panic!("the page has no section {title}"));
    let end = rest.find("\n.Ss ").unwrap_or(rest.len());
    let shown = rest[..end].lines().filter_map(|l| l.strip_prefix(".Dl "));
    let typed = shown.map(|line| {
        let (prompt, words) = line.split_once("# ").expect("a prompt");
        let host = (!prompt.is_empty()).then_some(prompt);
        assert!(host.is_none_or(|h| NODES.contains(&h)), "{line}");
        Typed { host, words }
    });
    let typed: Vec<_> = typed.collect();
    assert!(!typed.is_empty(), "{title}");
    typed
}

/// Whether a command says what the page has a person wait for; none: nothing is waited for.
fn awaited(words: &str, said: &str) -> Option<bool> {
    let has = |texts: &[&str]| texts.iter().all(|text| said.contains(text));
    let settled = || {
        let active = said.matches(" active ").count();
        active >= 2 && !said.contains("transition") && !said.contains("waiting")
    };
    Some(match words {
        "everbeat status" => has(&[VIP, "node1", "node2"]) && settled(),
        "cl_status rscstatus" => said.trim() == "none",
        "corosync-quorumtool" => has(&["Quorate:          Yes", "node1", "node2"]),
        "crm_mon -1" => has(&["Started node1"]),
        _ => return None,
    })
}

struct Scene {
    lab: Lab,
    _ground: Ground,
}

impl Scene {
    fn new() -> Option<Self> {
        let agent = "/usr/lib/ocf/resource.d/heartbeat/IPaddr2";
        let unit = "/lib/systemd/system/heartbeat.service";
        for needed in [HEARTBEAT, unit, agent, SSHD] {
            if !Path::new(needed).exists() {
                println!("SKIPPED: {needed} is not installed");
                return None;
            }
        }
        let ground = Ground::new();
        let hosts = ["node1=10.8.0.1/24", "node2=10.8.0.2/24"];
        let lab = ground.lab(&spec("hand", &hosts))?;
        let scene = Self {
            lab,
            _ground: ground,
        };
        let keys = tempfile::tempdir().expect("a folder");
        for name in ["lab_id", "lab_host"] {
            let mut made = Command::new("ssh-keygen");
            made.args(["-q", "-t", "ed25519", "-N", "", "-f"]);
            let status = made.arg(keys.path().join(name)).status();
            assert!(status.expect("ssh-keygen runs").success());
        }
        for node in NODES {
            scene.prepare(node, keys.path());
        }
        for node in NODES {
            scene.run(node, "systemctl start heartbeat");
        }
        let settled = within(Duration::from_secs(60), || scene.owner() == Some("node1"));
        assert!(settled, "{}", scene.logs());
        // For its first seconds heartbeat ignores a standby.
        std::thread::sleep(Duration::from_secs(10));
        Some(scene)
    }

    fn prepare(&self, node: &str, keys: &Path) {
        let host = self.lab.host(node);
        let ha_cf = "logfile /var/log/ha-log\nkeepalive 250ms\ndeadtime 3\ninitdead 10\n\
                     ucast eth0 10.8.0.1\nucast eth0 10.8.0.2\nauto_failback off\n\
                     node node1 node2\n";
        let sshd = "HostKey /etc/ssh/lab_host\nAuthorizedKeysFile /etc/ssh/lab_id.pub\n\
                    PermitRootLogin prohibit-password\nUsePAM no\nStrictModes no\n\
                    PidFile none\nSubsystem sftp internal-sftp\n";
        let ssh = "Host *\nIdentityFile /etc/ssh/lab_id\nStrictHostKeyChecking no\n\
                   UserKnownHostsFile /dev/null\nLogLevel ERROR\n";
        let key = |name: &str| std::fs::read_to_string(keys.join(name)).expect("a key");
        for (file, text, mode) in [
            ("ha.d/ha.cf", ha_cf, 0o644),
            (
                "ha.d/haresources",
                &format!("node1 IPaddr2::{VIP}/24/eth0\n"),
                0o644,
            ),
            (
                "ha.d/authkeys",
                "auth 1\n1 sha1 a-key-that-nobody-guesses\n",
                0o600,
            ),
            ("ssh/lab_sshd", sshd, 0o644),
            ("ssh/ssh_config", ssh, 0o644),
            ("ssh/lab_id", &key("lab_id"), 0o600),
            ("ssh/lab_id.pub", &key("lab_id.pub"), 0o644),
            ("ssh/lab_host", &key("lab_host"), 0o600),
        ] {
            let put = host.write(format!("/etc/{file}"), text.as_bytes(), mode);
            put.expect("a file");
        }
        put_below_usr(&self.lab, node, ("bin/systemctl", SYSTEMCTL));
        lay_over(&self.lab, node).expect("a program");
        // The program as the page finds it, and a folder of programs of the host's own.
        let make = format!(
            "mkdir -p /run/systemd/system /etc/systemd/system /run/sshd {FOLDER}/target/release && \
             ln -s {PROGRAM} {FOLDER}/target/release/everbeat && \
             mount -t tmpfs lab /usr/local/sbin && {SSHD} -f /etc/ssh/lab_sshd && \
             rm -f /etc/corosync/corosync.conf && systemctl enable heartbeat"
        );
        self.run(node, &make);
    }

    #[track_caller]
    fn run(&self, host: &str, script: &str) -> String {
        let said = shell(&self.lab, host, script);
        said.unwrap_or_else(|why| panic!("{host}# {script}: {why}\n{}", self.logs()))
    }

    /// Who has the address, if one node alone has it.
    fn owner(&self) -> Option<&'static str> {
        let look = format!("ip -o address show | grep -q 'inet {VIP}/'");
        let has = NODES.map(|node| shell(&self.lab, node, &look).is_ok());
        match has {
            [true, false] => Some(NODES[0]),
            [false, true] => Some(NODES[1]),
            _ => None,
        }
    }

    fn logs(&self) -> String {
        let tail = |node| shell(&self.lab, node, "tail -n 30 /var/log/ha-log");
        let logs = NODES.map(|node| format!("--- {node}\n{}\n", tail(node).unwrap_or_else(|e| e)));
        logs.concat()
    }

    /// Follows a section of the page.
    fn follow(&self, title: &str) {
        for typed in section(title) {
            let hosts = typed.host.map_or(NODES.to_vec(), |host| vec![host]);
            for host in hosts {
                self.types(host, typed.words);
            }
        }
    }

    fn types(&self, host: &str, words: &str) {
        let script = format!("PATH=/usr/local/sbin:$PATH; cd {FOLDER} && {words}");
        let script = match words.split(' ').collect::<Vec<_>>()[..] {
            // Their exit codes tell of open decisions and of warnings.
            ["everbeat", "migrate", "plan", ..] | ["everbeat", "check", "plan"] => {
                format!("{script}; [ $? -le 1 ]")
            }
            // Nobody can be asked here.
            ["everbeat", "migrate", "apply" | "abort", ..] => format!("{script} --yes"),
            _ => script,
        };
        if awaited(words, "").is_none() {
            println!("{host}# {words}\n{}", self.run(host, &script));
            return;
        }
        let mut said = String::new();
        let came = within(Duration::from_secs(60), || {
            said = shell(&self.lab, host, &script).unwrap_or_else(|why| why);
            awaited(words, &said) == Some(true)
        });
        println!("{host}# {words}\n{said}");
        assert!(came, "{host}# {words}: {said}\n{}", self.logs());
    }

    /// What plays heartbeat's part on a node.
    fn heartbeat(&self, node: &str) -> String {
        self.run(
            node,
            "readlink /proc/$(cat /run/heartbeat.pid | tr -d ' ')/exe",
        )
    }

    #[track_caller]
    fn settles(&self) {
        let one = within(Duration::from_secs(60), || self.owner().is_some());
        assert!(one, "{}", self.logs());
    }
}

#[test]
fn the_guide_leads_there_live_and_by_hand_and_back() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.follow("Before");
    assert_eq!(scene.owner(), Some("node1"), "nothing has changed");
    scene.follow("Step one: everbeat in place of heartbeat");
    scene.settles();
    for node in NODES {
        assert_eq!(scene.heartbeat(node), PROGRAM_THERE);
    }
    scene.follow("Step two: the plan");
    scene.follow("Step two: the change, live");
    scene.settles();
    for node in NODES {
        scene.types(node, "corosync-quorumtool");
        let enabled = "cd /etc/systemd/system/multi-user.target.wants && \
                       [ -L everbeatd.service ] && ! [ -L heartbeat.service ]";
        scene.run(node, enabled);
    }
    scene.types("node1", "everbeat migrate abort");
    scene.settles();
    scene.follow("Step two: the change, by hand");
    scene.settles();
    scene.follow("Back from step two");
    scene.settles();
    scene.follow("Back from step one");
    scene.settles();
    for node in NODES {
        assert!(scene.heartbeat(node).ends_with("/heartbeat/heartbeat"));
    }
}
