//! How the nodes are reached: this one directly, others by a command such as ssh.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::facts::Facts;

/// How others are reached, where nothing else is said.
pub(super) const SSH: &str = "ssh -o BatchMode=yes -o ConnectTimeout=5 root@{}";
/// Stands for the node's name.
const NAME: &str = "{}";
/// For a question.
pub(super) const SHORT: Duration = Duration::from_secs(20);
/// For a step that may wait for a file system to be unmounted.
pub(super) const LONG: Duration = Duration::from_secs(31 * 60);

/// The ways to the nodes.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// A command with `{}` in place of the node's name.
    pub(super) via: String,
    /// The program on the nodes.
    pub(super) program: String,
    /// The node that this is, which needs no command.
    pub(super) local: Option<String>,
    /// Which migration, and which run of it, asks: nodes refuse what an earlier run asked.
    pub(super) run: String,
}

impl Reach {
    /// Runs everbeat on a node with these arguments, which are plain words.
    ///
    /// Errors: it can't be reached, fails, or takes longer than `limit`; what it said.
    pub(super) fn run(
        &self,
        node: &str,
        args: &[&str],
        input: &[u8],
        limit: Duration,
    ) -> Result<String> {
        let mut command = self.command(node)?;
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = run_within(command, input, limit).with_context(|| node.to_owned())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = match said.trim() {
                "" => output.status.to_string(),
                text => text.to_owned(),
            };
            bail!("{node}: {}: {said}", args.join(" "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(&self, node: &str) -> Result<Command> {
        if self.local.as_deref() == Some(node) {
            let program = std::env::current_exe().context("can't find this program's own file")?;
            return Ok(Command::new(program));
        }
        let mut words = self.via.split_whitespace().map(|w| w.replace(NAME, node));
        let program = words.next().context("--via: no command")?;
        let mut command = Command::new(program);
        command.args(words).arg(&self.program);
        Ok(command)
    }

    /// Has a node do a step.
    pub(super) fn step(&self, node: &str, verb: &str) -> Result<()> {
        self.verb(node, verb, b"")
    }

    /// The same, with what the step needs.
    pub(super) fn verb(&self, node: &str, verb: &str, input: &[u8]) -> Result<()> {
        let limit = match verb {
            // After a boot the ring waits for initdead where a node is absent.
            "everbeat" | "quit" | "heartbeat" | "join" | "ring" => LONG,
            _ => Duration::from_secs(90),
        };
        let args = ["migrate", "node", verb, &self.run];
        self.run(node, &args, input, limit).map(drop)
    }

    /// What a node says of itself.
    pub(super) fn facts(&self, node: &str) -> Result<Facts> {
        let text = self.run(node, &["migrate", "node", "facts"], b"", SHORT)?;
        serde_json::from_str(&text).with_context(|| format!("{node}: no answer of everbeat's"))
    }
}

fn run_within(mut command: Command, input: &[u8], limit: Duration) -> Result<Output> {
    let mut child = command
        .spawn()
        .with_context(|| format!("can't run {}", command.get_program().to_string_lossy()))?;
    let (mut stdin, mut stdout, mut stderr) =
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => (stdin, stdout, stderr),
            _ => bail!("no pipes"),
        };
    let input = input.to_owned();
    // A command that ends without reading is no failure of ours.
    std::thread::spawn(move || drop(stdin.write_all(&input)));
    let out = std::thread::spawn(move || read_all(&mut stdout));
    let err = std::thread::spawn(move || read_all(&mut stderr));
    let end = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            let _ = child.wait();
            bail!("no answer within {} s", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let all = |thread: std::thread::JoinHandle<Vec<u8>>| thread.join().unwrap_or_default();
    Ok(Output {
        status,
        stdout: all(out),
        stderr: all(err),
    })
}

/// Bounded: a node that talks without end is none of ours.
fn read_all(from: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = from.take(64 << 20).read_to_end(&mut bytes);
    bytes
}
