use std::process::Stdio;
use std::time::Instant;

use super::*;

fn block<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn installed(program: &str) -> bool {
    let found = crate::runtime::process::find(program).is_some();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

#[test]
fn types_are_told_apart() {
    let is = |kind: &str| Device::with_parameters(kind, "").kind;
    assert!(is("meatware") == Kind::Meatware);
    assert!(is("fence_ipmilan") == Kind::Fence);
    assert!(is("external/ipmi") == Kind::Plugin);
    let shown = format!("{:?}", Device::with_parameters("apcmaster", "a b secret"));
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn a_plugin_resets_lists_and_tells_its_status() {
    if !installed("stonith") {
        return;
    }
    let device = Device::with_parameters("null", "node1 node2");
    assert_eq!(block(device.reset(&node("node1"))), Ok(()));
    assert_eq!(block(device.status()), Ok(()));
    let hosts = block(device.hosts());
    assert_eq!(hosts.unwrap(), ["node1", "node2"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parameters");
    std::fs::write(&file, "# hosts\nnode7\n").unwrap();
    let device = Device::with_file("null", &file);
    assert_eq!(block(device.hosts()).unwrap(), ["node7"]);
    let device = Device::with_file("null", &folder.path().join("nosuch"));
    assert!(block(device.status()).is_err());
    let device = Device::with_parameters("nosuch", "x");
    let error = block(device.reset(&node("node1"))).unwrap_err();
    assert!(error.to_string().starts_with("nosuch: "), "{error}");
}

#[test]
fn a_fence_agent_resets() {
    if !installed("fence_dummy") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let status = folder.path().join("power");
    std::fs::write(&status, "on").unwrap();
    let options = format!(
        "type=file status_file={} host_list=node1,node2",
        status.display()
    );
    let device = Device::with_parameters("fence_dummy", &format!("{options} action=off"));
    assert_eq!(block(device.reset(&node("node1"))), Ok(()));
    assert_eq!(std::fs::read_to_string(&status).unwrap(), "off");
    let device = Device::with_parameters("fence_dummy", &options);
    assert_eq!(block(device.reset(&node("node2"))), Ok(()));
    assert_eq!(std::fs::read_to_string(&status).unwrap(), "on");
    assert_eq!(
        block(device.reset(&node("node3"))).unwrap_err().to_string(),
        "Device fence_dummy cannot reset host node3."
    );
    let device = Device::with_parameters("fence_dummy", "oops");
    let error = block(device.status()).unwrap_err();
    assert!(error.to_string().contains("write NAME=VALUE"), "{error}");
}

#[test]
fn what_is_not_installed_says_so() {
    let device = Device::with_parameters("fence_nosuch", "ip=x");
    let error = block(device.reset(&node("node1"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "fence_nosuch: this fence agent is not installed"
    );
}

fn meatware(folder: &Path) -> Device {
    Device {
        meatware_dir: folder.to_owned(),
        ..Device::with_parameters("meatware", "node1 node2")
    }
}

#[test]
fn a_person_confirms() {
    let folder = tempfile::tempdir().unwrap();
    let device = meatware(folder.path());
    assert_eq!(
        confirm(folder.path(), "node2").unwrap(),
        Confirmation::NobodyWaits
    );
    let path = folder.path().to_owned();
    let person = std::thread::spawn(move || {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(10) {
            if confirm(&path, "NODE2").unwrap() == Confirmation::Given {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    });
    let lines = Arc::new(std::sync::Mutex::new(Vec::new()));
    let said = Arc::clone(&lines);
    let device = device.log(move |_, line| said.lock().unwrap().push(line.to_owned()));
    assert_eq!(block(device.reset(&node("node2"))), Ok(()));
    assert!(person.join().unwrap());
    let lines = lines.lock().unwrap();
    assert_eq!(lines[0], "OPERATOR INTERVENTION REQUIRED to reset node2.");
    assert_eq!(
        lines[1],
        "Run \"meatclient -c node2\" AFTER power-cycling the machine."
    );
    assert!(!folder.path().join("meatware.node2").exists());
}

#[test]
fn other_words_confirm_nothing_and_giving_up_takes_the_pipe_away() {
    let folder = tempfile::tempdir().unwrap();
    let device = meatware(folder.path());
    let pipe = folder.path().join("meatware.node2");
    block(async {
        let name = node("node2");
        let reset = device.reset(&name);
        let wrong = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let mut message = b"meatware reply node1".to_vec();
            message.resize(256, 0);
            std::fs::write(&pipe, message).unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        tokio::select! {
            done = reset => panic!("{done:?}"),
            () = wrong => {}
        }
    });
    assert!(!pipe.exists());
}

/// The original's client writes what we wait for, and ours what the original waits for; in a
/// mount namespace, since the original knows only /run.
#[test]
fn the_originals_client_and_plugin_understand_us() {
    use nix::mount::{MsFlags, mount};
    if !installed("meatclient") {
        return;
    }
    let thread = std::thread::spawn(|| {
        if let Err(error) = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS) {
            eprintln!("skipped: a mount namespace is not to be had: {error}");
            return;
        }
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        let none = MsFlags::empty();
        mount(Some("none"), "/run", Some("tmpfs"), none, None::<&str>).unwrap();
        let wait_for_pipe = || {
            while !Path::new("/run/meatware.node2").exists() {
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        let client = std::process::Command::new("/bin/sh")
            .args(["-c", "sleep 0.3; echo y | meatclient -c node2"])
            .stdout(Stdio::null())
            .spawn();
        let device = Device::with_parameters("meatware", "node2");
        assert_eq!(block(device.reset(&node("node2"))), Ok(()));
        assert!(client.unwrap().wait().unwrap().success());
        let plugin = std::process::Command::new("stonith")
            .args(["-t", "meatware", "-p", "node2", "-T", "reset", "node2"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        wait_for_pipe();
        while confirm(Path::new("/run"), "node2").unwrap() == Confirmation::NobodyWaits {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(plugin.unwrap().wait().unwrap().success());
    });
    thread.join().unwrap();
}
