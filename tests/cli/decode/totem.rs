//! `everbeat decode totem` on captures of corosync 1.4.10, 2.4.6 and 3.1.7.

use std::path::{Path, PathBuf};

use assert_cmd::Command;

use super::{lines_of, outcome, pcap};

fn decode(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("everbeat").unwrap();
    command.args(["decode", "totem"]).args(args);
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

fn captured(name: &str) -> String {
    let file = root().join("tests/wire/totem").join(name);
    file.to_str().unwrap().to_owned()
}

/// The key of all captures, as corosync's authkey file has it.
fn key() -> tempfile::NamedTempFile {
    let text = std::fs::read_to_string(captured("authkey-128.hex")).unwrap();
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let key: Vec<u8> = digits.chunks(2).map(byte).collect();
    assert_eq!(key.len(), 128);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), key).unwrap();
    file
}

/// The selection in tests/wire, and the whole where it is there.
fn files() -> Vec<String> {
    let folders = [
        root().join("tests/wire/totem"),
        root().join("../shared/vectors/totem"),
    ];
    let mut files = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            if file.extension().is_some_and(|end| end == "jsonl") {
                files.push(file.to_str().unwrap().to_owned());
            }
        }
    }
    assert!(files.len() >= 30);
    files
}

#[test]
fn every_datagram_of_every_generation_is_decoded() {
    let key = key();
    let key = key.path().to_str().unwrap();
    let mut all = 0;
    for file in files() {
        let (code, lines) = outcome(&mut decode(&["--key-file", key, &file]));
        let count = lines_of(&file);
        let wrong: Vec<_> = lines.iter().filter(|l| l.contains("unreadable")).collect();
        assert_eq!(code, Some(0), "{file}: {wrong:#?}");
        assert_eq!(lines.last().unwrap(), &format!("{count}/{count}"), "{file}");
        let name = Path::new(&file).file_name().unwrap().to_str().unwrap();
        let how = how(name);
        let datagrams = lines.iter().filter(|line| !line.starts_with("    "));
        let told = datagrams.filter(|line| line.contains(how)).count();
        assert_eq!(told, count, "{file}: not all are {how}");
        all += count;
    }
    println!("{all} datagrams");
    assert!(all > 900, "{all}");
}

/// Generation and protection of a capture by its name.
fn how(name: &str) -> &'static str {
    match name.trim_end_matches(".jsonl") {
        "c14-secauth-off" => "  1.x in clear  ",
        name if name.starts_with("c14") => "  1.x secauth  ",
        "c246-crypto-3des-sha384" => "  2.x 3des/sha384  ",
        "c246-crypto-aes128-sha256" => "  2.x aes128/sha256  ",
        "c246-crypto-aes192-md5" => "  2.x aes192/md5  ",
        "c246-crypto-aes256-sha1" => "  2.x aes256/sha1  ",
        "c246-crypto-none-sha512" => "  2.x none/sha512  ",
        name if name.starts_with("c246") => "  2.x in clear  ",
        _ => "  3.x in clear  ",
    }
}

#[test]
fn a_line_has_the_fields_and_below_it_the_parts() {
    let (_, lines) = outcome(&mut decode(&[&captured("udp-cpg-small.jsonl")]));
    let mcast = "10.33.120.1 > 226.99.12.17:5405 ?  3.x in clear  mcast node 1 from ";
    let of_client = |pair: &[String]| {
        pair[0].contains(mcast)
            && pair[1].starts_with("    cpg mcast group smallgrp pid 24 of client 1:")
    };
    assert!(lines.windows(2).any(of_client), "{lines:#?}");
    let (_, lines) = outcome(&mut decode(&["--json", &captured("udp-recovery.jsonl")]));
    let objects = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    let objects: Vec<serde_json::Value> = objects.collect();
    let recovered = |object: &&serde_json::Value| {
        let part = object["parts"][0].as_str();
        part.is_some_and(|part| part.starts_with("of the old ring: mcast node "))
    };
    assert!(objects.iter().any(|object| recovered(&object)));
    assert_eq!(objects[0]["generation"], "3.x");
    assert_eq!(objects.last().unwrap()["all"], objects.len() - 1);
}

#[test]
fn what_is_encrypted_needs_its_key() {
    let sober = captured("c14-secauth-on-sober.jsonl");
    let aes = captured("c246-crypto-aes256-sha1.jsonl");
    let other = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(other.path(), [7; 128]).unwrap();
    let other = other.path().to_str().unwrap();
    for (file, without, with) in [
        (&sober, "or encrypted by 1.x", "or not signed with this key"),
        (&aes, "give its authkey", "not signed with this key"),
    ] {
        let all = lines_of(file);
        let (code, lines) = outcome(&mut decode(&[file]));
        assert_eq!((code, &lines[all]), (Some(1), &format!("0/{all}")));
        assert!(lines[..all].iter().all(|line| line.contains(without)));
        let (_, lines) = outcome(&mut decode(&["--key-file", other, file]));
        assert_eq!(lines[all], format!("0/{all}"));
        assert!(lines[..all].iter().all(|line| line.contains(with)));
    }
    let bare = captured("c14-secauth-off.jsonl");
    let (code, lines) = outcome(&mut decode(&["--generation", "3", &bare]));
    assert_eq!(code, Some(1));
    assert!(lines[0].ends_with("(taken for 3.x)"), "{}", lines[0]);
    let missing = decode(&["--key-file", "/nonexistent", &bare]).output();
    assert_eq!(missing.unwrap().status.code(), Some(2));
}

#[test]
fn a_pcap_counts_what_begins_like_totem_on_any_port() {
    let merge_detect = "70c003020001000000c0c1df1201000000010000000d00000000000000";
    let byte = |at: usize| u8::from_str_radix(&merge_detect[at..at + 2], 16).unwrap();
    let message: Vec<u8> = (0..merge_detect.len()).step_by(2).map(byte).collect();
    let longer = [&message[..], b"!"].concat();
    let file = pcap(&[
        (5405, &message),
        (9999, &message),
        (53, b"another protocol"),
        (5405, &longer),
        (5405, b"noise"),
    ]);
    let (code, lines) = outcome(decode(&["-"]).write_stdin(file));
    assert_eq!((code, lines.last().unwrap().as_str()), (Some(1), "2/4"));
    assert!(lines[0].ends_with("3.x in clear  memb_merge_detect node 1 from 1 ring 1.d"));
    assert!(lines[2].contains("unreadable: 1 bytes behind the message"));
    assert!(lines[3].contains("unreadable: no totem message"));
}
