//! The programs of Cloud Run and Azure Functions beside axum with the raw SDKs: how they start, and weigh.

use skyport_measure::{Group, Outcome};

fn main() -> Outcome {
    let group = Group::asked("cold")?;
    group.done()
}
