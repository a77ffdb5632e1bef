//! Configuration readers: findings as text, the published files, and damage.

#[path = "config/corpus.rs"]
mod corpus;
#[path = "config/crm_shell.rs"]
mod crm_shell;
#[path = "config/cross.rs"]
mod cross;
#[path = "config/damage.rs"]
mod damage;
#[path = "config/golden.rs"]
mod golden;
#[path = "config/migrate.rs"]
mod migrate;
#[path = "config/migrate_ring.rs"]
mod migrate_ring;
#[path = "config/real.rs"]
mod real;
#[path = "config/samples.rs"]
mod samples;
#[path = "config/tool.rs"]
mod tool;

use everbeat::config::check::{self, File, FileKind, Place, Set};
use everbeat::config::diagnostic::Diagnostic;
use everbeat::config::host::DistantHost;
use everbeat::config::source::Source;

/// A file whose mode is as it should be.
fn file(kind: FileKind, source: Source) -> File {
    File {
        kind,
        source,
        mode: Some(0o100_600),
        reported: true,
    }
}

/// Checks files together, on a host of which nothing is known.
fn check_together(files: Vec<File>) -> Vec<Diagnostic> {
    let set = Set {
        files,
        place: Place::Loose,
        host_named: false,
        dir: "/etc/ha.d".into(),
    };
    check::check_set(&set, &DistantHost::default()).0
}

/// A finding on one line, without the file's name.
fn one_line(finding: &Diagnostic) -> String {
    let Diagnostic {
        line,
        column,
        message,
        severity,
        ..
    } = finding;
    let strict = if finding.refused_by_original {
        ", error with --strict"
    } else {
        ""
    };
    format!("{line}:{column}: {}{strict}: {message}", severity.as_str())
}
