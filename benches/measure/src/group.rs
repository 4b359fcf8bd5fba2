//! A program of benchmarks.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::{Curve, Outcome, Plan, Profiles, Row, Sample, Target, profile};

/// What one round of a contest measures of each contender.
#[derive(Clone, Debug)]
pub struct Metric {
    /// What stands after the contest's name; empty where there is one metric.
    pub name: &'static str,
    /// `ns`, `op/s`, `MiB/s`, `allocations`, `bytes`.
    pub unit: &'static str,
    /// What is aimed at.
    pub target: Target,
}

impl Metric {
    /// One metric.
    #[must_use]
    pub fn new(name: &'static str, unit: &'static str, target: Target) -> Self {
        Self { name, unit, target }
    }
}

/// Whoever takes part in a contest. A round measures by itself, does the same work each time, and returns a value for each metric.
pub struct Contender<'a, const N: usize> {
    name: &'static str,
    is_elsewhere: bool,
    round: Box<dyn FnMut() -> Outcome<[f64; N]> + 'a>,
}

impl<'a, const N: usize> Contender<'a, N> {
    /// With its name: that of the crate, and what of it.
    pub fn new(name: &'static str, round: impl FnMut() -> Outcome<[f64; N]> + 'a) -> Self {
        Self { name, is_elsewhere: false, round: Box::new(round) }
    }

    /// One whose work is done by other programs: a profile of this one would say nothing of it, and none is taken.
    pub fn elsewhere(name: &'static str, round: impl FnMut() -> Outcome<[f64; N]> + 'a) -> Self {
        Self { is_elsewhere: true, ..Self::new(name, round) }
    }
}

impl<const N: usize> std::fmt::Debug for Contender<'_, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contender").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The variable that says when, of what and on what is measured.
pub const STAMP: &str = "SKYPORT_BENCH_STAMP";

/// What a group found, as it stands in its file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// `memory`
    pub group: String,
    /// Whether it was measured with `--quick`.
    pub quick: bool,
    /// When, of what and on what it was measured: what `cargo xtask bench` says in [`STAMP`].
    #[serde(default)]
    pub stamp: String,
    /// Against rivals.
    pub rows: Vec<Row>,
    /// How costs grow.
    pub curves: Vec<Curve>,
}

/// What becomes of a contest.
#[derive(Debug)]
enum Task {
    /// It is measured.
    Measure,
    /// It is profiled, where it has missed a target here.
    Profile { told: Told, taken: Profiles },
    /// One contender runs for so many rounds: under a profiler, which counts.
    Run { side: String, rounds: usize },
}

/// One group: what is asked of it, and what it has found so far.
#[derive(Debug)]
pub struct Group {
    told: Told,
    plan: Plan,
    only: Option<String>,
    out: Option<PathBuf>,
    task: Task,
}

