use std::io::{Read, Write};
use std::os::unix::net::UnixStream as StdStream;

use super::*;
use crate::wire::ipc::clplumbing::encode_frame_into;

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

async fn next(server: &mut UnixServer) -> ClientEvent {
    let wait = Duration::from_secs(5);
    tokio::time::timeout(wait, server.event(|_| true))
        .await
        .expect("an event")
}

async fn silence(server: &mut UnixServer) {
    let moment = Duration::from_millis(50);
    let event = tokio::time::timeout(moment, server.event(|_| true)).await;
    assert_eq!(event.ok(), None);
}

fn server(framing: Framing) -> (tempfile::TempDir, UnixServer) {
    let dir = tempfile::tempdir().expect("a folder");
    let server = UnixServer::bind(&dir.path().join("s"), 0o777, framing, 64).expect("a socket");
    (dir, server)
}

fn connect(server: &UnixServer) -> StdStream {
    let stream = StdStream::connect(&server.path).expect("connected");
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a time-out");
    stream
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    encode_frame_into(body, &mut frame).expect("a frame");
    frame
}

#[test]
fn frames_come_whole_whatever_the_pieces_and_the_last_before_the_end() {
    block_on(async {
        let (_dir, mut server) = server(Framing::Clplumbing);
        let mut client = connect(&server);
        let ClientEvent::Connected(id, peer) = next(&mut server).await else {
            panic!("no one")
        };
        assert_eq!(peer.pid, std::process::id().cast_signed());
        assert_eq!(peer.uid, nix::unistd::getuid().as_raw());
        let both = [frame(b"one"), frame(b"two")].concat();
        client.write_all(&both[..5]).expect("sent");
        silence(&mut server).await;
        client.write_all(&both[5..]).expect("sent");
        server.send(id, b"answer".to_vec());
        let mut answer = [0; 6];
        client.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"answer");
        drop(client);
        assert_eq!(
            next(&mut server).await,
            ClientEvent::Message(id, b"one".to_vec())
        );
        assert_eq!(
            next(&mut server).await,
            ClientEvent::Message(id, b"two".to_vec())
        );
        assert_eq!(
            next(&mut server).await,
            ClientEvent::Closed(id, Closed::Eof)
        );
        assert!(server.is_empty());
    });
}

#[test]
fn nonsense_and_endless_first_words_end_the_connection() {
    block_on(async {
        let (_dir, mut frames) = server(Framing::Clplumbing);
        let mut client = connect(&frames);
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("sent");
        assert!(matches!(
            next(&mut frames).await,
            ClientEvent::Connected(..)
        ));
        assert!(matches!(
            next(&mut frames).await,
            ClientEvent::Closed(_, Closed::BadFrame)
        ));
        let mut client = connect(&frames);
        let large = frame(&[b'x'; 200_000]);
        client.set_nonblocking(true).expect("set");
        let _ = client.write(&large);
        assert!(matches!(
            next(&mut frames).await,
            ClientEvent::Connected(..)
        ));
        assert!(matches!(
            next(&mut frames).await,
            ClientEvent::Closed(_, Closed::BadFrame)
        ));
        let (_dir, mut lines) = server(Framing::Lines(10));
        let mut client = connect(&lines);
        client.write_all(b"ok\n0123456789\n").expect("sent");
        assert!(matches!(next(&mut lines).await, ClientEvent::Connected(..)));
        assert_eq!(
            next(&mut lines).await,
            ClientEvent::Message(1, b"ok".to_vec())
        );
        assert_eq!(
            next(&mut lines).await,
            ClientEvent::Closed(1, Closed::BadFrame)
        );
    });
}

