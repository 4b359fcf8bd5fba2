//! The emulators that the tests to be run need: no others are started.

use std::ffi::OsStr;

use super::Selection;
use super::execute::Environment;
use super::output::Lines;
use super::plan::Binary;
use super::report::Report;
use crate::emulators::Emulators;
use crate::emulators::table::{self, ADAPTERS_PORTS, Emulator, PROVIDERS_PORTS};
use crate::run;
use crate::workspace::{Member, Workspace};

/// The rows of the conformance table that a provider or adapter owes, each with its ports.
pub(super) fn rows(member: &Member) -> Vec<(&str, &'static [&'static str])> {
    let ports = if member.is_in("adapters") { ADAPTERS_PORTS } else { PROVIDERS_PORTS };
    let mut rows = vec![(member.short_name(), ports)];
    rows.extend(table::rows_of(&member.folder).map(|row| (row.name, row.ports)));
    rows
}

/// Starts what the binaries need, and leaves those that can run: not those of which the filter wants nothing, for which nothing
/// is to be started, and not those whose emulator does not run, which is a failure in the report. Tests whose emulator cannot be
/// had on this machine are left out and counted as skipped; where that is a machine that builds for all, it is a failure.
pub(super) fn meet(
    workspace: &Workspace,
    selection: &Selection,
    environment: &Environment,
    mut binaries: Vec<Binary>,
    report: &mut Report,
) -> (Vec<Binary>, Emulators) {
    let mut running = Emulators::default();
    let strict = builds_for_all(std::env::var_os("CI").as_deref());
    binaries.retain_mut(|binary| {
        let needed = of(binary);
        if needed.is_empty() {
            return true;
        }
        if let Some(filter) = &selection.filter
            && !has_tests(environment, binary, filter)
        {
            return false;
        }
        let mut absent = Vec::new();
        for emulator in needed {
            match running.require(&workspace.root, emulator) {
                Ok(None) => {}
                Ok(Some(why)) if !strict => absent.push((emulator, why)),
                Ok(Some(why)) => {
                    let why = format!("{why}. CI is set, so nothing is left out");
                    report.fail(binary.suite, &format!("{} was not run: {why}", binary.label()));
                    return false;
                }
                Err(error) => {
                    report.fail(binary.suite, &format!("{} was not run: {error}", binary.label()));
                    return false;
                }
            }
        }
        absent.is_empty() || leave_out(environment, selection.filter.as_deref(), binary, &absent, report)
    });
    (binaries, running)
}

