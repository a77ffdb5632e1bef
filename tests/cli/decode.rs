//! `everbeat decode heartbeat` on captures.

#[path = "decode/totem.rs"]
mod totem;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use everbeat::wire::heartbeat::{Format, Keyring, Message, Method, seal};

fn decode(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("everbeat").unwrap();
    command.args(["decode", "heartbeat"]).args(args);
    command
}

fn captured(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("tests/wire/heartbeat").join(name);
    file.to_str().unwrap().to_owned()
}

/// Exit status and lines of the output.
fn outcome(command: &mut Command) -> (Option<i32>, Vec<String>) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (
        output.status.code(),
        text.lines().map(str::to_owned).collect(),
    )
}

fn lines_of(file: &str) -> usize {
    std::fs::read_to_string(file).unwrap().lines().count()
}

#[test]
fn every_capture_is_decoded_and_authenticated() {
    let folder = captured("");
    for entry in std::fs::read_dir(folder).unwrap() {
        let file: PathBuf = entry.unwrap().path();
        let file = file.to_str().unwrap();
        let (code, lines) = outcome(&mut decode(&[file]));
        let all = lines_of(file);
        assert_eq!(code, Some(0), "{file}");
        assert_eq!(lines.len(), all + 1, "{file}");
        assert_eq!(lines[all], format!("{all}/{all}"), "{file}");
        let ok = |line: &&String| line.contains("  ok key ");
        assert_eq!(lines.iter().filter(ok).count(), all, "{file}");
    }
}

#[test]
fn a_line_has_time_addresses_verdict_and_fields() {
    let (_, lines) = outcome(&mut decode(&[&captured("start_join_steady.jsonl")]));
    let start = "0.053 a > 10.33.110.255:694 udp  ok key 1 sha1  t=NS_ackmsg dest=a \
                 ackseq=1 destuuid=fa997ab3-f05e-4cfc-96a0-eaf49d3b715a src=a srcuuid=";
    assert!(lines.iter().any(|line| line.starts_with(start)));
    let (_, lines) = outcome(&mut decode(&[&captured("serial.jsonl")]));
    assert!(lines[0].contains(" serial  ok key 1 sha1  [text] t="));
    let (_, lines) = outcome(&mut decode(&[&captured("compress_bz2_whole.jsonl")]));
    assert!(lines.iter().any(|line| line.contains("  [bz2] t=")));
}

#[test]
fn another_key_is_not_ours() {
    let file = captured("auth_sha1_2.jsonl");
    let all = lines_of(&file);
    let keys = tempfile::NamedTempFile::new().unwrap();
    let with = |text: &str| {
        std::fs::write(keys.path(), text).unwrap();
        let path = keys.path().to_str().unwrap();
        outcome(&mut decode(&["--authkeys", path, &file]))
    };
    let (code, lines) = with("auth 3\n3 sha1 hello\n");
    assert_eq!((code, &lines[all]), (Some(0), &format!("{all}/{all}")));
    for (text, verdict) in [
        ("auth 3\n3 sha1 hullo\n", "  wrong-key: "),
        ("auth 1\n1 sha1 hello\n", "  unknown-key: "),
    ] {
        let (code, lines) = with(text);
        assert_eq!((code, &lines[all]), (Some(1), &format!("0/{all}")));
        assert!(lines[..all].iter().all(|line| line.contains(verdict)));
        // What it says is shown all the same.
        assert!(lines[0].contains("t=status"));
    }
    let (code, lines) = with("3 sha1\n");
    assert_eq!((code, lines.len()), (Some(2), 0));
}

#[test]
fn json_is_an_object_a_line() {
    let file = captured("msgfmt_netstring.jsonl");
    let (code, lines) = outcome(&mut decode(&["--json", &file]));
    assert_eq!(code, Some(0));
    let objects: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let all = lines_of(&file);
    assert_eq!(objects[all]["all"], all);
    assert_eq!(objects[all]["decoded"], all);
    assert_eq!(objects[0]["verdict"], "ok");
    assert_eq!(objects[0]["message"]["t"], "status");
    assert_eq!(objects[0]["message"]["srcuuid"].as_str().unwrap().len(), 36);
    let with_struct = objects
        .iter()
        .find(|o| o["message"]["t"] == "structtst")
        .unwrap();
    assert_eq!(with_struct["message"]["child"]["lst"][1], "two");
    let with_field = objects
        .iter()
        .find(|o| o["message"]["t"] == "comptst")
        .unwrap();
    assert!(with_field["message"]["payload"].is_object());
}

