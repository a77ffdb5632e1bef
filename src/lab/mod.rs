//! Hosts in namespaces on one machine: to practise, to demonstrate, to test.
//!
//! A lab is a keeper process with switches in its network namespace, and hosts, each with
//! network, mount, UTS, IPC and PID namespaces of its own, and its own /etc/ha.d, /etc/corosync,
//! /var/lib/{heartbeat,pacemaker,corosync}, /var/log, /run, /dev and /tmp. See [`keeper`] for
//! what holds it together and [`birth`] for how it is made.
//!
//! ```no_run
//! use everbeat::lab::{Lab, Place, Spec};
//!
//! # fn main() -> anyhow::Result<()> {
//! let spec = Spec::new("t1").host("a=10.0.0.1/24")?.host("b=10.0.0.2/24")?;
//! let lab = Lab::up(&spec, &Place::of_this_user()?)?;
//! lab.host("a").write("/etc/ha.d/authkeys", b"auth 1\n1 crc\n", 0o600)?;
//! let output = lab.host("a").command("hostname").output()?;
//! assert_eq!(output.stdout, b"a\n");
//! lab.host("b").kill()?;
//! # Ok(()) // the lab is taken down here
//! # }
//! ```

pub mod birth;
mod client;
pub mod demo;
mod disk;
mod enter;
mod host;
pub mod init;
pub mod keeper;
mod missing;
mod network;
mod place;
pub mod power;
mod ps;
pub mod request;
pub mod root;
mod serial;
pub mod spec;
mod user_map;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use client::{HostRef, Lab};
pub use enter::{Entry, enter, launch};
pub use place::Place;
pub use spec::{HostSpec, Spec};

/// Folders of programs that a user's PATH may lack and a host's root needs.
const PROGRAM_FOLDERS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Our PATH with the folders of an administrator's programs, `first` before all.
fn path_variable(first: Option<PathBuf>) -> OsString {
    let ours = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = first.into_iter().collect();
    folders.extend(std::env::split_paths(&ours));
    for folder in PROGRAM_FOLDERS.split(':').map(Path::new) {
        if !folders.iter().any(|f| f == folder) {
            folders.push(folder.to_owned());
        }
    }
    std::env::join_paths(folders).unwrap_or_else(|_| PROGRAM_FOLDERS.into())
}
