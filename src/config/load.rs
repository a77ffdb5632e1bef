//! The configuration of a heartbeat v1 node, from its folder.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::authkeys;
use super::corosync_conf::{self, CorosyncConf};
use super::diagnostic::{Diagnostic, Severity, about_file, has_errors};
use super::ha_cf::{self, CrmMode, HaCf};
use super::haresources::{self, Haresources};
use super::host::Host;
use super::source::Source;
use crate::wire::heartbeat::auth::Keyring;

/// Everything the daemon is configured with.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// ha.cf.
    pub ha_cf: HaCf,
    /// The keys of authkeys.
    pub keyring: Keyring,
    /// The groups of haresources; none with a cluster resource manager.
    pub haresources: Haresources,
}

/// What heartbeat 3.0.6 refuses though its meaning is plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// It is taken, with a warning.
    Taken,
    /// It is an error (`--strict`).
    Refused,
}

/// Reads ha.cf, authkeys and haresources of a folder, and holds them against each other and the
/// host.
///
/// All findings come in one go, in the order ha.cf, authkeys, haresources; notes are left to the
/// linter. The configuration is absent when there is an error among them.
pub fn load(dir: &Path, host: &dyn Host, plain: Plain) -> (Option<Configuration>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let ha_cf = load_ha_cf(&dir.join("ha.cf"), host, &mut found);
    let (keyring, of_keys) = load_authkeys(&dir.join("authkeys"));
    found.extend(of_keys);
    let haresources = load_haresources(&dir.join("haresources"), ha_cf.as_ref(), &mut found);
    found.retain(|d| d.severity > Severity::Note);
    if plain == Plain::Refused {
        found = found.into_iter().map(Diagnostic::strict).collect();
    }
    if has_errors(&found) {
        return (None, found);
    }
    let all = ha_cf.zip(keyring).zip(haresources);
    let all = all.map(|((ha_cf, keyring), haresources)| Configuration {
        ha_cf,
        keyring,
        haresources,
    });
    (all, found)
}

/// Reads a corosync.conf with the folders service.d and uidgid.d beside it, and holds it against
/// the host.
///
/// All findings come in one go; notes are left to the linter. The configuration is absent when
/// there is an error among them.
pub fn load_corosync(
    path: &Path,
    host: &dyn Host,
    plain: Plain,
) -> (Option<CorosyncConf>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let Some(source) = open(path, &mut found) else {
        return (None, found);
    };
    let (mut model, new) = corosync_conf::read_all(&source);
    found.extend(new);
    for source in beside(path, "service.d", &mut found) {
        let (services, new) = corosync_conf::parse_service_d(&source);
        model.services.extend(services);
        found.extend(new);
    }
    for source in beside(path, "uidgid.d", &mut found) {
        let (access, new) = corosync_conf::parse_uidgid_d(&source);
        model.access.extend(access);
        found.extend(new);
    }
    found.extend(corosync_conf::check_on_host(&model, &source, host));
    if plain == Plain::Refused {
        let three = model.told.generation == corosync_conf::Generation::Three;
        // That 3.x refuses a file of 1.x or 2.x is no fault of the file.
        let counts = |d: &Diagnostic| three || d.severity > Severity::Note;
        found.retain(counts);
        found = found.into_iter().map(Diagnostic::strict).collect();
    }
    found.retain(|d| d.severity > Severity::Note);
    let model = if has_errors(&found) {
        None
    } else {
        Some(model)
    };
    (model, found)
}

/// The files of a folder beside another file, by name; none if there is no such folder.
fn beside(path: &Path, folder: &str, found: &mut Vec<Diagnostic>) -> Vec<Source> {
    let entries = std::fs::read_dir(path.with_file_name(folder));
    let entries = entries.into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|e| e.path()).filter(|p| p.is_file()).collect();
    files.sort();
    files.iter().filter_map(|file| open(file, found)).collect()
}

fn load_ha_cf(path: &Path, host: &dyn Host, found: &mut Vec<Diagnostic>) -> Option<HaCf> {
    let source = open(path, found)?;
    let (model, new) = ha_cf::read_all(&source, host);
    found.extend(new);
    found.extend(ha_cf::check_on_host(&model, &source, host));
    Some(model)
}

/// Reads an authkeys file, and refuses one that group or others may read.
pub fn load_authkeys(path: &Path) -> (Option<Keyring>, Vec<Diagnostic>) {
    let opened = Source::read(path).and_then(|s| Ok((s, std::fs::metadata(path)?.mode())));
    let (source, mode) = match opened {
        Ok(opened) => opened,
        Err(error) => return (None, vec![unreadable(path, &error)]),
    };
    let (keyring, mut found) = authkeys::parse(&source);
    match authkeys::permissions(&source, mode) {
        Some(open) => {
            found.insert(0, open);
            (None, found)
        }
        None => (keyring, found),
    }
}

