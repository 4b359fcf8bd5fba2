//! Scenarios whose cost is counted rather than timed; `cargo xtask counts` holds the counts to stored ones.
//!
//! ```text
//! skyport-bench-counts list                        each scenario, and whether its instructions can be counted
//! skyport-bench-counts allocations                 how often an operation of each takes from the heap, as JSON
//! skyport-bench-counts run <scenario> <times>      the operation so often, for valgrind to count
//! ```

mod dispatch;
mod local;
mod memory;
mod scenario;

use std::collections::BTreeMap;

use scenario::{SCENARIOS, Task};
use skyport_measure::Outcome;

#[allow(clippy::print_stdout)] // xtask reads it.
fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["list"] => {
            for scenario in SCENARIOS {
                println!(
                    "{} {}",
                    scenario.name,
                    if scenario.steady { "instructions" } else { "allocations" }
                );
            }
            Ok(())
        }
        ["allocations"] => {
            let counted =
                SCENARIOS.iter().map(|scenario| Ok((scenario.name, (scenario.perform)(Task::Count)?)));
            println!("{}", serde_json::to_string(&counted.collect::<Outcome<BTreeMap<_, _>>>()?)?);
            Ok(())
        }
        ["run", name, times] => {
            let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
            let scenario = scenario.ok_or_else(|| format!("there is no scenario {name}"))?;
            (scenario.perform)(Task::Run(times.parse()?)).map(drop)
        }
        _ => Err("one of: list, allocations, run <scenario> <times>".into()),
    }
}
