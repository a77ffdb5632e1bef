//! The lab itself: what hosts have for themselves, what a power cut takes, what is left.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use everbeat::lab::Lab;

use crate::host::{Ground, lab_command, pings, program, refused, shell, spec, text, within};
use crate::programs;

const A: &str = "a=10.9.0.1/24,10.9.1.1/24";
const B: &str = "b=10.9.0.2/24,10.9.1.2/24";

#[test]
fn hosts_have_names_files_and_processes_of_their_own() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("own", &[A, B])) else {
        return;
    };
    let outside = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(shell(&lab, "a", "uname -n").unwrap(), "a");
    assert_eq!(shell(&lab, "b", "uname -n").unwrap(), "b");
    assert_eq!(
        fs::read_to_string("/proc/sys/kernel/hostname").unwrap(),
        outside
    );
    for file in [
        "/etc/ha.d/of-a-selftest",
        "/etc/corosync/of-a-selftest",
        "/etc/default/of-a-selftest",
        "/etc/new",
        "/var/lib/heartbeat/of-a-selftest",
        "/var/lib/pacemaker/of-a-selftest",
        "/var/lib/corosync/of-a-selftest",
        "/var/log/of-a-selftest",
        "/run/of-a-selftest",
        "/dev/shm/of-a-selftest",
        "/tmp/of-a-selftest",
    ] {
        shell(&lab, "a", &format!("echo a > {file}")).unwrap();
        assert!(
            shell(&lab, "b", &format!("test -e {file}")).is_err(),
            "{file}"
        );
        assert!(!Path::new(file).exists(), "{file} is on the machine");
        assert_eq!(lab.host("a").read(file).unwrap(), "a\n", "{file}");
    }
    assert_eq!(
        shell(&lab, "a", "getent hosts b")
            .unwrap()
            .split(' ')
            .next(),
        Some("10.9.0.2")
    );
    let mut sleep = lab.host("a").command("sleep").arg("60").spawn().unwrap();
    let seen = |host: &str| {
        let hosts = lab.state().unwrap();
        let host = hosts.iter().find(|h| h.name == host).unwrap();
        host.processes.iter().any(|p| p.command == "sleep 60")
    };
    assert!(within(Duration::from_secs(5), || seen("a")));
    assert!(!seen("b"));
    // The command ends with the process that runs it.
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    assert!(within(Duration::from_secs(5), || !seen("a")));
}

#[test]
fn commands_give_their_exit_status() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("status", &[A])) else {
        return;
    };
    let code = |words: &[&str]| {
        let mut command = lab.host("a").command(words[0]);
        command.args(&words[1..]).stderr(Stdio::null());
        command.status().unwrap().code()
    };
    assert_eq!(code(&["true"]), Some(0));
    assert_eq!(code(&["sh", "-c", "exit 7"]), Some(7));
    assert_eq!(code(&["sh", "-c", "kill -9 $$"]), Some(137));
    assert_eq!(code(&["no-such-program"]), Some(127));
    assert_eq!(code(&["/etc/hosts"]), Some(126));
    // A daemon that never sees SIGCHLD would wait for ever.
    let blocked = shell(&lab, "a", "grep SigBlk /proc/self/status").unwrap();
    assert_eq!(blocked, "SigBlk:\t0000000000000000");
    lab.host("a").kill().unwrap();
    assert_eq!(code(&["true"]), Some(125));
}

#[test]
fn datagrams_cross_the_switch_and_cut_cables_stop_them() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("cable", &[A, B])) else {
        return;
    };
    assert!(hears(&lab, "10.9.0.255"), "broadcast");
    assert!(hears(&lab, "10.9.0.2"), "unicast");
    assert!(pings(&lab, "a", "10.9.1.2"));
    lab.host("b").cut(0).unwrap();
    assert!(!hears(&lab, "10.9.0.2"), "a cut cable");
    assert!(pings(&lab, "a", "10.9.1.2"), "the other cable");
    assert_eq!(
        shell(&lab, "b", "cat /sys/class/net/eth0/carrier").unwrap(),
        "0"
    );
    // A cable that is unplugged is so after a boot.
    lab.host("b").kill().unwrap();
    lab.host("b").boot().unwrap();
    assert!(!hears(&lab, "10.9.0.2"), "after a boot");
    lab.host("b").join(0).unwrap();
    assert!(hears(&lab, "10.9.0.2"), "plugged in again");
    let error = lab.host("b").cut(5).unwrap_err().to_string();
    assert!(error.contains("no eth5"), "{error}");
}

