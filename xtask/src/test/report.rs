//! Counting, and the table at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::execute::Run;
use super::output::{Counts, Ending, Lines};
use super::plan::Suite;

/// The table's columns: the first part of a conformance case's name.
const PORTS: [&str; 6] = ["blob", "queue", "kv", "faulty", "trigger", OTHER];
const OTHER: &str = "other";

/// All that came out.
#[derive(Debug, Default)]
pub(crate) struct Report {
    suites: BTreeMap<Suite, Counts>,
    /// By provider and port.
    conformance: BTreeMap<String, BTreeMap<String, Counts>>,
    failed: Vec<String>,
    skipped: Vec<String>,
    /// Rows and ports whose cases were left out because this machine has not what they need.
    left_out: BTreeSet<(String, String)>,
}

impl Report {
    /// What one binary did. Its own `test result:` is believed, not the lines above it; but for the conformance suite both must
    /// agree, or the table would not be true.
    pub(crate) fn add(&mut self, suite: Suite, label: &str, run: &Run) {
        let counted = run.lines.counted();
        let total = run.lines.total.unwrap_or(counted);
        self.suites.entry(suite).or_default().add(total);
        for case in &run.lines.cases {
            let name = match &case.kind {
                Some(kind) => format!("[{kind}] {}", case.name),
                None => format!("{label}: {}", case.name),
            };
            match &case.ending {
                Ending::Passed => {}
                Ending::Failed => self.failed.push(name),
                Ending::Skipped(reason) => {
                    let reason = reason.as_deref().unwrap_or("no reason given");
                    self.skipped.push(format!("{name}: {reason}"));
                }
            }
            if let (Suite::Conformance, Some(kind)) = (suite, &case.kind) {
                let ports = self.conformance.entry(kind.clone()).or_default();
                ports.entry(port(&case.name)).or_default().count(&case.ending);
            }
        }
        if run.lines.total.is_none() {
            let end = run.fault.as_deref().unwrap_or("ended with success");
            self.fail(suite, &format!("{label}: {end}, without a result"));
        } else if suite == Suite::Conformance && total != counted {
            self.fail(suite, &format!("{label}: its lines do not add up to its result; does a case print?"));
        } else if let (Some(fault), 0) = (&run.fault, total.failed) {
            self.fail(suite, &format!("{label}: {fault}, though no test failed"));
        }
    }

    /// Tests that this machine cannot run: they are skipped, and no row is missed for them.
    pub(crate) fn leave_out(&mut self, suite: Suite, label: &str, lines: Lines) {
        let with_kind = lines.cases.iter().filter_map(|case| Some((case.kind.clone()?, port(&case.name))));
        self.left_out.extend(with_kind);
        self.add(suite, label, &Run { lines, fault: None });
    }

    /// A failure that is no test's.
    pub(crate) fn fail(&mut self, suite: Suite, what: &str) {
        self.suites.entry(suite).or_default().failed += 1;
        self.failed.push(what.to_owned());
    }

    /// A row whose suite did not run for one of its ports has failed.
    pub(crate) fn require_conformance<'a>(
        &mut self,
        rows: impl Iterator<Item = (&'a str, &'static [&'static str])>,
    ) {
        let rows: BTreeSet<(&str, &str)> =
            rows.flat_map(|(row, ports)| ports.iter().map(move |port| (row, *port))).collect();
        for (row, port) in rows {
            let counts = self.conformance.get(row).and_then(|ports| ports.get(port));
            let ran = counts.is_some_and(|counts| counts.passed + counts.failed > 0);
            if !ran && !self.left_out.contains(&(row.to_owned(), port.to_owned())) {
                let what = format!("[{row}] no case of {port} ran: the suite is required");
                self.fail(Suite::Conformance, &what);
            }
        }
    }

    /// Whether nothing at all was run.
    pub(crate) fn is_empty(&self) -> bool {
        self.sum() == Counts::default()
    }

    /// Whether nothing failed.
    pub(crate) fn passed(&self) -> bool {
        self.sum().failed == 0
    }

    fn sum(&self) -> Counts {
        let mut sum = Counts::default();
        self.suites.values().for_each(|counts| sum.add(*counts));
        sum
    }

    /// The tables, what was skipped and why, what failed, and as the last line `N passed, N failed, N skipped`.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("\npassed / failed / skipped\n\n");
        self.write_suites(&mut text);
        self.write_conformance(&mut text);
        write_list(&mut text, "skipped", &self.skipped);
        write_list(&mut text, "failed", &self.failed);
        let Counts { passed, failed, skipped } = self.sum();
        text.push_str(&format!("{passed} passed, {failed} failed, {skipped} skipped"));
        text
    }

    fn write_suites(&self, text: &mut String) {
        for suite in Suite::ALL {
            if let Some(counts) = self.suites.get(&suite) {
                write_row(text, suite.name(), [cell(*counts)]);
            }
        }
        text.push('\n');
    }

    fn write_conformance(&self, text: &mut String) {
        if self.conformance.is_empty() {
            return;
        }
        write_row(text, "ran on", PORTS.map(str::to_owned));
        for (provider, ports) in &self.conformance {
            let cells = PORTS.map(|port| ports.get(port).map_or_else(|| "-".to_owned(), |c| cell(*c)));
            write_row(text, provider, cells);
        }
        text.push('\n');
    }
}

