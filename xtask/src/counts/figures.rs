//! Counts, stored and compared.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

use crate::Result;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Of one operation.
    Allocations,
    /// Of one operation, under callgrind.
    Instructions,
    /// Of a stripped program, in bytes.
    Sizes,
    /// In the tree of a set of features.
    Crates,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Allocations, Self::Instructions, Self::Sizes, Self::Crates];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allocations => "allocations",
            Self::Instructions => "instructions",
            Self::Sizes => "sizes",
            Self::Crates => "crates",
        }
    }

    /// By how much a count may differ from the stored one. One allocation comes and goes from process to process, where threads or a hash's seed
    /// have a part in it.
    fn tolerance(self, stored: f64) -> f64 {
        match self {
            Self::Allocations => 1.0,
            Self::Crates => 0.0,
            Self::Instructions => 0.03 * stored,
            Self::Sizes => 0.02 * stored,
        }
    }
}

/// The counts of each kind, by their names, and the compiler that instructions and sizes are of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) compiler: String,
    pub(crate) counts: BTreeMap<Kind, BTreeMap<String, f64>>,
}

impl Figures {
    pub(crate) fn read(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let compiler = value["compiler"].as_str().ok_or("the figures name no compiler")?.to_owned();
        let mut counts = BTreeMap::new();
        for kind in Kind::ALL {
            let Some(of_kind) = value.get(kind.name()) else { continue };
            let of_kind = of_kind.as_object().ok_or_else(|| format!("`{}` is no object", kind.name()))?;
            let read = of_kind.iter().map(|(name, count)| {
                Ok((name.clone(), count.as_f64().ok_or_else(|| format!("`{name}` is no number"))?))
            });
            counts.insert(kind, read.collect::<Result<_>>()?);
        }
        Ok(Self { compiler, counts })
    }

    pub(crate) fn text(&self) -> Result<String> {
        let mut all = Map::new();
        all.insert("compiler".to_owned(), json!(self.compiler));
        for (kind, counts) in &self.counts {
            all.insert(kind.name().to_owned(), json!(counts));
        }
        Ok(serde_json::to_string_pretty(&all)? + "\n")
    }

    /// These, with what was measured anew; of kinds that were not, what there was.
    pub(crate) fn with(mut self, measured: Self) -> Self {
        self.counts.extend(measured.counts);
        Self { compiler: measured.compiler, ..self }
    }
}

/// How a count stands to the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Within the tolerance.
    Held,
    /// Less: to be stored.
    Below,
    /// More.
    Exceeded,
    /// Not stored yet.
    New,
    /// Stored, and not there any more.
    Gone,
}

/// One count.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    kind: Kind,
    name: String,
    stored: Option<f64>,
    measured: Option<f64>,
    pub(crate) verdict: Verdict,
}

/// All counts of the kinds that were measured.
pub(crate) fn compare(stored: &Figures, measured: &Figures) -> Vec<Line> {
    let mut lines = Vec::new();
    for (&kind, counts) in &measured.counts {
        let nothing = BTreeMap::new();
        let known = stored.counts.get(&kind).unwrap_or(&nothing);
        let mut line = |name: &String, stored: Option<f64>, measured: Option<f64>| {
            let verdict = verdict(kind, stored, measured);
            lines.push(Line { kind, name: name.clone(), stored, measured, verdict });
        };
        for (name, &count) in counts {
            line(name, known.get(name).copied(), Some(count));
        }
        for (name, &count) in known.iter().filter(|(name, _)| !counts.contains_key(*name)) {
            line(name, Some(count), None);
        }
    }
    lines
}

fn verdict(kind: Kind, stored: Option<f64>, measured: Option<f64>) -> Verdict {
    let (Some(stored), Some(measured)) = (stored, measured) else {
        return if stored.is_none() { Verdict::New } else { Verdict::Gone };
    };
    let room = kind.tolerance(stored);
    if measured > stored + room {
        Verdict::Exceeded
    } else if measured < stored - room {
        Verdict::Below
    } else {
        Verdict::Held
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: Option<f64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let (stored, measured) = (count(self.stored), count(self.measured));
        let name = if self.name.is_empty() { "no feature" } else { &self.name };
        write!(f, "{:<13} {name:<42} {measured:>10} of {stored:>10}", self.kind.name())?;
        f.write_str(match self.verdict {
            Verdict::Held => "",
            Verdict::Below => "  less than stored: store it with --store",
            Verdict::Exceeded => "  EXCEEDED",
            Verdict::New => "  NOT STORED: store it with --store",
            Verdict::Gone => "  GONE: store what there is with --store",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(kind: Kind, counts: &[(&str, f64)]) -> Figures {
        let counts = counts.iter().map(|&(name, count)| (name.to_owned(), count)).collect();
        Figures { compiler: "1.95".to_owned(), counts: BTreeMap::from([(kind, counts)]) }
    }

    fn verdicts(kind: Kind, stored: &[(&str, f64)], measured: &[(&str, f64)]) -> Vec<Verdict> {
        let lines = compare(&figures(kind, stored), &figures(kind, measured));
        lines.iter().map(|line| line.verdict).collect()
    }

    #[test]
    fn each_kind_has_its_own_tolerance() {
        for (kind, edge, beyond) in [
            (Kind::Allocations, 101.0, 101.01),
            (Kind::Crates, 100.0, 101.0),
            (Kind::Instructions, 103.0, 103.1),
            (Kind::Sizes, 102.0, 102.1),
        ] {
            let of = |count: f64| verdicts(kind, &[("x", 100.0)], &[("x", count)])[0];
            assert_eq!((of(edge), of(beyond)), (Verdict::Held, Verdict::Exceeded), "{kind:?}");
            assert_eq!((of(200.0 - edge), of(200.0 - beyond)), (Verdict::Held, Verdict::Below), "{kind:?}");
        }
    }

    #[test]
    fn what_is_not_stored_and_what_is_gone_do_not_pass_unseen() {
        let stored = [("same", 1.0), ("gone", 1.0)];
        let measured = [("new", 1.0), ("same", 1.0)];
        let lines = verdicts(Kind::Crates, &stored, &measured);
        assert_eq!(lines, [Verdict::New, Verdict::Held, Verdict::Gone]);
    }

    #[test]
    fn a_kind_that_was_not_measured_is_not_compared_and_stays_stored() {
        let stored = figures(Kind::Instructions, &[("x", 1.0)]);
        let measured = figures(Kind::Allocations, &[("x", 7.0)]);
        let verdicts: Vec<Verdict> = compare(&stored, &measured).iter().map(|line| line.verdict).collect();
        assert_eq!(verdicts, [Verdict::New]);
        let both = stored.with(measured);
        assert_eq!(both.counts.len(), 2);
        assert_eq!(Figures::read(&both.text().unwrap()).unwrap(), both);
    }
}
