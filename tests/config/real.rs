//! corosync.conf beside the real parser: what corosync 3.1.7 refuses, `--strict` refuses, and
//! nothing else.

use std::path::Path;
use std::process::Command;

use everbeat::config::corosync_conf;
use everbeat::config::diagnostic::{Diagnostic, has_errors};
use everbeat::config::source::Source;

const REAL: &str = "/usr/sbin/corosync";

/// Where a line is put.
#[derive(Debug, Clone, Copy)]
enum Place {
    Top,
    Totem,
    Node,
    Quorum,
    Logging,
}

use Place::{Logging, Node, Quorum, Top, Totem};

const LINES: &[(Place, &str)] = &[
    (Totem, ""),
    (Totem, "# a comment {"),
    (Totem, "token: 1000 # x"),
    (Totem, "token: 29"),
    (Totem, "token: 100"),
    (Totem, "token: 126"),
    (Totem, "token: 0"),
    (Totem, "token: abc"),
    (Totem, "token: 1000ms"),
    (Totem, "token: 0x10"),
    (Totem, "token: -5"),
    (Totem, "token: 4294967296"),
    (Totem, "token:"),
    (Totem, "token 1000"),
    (Totem, "tokn: 1000"),
    (Totem, "fo@o: 1"),
    (Totem, "hold: 13"),
    (Totem, "hold: 14"),
    (Totem, "join: 20"),
    (Totem, "consensus: 40"),
    (Totem, "consensus: 60"),
    (Totem, "merge: 29"),
    (Totem, "downcheck: 29"),
    (Totem, "max_network_delay: 29"),
    (Totem, "token_warning: 101"),
    (Totem, "token_retransmit: 29"),
    (Totem, "ip_version: ipv5"),
    (Totem, "ip_version: ipv4-6"),
    (Totem, "crypto_cipher: aes257"),
    (Totem, "crypto_hash: sha3"),
    (Totem, "crypto_model: gnutls"),
    (Totem, "link_mode: foo"),
    (Totem, "netmtu: 70000"),
    (Totem, "version: 1"),
    (Totem, "interface {\nttl: 2\n}"),
    (Totem, "interface {\nttl: 256\n}"),
    (Totem, "interface {\nlinknumber: 9\nttl: 1\n}"),
    (Totem, "interface {\nmcastport: 70000\n}"),
    (Totem, "interface {\nmcastport: 0\n}"),
    (Totem, "interface {\nmember {\nmemberadr: 1\n}\n}"),
    (Totem, "{"),
    (Totem, "}"),
    (Totem, "a { b: c }"),
    (Totem, "a {\n} # end"),
    (Node, "nodeid: x"),
    (Node, "node_id: 7"),
    (Node, "}\nnode {\nring0_addr: 127.0.0.2\nnodeid: 1"),
    (Node, "ring1_addr: 127.0.0.1"),
    (Quorum, "two_node: yes"),
    (Quorum, "two_node: 256"),
    (Quorum, "two_node: 1"),
    (Logging, "debug: maybe"),
    (Logging, "debug: trace"),
    (Logging, "timestamp: maybe"),
    (Logging, "timestamp: hires"),
    (Logging, "to_syslog: maybe"),
    (Logging, "to_syslog: no"),
    (Logging, "syslog_facility: local9"),
    (Logging, "syslog_priority: loud"),
    (Logging, "fileline: maybe"),
    (Logging, "blackbox: maybe"),
    (Logging, "logger_subsys {\ndebug: on\n}"),
    (Logging, "logger_subsys {\nsubsys: AMF\n}"),
    (Top, "compatibility: whitetank"),
    (Top, "cat << EOF"),
    (Top, "service {\nname: pacemaker\nver: 0\n}"),
    (Top, "aisexec {\nuser: root\n}"),
    (Top, "unknown {\nkey: value\n}"),
    (Top, "system {\nsched_rr: maybe\n}"),
    (Top, "system {\nqb_ipc_type: pipe\n}"),
    (Top, "system {\nmove_to_root_cgroup: maybe\n}"),
    (Top, "uidgid {\nuser: root\n}"),
    (Top, "uidgid {\nuid: root\n}"),
];

fn file(place: Place, line: &str) -> String {
    let at = |here: fn(Place) -> bool| if here(place) { line } else { "" };
    format!(
        "everbeat {{\ngeneration: 3\n}}\n{}\ntotem {{\nversion: 2\ntransport: udpu\n{}\n}}\n\
         nodelist {{\nnode {{\nring0_addr: 127.0.0.1\nnodeid: 1\n{}\n}}\n}}\n\
         quorum {{\nprovider: corosync_votequorum\n{}\n}}\nlogging {{\nto_stderr: no\n{}\n}}\n",
        at(|p| matches!(p, Top)),
        at(|p| matches!(p, Totem)),
        at(|p| matches!(p, Node)),
        at(|p| matches!(p, Quorum)),
        at(|p| matches!(p, Logging)),
    )
}

#[test]
fn strict_is_as_strict_as_corosync() {
    if !Path::new(REAL).exists() {
        println!("SKIPPED: {REAL} is not installed");
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("corosync.conf");
    let mut wrong = Vec::new();
    for (place, line) in LINES {
        let text = file(*place, line);
        std::fs::write(&path, &text).expect("writable");
        let real = Command::new(REAL).args(["-t", "-c"]).arg(&path).output();
        let real = real.expect("corosync runs");
        let (_, found) = corosync_conf::read_all(&Source::new(&path, &text));
        let strict: Vec<_> = found.into_iter().map(Diagnostic::strict).collect();
        if real.status.success() == has_errors(&strict) {
            let said = String::from_utf8_lossy(&real.stderr).into_owned();
            wrong.push(format!(
                "{place:?} {line:?}: {}: {said} {strict:#?}",
                real.status
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