impl Group {
    /// Reads the command line: `--quick`, `--only <part of a name>`, `--out <file>`; `--profile <file of figures>` for profiles of what
    /// missed its target there, and for that `--only <contest> --side <contender> --rounds <number>`.
    ///
    /// # Errors
    /// On anything else.
    pub fn asked(name: &str) -> Outcome<Self> {
        let (mut quick, mut only, mut out, mut figures, mut side, mut rounds) = Default::default();
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
            match word.as_str() {
                "--quick" => quick = true,
                "--only" => only = Some(value()?),
                "--out" => out = Some(PathBuf::from(value()?)),
                "--profile" => figures = Some(value()?),
                "--side" => side = Some(value()?),
                "--rounds" => rounds = Some(value()?.parse()?),
                _ => return Err(format!("unknown option {word}").into()),
            }
        }
        let stamp = std::env::var(STAMP).unwrap_or_default();
        let task = match (figures, side, rounds) {
            (Some(file), None, None) => {
                let taken = Profiles { stamp: stamp.clone(), ..Profiles::default() };
                Task::Profile { told: serde_json::from_slice(&fs::read(file)?)?, taken }
            }
            (None, Some(side), Some(rounds)) => Task::Run { side, rounds },
            (None, None, None) => Task::Measure,
            _ => return Err("--side and --rounds go together, and without --profile".into()),
        };
        let told = Told { group: name.to_owned(), quick, stamp, ..Told::default() };
        Ok(Self { told, plan: Plan::new(quick), only, out, task })
    }

    /// How long each contest takes, unless it is given another plan.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.plan
    }

    /// Whether it is asked for, or what begins with it is: what takes long to prepare looks first.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let has_missed = match &self.task {
            Task::Profile { told, .. } => {
                told.rows.iter().any(|row| row.name.starts_with(name) && !row.is_met())
            }
            _ => true,
        };
        has_missed && self.only.as_deref().is_none_or(|only| name.contains(only) || only.starts_with(name))
    }

    /// Measures ours and its rivals in turn, and adds a row for each metric, beside the rival that is best at it.
    ///
    /// # Errors
    /// What a contender fails with, with its name.
    pub fn contest<const N: usize>(
        &mut self,
        name: &str,
        metrics: [Metric; N],
        plan: Plan,
        ours: Contender<'_, N>,
        rivals: Vec<Contender<'_, N>>,
    ) -> Outcome {
        if !self.wants(name) {
            return Ok(());
        }
        match &mut self.task {
            Task::Measure => {}
            Task::Profile { .. } if ours.is_elsewhere => return Ok(()),
            Task::Profile { told, taken } => {
                let only_measured = metrics.iter().any(|metric| metric.unit == "allocations");
                for rival in profile::missed(told, name) {
                    let profile = profile::take(name, ours.name, rival, only_measured)?;
                    eprint!("{profile}");
                    taken.profiles.push(profile);
                }
                return Ok(());
            }
            Task::Run { .. } if self.only.as_deref() != Some(name) => return Ok(()),
            Task::Run { side, rounds } => {
                let mut all = std::iter::once(ours).chain(rivals);
                let one = all.find(|one| one.name == side).ok_or_else(|| format!("{name} has no {side}"))?;
                return self::rounds(name, plan.exactly(*rounds), &mut [one]).map(drop);
            }
        }
        let mut contenders: Vec<_> = std::iter::once(ours).chain(rivals).collect();
        let values = rounds(name, plan, &mut contenders)?;
        for (index, metric) in metrics.into_iter().enumerate() {
            let sample = |values: &Vec<[f64; N]>| {
                Sample::of(values.iter().filter_map(|round| round.get(index)).copied().collect())
            };
            let samples: Vec<Sample> = values.iter().map(sample).collect();
            let named = contenders.iter().map(|contender| contender.name).zip(samples);
            self.row(name, metric, named.collect())?;
        }
        Ok(())
    }

    /// Adds a row of what was measured in another way: ours first.
    ///
    /// # Errors
    /// Where it has no rival.
    pub fn row(&mut self, name: &str, metric: Metric, mut samples: Vec<(&str, Sample)>) -> Outcome {
        let name = if metric.name.is_empty() { name.to_owned() } else { format!("{name}/{}", metric.name) };
        if samples.len() < 2 {
            return Err(format!("{name} has no rival").into());
        }
        let (_, ours) = samples.remove(0);
        let better = |a: &Sample, b: &Sample| match metric.target.wants_more() {
            true => b.median.total_cmp(&a.median),
            false => a.median.total_cmp(&b.median),
        };
        let best = samples.into_iter().min_by(|(_, a), (_, b)| better(a, b));
        let (rival, theirs) = best.ok_or("no rival")?;
        let (rival, unit) = (rival.to_owned(), metric.unit.to_owned());
        let row = Row { name, rival, unit, ours, theirs, target: metric.target };
        eprintln!("{row}");
        self.told.rows.push(row);
        Ok(())
    }

    /// Adds a curve.
    pub fn curve(&mut self, curve: Curve) {
        for line in &curve.lines {
            let points: Vec<String> =
                line.points.iter().map(|point| format!("{}: {:.1}", point.at, point.took.median)).collect();
            eprintln!(
                "{}/{} ({}): {}; {:.2}x",
                curve.name,
                line.name,
                curve.up,
                points.join(", "),
                line.above()
            );
        }
        self.told.curves.push(curve);
    }

    /// Writes the file, where one is asked for. The last thing that `main` does.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn done(self) -> Outcome {
        if let Some(out) = self.out {
            let found = match &self.task {
                Task::Profile { taken, .. } => serde_json::to_vec_pretty(taken)?,
                _ => serde_json::to_vec_pretty(&self.told)?,
            };
            fs::write(out, found)?;
        }
        Ok(())
    }
}

