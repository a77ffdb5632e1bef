//! The codecs against captured traffic, against themselves, and against damage.

#[path = "wire/capture.rs"]
mod capture;
#[path = "wire/ccm.rs"]
mod ccm;
#[path = "wire/cluster.rs"]
mod cluster;
#[path = "wire/damage.rs"]
mod damage;
#[path = "wire/hex.rs"]
mod hex;
#[path = "wire/round_trip.rs"]
mod round_trip;
#[path = "wire/totem.rs"]
mod totem;
#[path = "wire/totem_crypto.rs"]
mod totem_crypto;
#[path = "wire/vectors.rs"]
mod vectors;

/// Failing inputs are printed, not kept in files.
fn no_files() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        failure_persistence: None,
        ..Default::default()
    }
}
