//! Kinds of orderings, as a set of flags.

use std::ops::{BitOr, BitOrAssign};

/// A set of flags of an ordering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Order(u32);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        impl Order {$(
            $(#[$doc])*
            pub const $name: Self = Self($value);
        )*}
    };
}

flags! {
    /// Dropped.
    NONE = 0;
    /// Pure order.
    OPT = 0x1;
    /// Only if first isn't migrating.
    AFNM = 0x2;
    /// Then required: first required.
    IF = 0x10;
    /// First required: then required.
    IT = 0x20;
    /// Like IF if then's resource is promoted.
    PIF = 0x40;
    /// First needs then runnable and migratable.
    IFM = 0x80;
    /// Then needs first runnable.
    RL = 0x100;
    /// Then may be pseudo only if first is runnable.
    PL = 0x200;
    /// IT limited to first's node.
    ITN = 0x400;
    /// RL unless first is unrunnable and running.
    PROBE = 0x800;
    /// Restart relation.
    RST = 0x1000;
    /// Serialize.
    SER = 0x4000;
    /// Only on the same node.
    SAME = 0x8000;
    /// First is printed.
    IFP = 0x1_0000;
    /// Then is printed.
    ITP = 0x2_0000;
    /// Asymmetric and mandatory.
    ASYM = 0x10_0000;
    /// Utilization.
    LOAD = 0x20_0000;
    /// One or more of them.
    ONE = 0x40_0000;
    /// From a colocation of minus infinity.
    ANTI = 0x80_0000;
    /// Made by the cluster; stays.
    PRES = 0x100_0000;
    /// A required then cancels first.
    TCF = 0x200_0000;
}

impl Order {
    /// All of these are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// One of these is set.
    pub fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
    /// Without these.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
    /// Only these.
    pub fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
    /// Nothing is set.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Order {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Order {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
