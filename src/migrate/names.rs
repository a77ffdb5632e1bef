//! Ids for what is new in a CIB: allowed in XML, and each once.

use std::collections::BTreeSet;

/// Ids given so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// An id like `wanted`: other characters become dashes, and a number is added if it is taken.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let base = allowed(wanted);
        let mut name = base.clone();
        let mut number = 1;
        while !self.taken.insert(name.clone()) {
            number += 1;
            name = format!("{base}-{number}");
        }
        name
    }
}

/// Letters of ASCII, digits, dots and dashes; a letter or underscore first.
fn allowed(wanted: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = wanted
        .chars()
        .map(|c| if keep(c) { c } else { '-' })
        .collect();
    match name.chars().next() {
        Some(c) if c.is_ascii_alphabetic() || c == '_' => name,
        _ => format!("r-{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_allowed_in_xml_and_differ() {
        let mut names = Names::default();
        assert_eq!(names.unique("ip-10.0.0.5"), "ip-10.0.0.5");
        assert_eq!(names.unique("ip-10.0.0.5"), "ip-10.0.0.5-2");
        assert_eq!(names.unique("1a/b c"), "r-1a-b-c");
        assert_eq!(names.unique("é"), "r--");
        assert_eq!(names.unique(""), "r-");
    }
}
