//! Tools that follow the cluster: each is told once that something changed, until it looked.

use std::collections::BTreeMap;

/// The tools that subscribed, by their connections.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    /// Whether it was told and has not looked since.
    told: BTreeMap<u64, bool>,
}

impl Watchers {
    /// One more.
    pub(super) fn add(&mut self, client: u64) {
        self.told.insert(client, false);
    }

    /// It is gone.
    pub(super) fn remove(&mut self, client: u64) {
        self.told.remove(&client);
    }

    /// It gets the CIB as it is now.
    pub(super) fn looked(&mut self, client: u64) {
        if let Some(told) = self.told.get_mut(&client) {
            *told = false;
        }
    }

    /// Something changed; those that have to be told.
    pub(super) fn changed(&mut self) -> Vec<u64> {
        let untold = self.told.iter_mut().filter(|(_, told)| !**told);
        let tell = |(client, told): (&u64, &mut bool)| {
            *told = true;
            *client
        };
        untold.map(tell).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_until_it_looks() {
        let mut watchers = Watchers::default();
        assert!(watchers.changed().is_empty());
        watchers.add(1);
        watchers.add(2);
        assert_eq!(watchers.changed(), [1, 2]);
        assert!(watchers.changed().is_empty());
        watchers.looked(2);
        watchers.looked(3);
        assert_eq!(watchers.changed(), [2]);
        watchers.looked(1);
        watchers.remove(1);
        assert!(watchers.changed().is_empty());
    }
}
