//! Scripts: a command, `----`, and what the machine did; they read as a description of the
//! protocol. `UPDATE=1 cargo test --test script` writes what the machine does now.

#[path = "script/ccm.rs"]
mod ccm;
#[path = "script/cpg.rs"]
mod cpg;
#[path = "script/datadriven.rs"]
mod datadriven;
#[path = "script/heartbeat.rs"]
mod heartbeat;
#[path = "script/quorum.rs"]
mod quorum;
#[path = "script/replay.rs"]
mod replay;
#[path = "script/totem.rs"]
mod totem;
#[path = "script/v1.rs"]
mod v1;
