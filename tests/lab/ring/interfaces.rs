//! The interface of a node goes and comes back; sockets that can't be opened yet are tried again.

use super::{Whose, configuration, configure, says};
use crate::host::{Ground, shell, spec};

#[test]
fn sockets_are_tried_again_until_they_can_be_opened() {
    let ground = Ground::new();
    let hosts = ["a=10.9.0.1/24", "b=10.9.0.2/24"];
    let Some(lab) = ground.lab(&spec("downcheck", &hosts)) else {
        return;
    };
    let ours = Whose::Ours;
    let text = configuration(
        &["a", "b"],
        "",
        "to_syslog: no\nto_logfile: yes\nlogfile: /var/log/x.log",
    );
    let mut running = Vec::new();
    for host in ["a", "b"] {
        configure(
            &lab,
            host,
            &text.replace("token: 1000\n", "token: 1000\ndowncheck: 200\n"),
        );
        running.push(ours.start(&lab, host));
    }
    let members = |host: &str, count: usize| {
        let status = ours.line("corosync-quorumtool -s");
        let wanted = format!("Nodes:            {count}\n");
        let (came, text) = says(&lab, host, &status, &wanted);
        assert!(
            came,
            "{host}, {count} wanted: {text}\n{:?}",
            lab.host(host).read("/var/log/x.log")
        );
    };
    members("a", 2);
    let sh = |script: &str| shell(&lab, "b", script).expect("it is done");
    sh("ip address del 10.9.0.2/24 dev eth0");
    members("a", 1);
    members("b", 1);
    // Somebody else has the port when the address comes back.
    let squat = "import socket, time\n\
                 s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
                 s.bind(('0.0.0.0', 5405))\n\
                 open('/run/taken', 'w').close()\n\
                 time.sleep(1000)\n";
    lab.host("b")
        .write("/etc/squat.py", squat.as_bytes(), 0o644)
        .expect("a file");
    sh(
        "(python3 /etc/squat.py >/dev/null 2>&1 & echo $! >/run/squat); \
         while ! [ -e /run/taken ]; do sleep 0.05; done",
    );
    sh("ip address add 10.9.0.2/24 dev eth0");
    let log = |wanted: &str| says(&lab, "b", "cat /var/log/x.log", wanted);
    let (came, text) = log("The network interface can't be used yet: 10.9.0.2:5405");
    assert!(came, "{text}");
    members("b", 1);
    sh("kill $(cat /run/squat)");
    members("a", 2);
    members("b", 2);
    let (_, text) = log("");
    let tries = text.matches("can't be used yet").count();
    assert_eq!(tries, 1, "said once, however often it is tried\n{text}");
    assert_eq!(text.matches("[10.9.0.2] is now up.").count(), 2, "{text}");
    lab.down().expect("the lab ends");
    for child in &mut running {
        let _ = child.wait();
    }
}