fn load_haresources(
    path: &Path,
    ha_cf: Option<&HaCf>,
    found: &mut Vec<Diagnostic>,
) -> Option<Haresources> {
    if ha_cf.is_some_and(|m| m.crm != CrmMode::Off) {
        return Some(Haresources::default());
    }
    let source = open(path, found)?;
    let (model, new) = haresources::read_all(&source);
    found.extend(new);
    if let Some(ha_cf) = ha_cf {
        found.extend(haresources::check_against_ha_cf(&model, &source, ha_cf));
    }
    Some(model)
}

fn open(path: &Path, found: &mut Vec<Diagnostic>) -> Option<Source> {
    match Source::read(path) {
        Ok(source) => Some(source),
        Err(error) => {
            found.push(unreadable(path, &error));
            None
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    about_file(Severity::Error, path, format!("can't read it: {error}"))
        .help("everbeat-check(8) says which files a node needs and what is in them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::DistantHost;
    use crate::ids::NodeName;
    use std::os::unix::fs::PermissionsExt;

    const HA_CF: &str = "node a b\nbcast eth0\nlogfacility daemon\nauto_failback on\n";

    fn folder(files: &[(&str, &str, u32)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text, mode) in files {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            let mode = std::fs::Permissions::from_mode(*mode);
            std::fs::set_permissions(&path, mode).unwrap();
        }
        dir
    }

    fn load_as(name: &str, dir: &Path, plain: Plain) -> (Option<Configuration>, Vec<String>) {
        let name = Some(NodeName::new(name).unwrap());
        let (all, found) = load(dir, &DistantHost { name }, plain);
        (all, found.iter().map(|d| d.message.clone()).collect())
    }

    #[test]
    fn a_whole_folder_is_read() {
        let keys = "auth 1\n1 sha1 long-enough-key\n";
        let dir = folder(&[
            ("ha.cf", HA_CF, 0o644),
            ("authkeys", keys, 0o600),
            ("haresources", "a 10.0.0.5\n", 0o644),
        ]);
        let (all, found) = load_as("b", dir.path(), Plain::Taken);
        assert_eq!(found, [""; 0]);
        let all = all.unwrap();
        assert_eq!(all.haresources.groups.len(), 1);
        assert_eq!(all.keyring.outbound(), 1);
        let (all, found) = load_as("c", dir.path(), Plain::Taken);
        assert!(all.is_none());
        assert!(found[0].contains("this host is c"), "{found:?}");
    }

    #[test]
    fn a_corosync_conf_has_its_folders() {
        let text = "totem {\nversion: 2\ntransport: udpu\n}\nnodelist {\nnode {\n\
                    ring0_addr: 10.0.0.1\nnodeid: 1\n}\n}\n";
        let dir = folder(&[("corosync.conf", text, 0o644)]);
        for (name, file, text) in [
            ("uidgid.d", "a", "uidgid {\nuid: hacluster\n}\n"),
            (
                "service.d",
                "pcmk",
                "service {\nname: pacemaker\nver: 1\n}\n",
            ),
        ] {
            let folder = dir.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join(file), text).unwrap();
        }
        let host = DistantHost::default();
        let path = dir.path().join("corosync.conf");
        let (model, found) = load_corosync(&path, &host, Plain::Taken);
        assert_eq!(found, []);
        let model = model.unwrap();
        assert_eq!(
            model.access,
            [corosync_conf::Access::User("hacluster".into())]
        );
        assert_eq!(model.services[0].ver, 1);
        std::fs::write(dir.path().join("uidgid.d/b"), "totem {\n}\n").unwrap();
        let (model, found) = load_corosync(&path, &host, Plain::Taken);
        assert!(model.is_none());
        assert!(found[0].message.contains("doesn't count here"), "{found:?}");
    }

    #[test]
    fn each_missing_file_is_named() {
        let dir = folder(&[]);
        let (all, found) = load_as("a", dir.path(), Plain::Taken);
        assert!(all.is_none());
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn strict_refuses_what_heartbeat_refuses() {
        let dir = folder(&[
            ("ha.cf", &HA_CF.replace("daemon", "DAEMON"), 0o644),
            ("authkeys", "auth 1\n1 sha1 long-enough-key\n", 0o600),
            ("haresources", "", 0o644),
        ]);
        assert!(load_as("a", dir.path(), Plain::Taken).0.is_some());
        assert!(load_as("a", dir.path(), Plain::Refused).0.is_none());
    }

    #[test]
    fn keys_that_others_can_read_are_refused() {
        let dir = folder(&[
            ("ha.cf", HA_CF, 0o644),
            ("authkeys", "auth 1\n1 sha1 long-enough-key\n", 0o644),
            ("haresources", "", 0o644),
        ]);
        let (all, found) = load_as("a", dir.path(), Plain::Taken);
        assert!(all.is_none());
        assert!(found[0].contains("mode 644"), "{found:?}");
    }
}
