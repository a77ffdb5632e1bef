//! The files of compat/: correct shell, the right words, put where they belong.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use everbeat::cli::applets;

fn compat() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("compat")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn is_script(path: &Path) -> bool {
    std::fs::read(path).unwrap().starts_with(b"#!/bin/sh")
}

#[test]
fn scripts_are_plain_shell() {
    let scripts: Vec<PathBuf> = files(&compat())
        .into_iter()
        .filter(|p| is_script(p))
        .collect();
    assert!(scripts.len() > 25, "{scripts:?}");
    for script in &scripts {
        let dash = Command::new("/bin/sh")
            .arg("-n")
            .arg(script)
            .output()
            .unwrap();
        assert!(dash.status.success(), "{}: {dash:?}", script.display());
    }
    let source = format!("--source-path={}", env!("CARGO_MANIFEST_DIR"));
    let lint = Command::new("shellcheck")
        .args(["-x", "-s", "sh", &source])
        .args(&scripts)
        .output();
    match lint {
        Ok(lint) => assert!(
            lint.status.success(),
            "{}",
            String::from_utf8_lossy(&lint.stdout)
        ),
        Err(_) => println!("SKIPPED: shellcheck is not installed"),
    }
}

/// /etc/ha.d and the agents below a folder of their own.
struct Ground(tempfile::TempDir);

impl Ground {
    /// The agents print their name, action, and parameters, and exit with what is in `code`.
    fn new(agents: &[&str]) -> Self {
        let ground = Self(tempfile::tempdir().unwrap());
        let copied = Command::new("cp")
            .arg("-r")
            .arg(compat().join("ha.d"))
            .arg(ground.0.path())
            .status();
        assert!(copied.unwrap().success());
        let folder = ground.0.path().join("ocf/resource.d/heartbeat");
        std::fs::create_dir_all(&folder).unwrap();
        for agent in agents {
            let path = folder.join(agent);
            let text = "#!/bin/sh\nenv | grep ^OCF_RES | LC_ALL=C sort\n\
                        echo \"${0##*/} $*\"\nexit \"$CODE\"\n";
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        ground
    }

    fn run(&self, script: &str, args: &[&str], code: u8) -> (i32, String) {
        let output = Command::new("/bin/sh")
            .arg(self.0.path().join("ha.d/resource.d").join(script))
            .args(args)
            .env("HA_DIR", self.0.path().join("ha.d"))
            .env("OCF_ROOT", self.0.path().join("ocf"))
            .env("CODE", code.to_string())
            .env("HA_LOGFILE", self.0.path().join("log"))
            .env_remove("HA_LOGFACILITY")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), text)
    }
}

#[test]
fn wrappers_give_agents_their_parameters() {
    let ground = Ground::new(&["Filesystem", "portblock", "apache", "AudibleAlarm", "Delay"]);
    let (code, text) = ground.run("Filesystem", &["/dev/sdb", "/srv", "ext4", "start"], 0);
    assert_eq!(code, 0);
    assert_eq!(
        text,
        "OCF_RESKEY_device=/dev/sdb\nOCF_RESKEY_directory=/srv\nOCF_RESKEY_fstype=ext4\n\
         OCF_RESOURCE_INSTANCE=Filesystem_/dev/sdb\nOCF_RESOURCE_PROVIDER=heartbeat\n\
         OCF_RESOURCE_TYPE=Filesystem\nFilesystem start\nINFO:  Success\n"
    );
    let (_, text) = ground.run("portblock", &["tcp", "80,443", "block", "stop"], 0);
    assert!(text.contains("OCF_RESKEY_portno=80,443\n"), "{text}");
    assert!(text.contains("OCF_RESOURCE_INSTANCE=portblock_tcp_80,443_block\n"));
    let (_, text) = ground.run("apache", &["start"], 0);
    assert!(!text.contains("OCF_RESKEY_configfile"), "{text}");
    let (_, text) = ground.run("AudibleAlarm", &["node1", "node2", "start"], 0);
    assert!(text.contains("OCF_RESKEY_nodelist=node1 node2\n"), "{text}");
    let (_, text) = ground.run("Delay", &["5", "start"], 0);
    assert!(text.contains("OCF_RESKEY_startdelay=5\n"), "{text}");
}

#[test]
fn words_of_a_status_are_those_that_haresources_judges() {
    let ground = Ground::new(&["apache"]);
    let status = |code| ground.run("apache", &["status"], code);
    let (code, text) = status(0);
    assert!(
        text.ends_with("apache monitor\nINFO:  Running OK\n"),
        "{text}"
    );
    assert_eq!(code, 0);
    let (code, text) = status(7);
    assert!(text.ends_with("INFO:  Resource is stopped\n"), "{text}");
    assert_eq!(code, 7);
    let (code, text) = status(99);
    assert!(text.ends_with("ERROR:  Unknown error: 99\n"), "{text}");
    assert_eq!(code, 1);
}

#[test]
fn wrong_use_and_missing_agents_are_told() {
    let ground = Ground::new(&["Filesystem"]);
    let (code, text) = ground.run("Filesystem", &["/dev/sdb", "start"], 0);
    assert_eq!(code, 1);
    assert!(text.starts_with("usage: "), "{text}");
    let (code, _) = ground.run("Filesystem", &["a", "b", "c", "d", "e", "start"], 0);
    assert_eq!(code, 1);
    let (code, text) = ground.run("Filesystem", &["a", "b", "restart"], 0);
    assert_eq!(code, 1);
    assert!(text.contains("unknown action: restart"), "{text}");
    let (code, text) = ground.run("LVM", &["vg0", "start"], 0);
    assert_eq!(code, 5);
    assert!(text.contains("install resource-agents"), "{text}");
}