/// Whether b, on eth0, gets a datagram that a sends to `address`.
fn hears(lab: &Lab, address: &str) -> bool {
    let listen = "use IO::Socket::INET; my $s = IO::Socket::INET->new(Proto => 'udp', \
                  LocalPort => 694) or die; open my $f, '>', '/run/ready'; close $f; \
                  alarm 2; $s->recv(my $m, 100); print $m";
    let send = format!(
        "use IO::Socket::INET; my $s = IO::Socket::INET->new(Proto => 'udp', Broadcast => 1, \
         PeerAddr => '{address}', PeerPort => 694) or die; $s->send('hello')"
    );
    let mut listener = lab.host("b").command("perl");
    listener.args(["-e", listen]).stdout(Stdio::piped());
    let listener = listener.spawn().unwrap();
    let ready = || shell(lab, "b", "rm /run/ready 2>/dev/null").is_ok();
    assert!(
        within(Duration::from_secs(5), ready),
        "the listener did not start"
    );
    let sent = lab
        .host("a")
        .command("perl")
        .args(["-e", &send])
        .status()
        .unwrap();
    assert!(sent.success());
    listener.wait_with_output().unwrap().stdout == b"hello"
}

#[test]
fn a_power_cut_kills_all_and_keeps_the_disks() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("power", &[A, B])) else {
        return;
    };
    shell(
        &lab,
        "b",
        "echo kept > /var/lib/heartbeat/x; echo lost > /run/x; echo lost > /tmp/x",
    )
    .unwrap();
    let started = lab
        .host("b")
        .background("sleep")
        .arg("77")
        .status()
        .unwrap();
    assert!(started.success());
    assert!(pings(&lab, "a", "b"));
    lab.host("b").kill().unwrap();
    assert!(!pings(&lab, "a", "b"), "a dead host answers");
    assert!(
        !any_process(|line| line == "sleep 77"),
        "a process has outlived its host"
    );
    assert_eq!(
        lab.host("b").read("/var/lib/heartbeat/x").unwrap(),
        "kept\n"
    );
    lab.host("b").boot().unwrap();
    assert!(pings(&lab, "a", "b"));
    assert_eq!(
        shell(&lab, "b", "cat /var/lib/heartbeat/x").unwrap(),
        "kept"
    );
    assert!(shell(&lab, "b", "test -e /run/x || test -e /tmp/x").is_err());
    // A host's own wish to start again, as a cluster program's last resort.
    let reboot = "import ctypes; ctypes.CDLL(None).reboot(0x1234567)";
    let before = init_of(&lab, "b");
    let _ = lab
        .host("b")
        .command("python3")
        .args(["-c", reboot])
        .status();
    assert!(within(Duration::from_secs(10), || {
        lab.host("b").path("/").is_ok_and(|p| Some(p) != before) && pings(&lab, "a", "b")
    }));
}

fn init_of(lab: &Lab, host: &str) -> Option<PathBuf> {
    lab.host(host).path("/").ok()
}

#[test]
fn fence_agents_press_the_power_switch() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("press", &[A, B])) else {
        return;
    };
    let press = |host: &str, button: &str| {
        let script = format!("everbeat lab press {host} {button}");
        shell(&lab, "a", &script)
    };
    assert_eq!(press("b", "status").as_deref(), Ok("on"));
    assert_eq!(press("b", "off").as_deref(), Ok("off"));
    assert!(!pings(&lab, "a", "b"));
    assert_eq!(press("b", "status").as_deref(), Ok("off"));
    assert_eq!(press("b", "reboot").as_deref(), Ok("on"));
    assert!(within(Duration::from_secs(10), || pings(&lab, "a", "b")));
    let error = press("nobody", "off").unwrap_err();
    assert!(error.contains("there are a, b"), "{error}");
}

#[test]
fn loss_drops_about_its_share() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("loss", &[A, B])) else {
        return;
    };
    let answered = || {
        let script = "ping -n -q -c 200 -i 0.005 -W 1 b | grep -o '[0-9]* received'";
        let text = shell(&lab, "a", script).unwrap();
        text.split(' ').next().unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(answered(), 200);
    lab.host("b").loss(40).unwrap();
    let got = answered();
    // 120 expected, deviation 7; the bounds are six deviations away.
    assert!((78..=162).contains(&got), "{got} of 200 at 40 %");
    lab.host("b").loss(0).unwrap();
    assert_eq!(answered(), 200);
}

