//! Writes the corpus of each target from the captured traffic in `tests/wire` and
//! the samples of `conf`.

use std::io::Result;
use std::path::Path;

use everbeat::wire::ccm::is_ccm;
use everbeat::wire::heartbeat::{netstring, text};

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let captured = root.join("../tests/wire");
    for (folder, target) in [
        ("heartbeat", "datagram"),
        ("ccm", "datagram"),
        ("heartbeat-api", "clplumbing"),
    ] {
        for entry in std::fs::read_dir(captured.join(folder))? {
            let path = entry?.path();
            let rows = std::fs::read_to_string(&path)?;
            for (n, row) in rows.lines().enumerate() {
                let name = format!("{}-{n}", path.file_stem().unwrap().to_string_lossy());
                seed(root, target, &name, &payload(row))?;
            }
        }
    }
    for entry in std::fs::read_dir(captured.join("pcap"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        write(root, "capture", &name, &cut_as(16, &std::fs::read(&path)?))?;
    }
    for name in ["ha.cf", "haresources", "authkeys"] {
        let sample = std::fs::read(root.join("../conf").join(name))?;
        write(root, "config", name, &sample)?;
    }
    Ok(())
}

/// Writes the seeds that one captured payload gives.
fn seed(root: &Path, target: &str, name: &str, bytes: &[u8]) -> Result<()> {
    if target == "clplumbing" {
        return write(root, target, name, &cut_as(16, bytes));
    }
    if bytes.len() > 4096 {
        return Ok(());
    }
    write(root, target, name, bytes)?;
    let form = if bytes.starts_with(text::START) {
        text::decode(bytes)
    } else {
        write(root, "netstring", name, bytes)?;
        netstring::decode(bytes)
    };
    let (message, _) = form.expect("captured traffic decodes");
    let mut lines = Vec::new();
    if text::encode_into(&message, &mut lines).is_ok() {
        write(root, "text", name, &lines)?;
        write(root, "splitter", name, &cut_as(16, &lines))?;
        if is_ccm(&message) {
            write(root, "ccm", name, &lines)?;
        }
    }
    Ok(())
}

/// An input whose first byte says how the rest is cut.
fn cut_as(size: u8, bytes: &[u8]) -> Vec<u8> {
    [&[size], bytes].concat()
}

fn write(root: &Path, target: &str, name: &str, bytes: &[u8]) -> Result<()> {
    let folder = root.join("corpus").join(target);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(name), bytes)
}

fn payload(row: &str) -> Vec<u8> {
    let object: serde_json::Value = serde_json::from_str(row).expect("a row is JSON");
    let digits = object["hex"].as_str().expect("a row has hex");
    (0..digits.len() / 2)
        .map(|n| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).expect("hex"))
        .collect()
}
