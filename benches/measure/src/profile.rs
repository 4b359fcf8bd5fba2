//! Where a contest's instructions go, ours and the rival's: what stands behind a missed target.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::callgrind::{self, Cost};
use crate::{Outcome, Row, Told};

/// Rounds of the shorter run, and of the longer; what is told is what the longer one has beyond the shorter.
const ROUNDS: [&str; 2] = ["1", "3"];

/// How many of those parts are kept that differ most.
const PARTS: usize = 10;

/// What one side costs in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Instructions of the program itself.
    pub instructions: f64,
    /// Calls of the system.
    pub calls: f64,
}

/// A crate, a file of the project, or the system's library; instructions in a round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Whose code it is.
    pub name: String,
    /// In ours.
    pub ours: f64,
    /// In the rival's.
    pub theirs: f64,
}

/// Ours beside one rival in one contest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The contest, whose rows begin with this.
    pub contest: String,
    /// Beside whom.
    pub rival: String,
    /// Skyport's.
    pub ours: Spent,
    /// The rival's.
    pub theirs: Spent,
    /// Where they differ most, in this order.
    pub parts: Vec<Part>,
}

impl Profile {
    /// How much more ours spends in a part, or less, in percent of all that the rival spends.
    #[must_use]
    pub fn difference(&self, part: &Part) -> f64 {
        (part.ours - part.theirs) / self.theirs.instructions.max(1.0) * 100.0
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contest, rival, ours, theirs, parts } = self;
        let times = ours.instructions / theirs.instructions.max(1.0);
        writeln!(
            f,
            "{contest}: {:.0} instructions and {:.0} system calls a round, {rival} {:.0} and {:.0}: {times:.3}x",
            ours.instructions, ours.calls, theirs.instructions, theirs.calls
        )?;
        for part in parts {
            writeln!(f, "  {:+6.1} % {}", self.difference(part), part.name)?;
        }
        Ok(())
    }
}

/// What a group's profiles are, as they stand in their file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profiles {
    /// When, of what and on what they were taken.
    #[serde(default)]
    pub stamp: String,
    /// One for each contest and rival.
    pub profiles: Vec<Profile>,
}

/// Whether a row is of this contest.
#[must_use]
pub fn is_of(row: &Row, contest: &str) -> bool {
    row.name.strip_prefix(contest).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The rivals beside whom this contest has missed a target, each once.
pub(crate) fn missed<'t>(told: &'t Told, contest: &str) -> Vec<&'t str> {
    let rows = told.rows.iter().filter(|row| is_of(row, contest) && !row.is_met());
    let mut rivals: Vec<&str> = rows.map(|row| row.rival.as_str()).collect();
    rivals.sort_unstable();
    rivals.dedup();
    rivals
}

/// Runs both sides under callgrind, each in a process of its own.
///
/// # Errors
/// Where there is no valgrind, or a side fails.
pub(crate) fn take(contest: &str, ours: &str, rival: &str, only_measured: bool) -> Outcome<Profile> {
    let (ours, theirs) = (side(contest, ours, only_measured)?, side(contest, rival, only_measured)?);
    Ok(beside(contest, rival, &ours, &theirs))
}

fn side(contest: &str, name: &str, only_measured: bool) -> Outcome<Cost> {
    let run = |rounds| {
        let arguments = ["--only", contest, "--side", name, "--rounds", rounds];
        callgrind::count(&arguments, only_measured)
    };
    let [short, long] = ROUNDS;
    let beyond = run(long)?.beyond(&run(short)?);
    if beyond.instructions() == 0 {
        return Err(format!("{contest}, {name}: nothing was counted").into());
    }
    Ok(beyond)
}

fn beside(contest: &str, rival: &str, ours: &Cost, theirs: &Cost) -> Profile {
    // That many rounds are between the shorter and the longer.
    let in_a_round = |count: u64| count as f64 / 2.0;
    let of = |cost: &Cost, name: &str| in_a_round(cost.parts.get(name).copied().unwrap_or_default());
    let mut names: Vec<&String> = ours.parts.keys().chain(theirs.parts.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut parts: Vec<Part> = names
        .into_iter()
        .map(|name| Part { name: name.clone(), ours: of(ours, name), theirs: of(theirs, name) })
        .collect();
    parts.sort_by(|a, b| (b.ours - b.theirs).abs().total_cmp(&(a.ours - a.theirs).abs()));
    parts.truncate(PARTS);
    let spent =
        |cost: &Cost| Spent { instructions: in_a_round(cost.instructions()), calls: in_a_round(cost.calls) };
    let (contest, rival) = (contest.to_owned(), rival.to_owned());
    Profile { contest, rival, ours: spent(ours), theirs: spent(theirs), parts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sample, Target};

    #[test]
    fn a_contest_that_missed_names_its_rivals_once() {
        let row = |name: &str, rival: &str, ours: f64| Row {
            name: name.to_owned(),
            rival: rival.to_owned(),
            unit: "us".to_owned(),
            ours: Sample::of(vec![ours]),
            theirs: Sample::of(vec![1.0]),
            target: Target::AtMost(1.0),
        };
        let rows = vec![
            row("kv/get/latency", "a", 2.0),
            row("kv/get/cpu", "a", 2.0),
            row("kv/get/allocations", "b", 1.0),
            row("kv/get-all/cpu", "c", 2.0),
        ];
        let told = Told { rows, ..Told::default() };
        assert_eq!(missed(&told, "kv/get"), ["a"]);
        assert_eq!(missed(&told, "kv/get-all"), ["c"]);
        assert!(missed(&told, "kv").contains(&"c"));
        assert!(missed(&told, "kv/put").is_empty());
    }

    #[test]
    fn parts_that_differ_most_come_first() {
        let cost = |parts: &[(&str, u64)]| Cost {
            calls: 8,
            parts: parts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        };
        let (ours, theirs) = (cost(&[("a", 10), ("b", 100)]), cost(&[("b", 94), ("c", 60)]));
        let profile = beside("x", "y", &ours, &theirs);
        let parts: Vec<_> =
            profile.parts.iter().map(|part| (part.name.as_str(), part.ours, part.theirs)).collect();
        assert_eq!(parts, [("c", 0.0, 30.0), ("a", 5.0, 0.0), ("b", 50.0, 47.0)]);
        assert_eq!((profile.ours.instructions, profile.theirs.calls), (55.0, 4.0));
    }
}
