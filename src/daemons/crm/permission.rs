//! Who may ask what of the CRM.
//!
//! root and hacluster may do everything. Where the CIB asks for access control, all others may do
//! what it allows them, members of haclient or not. Where it doesn't, haclient may do everything
//! too, and nobody else anything.
//!
//! Source: spec crm-runtime.md section 16; Pacemaker 2.1.5, the dry run of pacemaker-controld
//! before it deletes a history. Differs: there only haclient reaches the sockets.

use crate::cib::acl::{Access, User};
use crate::cib::operation::{self, Operation, Options, Request};
use crate::cib::xpath;
use crate::cib::{Document, NodeRef};

/// Who may do everything. Source: spec crm-runtime.md section 16.
const CLUSTER_USER: &str = "hacluster";
const CLUSTER_GROUP: &str = "haclient";

/// Whoever is connected, as the kernel says.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    user: User,
    /// In the group haclient.
    member: bool,
}

/// What somebody may do.
#[derive(Debug)]
pub(super) enum Grant {
    /// Everything.
    All,
    /// What the CIB allows.
    Limited(Access),
}

impl Caller {
    /// Looks up the names of a user and of the groups.
    pub(super) fn new(uid: u32, gid: u32, groups: &[u32]) -> Self {
        let name = nix::unistd::User::from_uid(uid.into()).ok().flatten();
        let name = match (uid, name) {
            (0, _) => "root".to_owned(),
            (_, Some(user)) => user.name,
            (_, None) => uid.to_string(),
        };
        let names = groups.iter().chain([&gid]).filter_map(|gid| {
            let group = nix::unistd::Group::from_gid((*gid).into()).ok().flatten();
            group.map(|group| group.name)
        });
        let groups: Vec<String> = names.collect();
        Self {
            member: groups.iter().any(|group| group == CLUSTER_GROUP),
            user: User { name, groups },
        }
    }

    /// Root or the cluster's user.
    pub(super) fn is_root_equal(&self) -> bool {
        self.user.name == "root" || self.user.name == CLUSTER_USER
    }

    /// The user whose name a change bears: the caller, or whom the caller stands in for.
    pub(super) fn acts_as(&self, other: Option<User>) -> Option<User> {
        match self.is_root_equal() {
            true => other,
            false => Some(self.user.clone()),
        }
    }

    /// What the caller may do in the cluster that has this CIB.
    ///
    /// Errors: nothing; why.
    pub(super) fn grant(&self, cib: &Document) -> Result<Grant, String> {
        if self.is_root_equal() {
            return Ok(Grant::All);
        }
        let name = &self.user.name;
        match Access::of(cib, &self.user) {
            Some(access) if access.is_nothing() => Err(format!(
                "user {name} has no permission in the CIB: an acl_target or acl_group must give one"
            )),
            Some(access) => Ok(Grant::Limited(access)),
            None if self.member => Ok(Grant::All),
            None => Err(format!(
                "user {name} is not in the group {CLUSTER_GROUP}, and access control is off \
                 (property enable-acl)"
            )),
        }
    }
}

impl Grant {
    /// What a user may do who doesn't call himself.
    pub(super) fn of(cib: &Document, user: &User) -> Self {
        Access::of(cib, user).map_or(Self::All, Self::Limited)
    }

    /// Tells of each node whether an attribute of it may be read. Private ones are in no CIB, so
    /// that nothing allows them.
    pub(super) fn attribute_reader(&self, cib: &Document, name: &str) -> impl Fn(&str) -> bool {
        let readable = match self {
            Self::All => None,
            Self::Limited(access) => Some(access.filtered(cib).ok()),
        };
        let name = xpath::literal(name);
        move |node| {
            let Some(cib) = &readable else { return true };
            let node = xpath::literal(node);
            let path =
                format!("//node_state[@uname={node}]/transient_attributes//nvpair[@name={name}]");
            let found = cib.as_ref().map(|cib| xpath::select(cib, &path));
            matches!(found, Some(Ok(nodes)) if !nodes.is_empty())
        }
    }

    /// What may be read of a CIB; none if that is nothing.
    pub(super) fn readable(&self, cib: &Document) -> Option<Document> {
        match self {
            Self::All => Some(cib.clone()),
            Self::Limited(access) => access.filtered(cib).ok(),
        }
    }

    /// Whether a transient attribute of a node may be set.
    pub(super) fn may_set(&self, cib: &Document, node: &str, name: &str) -> bool {
        let Some(state) = state_of(cib, node) else {
            return matches!(self, Self::All);
        };
        let (id, set) = (cib.id(state).unwrap_or(node), "instance_attributes");
        let mut input = Document::new("node_state");
        let root = input.root();
        input.set_attr(root, "id", id);
        let transient = input.add_element(root, "transient_attributes", &[("id", id)]);
        let set = input.add_element(transient, set, &[("id", &format!("status-{id}"))]);
        // A value that nobody has, so that the trial changes something.
        let attrs = [("id", "trial"), ("name", name), ("value", "\u{1}")];
        input.add_element(set, "nvpair", &attrs);
        self.may(
            cib,
            Operation::Modify,
            &Request {
                section: Some("status"),
                input: Some(&input),
                options: Options {
                    can_create: true,
                    ..Options::default()
                },
                ..Request::default()
            },
        )
    }

    /// Whether all that an XPath selects may be deleted.
    pub(super) fn may_delete(&self, cib: &Document, path: &str) -> bool {
        self.may(
            cib,
            Operation::Delete,
            &Request {
                xpath: Some(path),
                options: Options {
                    multiple: true,
                    ..Options::default()
                },
                ..Request::default()
            },
        )
    }

    /// Tries a change on a copy.
    fn may(&self, cib: &Document, operation: Operation, request: &Request) -> bool {
        match self {
            Self::All => true,
            Self::Limited(access) => {
                let request = Request {
                    access: Some(access),
                    ..*request
                };
                let tried = operation::update(cib, operation, &request);
                // What isn't there can be deleted by anybody.
                !tried.is_err_and(|failure| failure.error == crate::cib::Error::Denied)
            }
        }
    }
}

fn state_of(cib: &Document, node: &str) -> Option<NodeRef> {
    let status = cib.child(cib.root(), "status")?;
    let mut states = cib.children_named(status, "node_state");
    states.find(|state| cib.attr(*state, "uname") == Some(node))
}
