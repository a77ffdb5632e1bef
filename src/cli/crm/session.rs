//! A CIB that a tool reads and changes.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::file::{self, write_document};
use super::judge::Judge;
use super::live::Live;
use super::{code, input, user};
use crate::cib::acl::{Access, User};
use crate::cib::operation::{self, Answer, Change, Operation, Request};
use crate::cib::upgrade::Upgraded;
use crate::cib::{Document, Error};

/// Where shadow copies are if `CIB_shadow_dir` says nothing.
pub const CIB_DIR: &str = "/var/lib/pacemaker/cib";

/// Why there is no CIB to work on.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The file that the environment names is not there.
    #[error("No such device or address")]
    Missing(PathBuf),
    /// It is not a valid CIB; with lines that say why.
    #[error("Update does not conform to the configured schema")]
    Invalid(PathBuf, String),
    /// There is no cluster.
    #[error("Transport endpoint is not connected")]
    NotConnected,
    /// The user may read nothing; with the daemon's words.
    #[error("Permission denied")]
    Denied(Option<String>),
}

impl ConnectError {
    /// The exit code of a tool that needs the CIB.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Missing(_) => code::NOSUCH,
            Self::Invalid(..) => code::CONFIG,
            Self::NotConnected => code::DISCONNECT,
            Self::Denied(_) => code::INSUFFICIENT_PRIV,
        }
    }

    /// What to look at, in a line; none if the message says all.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid(_, why) => Some(why.clone()),
            Self::Denied(why) => why.clone(),
            Self::Missing(_) | Self::NotConnected => None,
        }
    }
}

/// Why a change was not made.
#[derive(Debug)]
pub struct UpdateError {
    /// Why.
    pub error: Error,
    /// `<failed>` with what was not created.
    pub answer: Option<Box<Document>>,
    /// The document that is not valid.
    pub rejected: Option<Box<Document>>,
}

impl From<Error> for UpdateError {
    fn from(error: Error) -> Self {
        Self {
            error,
            answer: None,
            rejected: None,
        }
    }
}

/// Where the environment says that the CIB is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a file: `CIB_file`.
    File(PathBuf),
    /// In a shadow copy: `CIB_shadow`.
    Shadow(PathBuf),
    /// In the cluster.
    Cluster,
}

impl Location {
    /// Reads `CIB_shadow`, `CIB_shadow_dir` and `CIB_file`; a shadow copy comes first.
    pub fn from_environment() -> Self {
        let shadow = std::env::var_os("CIB_shadow").filter(|name| !name.is_empty());
        if let Some(name) = shadow {
            return Self::Shadow(shadow_path(&name.to_string_lossy()));
        }
        match std::env::var_os("CIB_file") {
            Some(file) => Self::File(file.into()),
            None => Self::Cluster,
        }
    }
}

/// The file of a shadow copy.
pub fn shadow_path(name: &str) -> PathBuf {
    let dir = std::env::var_os("CIB_shadow_dir").filter(|dir| !dir.is_empty());
    let dir = dir.map_or_else(|| PathBuf::from(CIB_DIR), PathBuf::from);
    dir.join(format!("shadow.{name}"))
}

/// A CIB in a file, opened; changes are kept until [`Session::close`].
#[derive(Debug)]
pub struct Session {
    path: PathBuf,
    doc: Document,
    changed: bool,
    user: Option<User>,
    judge: Judge,
    /// The cluster, where the CIB is its own.
    live: Option<Live>,
}

impl Session {
    /// Opens the CIB that the environment names.
    pub fn open() -> Result<Self, ConnectError> {
        match Location::from_environment() {
            Location::File(path) | Location::Shadow(path) => Self::open_file(&path),
            Location::Cluster => Self::open_live(),
        }
    }

    /// Takes the CIB of the cluster that this node belongs to.
    fn open_live() -> Result<Self, ConnectError> {
        let mut live = Live::open().ok_or(ConnectError::NotConnected)?;
        let doc = live.cib(None).map_err(|error| match error {
            Error::Denied => ConnectError::Denied(live.refusal().map(str::to_owned)),
            _ => ConnectError::NotConnected,
        })?;
        Ok(Self {
            path: PathBuf::new(),
            doc,
            changed: false,
            user: None,
            judge: Judge::default(),
            live: Some(live),
        })
    }

    /// Opens the CIB in a file.
    pub fn open_file(path: &Path) -> Result<Self, ConnectError> {
        if !path.exists() {
            return Err(ConnectError::Missing(path.to_owned()));
        }
        let invalid = |why: String| ConnectError::Invalid(path.to_owned(), why);
        let said = |why: &str| {
            // An earlier run may have ended while it wrote.
            let copy = file::copies(path).into_iter().next_back();
            let copy = copy.map_or(String::new(), |copy| {
                format!("; a whole copy may be {}", copy.display())
            });
            invalid(format!("{}: {why}{copy}", path.display()))
        };
        let mut doc = input::read_file(path).map_err(|error| said(&error.to_string()))?;
        let root = doc.root();
        if doc.name(root) != "cib" {
            return Err(said("the root element has to be cib"));
        }
        if doc.child(root, "status").is_none() {
            doc.add_element(root, "status", &[]);
        }
        let mut judge = Judge::default();
        if doc.attr(root, "validate-with").is_none() {
            // As the original: what says nothing of its edition isn't checked any more.
            doc.set_attr(root, "validate-with", "none");
        }
        if let Err(refused) = judge.check(&doc) {
            return Err(invalid(refused.told(path)));
        }
        Ok(Self {
            path: path.to_owned(),
            doc,
            changed: false,
            user: None,
            judge,
            live: None,
        })
    }

