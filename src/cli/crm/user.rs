//! The user who runs a tool.

pub use crate::runtime::users::named;

/// Name of the user that runs this process; the number if it has none.
pub fn current() -> String {
    let id = nix::unistd::geteuid();
    match nix::unistd::User::from_uid(id) {
        Ok(Some(user)) => user.name,
        _ => id.to_string(),
    }
}
