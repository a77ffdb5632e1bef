//! Where labs are kept, and by which program.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::unistd::Uid;

/// Folder of all labs of a user, and the everbeat program that keeps them.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder; each lab has one of its name in it.
    pub root: PathBuf,
    /// This program: tests name the one they were built with.
    pub program: PathBuf,
}

impl Place {
    /// The calling user's folder, and the running program.
    ///
    /// Source: root keeps its labs in /run/everbeat-lab, others in $XDG_RUNTIME_DIR/everbeat-lab
    /// or, without that, /tmp/everbeat-lab-UID.
    pub fn of_this_user() -> Result<Self> {
        let uid = Uid::effective();
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let root = match runtime.filter(|d| d.is_absolute() && d.is_dir()) {
            _ if uid.is_root() && Path::new("/run").is_dir() => "/run/everbeat-lab".into(),
            Some(folder) => folder.join("everbeat-lab"),
            None => PathBuf::from(format!("/tmp/everbeat-lab-{uid}")),
        };
        Self::in_folder(root)
    }

    /// Labs in `root`, and the running program.
    pub fn in_folder(root: impl Into<PathBuf>) -> Result<Self> {
        let program = std::env::current_exe().context("can't find this program's own file")?;
        let root = std::path::absolute(root.into())?;
        Ok(Self { root, program })
    }

    /// Makes the folder, if it isn't there, for nobody but us.
    ///
    /// Errors: it is somebody else's, or others can write it.
    pub fn make(&self) -> Result<()> {
        if let Some(parent) = self.root.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("can't make {}", parent.display()))?;
        }
        let made = fs::DirBuilder::new().mode(0o700).create(&self.root);
        if let Err(error) = made
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(error).with_context(|| format!("can't make {}", self.root.display()));
        }
        let meta = fs::symlink_metadata(&self.root)?;
        if !meta.is_dir() || meta.uid() != Uid::effective().as_raw() {
            bail!(
                "{} is not a folder of ours: choose another with --root",
                self.root.display()
            );
        }
        if meta.permissions().mode() & 0o077 != 0 {
            bail!(
                "others can look into {}: chmod 700 it, or choose another with --root",
                self.root.display()
            );
        }
        Ok(())
    }

    /// Names of the labs here.
    pub fn labs(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|e| e.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_see_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::in_folder(folder.path().join("labs")).unwrap();
        place.make().unwrap();
        place.make().unwrap();
        fs::set_permissions(&place.root, fs::Permissions::from_mode(0o755)).unwrap();
        let text = place.make().unwrap_err().to_string();
        assert!(text.contains("chmod 700"), "{text}");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&place.root, &link).unwrap();
        let place = Place::in_folder(link).unwrap();
        assert!(place.make().is_err());
    }
}
