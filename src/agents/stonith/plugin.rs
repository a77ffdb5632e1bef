//! Plugins of cluster-glue, through its command `stonith`.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use super::{Log, Parameters, StonithError};
use crate::runtime::process::{self, Ending, Finished, Process, Stream};

/// Exit codes of the command. Source: cluster-glue 1.0.12, stonith.h.
const S_BADHOST: i32 = 4;

/// A call of the command for one device.
pub struct Call {
    device: String,
    program: PathBuf,
    file: ParameterFile,
    limit: Duration,
}

enum ParameterFile {
    Given(PathBuf),
    /// Parameters of ha.cf: in a file that only root reads, since other users see a command line
    /// and the password on it.
    Ours(NamedTempFile),
}

impl ParameterFile {
    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Ours(file) => file.path(),
        }
    }
}

impl Call {
    /// Errors: `Failed` when cluster-glue is not installed.
    pub fn new(
        device: &str,
        parameters: &Parameters,
        limit: Duration,
    ) -> Result<Self, StonithError> {
        let failed = |reason: String| StonithError::Failed {
            device: device.to_owned(),
            reason,
        };
        let program = process::find("stonith").ok_or_else(|| {
            failed(
                "the command stonith is not installed: install cluster-glue, or name a fence \
                 agent (fence_…) or meatware"
                    .into(),
            )
        })?;
        let file = match parameters {
            Parameters::File(path) => ParameterFile::Given(path.clone()),
            Parameters::Words(words) => {
                let file = write(words).map_err(|e| failed(format!("can't write a file: {e}")))?;
                ParameterFile::Ours(file)
            }
        };
        Ok(Self {
            device: device.to_owned(),
            program,
            file,
            limit,
        })
    }

    /// Resets a machine.
    pub async fn reset(&self, node: &str, log: Log<'_>) -> Result<(), StonithError> {
        let finished = self.run(&["-T", "reset", node], log).await?;
        match finished.ending {
            Ending::Exited(S_BADHOST) => Err(StonithError::CannotReset {
                device: self.device.clone(),
                node: node.to_owned(),
            }),
            _ => self.check(&finished),
        }
    }

    /// Asks the device whether it works.
    pub async fn status(&self, log: Log<'_>) -> Result<(), StonithError> {
        let finished = self.run(&["-S"], log).await?;
        self.check(&finished)
    }

    /// The machines it knows.
    pub async fn hosts(&self, log: Log<'_>) -> Result<Vec<String>, StonithError> {
        let finished = self.run(&["-l"], log).await?;
        self.check(&finished)?;
        let text = finished.text(Stream::Stdout);
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }

    async fn run(&self, action: &[&str], log: Log<'_>) -> Result<Finished, StonithError> {
        let mut args: Vec<OsString> = vec!["-t".into(), self.device.clone().into()];
        args.extend(["-F".into(), self.file.path().into()]);
        args.extend(action.iter().map(OsString::from));
        let process = Process::new(&self.program)
            .args(args)
            .timeout(self.limit)
            .watch(|line| log(&line.text));
        process
            .run()
            .await
            .map_err(|e| self.failed(format!("can't run {}: {e}", self.program.display())))
    }

    fn check(&self, finished: &Finished) -> Result<(), StonithError> {
        if finished.ending.is_success() {
            return Ok(());
        }
        let words = finished.lines.last().map(|line| line.text.trim());
        let words = words.filter(|words| !words.is_empty());
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        Err(self.failed(format!("{}{words}", finished.ending)))
    }

    fn failed(&self, reason: String) -> StonithError {
        StonithError::Failed {
            device: self.device.clone(),
            reason,
        }
    }
}

/// A file with the parameters on one line. A `#` in front would make it a comment; a blank does
/// no harm.
fn write(words: &str) -> std::io::Result<NamedTempFile> {
    let folder = Path::new("/run");
    let mut file = if folder.is_dir() {
        NamedTempFile::with_prefix_in("stonith-", folder).or_else(|_| NamedTempFile::new())?
    } else {
        NamedTempFile::new()?
    };
    writeln!(file, " {words}")?;
    file.flush()?;
    Ok(file)
}
