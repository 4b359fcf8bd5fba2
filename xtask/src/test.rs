//! `cargo xtask test`: every test once, and one table.
//!
//! Cargo builds all test binaries in one go and says where they are; xtask runs them itself, one after the other, so that it
//! knows which binary a result belongs to, and notices one that dies or hangs. [`plan`] sorts them into suites, [`output`]
//! reads what they print, [`report`] counts and prints the table.
//!
//! A suite that needs an emulator is a conformance binary like any other: [`needs`] says which emulators the binaries to be
//! run use, and starts those before the first of them.

pub(crate) mod execute;
mod figures;
pub(crate) mod needs;
mod output;
pub(crate) mod plan;
mod report;

use std::time::Instant;

use crate::Result;
use crate::emulators::table::{ADAPTERS_PORTS, FAULTY_PORTS, PROVIDERS_PORTS};
use crate::workspace::Workspace;
use plan::{Binary, Suite};
use report::Report;

/// These rows must have run, whatever the folders hold.
const REQUIRED: &[(&str, &[&str])] = &[
    ("aws", PROVIDERS_PORTS),
    ("aws-faulty", FAULTY_PORTS),
    ("aws-moto", PROVIDERS_PORTS),
    ("azure", PROVIDERS_PORTS),
    ("azure-faulty", FAULTY_PORTS),
    ("azure-oauth", PROVIDERS_PORTS),
    ("azure-sas", PROVIDERS_PORTS),
    ("gcp", PROVIDERS_PORTS),
    ("gcp-fake-gcs", &["blob"]),
    ("gcp-faulty", FAULTY_PORTS),
    ("local", PROVIDERS_PORTS),
    ("memory", PROVIDERS_PORTS),
    ("azure-functions", ADAPTERS_PORTS),
    ("lambda", ADAPTERS_PORTS),
    ("lambda-emulated", ADAPTERS_PORTS),
    ("server", ADAPTERS_PORTS),
];

/// What of the tests to run.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Only tests whose name contains this.
    pub(crate) filter: Option<String>,
    /// Only the conformance suite of this provider.
    pub(crate) provider: Option<String>,
}

/// Whether all passed.
pub(crate) fn test(selection: &Selection) -> Result<bool> {
    let started = Instant::now();
    let workspace = Workspace::load()?;
    let mut report = Report::default();
    figures::forget(&workspace)?;
    match plan::build(&workspace, selection)? {
        None => report.fail(Suite::Units, "the tests do not build; cargo's message stands above"),
        Some(binaries) => run_all(&workspace, selection, binaries, &mut report)?,
    }
    match (&selection.filter, &selection.provider) {
        (None, None) => {
            let members = workspace.inside("providers").chain(workspace.inside("adapters"));
            report.require_conformance(members.flat_map(needs::rows).chain(REQUIRED.iter().copied()));
        }
        (None, Some(provider)) => {
            let member = workspace.inside("providers").filter(|member| member.short_name() == provider);
            report.require_conformance(member.flat_map(needs::rows));
        }
        (Some(_), _) if report.is_empty() => {
            report.fail(Suite::Units, "no test was run: none has such a name")
        }
        (Some(_), _) => {}
    }
    println!("\nall tests took {:.0} s", started.elapsed().as_secs_f64());
    figures::show(&workspace)?;
    println!("{}", report.text());
    Ok(report.passed())
}

fn run_all(
    workspace: &Workspace,
    selection: &Selection,
    binaries: Vec<Binary>,
    report: &mut Report,
) -> Result<()> {
    let environment = execute::Environment::find(&workspace.root)?;
    let binaries = plan::selected(binaries, selection);
    let (binaries, emulators) = needs::meet(workspace, selection, &environment, binaries, report);
    let doctests = selection.provider.is_none();
    let all = binaries.len() + usize::from(doctests);
    for (index, binary) in binaries.iter().enumerate() {
        println!("\n[{}/{all}] {}", index + 1, binary.label());
        let mut command = environment.command(binary);
        command.args(&selection.filter).args(binary.skip.iter().flat_map(|part| ["--skip", part]));
        command.envs(needs::variables(&emulators, binary));
        command.env(skyport_figures::VARIABLE, figures::folder(workspace));
        let began = Instant::now();
        let run = execute::run(&mut command)?;
        println!("{} took {:.1} s", binary.label(), began.elapsed().as_secs_f64());
        report.add(binary.suite, &binary.label(), &run);
    }
    if doctests {
        println!("\n[{all}/{all}] doctests");
        let run = execute::run(&mut environment.doctests(selection.filter.as_deref()))?;
        report.add(Suite::Doctests, "doctests", &run);
    }
    Ok(())
}