/// Captures of two real daemons with ping nodes, by tcpdump on a bridge and on "any".
#[test]
fn a_real_pcap_of_every_kind() {
    let folder = captured("../pcap");
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), "auth 1\n1 sha1 LabSecret\n").unwrap();
    let keys = keys.path().to_str().unwrap();
    for (name, code, last) in [
        ("ethernet", 0, "43/43"),
        ("cooked", 0, "20/20"),
        ("cooked2", 0, "20/20"),
        ("cut", 1, "12/20"),
    ] {
        let file = format!("{folder}/{name}.pcap");
        let (exit, lines) = outcome(&mut decode(&["--authkeys", keys, &file]));
        assert_eq!(
            (exit, &lines.last().unwrap()[..]),
            (Some(code), last),
            "{name}"
        );
        let cut = |line: &&String| line.ends_with("(the capture lacks the end of the packet)");
        assert_eq!(lines.iter().any(|line| cut(&line)), name == "cut", "{name}");
        let fragmented = lines.iter().any(|line| line.contains("t=hugetst"));
        assert_eq!(fragmented, name == "ethernet", "{name}");
    }
}

fn sealed(key: &str) -> Vec<u8> {
    let ring = Keyring::new(1, [(1, Method::Sha1, key.as_bytes())]).unwrap();
    let message = Message::of_type("status").with("src", "a").with("ts", "1");
    seal(&message, &ring, Format::Classic).unwrap()
}

/// A pcap file with each of these payloads sent to UDP port 694 or another.
fn pcap(payloads: &[(u16, &[u8])]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    file.extend([0; 10]);
    file.extend([4, 0, 101, 0, 0, 0]);
    for (port, payload) in payloads {
        let mut packet = Vec::new();
        etherparse::PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 1)
            .udp(4000, *port)
            .write(&mut packet, payload)
            .unwrap();
        let length = (packet.len() as u32).to_le_bytes();
        file.extend([&[0; 8][..], &length, &length, &packet].concat());
    }
    file
}

#[test]
fn a_pcap_from_the_standard_input() {
    let message = sealed("k");
    let file = pcap(&[
        (694, &message),
        (53, b"another protocol"),
        (5555, &message),
        (694, b"noise"),
        (694, &message[..50]),
    ]);
    let (code, lines) = outcome(decode(&["-"]).write_stdin(file.clone()));
    assert_eq!(code, Some(1));
    let time = "1970-01-01T00:00:00.000000Z 10.0.0.1 > 10.0.0.2";
    let ok = "not authenticated  t=status src=a ts=1 auth=1 ";
    let starts = [
        format!("{time}:694 udp  {ok}"),
        format!("{time}:5555 udp  {ok}"),
        format!("{time}:694 udp  not-heartbeat: not a heartbeat message"),
        format!("{time}:694 udp  truncated: truncated at byte 50"),
        "2/4".into(),
    ];
    for (line, start) in lines.iter().zip(&starts) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(lines.len(), starts.len());
    let (_, lines) = outcome(decode(&["--port", "53", "-"]).write_stdin(file));
    assert_eq!(lines.last().unwrap(), "2/4");
    assert!(lines[1].contains(":53 udp  not-heartbeat"));
}

#[test]
fn what_can_not_be_read_is_named() {
    let stderr = |input: &[u8]| {
        let output = decode(&["-"]).write_stdin(input).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), text)
    };
    let (code, text) = stderr(b"nothing known");
    assert_eq!(
        (code, &text[..]),
        (Some(2), "decode: -: not a pcap or pcapng file\n")
    );
    let (code, text) = stderr(b"{\"hex\": \"00\"}\n{oops\n");
    assert_eq!(code, Some(2));
    assert!(
        text.starts_with("decode: -: line 2 is no JSON object"),
        "{text}"
    );
    let (code, text) = stderr(&pcap(&[(694, b"x")])[..60]);
    assert_eq!(code, Some(0));
    assert!(text.contains("the file ends inside a record"), "{text}");
    let (code, lines) = outcome(decode(&["-"]).write_stdin("{\"hex\": \"0\"}\n{}\n"));
    assert_eq!((code, lines.len()), (Some(1), 3));
    assert!(lines[0].ends_with("unreadable: field hex isn't hexadecimal"));
    assert!(lines[1].ends_with("unreadable: no field hex"));
    assert_eq!(decode(&[]).output().unwrap().status.code(), Some(2));
    assert_eq!(
        decode(&["/nonexistent"]).output().unwrap().status.code(),
        Some(2)
    );
}
