//! Names of elements and attributes, each kept once.

use std::sync::Arc;

use indexmap::IndexSet;

use super::store::narrow;

/// A name of one document; equal names have equal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(pub(super) u32);

/// The names of one document, shared by its copies.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    table: Arc<IndexSet<Box<str>>>,
}

impl Names {
    pub(super) fn get(&self, name: Name) -> &str {
        self.table
            .get_index(name.0 as usize)
            .map_or("", |name| name)
    }

    pub(super) fn find(&self, text: &str) -> Option<Name> {
        let index = self.table.get_index_of(text)?;
        Some(Name(narrow(index)))
    }

    pub(super) fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.find(text) {
            return name;
        }
        let (index, _) = Arc::make_mut(&mut self.table).insert_full(text.into());
        Name(narrow(index))
    }
}
