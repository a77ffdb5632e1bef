//! The document of a cluster without configuration.

use super::dom::Document;
use super::version::FEATURE_SET;

/// An empty document in the order of attributes and sections that Pacemaker writes.
pub fn document(schema: &str, epoch: u32) -> Document {
    let mut doc = Document::new("cib");
    let root = doc.root();
    let epoch = epoch.to_string();
    for (name, value) in [
        ("crm_feature_set", FEATURE_SET),
        ("validate-with", schema),
        ("epoch", epoch.as_str()),
        ("num_updates", "0"),
        ("admin_epoch", "0"),
    ] {
        doc.set_attr(root, name, value);
    }
    let configuration = doc.add_element(root, "configuration", &[]);
    for section in ["crm_config", "nodes", "resources", "constraints"] {
        doc.add_element(configuration, section, &[]);
    }
    doc.add_element(root, "status", &[]);
    doc
}
