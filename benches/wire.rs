//! What a message costs on the messaging thread: sealing one, opening one.
//!
//! `cargo bench --bench wire`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use everbeat::wire::heartbeat::{
    Format, Keyring, Message, Method, Value, open, seal, seal_into, text,
};
use everbeat::wire::ipc::clplumbing;

/// A status message as heartbeat sends it.
fn status() -> Message {
    let mut message = Message::of_type("status")
        .with("st", "active")
        .with("dt", "1770")
        .with("protocol", "1")
        .with("src", "node-a.example");
    message.push("srcuuid", Value::Binary((0..16).collect()));
    message
        .with("seq", "d")
        .with("hg", "6b02d01a")
        .with("ts", "6b02d01f")
        .with("ld", "6.46 2.38 0.94 13/194 25")
        .with("ttl", "3")
}

fn keyring(method: Method) -> Keyring {
    let key: &[u8] = if method.needs_key() {
        b"SecretOne"
    } else {
        b""
    };
    Keyring::new(1, [(1, method, key)]).expect("a key of its method")
}

fn datagrams(c: &mut Criterion) {
    let message = status();
    for method in [Method::Sha1, Method::Md5, Method::Crc] {
        let ring = keyring(method);
        let sealed = seal(&message, &ring, Format::Classic).expect("a status can be sealed");
        let mut group = c.benchmark_group(format!("datagram/{method}"));
        group.throughput(Throughput::Bytes(sealed.len() as u64));
        let mut out = Vec::new();
        group.bench_function("seal", |b| {
            b.iter(|| seal_into(black_box(&message), &ring, Format::Classic, &mut out));
        });
        group.bench_function("open", |b| b.iter(|| open(black_box(&sealed), &ring)));
        let mut forged = sealed.clone();
        forged[20] ^= 1;
        group.bench_function("refuse", |b| b.iter(|| open(black_box(&forged), &ring)));
        group.finish();
    }
}

fn local_frames(c: &mut Criterion) {
    let mut frame = Vec::new();
    clplumbing::encode_into(&status(), &mut frame).expect("a status can be framed");
    c.bench_function("frame/encode", |b| {
        let mut out = Vec::new();
        b.iter(|| {
            out.clear();
            clplumbing::encode_into(black_box(&status()), &mut out)
        });
    });
    c.bench_function("frame/decode", |b| {
        b.iter(|| text::decode(black_box(&frame[8..])));
    });
}

criterion_group!(benches, datagrams, local_frames);
criterion_main!(benches);
