//! A web server on a file system behind an address: from heartbeat to the CRM on a ring while a
//! client fetches its page.
//!
//! The groups are those of a published haresources, `IPaddr::… apache`, with a disk between.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::host::{lay_over, put_below_usr, shell, within};
use crate::migrate::{CLIENT, Scene, VIP};

/// Time between two fetches. Units: s
const EVERY: &str = "0.02";
const PAGE: &str = "from-the-shared-disk";
const CONF: &str = "/etc/apache2/lab.conf";
/// Where the disk is mounted: on a host's own disk, whose folders are no mounts.
const FOLDER: &str = "/var/lab-web";
const MODULES: &str = "/usr/lib/apache2/modules";
const FETCH: &[u8] = include_bytes!("fetch.py");

/// A disk that all hosts reach; ends with the value.
struct SharedDisk {
    device: PathBuf,
    _folder: tempfile::TempDir,
}

impl SharedDisk {
    /// None, with a line that says why, where the machine has no loop devices for us.
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let image = folder.path().join("disk");
        let file = std::fs::File::create(&image).expect("a file");
        file.set_len(16 << 20).expect("its size");
        run(Command::new("mkfs.ext4").arg("-q").arg(&image))?;
        let device = run(Command::new("losetup").args(["-f", "--show"]).arg(&image))?;
        let disk = Self {
            device: device.trim().into(),
            _folder: folder,
        };
        let mount = tempfile::tempdir().expect("a folder");
        run(Command::new("mount").arg(&disk.device).arg(mount.path()))?;
        let put = std::fs::write(mount.path().join("index.html"), PAGE);
        run(Command::new("umount").arg(mount.path()))?;
        put.expect("a page");
        Some(disk)
    }

    /// The device's place on a host, and how it is made there.
    fn node(&self) -> (String, String) {
        use std::os::unix::fs::MetadataExt;
        let about = std::fs::metadata(&self.device).expect("a device");
        let (major, minor) = (nix_major(about.rdev()), about.rdev() & 0xff);
        let name = "/dev/shared".to_owned();
        let make = format!("[ -e {name} ] || mknod {name} b {major} {minor}");
        (name, make)
    }
}

/// Source: Linux kdev_t.h, as glibc packs it
fn nix_major(device: u64) -> u64 {
    (device >> 8) & 0xfff
}

impl Drop for SharedDisk {
    fn drop(&mut self) {
        let _ = Command::new("losetup").arg("-d").arg(&self.device).status();
    }
}

