//! The demo's service: one page that names the host it comes from.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, gethostname};

use crate::sys;

/// Port of the page.
pub const PORT: u16 = 80;
/// The header that names the host.
pub const HEADER: &str = "X-Served-By: ";
const PID_FILE: &str = "/run/demo-page.pid";
const START_TIME: Duration = Duration::from_secs(5);
/// A browser that says nothing for so long is left alone.
const CLIENT_TIME: Duration = Duration::from_secs(1);
/// Longest request that is read, bytes.
const REQUEST_BYTES_MAX: usize = 8192;
/// Exit code of `status` when nothing runs. Source: LSB init scripts.
const NOT_RUNNING: u8 = 3;

/// Does what a resource script is asked: start, stop or status.
pub fn resource(action: &str) -> Result<ExitCode> {
    match action {
        "start" => start().map(|()| ExitCode::SUCCESS),
        "stop" => stop().map(|()| ExitCode::SUCCESS),
        "status" if running().is_some() => {
            println!("demo-page is running");
            Ok(ExitCode::SUCCESS)
        }
        "status" => {
            println!("demo-page is stopped");
            Ok(ExitCode::from(NOT_RUNNING))
        }
        other => bail!("{other:?}: write start, stop or status"),
    }
}

/// The server's process, if it is there.
fn running() -> Option<Pid> {
    let text = fs::read_to_string(PID_FILE).ok()?;
    let pid: i32 = text.trim().parse().ok()?;
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    line.contains("page\0serve").then(|| Pid::from_raw(pid))
}

fn start() -> Result<()> {
    if running().is_some() {
        return Ok(());
    }
    let mut server = Command::new(std::env::current_exe()?);
    server.args(["demo", "page", "serve"]);
    server
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let server = sys::child::new_session(&mut server).spawn()?;
    fs::write(PID_FILE, format!("{}\n", server.id()))?;
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let end = Instant::now() + START_TIME;
    while TcpStream::connect_timeout(&here, Duration::from_millis(200)).is_err() {
        if Instant::now() > end {
            bail!("the page's server does not answer on port {PORT}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn stop() -> Result<()> {
    let Some(pid) = running() else {
        return Ok(());
    };
    kill(pid, Signal::SIGKILL)?;
    while running().is_some() {
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::remove_file(PID_FILE)?;
    Ok(())
}

/// Serves the page until killed.
pub fn serve() -> Result<ExitCode> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT))
        .with_context(|| format!("can't listen on port {PORT}"))?;
    let name = gethostname()?.to_string_lossy().into_owned();
    for client in listener.incoming() {
        // One that goes away in the middle is no reason to stop.
        let _ = client.and_then(|client| answer(client, &name));
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(mut client: TcpStream, name: &str) -> std::io::Result<()> {
    client.set_read_timeout(Some(CLIENT_TIME))?;
    client.set_write_timeout(Some(CLIENT_TIME))?;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") && request.len() < REQUEST_BYTES_MAX {
        match client.read(&mut buffer)? {
            0 => return Ok(()),
            n => request.extend_from_slice(&buffer[..n]),
        }
    }
    client.write_all(response(name).as_bytes())
}

fn response(name: &str) -> String {
    let page = format!(
        "<!doctype html>\n<title>everbeat demo</title>\n<h1>{name}</h1>\n\
         <p>This page comes from {name}.</p>\n"
    );
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
         Connection: close\r\n{HEADER}{name}\r\n\r\n{page}",
        page.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_names_the_host_and_its_length() {
        let text = response("alpha");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.lines().any(|l| l == "X-Served-By: alpha"));
        let length = format!("Content-Length: {}", body.len());
        assert!(head.lines().any(|l| l == length), "{head}");
        assert!(body.contains("<h1>alpha</h1>"));
    }

    #[test]
    fn a_browser_is_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || answer(listener.accept().unwrap().0, "beta"));
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        client.write_all(b"Host: x\r\n\r\n").unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        server.join().unwrap().unwrap();
        assert_eq!(text, response("beta"));
    }
}