#[test]
fn frames_of_groups_are_cut_and_wait_while_the_client_may_not_be_read() {
    block_on(async {
        let (_dir, mut server) = server(Framing::Groups(5));
        let mut client = connect(&server);
        let mut bytes = Vec::new();
        for message in [&b"one"[..], b"", b"three"] {
            bytes.extend_from_slice(&(message.len() as u32).to_le_bytes());
            bytes.extend_from_slice(message);
        }
        bytes.extend_from_slice(&6_u32.to_le_bytes());
        client.write_all(&bytes).expect("sent");
        assert!(matches!(
            next(&mut server).await,
            ClientEvent::Connected(1, _)
        ));
        let first = ClientEvent::Message(1, b"one".to_vec());
        assert_eq!(next(&mut server).await, first);
        assert_eq!(server.event_now(|_| false), None);
        let rest = [b"".to_vec(), b"three".to_vec()];
        for message in rest {
            let event = server.event_now(|_| true);
            assert_eq!(event, Some(ClientEvent::Message(1, message)));
        }
        assert_eq!(
            next(&mut server).await,
            ClientEvent::Closed(1, Closed::BadFrame)
        );
    });
}

#[test]
fn a_client_with_much_to_read_is_not_heard_before_it_has_read() {
    block_on(async {
        let (_dir, mut server) = server(Framing::Groups(5));
        let mut client = connect(&server);
        assert!(matches!(
            next(&mut server).await,
            ClientEvent::Connected(1, _)
        ));
        server.set_unread_bytes_max(1, 100_000);
        for _ in 0..2 {
            client.write_all(b"\x03\0\0\0one").expect("sent");
        }
        let said = ClientEvent::Message(1, b"one".to_vec());
        assert_eq!(next(&mut server).await, said);
        let large = 2_000_000;
        server.send(1, vec![7; large]);
        assert_eq!(server.message_read(1), None);
        silence(&mut server).await;
        let reader = std::thread::spawn(move || {
            let mut all = vec![0; large];
            client.read_exact(&mut all).expect("read");
            client
        });
        assert_eq!(next(&mut server).await, said);
        reader.join().expect("a reader");
    });
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_others_are_served() {
    block_on(async {
        let (_dir, mut server) = server(Framing::Clplumbing);
        let _deaf = connect(&server);
        let mut good = connect(&server);
        assert!(matches!(
            next(&mut server).await,
            ClientEvent::Connected(1, _)
        ));
        assert!(matches!(
            next(&mut server).await,
            ClientEvent::Connected(2, _)
        ));
        let mut sent = 0;
        while server.len() == 2 {
            server.send(1, vec![0; 100_000]);
            sent += 1;
            assert!(sent < 200, "never dropped");
        }
        assert!(sent > 64, "the queue is used first: {sent}");
        assert_eq!(
            next(&mut server).await,
            ClientEvent::Closed(1, Closed::Slow)
        );
        good.write_all(&frame(b"hello")).expect("sent");
        assert_eq!(
            next(&mut server).await,
            ClientEvent::Message(2, b"hello".to_vec())
        );
    });
}

#[test]
fn closing_sends_what_is_queued_and_one_is_not_read_while_held() {
    block_on(async {
        let (_dir, mut server) = server(Framing::Lines(100));
        let mut client = connect(&server);
        client.write_all(b"x\n").expect("sent");
        assert!(matches!(
            next(&mut server).await,
            ClientEvent::Connected(1, _)
        ));
        let moment = Duration::from_millis(50);
        let held = tokio::time::timeout(moment, server.event(|_| false)).await;
        assert!(held.is_err());
        assert_eq!(
            next(&mut server).await,
            ClientEvent::Message(1, b"x".to_vec())
        );
        let large = vec![b'y'; 1_000_000];
        server.send(1, large.clone());
        server.close(1);
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            client.read_to_end(&mut all).expect("read");
            all
        });
        while !server.is_empty() {
            silence(&mut server).await;
        }
        assert_eq!(reader.join().expect("a reader"), large);
    });
}

#[test]
fn each_client_gets_its_turn() {
    block_on(async {
        let (_dir, mut server) = server(Framing::Lines(100));
        let mut flood = connect(&server);
        let mut calm = connect(&server);
        assert!(matches!(
            next(&mut server).await,
            ClientEvent::Connected(..)
        ));
        assert!(matches!(
            next(&mut server).await,
            ClientEvent::Connected(..)
        ));
        flood.write_all(&b"junk\n".repeat(1000)).expect("sent");
        calm.write_all(b"please\n").expect("sent");
        let mut before = 0;
        while next(&mut server).await != ClientEvent::Message(2, b"please".to_vec()) {
            before += 1;
        }
        assert!(before < 200, "{before}");
    });
}
