//! A patch applied to a document, and the patch between two documents.
#![no_main]

use everbeat::cib::{self, patch, writer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str)| {
    let (Ok(old), Ok(new)) = (cib::read(texts.0), cib::read(texts.1)) else {
        return;
    };
    let _ = patch::apply(&mut old.clone(), &new);
    let options = patch::Options {
        as_cib: true,
        no_version: true,
    };
    if old.name(old.root()) != new.name(new.root()) {
        return;
    }
    if let Some(patch) = patch::create(&old, &new, options) {
        let text = writer::pretty(&patch, patch.root());
        assert!(!text.is_empty());
        let _ = patch::describe(&patch);
        let _ = patch::apply(&mut old.clone(), &patch);
    }
});