/// The column of a case.
fn port(name: &str) -> String {
    let first = name.split("::").next().unwrap_or(name);
    let known = PORTS.contains(&first);
    (if known { first } else { OTHER }).to_owned()
}

fn cell(counts: Counts) -> String {
    format!("{} / {} / {}", counts.passed, counts.failed, counts.skipped)
}

fn write_row<const N: usize>(text: &mut String, name: &str, cells: [String; N]) {
    let mut row = format!("{name:<16}");
    for cell in cells {
        // Writing to a string cannot fail.
        let _ = write!(row, "{cell:<16}");
    }
    text.push_str(row.trim_end());
    text.push('\n');
}

fn write_list(text: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    text.push_str(title);
    text.push_str(":\n");
    for item in items {
        text.push_str("  ");
        text.push_str(item);
        text.push('\n');
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulators::table::{ADAPTERS_PORTS, PROVIDERS_PORTS};

    fn run(lines: &[&str], fault: Option<&str>) -> Run {
        let mut run = Run { fault: fault.map(str::to_owned), ..Run::default() };
        lines.iter().for_each(|line| run.lines.read(line));
        run
    }

    fn last_line(report: &Report) -> String {
        report.text().lines().last().unwrap().to_owned()
    }

    #[test]
    fn the_last_line_is_the_sum_and_nothing_else() {
        let mut report = Report::default();
        let result = "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        let lines = ["test a ... ok", "test b ... ok", "test c ... ignored, slow", result];
        report.add(Suite::Units, "x lib", &run(&lines, None));
        assert_eq!(last_line(&report), "2 passed, 0 failed, 1 skipped");
        assert!(report.passed());
        assert!(report.text().contains("  x lib: c: slow\n"), "{}", report.text());
    }

    #[test]
    fn a_binary_that_dies_without_a_result_has_failed() {
        let mut report = Report::default();
        report.add(Suite::Units, "x lib", &run(&["test a ... ok"], Some("ended with signal: 6")));
        assert_eq!(last_line(&report), "1 passed, 1 failed, 0 skipped");
        assert!(report.text().contains("x lib: ended with signal: 6, without a result"));
    }

    #[test]
    fn a_binary_that_dies_after_a_good_result_has_failed() {
        let mut report = Report::default();
        let result = "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        report.add(Suite::Units, "x lib", &run(&["test a ... ok", result], Some("ended with 3")));
        assert_eq!(last_line(&report), "1 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn a_failed_test_is_counted_once() {
        let mut report = Report::default();
        let result = "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        report.add(Suite::Units, "x", &run(&["test a ... FAILED", result], Some("ended with 101")));
        assert_eq!(last_line(&report), "0 passed, 1 failed, 0 skipped");
        assert!(!report.passed());
    }

    #[test]
    fn conformance_is_a_table_and_is_required() {
        let mut report = Report::default();
        let lines = [
            "test [memory] blob::a ... ok",
            "test [memory] queue::b ... ok",
            "test [memory] kv::c ... ok",
            "test [server] trigger::d ... ok",
            "test [lambda] trigger::d ... ignored, not declared",
            "test [local] blob::a ... ok",
            "test [local] queue::b ... ignored, not declared",
            "test result: ok. 5 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out",
        ];
        report.add(Suite::Conformance, "c", &run(&lines, None));
        assert!(report.passed());
        let providers = ["memory", "local", "local"].map(|row| (row, PROVIDERS_PORTS));
        let adapters = ["server", "lambda"].map(|row| (row, ADAPTERS_PORTS));
        report.require_conformance(providers.into_iter().chain(adapters));
        let text = report.text();
        assert!(text.contains("memory          1 / 0 / 0"), "{text}");
        assert!(text.contains("[local] no case of queue ran"), "{text}");
        assert!(text.contains("[local] no case of kv ran"), "{text}");
        assert!(text.contains("[lambda] no case of trigger ran"), "{text}");
        assert_eq!(last_line(&report), "5 passed, 3 failed, 2 skipped");
    }

    #[test]
    fn what_this_machine_cannot_run_is_skipped_and_not_missed() {
        let mut report = Report::default();
        let lines =
            ["test [gcp] blob::a ... ok", "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured"];
        report.add(Suite::Conformance, "c", &run(&lines, None));
        let left_out = [("[gcp] queue::b".to_owned(), "no gcloud".to_owned())];
        report.leave_out(Suite::Conformance, "c", Lines::left_out(&left_out));
        report.require_conformance([("gcp", &["blob", "queue"][..])].into_iter());
        assert!(report.text().contains("  [gcp] queue::b: no gcloud\n"), "{}", report.text());
        assert_eq!(last_line(&report), "1 passed, 0 failed, 1 skipped");
        report.require_conformance([("gcp", &["kv"][..])].into_iter());
        assert_eq!(last_line(&report), "1 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_table_that_would_not_be_true_is_a_failure() {
        let mut report = Report::default();
        let result = "test result: ok. 9 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        report.add(Suite::Conformance, "c", &run(&["test [memory] blob::a ... ok", result], None));
        assert_eq!(last_line(&report), "9 passed, 1 failed, 0 skipped");
    }
}
