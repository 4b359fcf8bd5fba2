//! What libtest, doctests and libtest-mimic print, read line by line.

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// `ok`
    Passed,
    /// `FAILED`
    Failed,
    /// `ignored`, with its reason where one is given.
    Skipped(Option<String>),
}

/// A line `test [memory] blob::range::whole ... ok`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// What stands in brackets: the provider.
    pub(crate) kind: Option<String>,
    /// `blob::range::whole`
    pub(crate) name: String,
    /// How it ended.
    pub(crate) ending: Ending,
}

impl Case {
    fn parse(line: &str) -> Option<Self> {
        let (name, ending) = line.strip_prefix("test ")?.split_once(" ... ")?;
        let ending = match ending.trim() {
            "ok" => Ending::Passed,
            "FAILED" => Ending::Failed,
            "ignored" => Ending::Skipped(None),
            // libtest's way, and libtest-mimic's.
            other => {
                let reason = other.strip_prefix("ignored")?;
                let bracketed = || reason.strip_prefix(" (")?.strip_suffix(')');
                let reason = reason.strip_prefix(", ").or_else(bracketed)?;
                Ending::Skipped(Some(reason.to_owned()))
            }
        };
        Some(Self::new(name, ending))
    }

    fn new(name: &str, ending: Ending) -> Self {
        let (kind, name) = match name.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            Some((kind, name)) => (Some(kind.to_owned()), name),
            None => (None, name),
        };
        Self { kind, name: name.trim().to_owned(), ending }
    }
}

/// Passed, failed, skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// That held.
    pub(crate) passed: u64,
    /// That did not.
    pub(crate) failed: u64,
    /// That were not run, each for a reason.
    pub(crate) skipped: u64,
}

impl Counts {
    /// One case more.
    pub(crate) fn count(&mut self, ending: &Ending) {
        match ending {
            Ending::Passed => self.passed += 1,
            Ending::Failed => self.failed += 1,
            Ending::Skipped(_) => self.skipped += 1,
        }
    }

    /// These as well.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// A line `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
    fn parse(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut numbers = counts.split("; ").zip(["passed", "failed", "ignored"]);
        let mut next = || {
            let (part, word) = numbers.next()?;
            part.strip_suffix(word)?.trim().parse().ok()
        };
        Some(Self { passed: next()?, failed: next()?, skipped: next()? })
    }
}

/// All that was read from one binary.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// In the order of their lines.
    pub(crate) cases: Vec<Case>,
    /// The sum of the lines `test result:`, where there is one. Cargo's doctests print one for each crate.
    pub(crate) total: Option<Counts>,
}

impl Lines {
    /// The next line.
    pub(crate) fn read(&mut self, line: &str) {
        self.cases.extend(Case::parse(line));
        if let Some(counts) = Counts::parse(line) {
            self.total.get_or_insert_default().add(counts);
        }
    }

    /// Of tests that were not run: their names as a list of them has it, each with the reason.
    pub(crate) fn left_out(tests: &[(String, String)]) -> Self {
        let skipped = |reason: &String| Ending::Skipped(Some(reason.clone()));
        let cases = tests.iter().map(|(name, reason)| Case::new(name, skipped(reason))).collect();
        let mut lines = Self { cases, total: None };
        lines.total = Some(lines.counted());
        lines
    }

    /// What the lines of cases add up to.
    pub(crate) fn counted(&self) -> Counts {
        let mut counts = Counts::default();
        self.cases.iter().for_each(|case| counts.count(&case.ending));
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(line: &str) -> (Option<String>, String, Ending) {
        let case = Case::parse(line).unwrap();
        (case.kind, case.name, case.ending)
    }

    #[test]
    fn lines_of_libtest_are_read() {
        assert_eq!(case("test tests::a_thing ... ok"), (None, "tests::a_thing".to_owned(), Ending::Passed));
        assert_eq!(
            case("test tests::panics - should panic ... FAILED"),
            (None, "tests::panics - should panic".to_owned(), Ending::Failed)
        );
        assert_eq!(case("test x ... ignored").2, Ending::Skipped(None));
        assert_eq!(
            case("test x ... ignored, too slow, here").2,
            Ending::Skipped(Some("too slow, here".to_owned()))
        );
    }

    #[test]
    fn lines_of_doctests_are_read() {
        let (_, name, ending) = case("test core/src/error.rs - error::Error (line 12) - compile ... ok");
        assert_eq!(name, "core/src/error.rs - error::Error (line 12) - compile");
        assert_eq!(ending, Ending::Passed);
    }

    #[test]
    fn lines_of_the_conformance_suite_are_read() {
        assert_eq!(
            case("test [memory] blob::range::whole      ... ok"),
            (Some("memory".to_owned()), "blob::range::whole".to_owned(), Ending::Passed)
        );
        assert_eq!(
            case("test [local] queue::delay ... ignored (it declares no delay (yet))").2,
            Ending::Skipped(Some("it declares no delay (yet)".to_owned()))
        );
    }

    #[test]
    fn other_lines_are_no_cases() {
        for line in [
            "",
            "running 3 tests",
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            "test x has been running for over 60 seconds",
            "test x ... bench: 12 ns/iter (+/- 1)",
            "---- tests::x stdout ----",
        ] {
            assert_eq!(Case::parse(line), None, "{line}");
        }
    }

    #[test]
    fn results_add_up() {
        let mut lines = Lines::default();
        assert_eq!(lines.total, None);
        lines.read(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s",
        );
        lines.read("test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.0s");
        let total = Counts { passed: 13, failed: 2, skipped: 1 };
        assert_eq!(lines.total, Some(total));
    }
}
