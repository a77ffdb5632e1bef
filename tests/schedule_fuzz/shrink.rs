//! The smallest CIB that still makes a difference.

use everbeat::cib::{Document, NodeRef};

/// Takes away what isn't needed for `fails` to be true, as long as anything can be taken away.
pub fn shrink(doc: &Document, mut fails: impl FnMut(&Document) -> bool, tries: usize) -> Document {
    let mut best = doc.clone();
    let mut left = tries;
    loop {
        let size = size(&best);
        best = without_elements(best, &mut fails, &mut left);
        best = without_attributes(best, &mut fails, &mut left);
        if left == 0 || self::size(&best) == size {
            return best;
        }
    }
}

fn size(doc: &Document) -> usize {
    let all = doc.descendants(doc.root());
    all.map(|n| 1 + doc.attr_count(n)).sum()
}

fn elements(doc: &Document) -> Vec<NodeRef> {
    doc.descendants(doc.root())
        .filter(|&n| n != doc.root())
        .collect()
}

/// Large parts first: an element comes before what it contains.
fn without_elements(
    mut best: Document,
    fails: &mut impl FnMut(&Document) -> bool,
    left: &mut usize,
) -> Document {
    let mut at = 0;
    loop {
        let all = elements(&best);
        let Some(&element) = all.get(at) else {
            return best;
        };
        let kept = [
            "configuration",
            "status",
            "crm_config",
            "nodes",
            "resources",
            "constraints",
        ];
        if kept.contains(&best.name(element)) && best.first_node(element).is_none() {
            at += 1;
            continue;
        }
        if *left == 0 {
            return best;
        }
        *left -= 1;
        let mut tried = best.clone();
        tried.detach(element);
        if fails(&tried) {
            best = tried;
        } else {
            at += 1;
        }
    }
}

fn without_attributes(
    mut best: Document,
    fails: &mut impl FnMut(&Document) -> bool,
    left: &mut usize,
) -> Document {
    for element in elements(&best) {
        // What no cluster writes without some attribute would soon be another difference.
        let whole = [
            "lrm_rsc_op",
            "lrm_resource",
            "primitive",
            "node",
            "node_state",
        ];
        if whole.contains(&best.name(element)) {
            continue;
        }
        let names: Vec<String> = best
            .element(element)
            .attrs()
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in names {
            if name == "id" || *left == 0 {
                continue;
            }
            *left -= 1;
            let mut tried = best.clone();
            tried.remove_attr(element, &name);
            if fails(&tried) {
                best = tried;
            }
        }
    }
    best
}
