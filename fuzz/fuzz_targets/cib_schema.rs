//! Any document against any edition: no panic, and a fault names an element of the document.
#![no_main]

use everbeat::cib;
use everbeat::cib::schema::{Edition, FAULTS_MAX, Validator};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (place, text) = input;
    let Ok(doc) = cib::read(text) else {
        return;
    };
    let count = Edition::all().count();
    let edition = Edition::all()
        .nth(usize::from(place) % count)
        .expect("an edition");
    let mut validator = Validator::new(edition);
    let faults = validator.check(&doc);
    assert!(faults.len() <= FAULTS_MAX);
    assert_eq!(validator.accepts(&doc), faults.is_empty());
    for fault in faults {
        assert!(doc.is_element(fault.node));
        assert!(!fault.text(&doc).is_empty());
    }
});
