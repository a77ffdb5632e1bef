//! `corosync-keygen`: makes the key that all nodes of a cluster share.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, error::ErrorKind, value_parser};
use zeroize::Zeroizing;

use super::applets::{self, Applet, Kind};
use crate::config::authkey;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "corosync-keygen",
    summary: "make the key that all nodes of a corosync cluster share",
    kind: Kind::Tool,
    man: "corosync-keygen(8)",
    command,
    run,
};

/// What the kernel's own generator is called in the output.
const URANDOM: &str = "/dev/urandom";

/// Source: corosync 3.1.7, tools/corosync-keygen.c, exit codes by strace of each failure
#[derive(Debug, Clone, Copy)]
enum Failure {
    /// Wrong use, wrong size, no randomness.
    Use = 1,
    /// The file can't be made.
    Create = 2,
    /// Its mode can't be set.
    Mode = 3,
    /// It can't be written.
    Write = 4,
    /// It can't be put in its place.
    Close = 5,
}

fn command() -> Command {
    Command::new("corosync-keygen")
        .about("Make the key that all nodes of a corosync cluster share")
        .arg(
            Arg::new("file")
                .short('k')
                .long("key-file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .default_value(authkey::PATH)
                .help("Where the key goes; an old one is replaced"),
        )
        .arg(
            Arg::new("random")
                .short('r')
                .long("random-file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Read the randomness from FILE, and not from the kernel"),
        )
        .arg(
            Arg::new("size")
                .short('s')
                .long("size")
                .value_name("BYTES")
                .default_value("256")
                .help("Length of the key, 128 to 4096; 1.x and 2.x use the first 128 bytes"),
        )
        .arg(
            Arg::new("less-secure")
                .short('l')
                .long("less-secure")
                .action(ArgAction::SetTrue)
                .help("No effect: no one has to press keys for randomness any more"),
        )
        .after_help(
            "Exit status: 0 done, 1 wrong use or no randomness, 2 the file can't be made, \
             3 its mode can't be set, 4 it can't be written, 5 it can't be put in its place.\n\n\
             Examples:\n  \
             corosync-keygen                       a key in /etc/corosync/authkey\n  \
             corosync-keygen -s 128 -k ./authkey   one that corosync 1.4 reads, too",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let name = OsString::from("corosync-keygen");
    let matches = match command().try_get_matches_from(std::iter::once(name).chain(args)) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            error.print()?;
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => {
            error.print()?;
            return Ok(ExitCode::FAILURE);
        }
    };
    Ok(match generate(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err((failure, message)) => {
            eprintln!("corosync-keygen: {message}");
            ExitCode::from(failure as u8)
        }
    })
}

fn generate(matches: &ArgMatches) -> Result<(), (Failure, String)> {
    let size = size(matches)?;
    let file: &PathBuf = matches.get_one("file").expect("clap has a default");
    let random: Option<&PathBuf> = matches.get_one("random");
    let from = random.map_or(Path::new(URANDOM), PathBuf::as_path);
    println!("Corosync Cluster Engine Authentication key generator.");
    println!(
        "Gathering {} bits for key from {}.",
        size * 8,
        from.display()
    );
    let key = randomness(size, random)?;
    store(file, &key)?;
    println!("Writing corosync key to {}.", file.display());
    Ok(())
}

fn size(matches: &ArgMatches) -> Result<usize, (Failure, String)> {
    let text: &String = matches.get_one("size").expect("clap has a default");
    let bounds = authkey::BYTES_MIN..=authkey::BYTES_MAX;
    let size = text.parse().ok().filter(|size| bounds.contains(size));
    size.ok_or_else(|| {
        let (least, most) = (authkey::BYTES_MIN, authkey::BYTES_MAX);
        let message = format!("Unsupported key size (supported <{least},{most}>)");
        (Failure::Use, message)
    })
}

fn randomness(
    size: usize,
    file: Option<&PathBuf>,
) -> Result<Zeroizing<Vec<u8>>, (Failure, String)> {
    let mut key = Zeroizing::new(vec![0; size]);
    match file {
        None => getrandom::fill(&mut key)
            .map_err(|e| (Failure::Use, format!("Failed to read random data: {e}")))?,
        Some(file) => File::open(file)
            .map_err(|e| {
                (
                    Failure::Use,
                    format!("Failed to open random source: {}", reason(&e)),
                )
            })?
            .read_exact(&mut key)
            .map_err(|e| (Failure::Use, format!("Failed to read random data: {e}")))?,
    }
    Ok(key)
}

/// Why, in the words of strerror(3).
fn reason(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.kind().to_string(),
    }
}

/// Writes the key beside its place, then puts it there: a reader finds the old one or the new.
fn store(file: &Path, key: &[u8]) -> Result<(), (Failure, String)> {
    let fail = |failure, what, error: std::io::Error| {
        let message = format!("Could not {what} {}: {}", file.display(), reason(&error));
        (failure, message)
    };
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::metadata(folder).map_err(|e| fail(Failure::Create, "create", e))?;
    let mut new = tempfile::Builder::new()
        .prefix(".authkey")
        .tempfile_in(folder)
        .map_err(|e| fail(Failure::Create, "create", e))?;
    let mode = Permissions::from_mode(0o400);
    let handle = new.as_file();
    handle
        .set_permissions(mode)
        .map_err(|e| fail(Failure::Mode, "set mode of", e))?;
    new.write_all(key)
        .and_then(|()| new.as_file().sync_all())
        .map_err(|e| fail(Failure::Write, "write", e))?;
    new.persist(file)
        .map_err(|e| fail(Failure::Close, "replace", e.error))?;
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| fail(Failure::Close, "sync the folder of", e))
}
