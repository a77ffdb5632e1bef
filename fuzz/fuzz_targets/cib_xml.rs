//! A document in XML.
#![no_main]

use everbeat::cib::{self, writer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(doc) = cib::read_bytes(data.to_vec()) else {
        return;
    };
    let text = writer::pretty(&doc, doc.root());
    // What Pacemaker's way of writing makes can be read again, unless it stopped escaping at a
    // character of several bytes.
    if text.is_ascii() {
        let again = cib::read_bytes(text.clone().into_bytes()).expect("it is well-formed");
        assert_eq!(again.name(again.root()), doc.name(doc.root()));
    }
    let all: Vec<_> = doc.descendants(doc.root()).collect();
    assert_eq!(doc.lines(&all).len(), all.len());
    assert_eq!(
        writer::pretty(&doc.compacted(), doc.compacted().root()),
        text
    );
});
