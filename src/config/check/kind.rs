//! Which kind of configuration file a file is.

use std::path::Path;

use crate::config::source::Source;
use crate::config::{corosync_conf, ha_cf, haresources};

/// Kinds of files that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// ha.cf.
    HaCf,
    /// haresources.
    Haresources,
    /// authkeys.
    Authkeys,
    /// corosync.conf.
    CorosyncConf,
    /// The CIB.
    Cib,
    /// A file of service.d beside a corosync.conf.
    ServiceD,
    /// A file of uidgid.d beside a corosync.conf.
    UidgidD,
}

impl FileKind {
    /// All kinds of which a set has one at most.
    pub const ALL: [Self; 5] = [
        Self::HaCf,
        Self::Haresources,
        Self::Authkeys,
        Self::CorosyncConf,
        Self::Cib,
    ];

    /// What a folder of heartbeat has.
    pub const OF_HEARTBEAT: [Self; 3] = [Self::HaCf, Self::Haresources, Self::Authkeys];

    /// Folders beside a corosync.conf, each with files of a kind.
    pub const FOLDERS: [Self; 2] = [Self::ServiceD, Self::UidgidD];

    /// The file's usual name, and the word for `--kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::HaCf => "ha.cf",
            Self::Haresources => "haresources",
            Self::Authkeys => "authkeys",
            Self::CorosyncConf => "corosync.conf",
            Self::Cib => "cib.xml",
            Self::ServiceD => "service.d",
            Self::UidgidD => "uidgid.d",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }

    /// What a file is, by its name, else by its content.
    pub fn recognise(path: &Path, source: &Source) -> Option<Self> {
        Self::by_name(path).or_else(|| Self::by_content(source))
    }

    /// What a file is, by its name: `ha.cf`, `ha.cf.old`, `node1.haresources`, `x.cf`, or by that
    /// of its folder.
    pub fn by_name(path: &Path) -> Option<Self> {
        let folder = path.parent().and_then(Path::file_name);
        let of_folder = |k: &Self| folder.is_some_and(|f| f == k.name());
        if let Some(kind) = Self::FOLDERS.into_iter().find(of_folder) {
            return Some(kind);
        }
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        if name == "logd.cf" {
            return None;
        }
        let named = |k: &Self| name.contains(k.name());
        let kind = Self::ALL.into_iter().find(named);
        let xml = name.ends_with(".xml").then_some(Self::Cib);
        let cf = name.ends_with(".cf").then_some(Self::HaCf);
        kind.or(xml).or(cf)
    }

    /// What a file is, by the lines it has most of.
    pub fn by_content(source: &Source) -> Option<Self> {
        let mut counts = [0_usize; Self::ALL.len()];
        for (_, line) in source.lines() {
            let said = line.split('#').next().unwrap_or("");
            if let Some(kind) = of_line(said) {
                counts[kind as usize] += 1;
            }
        }
        let most = *counts.iter().max()?;
        let mut kinds = Self::ALL.into_iter().zip(counts);
        kinds.find(|(_, n)| *n == most && most > 0).map(|(k, _)| k)
    }
}

fn of_line(line: &str) -> Option<FileKind> {
    if line.trim_start().starts_with('<') {
        return Some(FileKind::Cib);
    }
    if let Some((name, _)) = line.split_once('{') {
        let known = corosync_conf::is_top_section(name.trim().trim_end_matches(':'));
        return known.then_some(FileKind::CorosyncConf);
    }
    let mut words = line.split_whitespace();
    let (first, second) = (words.next()?, words.next()?);
    let number = |w: &str| w.bytes().all(|b| b.is_ascii_digit());
    if (first == "auth" && number(second))
        || (number(first) && matches!(second, "crc" | "md5" | "sha1"))
    {
        return Some(FileKind::Authkeys);
    }
    if ha_cf::is_directive(first) {
        return Some(FileKind::HaCf);
    }
    let resource = haresources::Resource::parse(second, Default::default());
    let likely = second.contains("::") || resource.is_bare_address();
    likely.then_some(FileKind::Haresources)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_name(name: &str) -> Option<FileKind> {
        FileKind::by_name(Path::new(name))
    }

    fn by_content(text: &str) -> Option<FileKind> {
        FileKind::by_content(&Source::new("x", text))
    }

    #[test]
    fn names_tell() {
        assert_eq!(by_name("/etc/ha.d/ha.cf"), Some(FileKind::HaCf));
        assert_eq!(by_name("corpus/013-sub-second.cf"), Some(FileKind::HaCf));
        assert_eq!(by_name("a.haresources"), Some(FileKind::Haresources));
        assert_eq!(by_name("authkeys.bak"), Some(FileKind::Authkeys));
        assert_eq!(by_name("logd.cf"), None);
        assert_eq!(by_name("cib-7.xml"), Some(FileKind::Cib));
        assert_eq!(by_name("corosync.conf"), Some(FileKind::CorosyncConf));
        assert_eq!(by_name("/etc/corosync/uidgid.d/x"), Some(FileKind::UidgidD));
    }

    #[test]
    fn contents_tell() {
        assert_eq!(
            by_content("# x\nnode a\nbcast eth0\n"),
            Some(FileKind::HaCf)
        );
        assert_eq!(by_content("auth 1\n1 crc\n"), Some(FileKind::Authkeys));
        assert_eq!(
            by_content("a 10.0.0.5 httpd\n"),
            Some(FileKind::Haresources)
        );
        assert_eq!(
            by_content("totem {\n version: 2\n}\n"),
            Some(FileKind::CorosyncConf)
        );
        assert_eq!(by_content("<cib>\n</cib>\n"), Some(FileKind::Cib));
        assert_eq!(by_content(""), None);
    }
}