    /// Works with the permissions of a user from now on.
    pub fn act_as(&mut self, name: &str) {
        self.user = Some(user::named(name));
    }

    fn access(&self) -> Option<Access> {
        Access::of(&self.doc, self.user.as_ref()?)
    }

    /// The cluster, where the CIB is its own.
    pub fn live(&mut self) -> Option<&mut Live> {
        self.live.as_mut()
    }

    /// Looks again: what the cluster has now. A file stays as it was read.
    ///
    /// Errors: the cluster is gone.
    pub fn refresh(&mut self) -> Result<(), Error> {
        if let Some(live) = &mut self.live {
            self.doc = live.cib(None)?;
        }
        Ok(())
    }

    /// The whole document, whoever asks.
    pub fn doc(&self) -> &Document {
        &self.doc
    }

    /// What the user may read.
    pub fn readable(&self) -> Result<Cow<'_, Document>, Error> {
        match self.access() {
            Some(access) => Ok(Cow::Owned(access.filtered(&self.doc)?)),
            None => Ok(Cow::Borrowed(&self.doc)),
        }
    }

    /// Answers a question, with the document that the answer is part of.
    pub fn query(&self, request: &Request) -> Result<(Cow<'_, Document>, Answer), Error> {
        let doc = self.readable()?;
        let answer = operation::query(&doc, request)?;
        Ok((doc, answer))
    }

    /// Carries out a change, if the user of the session may make it.
    pub fn update(
        &mut self,
        operation: Operation,
        request: &Request,
    ) -> Result<Change, UpdateError> {
        if let Some(live) = &mut self.live {
            let user = self.user.as_ref().map(|user| user.name.as_str());
            let change = live.update(operation, request, user)?;
            self.doc = live.cib(None)?;
            return Ok(change);
        }
        let access = self.access();
        let request = Request {
            access: access.as_ref(),
            ..*request
        };
        let update =
            operation::update(&self.doc, operation, &request).map_err(|failure| UpdateError {
                error: failure.error,
                answer: failure.answer.map(Box::new),
                rejected: None,
            })?;
        if request.section != Some("status") {
            self.accept(&update.doc)?;
        }
        self.doc = update.doc;
        // Even what changed nothing writes the file anew, in the layout of the tools.
        self.changed = true;
        Ok(update.change)
    }

    /// Brings the document to the newest edition; says what was rewritten.
    ///
    /// Errors: [`Error::SchemaUnchanged`] if a running cluster has it already; in a file that is
    /// none.
    pub fn upgrade(&mut self) -> Result<Upgraded, UpdateError> {
        let access = self.access();
        let (update, done) =
            operation::upgrade(&self.doc, access.as_ref()).map_err(|failure| failure.error)?;
        if let Some(live) = &mut self.live {
            let user = self.user.as_ref().map(|user| user.name.as_str());
            let change = live.upgrade(user)?;
            self.doc = live.cib(None)?;
            return match change {
                Change::Nothing => Err(Error::SchemaUnchanged.into()),
                Change::Status | Change::Configuration => Ok(done),
            };
        }
        self.accept(&update.doc)?;
        self.doc = update.doc;
        self.changed = true;
        Ok(done)
    }

    fn accept(&mut self, doc: &Document) -> Result<(), UpdateError> {
        self.judge.check(doc).map_err(|_| UpdateError {
            error: Error::Schema,
            answer: None,
            rejected: Some(Box::new(doc.clone())),
        })
    }

    /// Writes the file, if anything changed.
    pub fn close(self) -> std::io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        write_document(&self.path, &self.doc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_file_stays_the_same_one_and_leaves_no_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cib.xml");
        let long = format!("<cib epoch=\"1\" x=\"{}\"/>\n", "y".repeat(5000));
        std::fs::write(&path, long).unwrap();
        let before = std::fs::metadata(&path).unwrap().ino();
        let mut session = Session::open_file(&path).unwrap();
        let given = crate::cib::read("<cib x=\"short\"/>").unwrap();
        let request = Request {
            input: Some(&given),
            ..Request::default()
        };
        session.update(Operation::Modify, &request).unwrap();
        session.close().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().ino(), before);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "<cib epoch=\"1\" x=\"short\" validate-with=\"none\" num_updates=\"1\">\n\
             \x20 <status/>\n</cib>\n"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_packed_file_stays_packed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cib.xml.bz2");
        std::fs::write(&path, []).unwrap();
        let doc = crate::cib::empty::document("pacemaker-3.9", 4);
        write_document(&path, &doc).unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(b"BZh"));
        let session = Session::open_file(&path).unwrap();
        assert_eq!(session.doc().attr(session.doc().root(), "epoch"), Some("4"));
    }

    #[test]
    fn what_is_no_cib_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        assert_eq!(Session::open_file(&path).unwrap_err().exit_code(), 105);
        for text in ["", "<cib", "<other/>"] {
            std::fs::write(&path, text).unwrap();
            let error = Session::open_file(&path).unwrap_err();
            assert_eq!(error.exit_code(), 78);
            assert!(error.hint().is_some());
        }
    }
}
