//! Resource scripts: where they are, what their words mean.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The script of that name in the first folder that has one to execute.
///
/// Source: heartbeat 3.0.6, ResourceManager, `scriptpath`
pub fn locate(name: &str, folders: &[&Path]) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

/// True for a plain file that may be executed.
pub fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Whether the output of `status` says that the resource runs here. The exit code says nothing.
///
/// Source: heartbeat 3.0.6, ResourceManager, `we_own_resource`: the shell patterns
/// `*[Nn][Oo][Tt]\ *[Rr]unning*` (no), `*[Rr]unning*`, `*OK*` (yes), in this order.
pub fn says_running(output: &str) -> bool {
    let running = |text: &str| text.contains("running") || text.contains("Running");
    let not_running = output
        .match_indices(' ')
        .filter(|(at, _)| ends_with_not(&output[..*at]))
        .any(|(at, _)| running(&output[at + 1..]));
    !not_running && (running(output) || output.contains("OK"))
}

fn ends_with_not(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 3 && bytes[bytes.len() - 3..].eq_ignore_ascii_case(b"not")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_words_are_those_of_the_original() {
        for yes in [
            "running",
            "Running OK",
            "apache2 is running.",
            "INFO:  Running OK",
            "OK",
            "cannot connect; running",
            "is notrunning",
            "is not\nrunning",
        ] {
            // The original's last word on each, run through dash.
            assert_eq!(says_running(yes), dash(yes), "{yes}");
        }
        for no in [
            "",
            "stopped",
            "not running",
            "NOT Running",
            "x is not yet Running",
            "not here\nOK running",
            "RUNNING",
            "INFO:  Resource is stopped",
        ] {
            assert_eq!(says_running(no), dash(no), "{no}");
        }
        assert!(says_running("running"));
        assert!(!says_running("is not running"));
    }

    /// The original's patterns as the shell judges them.
    fn dash(output: &str) -> bool {
        let script = r#"case "$1" in
            *[Nn][Oo][Tt]\ *[Rr]unning*) exit 3;;
            *[Rr]unning*|*OK*) exit 0;;
            *) exit 3;;
        esac"#;
        let status = std::process::Command::new("/bin/sh")
            .args(["-c", script, "sh", output])
            .status()
            .unwrap();
        status.success()
    }

    #[test]
    fn the_first_folder_with_a_program_wins() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folders = [a.path(), b.path()];
        let put = |folder: &Path, mode| {
            std::fs::write(folder.join("web"), "").unwrap();
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.join("web"), mode).unwrap();
        };
        assert_eq!(locate("web", &folders), None);
        put(a.path(), 0o644);
        put(b.path(), 0o755);
        assert_eq!(locate("web", &folders), Some(b.path().join("web")));
        put(a.path(), 0o755);
        assert_eq!(locate("web", &folders), Some(a.path().join("web")));
        assert_eq!(locate("", &folders), None);
    }
}
