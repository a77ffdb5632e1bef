//! Why a request failed, in the words and with the exit codes of the tools.

use thiserror::Error;

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// What the request is about is not there.
    #[error("No such device or address")]
    NotFound,
    /// The request makes no sense.
    #[error("Invalid argument")]
    Invalid,
    /// What should be created is there.
    #[error("File exists")]
    Exists,
    /// Access control forbids it.
    #[error("Permission denied")]
    Denied,
    /// The document was written by newer software.
    #[error("Protocol not supported")]
    FeatureSet,
    /// The version would go back.
    #[error("Update was older than existing configuration")]
    Old,
    /// A patch does not fit.
    #[error("Application of update diff failed")]
    PatchFailed,
    /// A patch is from a later version than the document's.
    #[error("Application of update diff failed, requesting full refresh")]
    PatchFromLater,
    /// The result does not keep to its schema.
    #[error("Update does not conform to the configured schema")]
    Schema,
    /// An upgrade did not lead to a valid document.
    #[error("Schema transform failed")]
    Transform,
    /// An upgrade is not needed.
    #[error("Schema is already the latest available")]
    SchemaUnchanged,
    /// The cluster went away, or does not answer.
    #[error("Transport endpoint is not connected")]
    NotConnected,
}

impl Error {
    /// The error whose name in the source is this, as it travels between programs.
    pub fn named(name: &str) -> Self {
        let all = [
            Self::NotFound,
            Self::Exists,
            Self::Denied,
            Self::FeatureSet,
            Self::Old,
            Self::PatchFailed,
            Self::PatchFromLater,
            Self::Schema,
            Self::Transform,
            Self::SchemaUnchanged,
            Self::NotConnected,
        ];
        let found = all.into_iter().find(|error| format!("{error:?}") == name);
        found.unwrap_or(Self::Invalid)
    }

    /// Its exit code. Source: Pacemaker 2.1.5, `pcmk_rc2exitc`, seen at its tools.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::NotFound => 105,
            Self::Invalid => 70,
            Self::Exists => 108,
            Self::Denied => 4,
            Self::FeatureSet => 76,
            Self::Old => 103,
            Self::PatchFailed | Self::PatchFromLater => 1,
            Self::Schema | Self::Transform => 78,
            Self::SchemaUnchanged => 0,
            Self::NotConnected => 102,
        }
    }
}