fn run(command: &mut Command) -> Option<String> {
    let output = command.output();
    match output {
        Ok(output) if output.status.success() => {
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        other => {
            println!("SKIPPED: {command:?}: {other:?}");
            None
        }
    }
}

fn conf() -> String {
    let modules = ["mpm_event", "authz_core", "authz_host", "status"];
    let load = modules
        .iter()
        .map(|m| format!("LoadModule {m}_module {MODULES}/mod_{m}.so\n"));
    format!(
        "ServerRoot /etc/apache2\nServerName web\nListen 80\nPidFile /run/apache2-lab.pid\n{}\
         DefaultRuntimeDir /run\nMutex file:/run default\nStartServers 1\n\
         ErrorLog /var/log/web.log\n\
         DocumentRoot {FOLDER}\n<Directory {FOLDER}>\nRequire all granted\n</Directory>\n\
         <Location /server-status>\nSetHandler server-status\nRequire local\n</Location>\n",
        load.collect::<String>()
    )
}

/// A client that fetches.
struct Fetches {
    child: Child,
    lines: std::thread::JoinHandle<Vec<(f64, f64, bool)>>,
}

impl Fetches {
    fn start(scene: &Scene) -> Self {
        let client = scene.lab.host(CLIENT);
        client.write("/tmp/fetch.py", FETCH, 0o644).expect("a file");
        let url = format!("http://{VIP}/index.html");
        let mut child = client
            .command("python3")
            .args(["/tmp/fetch.py", &url, EVERY, PAGE])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let lines = std::thread::spawn(move || {
            let parse = |line: String| {
                let mut words = line.split(' ');
                let asked = words.next()?.parse().ok()?;
                let ended = words.next()?.parse().ok()?;
                Some((asked, ended, words.next()? == "came"))
            };
            out.lines()
                .map_while(Result::ok)
                .filter_map(parse)
                .collect()
        });
        Self { child, lines }
    }

    /// Ends them: how many pages came, and each time without one, when and how long, s.
    fn end(mut self, scene: &Scene) -> (usize, Vec<(f64, f64)>) {
        scene.run(
            CLIENT,
            "kill $(cat /proc/[0-9]*/stat | grep '(python3)' | cut -d' ' -f1)",
        );
        let _ = self.child.wait();
        let all = self.lines.join().expect("lines");
        let mut gaps = Vec::new();
        let mut since = None;
        for (asked, ended, came) in &all {
            match (came, since) {
                (false, None) => since = Some(*asked),
                (true, Some(from)) => {
                    gaps.push((from, ended - from));
                    since = None;
                }
                _ => {}
            }
        }
        gaps.extend(since.map(|from| (from, f64::INFINITY)));
        (all.iter().filter(|a| a.2).count(), gaps)
    }
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("after 1970").as_secs_f64()
}

fn shown(gaps: &[(f64, f64)]) -> Vec<String> {
    gaps.iter()
        .map(|(_, s)| format!("{:.0} ms", s * 1000.0))
        .collect()
}

fn scene(name: &str, count: usize, disk: &SharedDisk) -> Option<Scene> {
    let (device, make) = disk.node();
    let groups =
        format!("a IPaddr2::{VIP}/24/eth0 Filesystem::{device}::{FOLDER}::ext4 apache::{CONF}\n");
    Scene::with(name, (count, true), &groups, |lab, node| {
        lab.host(node)
            .write(CONF, conf().as_bytes(), 0o644)
            .expect("a file");
        let make = format!("{make}; mkdir -p {FOLDER}");
        shell(lab, node, &make).expect("a device and a folder");
        // The agent asks for it, and the kernel has its file systems already.
        if shell(lab, node, "command -v modprobe").is_err() {
            put_below_usr(lab, node, ("sbin/modprobe", b"#!/bin/sh\n"));
            lay_over(lab, node).expect("a program");
        }
    })
}

/// What heartbeat's own hand-over costs: there and back.
fn own_hand_over(scene: &Scene) -> Vec<(f64, f64)> {
    let fetches = Fetches::start(scene);
    for (from, to) in [("a", "b"), ("b", "a")] {
        // heartbeat ignores a standby while it thinks the other in flux: then it is asked again.
        std::thread::sleep(Duration::from_secs(10));
        let there = (0..4).any(|_| {
            scene.run(from, "/usr/share/heartbeat/hb_standby all");
            within(Duration::from_secs(15), || scene.owners() == [to])
        });
        assert!(there, "{}", scene.logs());
        let came = within(Duration::from_secs(30), || scene.fetches());
        assert!(came, "{}", scene.logs());
    }
    // apply refuses to begin while resources are on their way.
    std::thread::sleep(Duration::from_secs(10));
    fetches.end(scene).1
}

fn web(name: &str, count: usize) {
    let apache = Path::new("/usr/sbin/apache2").exists()
        && Path::new("/usr/lib/ocf/resource.d/heartbeat/apache").exists();
    if !apache {
        println!("SKIPPED: apache2 is not installed");
        return;
    }
    let Some(disk) = SharedDisk::new() else {
        return;
    };
    let Some(scene) = scene(name, count, &disk) else {
        return;
    };
    assert!(
        within(Duration::from_secs(30), || scene.fetches()),
        "{}",
        scene.logs()
    );
    // Of three nodes of heartbeat two would take what hb_standby gives.
    let own = match count {
        2 => own_hand_over(&scene),
        _ => Vec::new(),
    };
    scene.plan();
    let fetches = Fetches::start(&scene);
    let mut child = scene
        .migrate("apply")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (mut put, mut all) = (f64::INFINITY, String::new());
    for line in lines.by_ref().map_while(Result::ok) {
        if line.starts_with("put") && put.is_infinite() {
            put = now();
        }
        all += &format!("{line}\n");
    }
    assert!(
        child.wait().expect("it ends").success(),
        "{all}\n{}",
        scene.logs()
    );
    std::thread::sleep(Duration::from_secs(2));
    let (pages, gaps) = fetches.end(&scene);
    let (first, later): (Vec<_>, Vec<_>) = gaps.iter().partition(|(at, _)| *at < put);
    println!(
        "{count} nodes of heartbeat, a page every 20 ms, {pages} came; heartbeat's own hand-overs \
         {:?}, everbeat in its place {:?}, later {:?}",
        shown(&own),
        shown(&first),
        shown(&later)
    );
    assert_eq!(later, [], "nothing is stopped from put on\n{all}");
    assert_eq!(first.len(), 1, "one hand-over: {:?}\n{all}", shown(&first));
    let longest = own.iter().map(|(_, s)| *s).fold(3.0, f64::max);
    assert!(first[0].1 <= 1.5 * longest, "{:?} of {longest}", first[0]);
    assert_eq!(scene.owners().len(), 1);
    // The CRM takes the disk and the page over.
    let owner = scene.owners()[0];
    let fetches = Fetches::start(&scene);
    scene.lab.host(owner).kill().expect("power off");
    let moved = within(Duration::from_secs(60), || {
        let now = scene.owners();
        now.len() == 1 && now != [owner] && scene.fetches()
    });
    let (_, gaps) = fetches.end(&scene);
    println!("power off of {owner}: {:?}", shown(&gaps));
    assert!(moved, "{}", scene.logs());
}

#[test]
#[ignore = "full matrix: two minutes; three nodes do the same in the selection"]
fn two_nodes_serve_a_page_all_the_way() {
    web("web2", 2);
}

#[test]
fn three_nodes_serve_a_page_all_the_way() {
    web("web3", 3);
}
