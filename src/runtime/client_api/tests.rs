//! The real clients of Debian's heartbeat package against our socket, where they are installed.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::*;
use crate::ids::{Generation, LinkName, NodeUuid};
use crate::proto::heartbeat::{Delivery, LinkView, Mode, NodeKind, NodeStatus, NodeView};

struct World;

fn node(word: &str, kind: NodeKind, status: NodeStatus, link: &str) -> NodeView {
    NodeView {
        name: NodeName::new(word).expect("a name"),
        kind,
        status,
        status_since: crate::time::Instant(0),
        mode: Mode::Unknown,
        generation: Generation(0),
        uuid: NodeUuid([7; 16]),
        weight: 100,
        site: String::new(),
        dead_after: Duration::ZERO,
        last_status: None,
        dead_at: None,
        missing: 0,
        seq: None,
        acked: 0,
        links: vec![LinkView {
            name: LinkName::new(link),
            up: true,
            last_heard: None,
        }],
    }
}

impl View for World {
    fn nodes(&self) -> Vec<NodeView> {
        vec![
            node("a", NodeKind::Normal, NodeStatus::Active, "eth0"),
            node("b", NodeKind::Normal, NodeStatus::Dead, "eth0"),
            node("10.0.0.9", NodeKind::Ping, NodeStatus::Ping, "10.0.0.9"),
        ]
    }
    fn parameter(&self, name: &str) -> Option<String> {
        match name {
            "auto_failback" => Some("on".into()),
            "deadtime" => Some("6".into()),
            "cluster" => Some("linux-ha".into()),
            _ => None,
        }
    }
    fn resources_held(&self) -> Option<String> {
        Some("local".into())
    }
}

/// Runs the API in a thread whose mounts have a /run/heartbeat of their own; `test` runs there
/// too. Gives what clients sent to the cluster.
fn with_api(programs: &[&str], test: impl FnOnce() + Send + 'static) -> Option<Vec<Message>> {
    let missing = programs.iter().find(|p| !Path::new(p).exists());
    if let Some(program) = missing {
        println!("skipped: {program} is not installed");
        return None;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let thread = std::thread::spawn(move || {
        let own = unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS);
        if own.is_err() || !Path::new("/run/heartbeat").exists() {
            println!("skipped: no right to make mounts, or no /run/heartbeat");
            return None;
        }
        nix::unistd::sethostname("a").expect("a name");
        let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).expect("private mounts");
        let here = Some(dir.path());
        mount(
            here,
            "/run/heartbeat",
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )
        .expect("bound");
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(dir.path(), open).expect("open to all");
        let (socket_made, made) = mpsc::channel();
        let (done, ended) = tokio::sync::oneshot::channel();
        let server = std::thread::spawn(move || serve(&socket_made, ended));
        made.recv().expect("a socket");
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
        let _ = done.send(());
        let sent = server.join().expect("a server");
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
        Some(sent)
    });
    match thread.join() {
        Ok(sent) => sent,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn serve(made: &mpsc::Sender<()>, mut ended: tokio::sync::oneshot::Receiver<()>) -> Vec<Message> {
    let authority = |client: &str, uid: &str, gid: &str| {
        authority(&ApiAuth {
            client: client.into(),
            uids: vec![uid.into()],
            gids: vec![gid.into()],
            span: None,
        })
    };
    let settings = Settings {
        local: NodeName::new("a").expect("a name"),
        deadtime_ms: 6000,
        keepalive_ms: 200,
        version: "3.0.6 (everbeat)".into(),
        pacemaker: "off".into(),
        logfacility: -1,
        authorities: vec![
            authority("ipfail", "hacluster", "haclient"),
            authority("ccm", "hacluster", "haclient"),
            authority("anon", "root", "haclient"),
        ],
        own_uid: 0,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut server = ClientServer::open(Path::new(SOCKET), settings).expect("a socket");
        made.send(()).expect("told");
        let mut sent = Vec::new();
        loop {
            let event = tokio::select! {
                event = server.event() => event,
                _ = &mut ended => return sent,
            };
            let mut effects = server.handle(&World, event);
            // What is sent to all comes back to us first.
            while let Some(effect) = effects.pop() {
                let Effect::Transmit(message) = effect else {
                    continue;
                };
                let from = NodeName::new("a").expect("a name");
                let looped = message
                    .clone()
                    .with("src", "a")
                    .with("seq", "1")
                    .with("hg", "1");
                sent.push(message);
                let delivery = Delivery {
                    from,
                    local: true,
                    message: looped,
                };
                server.api().handle_delivery(&World, &delivery);
                effects.extend(server.carry_out());
            }
        }
    })
}

