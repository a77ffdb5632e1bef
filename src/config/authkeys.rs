//! authkeys: the keys that messages are signed with.