#[test]
fn serial_cables_carry_bytes() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("serial", &[A, B]).serial("a", "b")) else {
        return;
    };
    let mut reader = lab.host("b").command("head");
    reader
        .args(["-c", "6", "/dev/lab-ttyS0"])
        .stdout(Stdio::piped());
    let reader = reader.spawn().unwrap();
    shell(&lab, "a", "printf 'x\\000\\r\\ny\\003' > /dev/lab-ttyS0").unwrap();
    assert_eq!(reader.wait_with_output().unwrap().stdout, b"x\0\r\ny\x03");
}

#[test]
fn down_leaves_nothing() {
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
    let links = || names_in(Path::new("/sys/class/net"));
    let before = (mounts(), links());
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("down", &[A, B])) else {
        return;
    };
    lab.host("a")
        .background("sleep")
        .arg("60")
        .status()
        .unwrap();
    assert!(
        namespaces_of(&ground.place.root).len() >= 13,
        "keeper and two hosts"
    );
    let members = members_of(&ground.place.root);
    assert!(members.len() >= 4, "{members:?}");
    lab.down().unwrap();
    assert_eq!((mounts(), links()), before);
    assert!(!ground.place.root.exists());
    assert!(members.iter().all(Member::is_gone), "{members:?}");
}

#[test]
fn a_lab_whose_keeper_was_killed_is_gone_and_can_be_cleared() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("crash", &[A, B])) else {
        return;
    };
    let members = members_of(&ground.place.root);
    kill(keeper_of(&ground.place.root));
    let gone = || members.iter().all(Member::is_gone);
    assert!(
        within(Duration::from_secs(10), gone),
        "hosts have outlived their keeper"
    );
    let error = lab.state().unwrap_err().to_string();
    assert!(error.contains("lab down crash"), "{error}");
    let down = lab_command(&ground)
        .args(["down", "crash"])
        .output()
        .unwrap();
    text(&down).unwrap();
    assert!(!ground.place.root.exists());
}

#[test]
fn a_lab_that_can_not_be_made_whole_is_not_made() {
    let ground = Ground::new();
    // The kernel gives no interface a multicast address: the second host fails.
    let error = match Lab::up(&spec("half", &[A, "b=224.0.0.1/24"]), &ground.place) {
        Ok(_) => panic!("a lab with an address that can't be"),
        Err(error) => format!("{error:#}"),
    };
    if refused(&error) {
        println!("SKIPPED: {error}");
        return;
    }
    assert!(error.contains("host b did not boot"), "{error}");
    assert!(!ground.place.root.exists());
    let root = ground.place.root.display().to_string();
    assert!(within(Duration::from_secs(5), || !any_process(
        |line| line.contains(&root)
    )));
}

#[test]
fn a_lab_ends_with_the_process_that_made_it() {
    let ground = Ground::new();
    if ground.lab(&spec("probe", &[A])).is_none() {
        return;
    }
    let mut holder = Command::new(std::env::current_exe().unwrap());
    holder
        .args([
            "--exact",
            "selftest::hold_a_lab",
            "--ignored",
            "--nocapture",
        ])
        .env("LAB_ROOT", &ground.place.root)
        .stdout(Stdio::null());
    let mut holder = holder.spawn().unwrap();
    let lab = || Lab::open("held", &ground.place).and_then(|lab| lab.state());
    assert!(within(Duration::from_secs(20), || lab().is_ok()));
    holder.kill().unwrap();
    holder.wait().unwrap();
    let folder = ground.place.root.join("held");
    assert!(within(Duration::from_secs(10), || !folder.exists()));
    let root = ground.place.root.display().to_string();
    assert!(within(Duration::from_secs(5), || !any_process(
        |line| line.contains(&root)
    )));
}

