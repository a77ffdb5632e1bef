//! Options of the CIB's manager.

use super::Kind::{Boolean, Integer};
use super::{Audience, ClusterOption};

/// In the order of the original's meta-data.
pub const BASE: &[ClusterOption] = &[
    ClusterOption::new(
        "enable-acl",
        Boolean,
        "false",
        "Whether access to the CIB is restricted by the section acls",
        "Root and the user hacluster may always do everything. Other members of the group \
         haclient may read and write all of the CIB as long as this is false, and what their \
         roles allow once it is true.",
    ),
    ClusterOption::new(
        "cluster-ipc-limit",
        Integer,
        "500",
        "How many messages may wait for a client before it is disconnected",
        "Raise it if the log tells of clients that were too slow. A good value is the number of \
         resources times the number of nodes.",
    )
    .of(Audience::Advanced),
];