/// One round of each to warm up, which does not count, unless the plan has none; then in turn, each round begun by another.
fn rounds<const N: usize>(
    name: &str,
    plan: Plan,
    contenders: &mut [Contender<'_, N>],
) -> Outcome<Vec<Vec<[f64; N]>>> {
    let mut values = vec![Vec::new(); contenders.len()];
    for contender in contenders.iter_mut().filter(|_| plan.is_warmed()) {
        run(name, contender)?;
    }
    let began = Instant::now();
    let mut done = 0;
    while plan.goes_on(done, began) {
        for place in 0..contenders.len() {
            let at = (place + done) % contenders.len();
            if let (Some(contender), Some(values)) = (contenders.get_mut(at), values.get_mut(at)) {
                values.push(run(name, contender)?);
            }
        }
        done += 1;
    }
    Ok(values)
}

fn run<const N: usize>(name: &str, contender: &mut Contender<'_, N>) -> Outcome<[f64; N]> {
    (contender.round)().map_err(|error| format!("{name}, {}: {error}", contender.name).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Group {
        Group { told: Told::default(), plan: Plan::new(true), only: None, out: None, task: Task::Measure }
    }

    #[test]
    fn the_best_rival_is_the_one_that_counts() {
        let mut group = group();
        let metrics = || {
            [
                Metric::new("time", "ns", Target::AtMost(1.0)),
                Metric::new("rate", "op/s", Target::AtLeast(1.0)),
            ]
        };
        let contender = |name, value: f64| Contender::new(name, move || Ok([value, value]));
        let rivals = vec![contender("slow", 9.0), contender("fast", 7.0)];
        group.contest("x", metrics(), Plan::new(true), contender("ours", 8.0), rivals).unwrap();
        let rows: Vec<_> =
            group.told.rows.iter().map(|row| (row.name.as_str(), row.rival.as_str(), row.is_met())).collect();
        assert_eq!(rows, [("x/time", "fast", false), ("x/rate", "slow", false)]);
    }

    #[test]
    fn rounds_go_in_turn_and_the_first_does_not_count() {
        let order = std::cell::RefCell::new(String::new());
        let mut contenders = ["a", "b"].map(|name| {
            let order = &order;
            Contender::new(name, move || {
                order.borrow_mut().push_str(name);
                Ok([1.0])
            })
        });
        let values = rounds("x", Plan::new(true).at_most(3), &mut contenders).unwrap();
        assert_eq!(*order.borrow(), "ababbaab");
        assert_eq!(values[0].len(), 3);
    }

    #[test]
    fn a_failure_is_told_with_who_failed() {
        let failing = Contender::<1>::new("theirs", || Err("no".into()));
        let ours = Contender::new("ours", || Ok([1.0]));
        let metric = [Metric::new("", "ns", Target::AtMost(1.0))];
        let error = group().contest("x", metric, Plan::new(true), ours, vec![failing]).unwrap_err();
        assert_eq!(error.to_string(), "x, theirs: no");
    }
}