#[test]
#[ignore = "started by a_lab_ends_with_the_process_that_made_it"]
fn hold_a_lab() {
    let mut ground = Ground::new();
    let Some(root) = std::env::var_os("LAB_ROOT") else {
        return;
    };
    ground.place.root = root.into();
    let _lab = ground.lab(&spec("held", &[A]));
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn without_root_a_lab_lives_in_a_user_namespace() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let copy = folder.path().join("everbeat");
    programs::write(&copy, fs::read(program()).unwrap());
    let lab = |words: &[&str]| {
        let mut command = Command::new(&copy);
        if nix::unistd::Uid::effective().is_root() {
            command.uid(65534).gid(65534);
        }
        command
            .arg("lab")
            .arg("--root")
            .arg(folder.path().join("labs"))
            .args(words);
        text(&command.output().unwrap())
    };
    if let Err(error) = lab(&["up", "user", A, B]) {
        assert!(refused(&error), "{error}");
        println!("SKIPPED: {error}");
        return;
    }
    // Each command is a process of its own: the lab survives between them.
    let result = || -> Result<(), String> {
        assert_eq!(lab(&["sh", "user", "a", "id", "-u"])?, "0");
        assert_eq!(lab(&["sh", "user", "a", "uname", "-n"])?, "a");
        lab(&["sh", "user", "a", "ping", "-n", "-c", "1", "-W", "1", "b"])?;
        lab(&["kill", "user", "b"])?;
        assert!(lab(&["sh", "user", "a", "ping", "-n", "-c", "1", "-W", "1", "b"]).is_err());
        lab(&["boot", "user", "b"])?;
        lab(&["sh", "user", "a", "ping", "-n", "-c", "1", "-W", "1", "b"]).map(drop)
    };
    let result = result();
    lab(&["down", "user"]).unwrap();
    result.unwrap();
    assert_eq!(
        names_in(folder.path()),
        BTreeSet::from(["everbeat".to_owned()])
    );
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|e| e.file_name().into_string().ok())
        .collect()
}

fn processes() -> impl Iterator<Item = (u32, String)> {
    let names = names_in(Path::new("/proc")).into_iter();
    names.filter_map(|name| {
        let pid = name.parse().ok()?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        Some((pid, line.trim().to_owned()))
    })
}

fn any_process(mut is: impl FnMut(&str) -> bool) -> bool {
    processes().any(|(_, line)| is(&line))
}

fn keeper_of(root: &Path) -> u32 {
    let root = root.display().to_string();
    let mut found = processes().filter(|(_, l)| l.contains("lab keeper") && l.contains(&root));
    let (pid, _) = found.next().expect("a keeper");
    assert_eq!(found.next(), None);
    pid
}

fn kill(pid: u32) {
    use nix::sys::signal::{Signal, kill};
    kill(nix::unistd::Pid::from_raw(pid as i32), Signal::SIGKILL).unwrap();
}

fn namespaces_of_process(pid: u32) -> BTreeSet<String> {
    let links = names_in(&PathBuf::from(format!("/proc/{pid}/ns")));
    links
        .iter()
        .filter_map(|name| fs::read_link(format!("/proc/{pid}/ns/{name}")).ok())
        .map(|link| link.display().to_string())
        .collect()
}

/// Namespaces of a lab's processes that are not ours.
fn namespaces_of(root: &Path) -> BTreeSet<String> {
    let root = root.display().to_string();
    let lab = processes().filter(|(_, line)| line.contains(&root));
    let all: BTreeSet<String> = lab
        .flat_map(|(pid, _)| namespaces_of_process(pid))
        .collect();
    let ours = namespaces_of_process(std::process::id());
    all.difference(&ours).cloned().collect()
}

/// A process, told from a later one with its number by its start time.
#[derive(Debug)]
struct Member {
    pid: u32,
    started: Option<String>,
}

impl Member {
    fn of(pid: u32) -> Self {
        Self {
            pid,
            started: start_time(pid),
        }
    }

    fn is_gone(&self) -> bool {
        start_time(self.pid).is_none() || start_time(self.pid) != self.started
    }
}

/// None for a dead process, be it that the machine's init has not gathered it yet.
fn start_time(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    if after_name.starts_with(" Z") {
        return None;
    }
    after_name.split_whitespace().nth(19).map(str::to_owned)
}

/// All processes that are in a namespace of the lab.
fn members_of(root: &Path) -> Vec<Member> {
    let lab = namespaces_of(root);
    let inside = |pid: &u32| !namespaces_of_process(*pid).is_disjoint(&lab);
    let pids = processes().map(|(pid, _)| pid);
    pids.filter(inside).map(Member::of).collect()
}
