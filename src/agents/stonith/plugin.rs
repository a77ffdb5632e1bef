//! Plugins of cluster-glue, through its command `stonith`.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use super::{Device, Parameters, StonithError};
use crate::runtime::process::{self, Ending, Finished, Process, Stream};

/// Exit codes of the command. Source: cluster-glue 1.0.12, stonith.h.
const S_BADHOST: i32 = 4;

/// A call of the command for one device.
pub struct Call<'a> {
    device: &'a Device,
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

impl<'a> Call<'a> {
    /// Errors: `Failed` when cluster-glue is not installed.
    pub fn new(device: &'a Device, limit: Duration) -> Result<Self, StonithError> {
        let program = process::find("stonith").ok_or_else(|| {
            device.failed(
                "the command stonith is not installed: install cluster-glue, or name a fence \
                 agent (fence_…) or meatware",
            )
        })?;
        let file = match &device.parameters {
            Parameters::File(path) => ParameterFile::Given(path.clone()),
            Parameters::Words(words) => {
                let file = write(words);
                let file = file.map_err(|e| device.failed(format!("can't write a file: {e}")))?;
                ParameterFile::Ours(file)
            }
        };
        Ok(Self {
            device,
            program,
            file,
            limit,
        })
    }

    /// Resets a machine.
    pub async fn reset(&self, node: &str) -> Result<(), StonithError> {
        let finished = self.run(&["-T", "reset", node]).await?;
        match finished.ending {
            Ending::Exited(S_BADHOST) => Err(self.device.cannot_reset(node)),
            _ => self.device.check(&finished),
        }
    }

    /// Asks the device whether it works.
    pub async fn status(&self) -> Result<(), StonithError> {
        let finished = self.run(&["-S"]).await?;
        self.device.check(&finished)
    }

    /// The machines it knows.
    pub async fn hosts(&self) -> Result<Vec<String>, StonithError> {
        let finished = self.run(&["-l"]).await?;
        self.device.check(&finished)?;
        let text = finished.text(Stream::Stdout);
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }

    async fn run(&self, action: &[&str]) -> Result<Finished, StonithError> {
        let mut args: Vec<OsString> = vec!["-t".into(), self.device.name.clone().into()];
        args.extend(["-F".into(), self.file.path().into()]);
        args.extend(action.iter().map(OsString::from));
        let process = Process::new(&self.program)
            .args(args)
            .timeout(self.limit)
            .watch(|line| self.device.say(line));
        let finished = process.run().await;
        finished.map_err(|e| {
            let program = self.program.display();
            self.device.failed(format!("can't run {program}: {e}"))
        })
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
