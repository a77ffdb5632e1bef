//! Rules: what in the configuration counts when, where and for whom.
//!
//! ```text
//!  rule, now, node, resource, operation --Rule::holds--> yes or no, and when that may change
//!  attribute sets of an element ---------sets::read----> name -> value
//! ```
//!
//! Pure: the time is handed in, the document is only read. The scheduler, the tools and the
//! check of configurations ask the same functions.

mod date_expression;
mod date_spec;
mod expression;
mod interval;
pub mod iso8601;
mod number;
mod references;
mod rule;
mod sets;
mod version;

pub use date_expression::{InRange, evaluate_date};
pub use expression::{Captures, Lookup, Matched, compare_values};
pub use interval::{IntervalError, interval_ms, milliseconds};
pub use number::{NumberError, leading_int};
pub use references::References;
pub use rule::{Agent, Context, NextChange, Operation, Role, any_holds, holds};
pub use sets::{Overwrite, Pairs, Sets, Table};
pub use version::compare_versions;