/// Leaves out the tests that need what is absent. Whether any is left.
fn leave_out(
    environment: &Environment,
    filter: Option<&str>,
    binary: &mut Binary,
    absent: &[(&'static Emulator, String)],
    report: &mut Report,
) -> bool {
    let parts_of = |emulator: &Emulator| emulator.needed_by(&binary.folder, &binary.target);
    let needs: Vec<_> =
        absent.iter().filter_map(|(emulator, why)| Some((parts_of(emulator)?, why.as_str()))).collect();
    if needs.is_empty() {
        return true;
    }
    let mut list = environment.command(binary);
    let Some(said) = run::ask(list.arg("--list").args(filter)) else {
        report.fail(binary.suite, &format!("{} does not list its tests", binary.label()));
        return false;
    };
    let (left_out, left) = divided(&said, &needs);
    for (_, why) in &needs {
        let number = left_out.iter().filter(|(_, reason)| reason == why).count();
        if number > 0 {
            eprintln!("\nSKIPPED, {number} tests of {}: {why}", binary.label());
        }
    }
    report.leave_out(binary.suite, &binary.label(), Lines::left_out(&left_out));
    binary.skip = needs.iter().flat_map(|(parts, _)| *parts).copied().collect();
    left > 0
}

/// Of a list of tests those that need what is absent, each with the reason, and how many others there are.
fn divided(said: &str, needs: &[(&[&str], &str)]) -> (Vec<(String, String)>, usize) {
    let mut left_out = Vec::new();
    let mut left = 0;
    for name in said.lines().filter_map(|line| line.trim_end().strip_suffix(": test")) {
        let needed = |parts: &[&str]| parts.is_empty() || parts.iter().any(|part| name.contains(part));
        match needs.iter().find(|(parts, _)| needed(parts)) {
            Some((_, why)) => left_out.push((name.to_owned(), (*why).to_owned())),
            None => left += 1,
        }
    }
    (left_out, left)
}

/// Whether this run decides for everybody: the variable CI says so by convention, and `.ci/run` sets it.
pub(crate) fn builds_for_all(ci: Option<&OsStr>) -> bool {
    ci.is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// What a binary finds in its environment.
pub(super) fn variables<'a>(
    running: &'a Emulators,
    binary: &'a Binary,
) -> impl Iterator<Item = (&'static str, &'a str)> {
    let folder = of(binary).first().map(|_| binary.folder.as_str());
    folder.into_iter().flat_map(|folder| running.variables(folder))
}

/// Integration tests alone use emulators; a unit test has no place for one.
fn of(binary: &Binary) -> Vec<&'static Emulator> {
    if binary.kind == "test" { table::used_by(&binary.folder).collect() } else { Vec::new() }
}

/// Whether any of its tests has such a name. Where it does not say, it is run, and will say more.
fn has_tests(environment: &Environment, binary: &Binary, filter: &str) -> bool {
    let mut list = environment.command(binary);
    run::ask(list.args(["--list", filter])).is_none_or(|said| lists_a_test(&said))
}

/// Reads lines `[aws] blob::read::whole: test`.
fn lists_a_test(said: &str) -> bool {
    said.lines().any(|line| line.trim_end().ends_with(": test"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::plan::Suite;
    use super::*;

    fn binary(folder: &str, kind: &str) -> Binary {
        Binary {
            suite: Suite::Conformance,
            folder: folder.to_owned(),
            directory: PathBuf::new(),
            package: "x".to_owned(),
            target: "conformance".to_owned(),
            kind: kind.to_owned(),
            program: PathBuf::from("there-is-no-such-program"),
            skip: Vec::new(),
        }
    }

    #[test]
    fn integration_tests_of_a_cloud_alone_need_its_emulators() {
        assert_eq!(of(&binary("providers/aws", "test")).len(), 2);
        assert_eq!(of(&binary("providers/aws", "lib")).len(), 0);
        assert_eq!(of(&binary("providers/local", "test")).len(), 0);
        assert_eq!(variables(&Emulators::default(), &binary("providers/aws", "test")).count(), 0);
    }

    #[test]
    fn a_list_without_tests_is_told_from_one_with() {
        assert!(lists_a_test("[aws] blob::read::whole: test\n"));
        assert!(lists_a_test("a: test\n\n1 test, 0 benchmarks\n"));
        assert!(!lists_a_test("\n0 tests, 0 benchmarks\n"));
        assert!(!lists_a_test("a: benchmark\n"));
    }

    #[test]
    fn a_provider_owes_a_row_for_itself_and_for_each_of_its_emulators() {
        let member = |folder: &str| Member { folder: folder.to_owned(), ..Member::default() };
        assert!(rows(&member("providers/aws")).contains(&("aws-moto", PROVIDERS_PORTS)));
        assert!(rows(&member("providers/gcp")).contains(&("gcp-fake-gcs", &["blob"])));
        assert_eq!(rows(&member("providers/local")), [("local", PROVIDERS_PORTS)]);
        let lambda = member("adapters/lambda");
        assert_eq!(rows(&lambda), [("lambda", ADAPTERS_PORTS), ("lambda-emulated", ADAPTERS_PORTS)]);
    }

    #[test]
    fn tests_that_need_what_is_absent_are_told_from_the_others() {
        let said =
            "[gcp] blob::read: test\n[gcp] queue::a: test\n[gcp] kv::b: test\n\n3 tests, 0 benchmarks\n";
        let needs: [(&[&str], &str); 2] =
            [(&["queue::", "blob::events"], "no java"), (&["kv::"], "no gcloud")];
        let (left_out, left) = divided(said, &needs);
        let named: Vec<_> = left_out.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect();
        assert_eq!(named, [("[gcp] queue::a", "no java"), ("[gcp] kv::b", "no gcloud")]);
        assert_eq!(left, 1);
        let (all, none) = divided(said, &[(&[], "no java")]);
        assert_eq!((all.len(), none), (3, 0));
    }

    #[test]
    fn a_run_for_everybody_leaves_nothing_out() {
        for (value, strict) in [(None, false), (Some(""), false), (Some("false"), false), (Some("0"), false)]
        {
            assert_eq!(builds_for_all(value.map(OsStr::new)), strict, "{value:?}");
        }
        assert!(builds_for_all(Some(OsStr::new("1"))) && builds_for_all(Some(OsStr::new("true"))));
    }
}
