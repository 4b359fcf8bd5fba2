//! A Lambda beside one written by hand on lambda_runtime: how it starts, answers, and weighs.

use skyport_measure::{Group, Outcome};

fn main() -> Outcome {
    let group = Group::asked("lambda")?;
    group.done()
}