const CL_STATUS: &str = "/usr/bin/cl_status";
const IPFAIL: &str = "/usr/libexec/heartbeat/ipfail";
const CCM: &str = "/usr/libexec/heartbeat/ccm";

fn cl_status(arguments: &str) -> (String, i32) {
    let output = Command::new(CL_STATUS)
        .args(arguments.split_whitespace())
        .output();
    let output = output.expect("cl_status runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output.status.code().unwrap_or(-1))
}

#[test]
fn the_real_cl_status_gets_its_answers() {
    with_api(&[CL_STATUS], || {
        let tests = [
            ("hbstatus", "Heartbeat is running on this machine.\n", 0),
            ("listnodes", "10.0.0.9\nb\na\n", 0),
            ("listnodes -n", "b\na\n", 0),
            ("nodestatus a", "active\n", 0),
            ("nodestatus b", "dead\n", 1),
            ("nodestatus 10.0.0.9", "ping\n", 0),
            ("nodetype 10.0.0.9", "ping\n", 0),
            ("nodeweight b", "100\n", 0),
            ("nodesite b", "\n", 0),
            ("listhblinks b", "\teth0\n", 0),
            ("hblinkstatus b eth0", "up\n", 0),
            ("clientstatus a ipfail", "offline\n", 1),
            ("clientstatus b ipfail", "offline\n", 1),
            ("rscstatus", "local\n", 0),
            ("hbparameter -p deadtime", "6\n", 0),
            ("hbparameter -p nosuch", "", 1),
            ("nodestatus nosuch", "", 11),
        ];
        for (arguments, text, code) in tests {
            assert_eq!(
                cl_status(arguments),
                (text.to_owned(), code),
                "cl_status {arguments}"
            );
        }
    });
}

/// Runs a daemon of the package as its own user for a while.
fn run_as_cluster_user(program: &'static str, seconds: u64) {
    let Some((uid, gid)) = crate::runtime::log::cluster_user() else {
        return;
    };
    let gid = Group::from_name("haclient")
        .ok()
        .flatten()
        .map_or(gid, |g| g.gid.as_raw());
    let mut command = Command::new(program);
    command
        .uid(uid)
        .gid(gid)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::null());
    let mut child = command.spawn().expect("started");
    std::thread::sleep(Duration::from_secs(seconds));
    let ended = child.try_wait().expect("looked");
    let _ = child.kill();
    let _ = child.wait();
    // The server is given time to see the end of the connection.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(ended, None, "{program} gave up");
}

#[test]
fn the_real_ipfail_and_ccm_sign_on_and_stay() {
    let sent = with_api(&[IPFAIL, CCM], || {
        for part in ["ccm", "dopd"] {
            let path = format!("/run/heartbeat/{part}");
            std::fs::create_dir(&path).expect("a folder");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).expect("open");
        }
        run_as_cluster_user(IPFAIL, 3);
        run_as_cluster_user(CCM, 3);
    });
    let Some(sent) = sent else { return };
    let lines: Vec<_> = sent.iter().map(Message::to_string).collect();
    for client in ["ipfail", "ccm"] {
        for status in ["st=join", "st=leave"] {
            let is_it = |line: &&String| {
                line.contains(status) && line.contains(&format!("from_id={client} "))
            };
            assert!(
                lines.iter().any(|line| is_it(&line)),
                "{client} {status}: {lines:#?}"
            );
        }
    }
}
