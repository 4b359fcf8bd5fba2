//! What every group of benchmarks is measured with.
//!
//! A [`Group`] is one program. It holds contests: ours and its rivals measured in turn, a round each, within the same minutes on the
//! same machine; a [`Row`] is what comes of one. And curves: how a cost grows. It writes what it found into a file, of which
//! `cargo xtask bench` makes the page.

mod alone;
mod built;
mod callgrind;
mod cost;
mod curve;
mod group;
mod plan;
mod profile;
mod row;
mod sample;

pub use alone::{Alone, Beside, child, peak_memory};
pub use built::built;
pub use cost::{Allocated, allocated, processor_time};
pub use curve::{Curve, Line, Point, Scale};
pub use group::{Contender, Group, Metric, STAMP, Told};
pub use plan::Plan;
pub use profile::{Part, Profile, Profiles, Spent, is_of};
pub use row::{Row, Target};
pub use sample::Sample;

/// What every measured step returns.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
