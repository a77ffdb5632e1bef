//! What lab tests share: a place of their own, and waiting.

use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use everbeat::lab::{Lab, Place, Spec};

/// The program that was built with these tests.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_everbeat"))
}

/// The same program on a host of a lab, where the machine's own folders may not be seen.
pub const PROGRAM: &str = "/run/lab/bin/everbeat";

/// A folder for the labs of one test, and the place made of it.
pub struct Ground {
    pub place: Place,
    _folder: tempfile::TempDir,
}

impl Ground {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = Place {
            root: folder.path().join("labs"),
            program: program(),
        };
        Self {
            place,
            _folder: folder,
        }
    }

    /// Makes the lab; None, with a line that says why, where the machine lets nobody make one.
    pub fn lab(&self, spec: &Spec) -> Option<Lab> {
        match Lab::up(spec, &self.place) {
            Ok(lab) => Some(lab),
            Err(error) if refused(&format!("{error:#}")) => {
                println!("SKIPPED: {error:#}");
                None
            }
            Err(error) => panic!("the lab was not made: {error:#}"),
        }
    }
}

/// Whether a lab failed for want of rights, not by a fault of ours.
pub fn refused(error: &str) -> bool {
    ["Run it as root", "In a container"]
        .iter()
        .any(|hint| error.contains(hint))
}

/// A lab of hosts, each `NAME=ADDRESS/LENGTH`.
pub fn spec(name: &str, hosts: &[&str]) -> Spec {
    let spec = Spec::new(name);
    hosts
        .iter()
        .fold(spec, |spec, host| spec.host(host).expect("a host"))
}

/// Looks every 20 ms until `done`, for at most `time`; whether it came to pass.
pub fn within(time: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + time;
    loop {
        if done() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a shell script on a host of the lab; its output if it succeeds.
pub fn shell(lab: &Lab, host: &str, script: &str) -> Result<String, String> {
    let output = lab.host(host).command("sh").args(["-c", script]).output();
    text(&output.expect("everbeat runs"))
}

/// A socket in a host's network, made there and used here.
pub fn socket_on(lab: &Lab, host: &str, port: u16) -> UdpSocket {
    let root = lab.host(host).path("/").expect("a path");
    let process = root
        .ancestors()
        .find(|p| p.ends_with("root"))
        .and_then(Path::parent);
    let network = process.expect("a process").join("ns/net");
    let network = std::fs::File::open(network).expect("a network");
    std::thread::spawn(move || {
        nix::sched::setns(network.as_fd(), nix::sched::CloneFlags::CLONE_NEWNET)
            .expect("the host's network");
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)
            .expect("a socket");
        socket.set_reuse_address(true).expect("an option");
        socket.set_broadcast(true).expect("an option");
        let address = std::net::SocketAddr::from(([0, 0, 0, 0], port));
        socket.bind(&address.into()).expect("a port");
        UdpSocket::from(socket)
    })
    .join()
    .expect("a socket")
}

/// Standard output of a command that succeeded, else what it said.
pub fn text(output: &Output) -> Result<String, String> {
    let out = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let err = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() {
        Ok(out)
    } else {
        Err(format!("{}: {out} {err}", output.status))
    }
}

/// Where a host's disk has what [`lay_over`] shows in /usr.
const LAID: &str = "/var/lab/usr";

/// Puts a program on a host's disk that the host will find below /usr, and the machine won't.
pub fn put_below_usr(lab: &Lab, host: &str, (path, bytes): (&str, &[u8])) {
    let path = format!("{LAID}/{path}");
    let written = lab.host(host).write(path, bytes, 0o755);
    written.expect("a file of the host's disk");
}

/// Lays what was put on a host's disk over the machine's /usr, until the host's power is off.
pub fn lay_over(lab: &Lab, host: &str) -> Result<String, String> {
    let script = format!(
        "[ -e /run/laid ] || {{ mount -t overlay lab -o lowerdir={LAID}:/usr /usr && \
         : >/run/laid; }}"
    );
    shell(lab, host, &script)
}

/// Whether a ping of `to` from `host` is answered within some seconds.
pub fn pings(lab: &Lab, host: &str, to: &str) -> bool {
    shell(lab, host, &format!("ping -n -c 1 -w 3 {to}")).is_ok()
}

/// `everbeat lab` with its labs in the ground's folder.
pub fn lab_command(ground: &Ground) -> Command {
    let mut command = Command::new(program());
    command.arg("lab").arg("--root").arg(&ground.place.root);
    command
}
