//! The emulators that the tests to be run need: no others are started.

use super::Selection;
use super::execute::Environment;
use super::plan::Binary;
use super::report::Report;
use crate::emulators::{self, Emulator, Emulators};
use crate::run;
use crate::workspace::{Member, Workspace};

/// The rows of the conformance table that a provider or adapter owes.
pub(super) fn rows(member: &Member) -> Vec<&str> {
    let mut rows = vec![member.short_name()];
    for row in emulators::rows_of(&member.folder) {
        rows.push(row);
    }
    rows
}

/// Starts what the binaries need, and leaves those that can run: not those of which the filter wants nothing, for which nothing
/// is to be started, and not those whose emulator does not run, which is a failure in the report.
pub(super) fn meet(
    workspace: &Workspace,
    selection: &Selection,
    environment: &Environment,
    mut binaries: Vec<Binary>,
    report: &mut Report,
) -> (Vec<Binary>, Emulators) {
    let mut running = Emulators::default();
    binaries.retain(|binary| {
        let needed = of(binary);
        if needed.is_empty() {
            return true;
        }
        if let Some(filter) = &selection.filter
            && !has_tests(environment, binary, filter)
        {
            return false;
        }
        for emulator in needed {
            if let Err(error) = running.require(&workspace.root, emulator) {
                report.fail(binary.suite, &format!("{} was not run: {error}", binary.label()));
                return false;
            }
        }
        true
    });
    (binaries, running)
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
    if binary.kind == "test" { emulators::used_by(&binary.folder).collect() } else { Vec::new() }
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
        assert!(rows(&member("providers/aws")).contains(&"aws-moto"));
        assert_eq!(rows(&member("providers/local")), ["local"]);
        assert_eq!(rows(&member("adapters/lambda")), ["lambda", "lambda-emulated"]);
    }
}
