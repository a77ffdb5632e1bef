//! The power switch that hosts can press: one line each way on a local socket.
//!
//! Layout: `off HOST`, `on HOST`, `reboot HOST` or `status HOST`, then a line feed; the answer
//! is `on` or `off`, what the host is now, or `error: ...`.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use super::request::read_line;

/// What can be pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// Power off, as if the cord was pulled.
    Off,
    /// Power on.
    On,
    /// Off and on.
    Reboot,
    /// Only look.
    Status,
}

impl FromStr for Button {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> Result<Self> {
        Ok(match word {
            "off" => Self::Off,
            "on" => Self::On,
            "reboot" => Self::Reboot,
            "status" => Self::Status,
            _ => bail!("{word:?} is no button: write off, on, reboot or status"),
        })
    }
}

/// A button and the host it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Press {
    /// The button.
    pub button: Button,
    /// The host.
    pub host: String,
}

impl Press {
    /// Reads `BUTTON HOST`.
    pub fn parse(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [button, host] = words[..] else {
            bail!("{line:?}: write a button and a host, as in `off a`");
        };
        Ok(Self {
            button: button.parse()?,
            host: host.to_owned(),
        })
    }
}

/// Presses `button` of `host` at the socket `at`; `true` if the host is on afterwards.
pub fn press(at: &Path, host: &str, button: &str) -> Result<bool> {
    button.parse::<Button>()?;
    let mut stream = UnixStream::connect(at).with_context(|| {
        format!(
            "can't reach the power switch {} (it is there on hosts of a lab)",
            at.display()
        )
    })?;
    stream.write_all(format!("{button} {host}\n").as_bytes())?;
    let answer = read_line(&mut stream, Vec::new()).context("the power switch is silent")?;
    match String::from_utf8_lossy(&answer).as_ref() {
        "on" => Ok(true),
        "off" => Ok(false),
        other => bail!("{}", other.strip_prefix("error: ").unwrap_or(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presses_are_read() {
        let press = Press::parse("off a").unwrap();
        assert_eq!((press.button, press.host.as_str()), (Button::Off, "a"));
        assert!(Press::parse("off").is_err());
        assert!(Press::parse("explode a").is_err());
        assert!(Press::parse("off a b").is_err());
    }
}
