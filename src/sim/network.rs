//! Links between hosts: what is lost, doubled, late, cut.

use std::collections::BTreeSet;

use crate::ids::LinkName;
use crate::proto::rng::Rng;

/// How well a link carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Of a hundred messages so many are lost, for each receiver by itself.
    pub loss_percent: u64,
    /// Of a hundred so many come twice.
    pub duplicate_percent: u64,
    /// Of a thousand so many have a bit turned.
    pub damage_permille: u64,
    /// Shortest and longest delay, milliseconds; unequal ones reorder.
    pub delay_ms: (u64, u64),
}

impl Weather {
    /// A quiet switch.
    pub const FAIR: Self = Self {
        loss_percent: 0,
        duplicate_percent: 0,
        damage_permille: 0,
        delay_ms: (0, 1),
    };
}

/// A message on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copy {
    /// It arrives after so many milliseconds.
    pub delay_ms: u64,
    /// A bit of it turns; which one, this number decides.
    pub damage: Option<u64>,
}

/// The links of all hosts. Each is a broadcast medium; senders hear themselves.
#[derive(Debug)]
pub struct Network {
    links: Vec<LinkName>,
    weather: Vec<Weather>,
    /// From, to, link.
    cuts: BTreeSet<(usize, usize, usize)>,
    rng: Rng,
}

impl Network {
    /// Links in fair weather.
    pub fn new(links: Vec<LinkName>, rng: Rng) -> Self {
        Self {
            weather: vec![Weather::FAIR; links.len()],
            links,
            cuts: BTreeSet::new(),
            rng,
        }
    }

    /// The links by number.
    pub fn links(&self) -> &[LinkName] {
        &self.links
    }

    /// Changes a link's weather.
    pub fn set_weather(&mut self, link: usize, weather: Weather) {
        self.weather[link] = weather;
    }

    /// Cuts, or mends, one direction on all links.
    pub fn cut(&mut self, from: usize, to: usize, cut: bool) {
        for link in 0..self.links.len() {
            self.cut_on(link, from, to, cut);
        }
    }

    /// The same on one link.
    pub fn cut_on(&mut self, link: usize, from: usize, to: usize, cut: bool) {
        if cut {
            self.cuts.insert((from, to, link));
        } else {
            self.cuts.remove(&(from, to, link));
        }
    }

    /// Cuts, or mends, both directions between each of the two sides.
    pub fn partition(&mut self, side: &BTreeSet<usize>, hosts: usize, cut: bool) {
        for a in 0..hosts {
            for b in 0..hosts {
                if side.contains(&a) != side.contains(&b) {
                    self.cut(a, b, cut);
                }
            }
        }
    }

    /// Fair weather, no cuts.
    pub fn heal(&mut self) {
        self.cuts.clear();
        self.weather.fill(Weather::FAIR);
    }

    /// True if something sent now can arrive on some link.
    pub fn is_open(&self, from: usize, to: usize) -> bool {
        (0..self.links.len()).any(|link| !self.cuts.contains(&(from, to, link)))
    }

    /// The copies of a message that arrive; none if it is lost.
    pub fn copies(&mut self, from: usize, to: usize, link: usize) -> Vec<Copy> {
        if self.cuts.contains(&(from, to, link)) {
            return Vec::new();
        }
        let weather = self.weather[link];
        let mut copies = Vec::new();
        if !self.rng.percent(weather.loss_percent) {
            copies.push(self.copy(weather));
            if self.rng.percent(weather.duplicate_percent) {
                copies.push(self.copy(weather));
            }
        }
        copies
    }

    fn copy(&mut self, weather: Weather) -> Copy {
        let delay_ms = self.rng.between(weather.delay_ms.0, weather.delay_ms.1);
        // Nothing is drawn where nothing can be, so that old seeds keep their runs.
        let damaged = weather.damage_permille > 0 && self.rng.below(1000) < weather.damage_permille;
        Copy {
            delay_ms,
            damage: damaged.then(|| self.rng.next_u64()),
        }
    }
}
