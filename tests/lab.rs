//! Tests on hosts in namespaces. Where no lab can be made they are skipped, each with a line.

#[path = "lab/alone.rs"]
mod alone;
#[path = "lab/ccm.rs"]
mod ccm;
#[path = "lab/cluster.rs"]
mod cluster;
#[path = "lab/crm.rs"]
mod crm;
#[path = "lab/demo.rs"]
mod demo;
#[path = "lab/executor.rs"]
mod executor;
#[path = "lab/faults.rs"]
mod faults;
#[path = "lab/fence.rs"]
mod fence;
#[path = "lab/host.rs"]
mod host;
#[path = "lab/ipfail.rs"]
mod ipfail;
#[path = "lab/junk.rs"]
mod junk;
#[path = "lab/live.rs"]
mod live;
#[path = "lab/many.rs"]
mod many;
#[path = "lab/media.rs"]
mod media;
#[path = "lab/migrate.rs"]
mod migrate;
#[path = "lab/migrate_absent.rs"]
mod migrate_absent;
#[path = "lab/migrate_by_hand.rs"]
mod migrate_by_hand;
#[path = "lab/migrate_crm.rs"]
mod migrate_crm;
#[path = "lab/migrate_units.rs"]
mod migrate_units;
#[path = "lab/pauses.rs"]
mod pauses;
mod programs;
#[path = "lab/rehearse.rs"]
mod rehearse;
#[path = "lab/ring/mod.rs"]
mod ring;
#[path = "lab/selftest.rs"]
mod selftest;
#[path = "lab/soak.rs"]
mod soak;
#[path = "lab/start.rs"]
mod start;
#[path = "lab/totem.rs"]
mod totem;
#[path = "lab/tour.rs"]
mod tour;
#[path = "lab/tutorial.rs"]
mod tutorial;
#[path = "lab/web.rs"]
mod web;
