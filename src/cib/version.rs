//! Versions: of a document's content, and of the software that wrote it.

use std::cmp::Ordering;
use std::fmt;

use super::dom::{Document, NodeRef};
use crate::score::leading_integer;

/// The feature set that everbeat speaks. Source: Pacemaker 2.1.5, `CRM_FEATURE_SET`.
pub const FEATURE_SET: &str = "3.16.1";

/// Which state of the document this is; later ones compare greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version {
    /// Counted by administrators.
    pub admin_epoch: i64,
    /// Counts changes of the configuration.
    pub epoch: i64,
    /// Counts changes of the status since the last change of the configuration.
    pub num_updates: i64,
}

/// The attributes of a [`Version`], the most significant first.
pub const COUNTERS: [&str; 3] = ["admin_epoch", "epoch", "num_updates"];

impl Version {
    /// The version that an element's attributes tell; what is missing is 0.
    pub fn of(doc: &Document, node: NodeRef) -> Self {
        let [admin_epoch, epoch, num_updates] = COUNTERS.map(|name| counter(doc, node, name));
        Self {
            admin_epoch,
            epoch,
            num_updates,
        }
    }

    /// The version of a whole document.
    pub fn of_root(doc: &Document) -> Self {
        Self::of(doc, doc.root())
    }

    /// Writes the attributes in the order of a patch.
    pub fn write(self, doc: &mut Document, node: NodeRef) {
        let values = [self.admin_epoch, self.epoch, self.num_updates];
        for (name, value) in COUNTERS.iter().zip(values) {
            doc.set_attr(node, name, &value.to_string());
        }
    }
}

/// The number in an attribute, 0 if there is none.
pub fn counter(doc: &Document, node: NodeRef, name: &str) -> i64 {
    doc.attr(node, name).and_then(leading_integer).unwrap_or(0)
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            admin_epoch,
            epoch,
            num_updates,
        } = self;
        write!(f, "{admin_epoch}.{epoch}.{num_updates}")
    }
}

/// Compares versions of software by their numbers between dots.
/// Source: Pacemaker 2.1.5, `compare_version`; a missing part is 0.
pub fn compare(a: &str, b: &str) -> Ordering {
    let mut a = a.split('.');
    let mut b = b.split('.');
    loop {
        let (part_a, part_b) = (a.next(), b.next());
        if part_a.is_none() && part_b.is_none() {
            return Ordering::Equal;
        }
        let number = |part: Option<&str>| part.and_then(leading_integer).unwrap_or(0);
        match number(part_a).cmp(&number(part_b)) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(compare("3.0.10", "3.0.9"), Ordering::Greater);
        assert_eq!(compare("3.0", "3.0.0"), Ordering::Equal);
        assert_eq!(compare("", "3"), Ordering::Less);
        let doc = crate::cib::read("<cib epoch='12' admin_epoch='1'/>").unwrap();
        let version = Version::of_root(&doc);
        assert_eq!(version.to_string(), "1.12.0");
        assert!(
            version
                > Version {
                    admin_epoch: 0,
                    epoch: 99,
                    num_updates: 9
                }
        );
    }
}
