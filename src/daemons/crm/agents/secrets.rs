//! Parameters that don't stand in the CIB, but in files of each node that only root reads.
//!
//! `crm resource secret` (crmsh) writes them: the CIB has `lrm://`, the node a file with the value
//! and one with its MD5 sum beside it.
//! Source: Pacemaker 2.1.5, `lib/common/cib_secrets.c`, built with CIB secrets.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use md5::{Digest, Md5};

use crate::executor::{Operation, Parameters};

/// Where the files are, by resource.
const FOLDER: &str = "/var/lib/pacemaker/lrm/secrets";

/// What stands in the place of a value.
const MARK: &str = "lrm://";

/// Longest value, in bytes.
const BYTES_MAX: u64 = 64 << 10;

/// The parameters of an operation with the values of this node.
///
/// Errors: the name of one that isn't here, or that isn't what was signed. A `stop` goes without.
pub(super) fn parameters(operation: &Operation) -> Result<Parameters, String> {
    with_values_of(Path::new(FOLDER), operation)
}

fn with_values_of(folder: &Path, operation: &Operation) -> Result<Parameters, String> {
    let is_secret = |(_, value): &(&String, &String)| value.as_str() == MARK;
    if !operation.parameters.iter().any(|pair| is_secret(&pair)) {
        return Ok(Arc::clone(&operation.parameters));
    }
    let folder = folder.join(operation.key.resource.as_str());
    let mut parameters = (*operation.parameters).clone();
    for (name, value) in parameters.iter_mut().filter(|(_, value)| *value == MARK) {
        match secret(&folder, name) {
            Some(known) => *value = known,
            None if &*operation.key.action == "stop" => {}
            None => return Err(name.clone()),
        }
    }
    Ok(Arc::new(parameters))
}

fn secret(folder: &Path, name: &str) -> Option<String> {
    // A name is no way out of the folder.
    if name.contains('/') {
        return None;
    }
    let value = read(&folder.join(name))?;
    let sum = Md5::digest(value.as_bytes());
    let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    let signed = read(&folder.join(format!("{name}.sign")))?;
    signed.eq_ignore_ascii_case(&sum).then_some(value)
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::executor::Key;
    use crate::ids::ResourceName;

    fn operation(action: &str) -> Operation {
        let parameters = [("passwd", MARK), ("port", "80")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Operation {
            key: Key {
                resource: ResourceName::new("db"),
                action: action.into(),
                interval: Duration::ZERO,
            },
            timeout: Duration::ZERO,
            start_delay: Duration::ZERO,
            parameters: Arc::new(parameters.into_iter().collect()),
            transition_key: String::new(),
        }
    }

    #[test]
    fn a_secret_is_what_was_signed_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let of = |action| with_values_of(folder.path(), &operation(action));
        assert_eq!(of("start"), Err("passwd".to_owned()));
        assert_eq!(of("stop").unwrap()["passwd"], MARK, "it must stop anyhow");
        let files = folder.path().join("db");
        std::fs::create_dir(&files).unwrap();
        std::fs::write(files.join("passwd"), "geheim\n").unwrap();
        // md5sum of the word without its line end.
        std::fs::write(
            files.join("passwd.sign"),
            "e8636ea013e682faf61f56ce1cb1ab5c\n",
        )
        .unwrap();
        let parameters = of("start").unwrap();
        assert_eq!(
            (&*parameters["passwd"], &*parameters["port"]),
            ("geheim", "80")
        );
        std::fs::write(files.join("passwd"), "other\n").unwrap();
        assert_eq!(of("start"), Err("passwd".to_owned()));
    }
}