#[test]
fn the_ocf_script_reads_its_parameters() {
    let ground = Ground::new(&["pgsql"]);
    let folder = ground.0.path().join("ha.d/conf/OCF/pgsql");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "# main\npgdata = \"/var/lib/pg\"\nOCF_RESKEY_port=5433 # not the usual one\nx\n";
    std::fs::write(folder.join("main"), text).unwrap();
    let (code, text) = ground.run("OCF", &["pgsql", "main", "start"], 0);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("OCF_RESKEY_pgdata=/var/lib/pg\n"), "{text}");
    assert!(text.contains("OCF_RESKEY_port=5433\n"), "{text}");
    assert!(text.contains("OCF_RESOURCE_INSTANCE=main\n"), "{text}");
    assert_eq!(ground.run("OCF", &["pgsql", "other", "start"], 0).0, 6);
}

#[test]
fn every_script_of_the_package_has_one_here() {
    let package = Path::new("/etc/ha.d/resource.d");
    let Ok(entries) = std::fs::read_dir(package) else {
        println!("skipped: heartbeat is not installed");
        return;
    };
    for entry in entries {
        let name = entry.unwrap().file_name();
        let ours = compat().join("ha.d/resource.d").join(&name);
        assert!(ours.is_file(), "{} is missing", ours.display());
    }
}

#[test]
fn links_name_tools_that_there_are() {
    let text = std::fs::read_to_string(compat().join("links.txt")).unwrap();
    let tools: BTreeSet<&str> = applets::all().map(|applet| applet.name).collect();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in lines {
        let (path, tool) = line.split_once(char::is_whitespace).unwrap();
        assert!(path.starts_with('/'), "{line}");
        assert!(tools.contains(tool.trim()), "{line}: there is no such tool");
        count += 1;
    }
    assert!(count > 10);
}

#[test]
fn install_puts_files_and_keeps_the_administrators() {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    std::fs::create_dir_all(at("etc/ha.d/resource.d")).unwrap();
    std::fs::write(at("etc/ha.d/resource.d/IPaddr2"), "mine").unwrap();
    let install = || {
        Command::new(compat().join("install"))
            .arg(env!("CARGO_BIN_EXE_everbeat"))
            .arg(root.path())
            .output()
            .unwrap()
    };
    let done = install();
    assert!(done.status.success(), "{done:?}");
    assert_eq!(
        std::fs::read(at("etc/ha.d/resource.d/IPaddr2")).unwrap(),
        b"mine"
    );
    let mode = |path: &str| at(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("etc/ha.d/resource.d/Filesystem"), 0o755);
    assert_eq!(mode("etc/ha.d/shellfuncs"), 0o644);
    assert_eq!(mode("usr/share/heartbeat/mach_down"), 0o755);
    let link = std::fs::read_link(at("usr/share/heartbeat/ResourceManager")).unwrap();
    assert_eq!(link, Path::new("/usr/sbin/everbeat"));
    // Again; and a program of another package stays.
    std::fs::remove_file(at("usr/bin/cl_status")).unwrap();
    std::fs::write(at("usr/bin/cl_status"), "theirs").unwrap();
    let again = install();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("usr/bin/cl_status is there"));
    assert_eq!(std::fs::read(at("usr/bin/cl_status")).unwrap(), b"theirs");
}

/// The real agents of resource-agents through the script OCF, in namespaces of their own.
#[test]
fn real_agents_run_through_the_wrapper() {
    let script = r#"
        set -e
        mount -t tmpfs none /run
        mkdir /run/resource-agents
        ip link set lo up
        ip link add v0 type veth peer name v1
        ip link set v0 up
        ip link set v1 up
        ip addr add 10.9.0.1/24 dev v0
        mkdir -p "$HA_DIR/conf/OCF/IPaddr2"
        echo "ip=10.9.0.8" >"$HA_DIR/conf/OCF/IPaddr2/web"
        ocf() { "$HA_DIR/resource.d/OCF" IPaddr2 web "$1"; }
        ocf status || echo "code $?"
        ocf start
        ip -4 addr show dev v0 | grep -o "inet 10.9.0.8/24"
        ocf status
        ocf stop
        ocf status || echo "code $?"
    "#;
    let agent = Path::new("/usr/lib/ocf/resource.d/heartbeat/IPaddr2");
    let root = nix::unistd::geteuid().is_root();
    if !root || !agent.exists() {
        println!("skipped: not root, or resource-agents is not installed");
        return;
    }
    let ground = Ground::new(&[]);
    let output = Command::new("unshare")
        .args(["-n", "-m", "/bin/sh", "-c", script])
        .env("HA_DIR", ground.0.path().join("ha.d"))
        .env("HA_LOGFILE", ground.0.path().join("log"))
        .env_remove("HA_LOGFACILITY")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        text,
        "INFO:  Resource is stopped\ncode 7\nINFO:  Success\ninet 10.9.0.8/24\n\
         INFO:  Running OK\nINFO:  Success\nINFO:  Resource is stopped\ncode 7\n",
        "{output:?}"
    );
}
