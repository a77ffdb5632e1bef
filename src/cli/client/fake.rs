//! A stand-in of the daemon for unit tests; its answers are those of a real one, recorded.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::wire::heartbeat::Message;
use crate::wire::ipc::clplumbing::{Decoder, decode_body, encode_into};

/// Limit of sessions in tests.
pub const LIMIT: Duration = Duration::from_secs(5);

/// A daemon with nodes ta (itself), tb, and a ping node; refuses requests named in `refuse`.
/// Ends when the client closes and returns what was asked.
pub fn daemon(refuse: &[&'static str]) -> (UnixStream, JoinHandle<Vec<String>>) {
    let (client, server) = UnixStream::pair().unwrap();
    let refuse = refuse.to_vec();
    (client, std::thread::spawn(move || serve(server, &refuse)))
}

fn serve(mut stream: UnixStream, refuse: &[&str]) -> Vec<String> {
    let (mut decoder, mut asked) = (Decoder::new(), Vec::new());
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        decoder.push(&piece[..count]);
        while let Some(body) = decoder.next_frame().unwrap() {
            let request = decode_body(body).unwrap();
            let kind = request.text("reqtype").unwrap().to_owned();
            let mut out = Vec::new();
            for answer in answers(&request, &kind, refuse.contains(&kind.as_str())) {
                encode_into(&answer, &mut out).unwrap();
            }
            let _ = stream.write_all(&out);
            asked.push(kind);
        }
    }
    asked
}

fn answers(request: &Message, kind: &str, refuse: bool) -> Vec<Message> {
    let answer = || Message::of_type("hbapi-resp").with("reqtype", kind);
    let ok = |m: Message| vec![m.with("result", "OK")];
    let node = request.text("node");
    if refuse || !matches!(node, None | Some("ta" | "tb" | "10.91.0.3")) {
        return vec![answer().with("result", "badreq").with("info", "EINVAL")];
    }
    match kind {
        "signon" => ok(answer()
            .with("deadtime", "fa0")
            .with("keepalive", "1f4")
            .with("node", "ta")
            .with("hbversion", "3.0.6 (node: 958e11be)")
            .with("pacemaker", "false")
            .with("logfacility", "0")),
        "nodelist" => nodes(answer),
        "iflist" if node == Some("10.91.0.3") => {
            ok(answer().with("ifname", "10.91.0.3").with("st", "up"))
        }
        "iflist" => ok(answer().with("ifname", "eth0").with("st", "up")),
        "ifstatus" => ok(answer().with("st", "up")),
        "nodestatus" => ok(answer().with("st", "active")),
        "nodetype" => ok(answer().with("nodetype", "normal")),
        "nodeweight" => ok(answer().with("weight", "100")),
        "nodesite" => ok(answer().with("site", "")),
        "getrsc" => ok(answer().with("rsc_hold", "local")),
        "getparm" if request.text("pname") == Some("deadtime") => ok(answer().with("pvalue", "4")),
        "clientstatus" if node == Some("tb") => vec![
            Message::of_type("respond-cstatus")
                .with("to_id", request.text("from_id").unwrap())
                .with("cs", "online"),
        ],
        "clientstatus" => ok(answer().with("cs", "offline")),
        "signoff" => Vec::new(),
        _ => ok(answer()),
    }
}

fn nodes(answer: impl Fn() -> Message) -> Vec<Message> {
    let node = |name: &str, kind: &str, status: &str, result: &str| {
        answer()
            .with("node", name)
            .with("nodetype", kind)
            .with("st", status)
            .with("result", result)
    };
    vec![
        node("ta", "normal", "active", "ok/more"),
        // Messages to all may come between answers.
        Message::of_type("status")
            .with("src", "tb")
            .with("st", "active"),
        node("tb", "normal", "active", "ok/more"),
        node("10.91.0.3", "ping", "ping", "OK"),
    ]
}
