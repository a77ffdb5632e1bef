//! An XPath over a small document.
#![no_main]

use std::sync::LazyLock;

use everbeat::cib::{self, Document, xpath};
use libfuzzer_sys::fuzz_target;

static DOC: LazyLock<Document> = LazyLock::new(|| {
    cib::read(
        "<cib epoch='3'><configuration><resources><primitive id='A' class='ocf'>\
         <meta_attributes id='m'><nvpair id='n' name='x' value='10'/></meta_attributes>\
         </primitive><!-- c --><group id='G'><primitive id='B'/><primitive id='C'/></group>\
         </resources></configuration><status>text</status></cib>",
    )
    .expect("it is well-formed")
});

fuzz_target!(|text: &str| {
    if let Ok(nodes) = xpath::select(&DOC, text) {
        assert!(nodes.iter().all(|&node| DOC.contains(DOC.root(), node)));
    }
});
