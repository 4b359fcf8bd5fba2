//! Skyport's tasks: `cargo xtask test`, `cargo xtask check`, `cargo xtask bench`, `cargo xtask emulators`,
//! `cargo xtask simulate`, `cargo xtask fuzz`, `cargo xtask portability`, `cargo xtask counts`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task's only user is whoever reads its terminal"
)]

use std::error::Error;
use std::process::ExitCode;

mod bench;
mod check;
mod counts;
mod emulators;
mod fuzz;
mod group;
mod run;
mod simulate;
mod test;
mod tidy;
mod workspace;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const HELP: &str = "\
usage: cargo xtask <task>

  test    every test once: units, conformance, end-to-end, doctests; ends in `N passed, N failed, N skipped`
            --filter <text>      only tests whose name contains this
            --provider <name>    only the conformance suite of providers/<name>
  simulate   the applications' invariants under many seeds of faults, in an optimised build; ends in `N seeds, N faults, N violations`
            --seeds <n>          so many of each instead of its own number
            --only <text>        only simulations whose name, or whose program's, contains this
  check   all that needs no test run: format, lints, features, documentation, licences, the rules of the house
            --only <step>        one step of them, by its name
  counts  allocations, instructions, sizes and crates, beside those that are stored; ends in `counts: N held, N exceeded`
            --store              stores what it counts
  bench   ours and its rivals measured in turn; writes docs/benchmarks.md, and ends in `N targets, N met, N missed`
            <group>..            only these: memory, local, aws, gcp, azure, dispatch, lambda, cold, build
            --quick              few rounds; without a group, over within five minutes, builds and all, with what it reaches until then
            --json <file>        also the rows, as an array of {name, rival, ours, theirs, unit, ratio, target, met}
            --only <text>        only contests whose name contains this; they are shown, and nothing is written
            --profile            no figures, but where the instructions go, ours and the rival's, in each contest that has missed a target
  emulators   the clouds' emulators, which `test` starts by itself, until Ctrl-C: for `cargo test -p skyport-aws` and its like
            --only <name>        one emulator of them
  fuzz    the fuzz targets with libFuzzer, led by coverage; ends in `N targets, N inputs, N crashes`
            --only <target>      one target of them
            --seconds <n>        how long each runs; a minute by default
            --keep               inputs that reach new code are kept in the corpus, the fewest that do
  portability  makes docs/portability.md of what the providers declare; a test fails while it is stale
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match task(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all went well; an error is one of xtask itself, or of how it was called.
fn task(arguments: &[String]) -> Result<bool> {
    match arguments.split_first() {
        Some((task, rest)) if task == "test" => {
            let [filter, provider] = options(rest, ["--filter", "--provider"])?;
            test::test(&test::Selection { filter, provider })
        }
        Some((task, rest)) if task == "simulate" => {
            let [seeds, only] = options(rest, ["--seeds", "--only"])?;
            simulate::simulate(seeds.as_deref(), only.as_deref())
        }
        Some((task, rest)) if task == "check" => {
            let [only] = options(rest, ["--only"])?;
            check::check(only.as_deref())
        }
        Some((task, rest)) if task == "counts" => match rest {
            [] => counts::counts(false),
            [flag] if flag == "--store" => counts::counts(true),
            _ => Err(format!("`counts` takes `--store` or nothing\n\n{HELP}").into()),
        },
        Some((task, rest)) if task == "bench" => {
            let (quick, rest) = flag(rest, "--quick");
            let (profile, rest) = flag(&rest, "--profile");
            let (names, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|word| bench::is_group(word));
            let [json, only] = options(&rest, ["--json", "--only"])?;
            bench::bench(&bench::Selection { names, quick, profile, json, only })
        }
        Some((task, rest)) if task == "emulators" => {
            let [only] = options(rest, ["--only"])?;
            emulators::task(only.as_deref())
        }
        Some((task, rest)) if task == "fuzz" => {
            let (keep, rest) = flag(rest, "--keep");
            let [only, seconds] = options(&rest, ["--only", "--seconds"])?;
            fuzz::fuzz(&fuzz::Selection { only, seconds, keep })
        }
        Some((task, [])) if task == "portability" => run::shown(run::cargo(&workspace::root()?).args([
            "run",
            "--quiet",
            "--package=skyport-portability",
        ])),
        Some((task, rest)) if task == "guard" => emulators::guard::guard(rest),
        Some((task, _)) if ["help", "--help", "-h"].contains(&task.as_str()) => {
            print!("{HELP}");
            Ok(true)
        }
        Some((task, _)) => Err(format!("there is no task `{task}`\n\n{HELP}").into()),
        None => Err(format!("name a task\n\n{HELP}").into()),
    }
}

/// Whether this word is among the arguments, and the others.
fn flag(arguments: &[String], name: &str) -> (bool, Vec<String>) {
    let others: Vec<String> = arguments.iter().filter(|word| *word != name).cloned().collect();
    (others.len() < arguments.len(), others)
}

/// The values of `--name value` and `--name=value`, in the order of `names`; each at most once.
fn options<const N: usize>(arguments: &[String], names: [&str; N]) -> Result<[Option<String>; N]> {
    let mut values = [const { None }; N];
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let Some(slot) = names.iter().position(|known| *known == name) else {
            return Err(format!("unknown option `{name}`\n\n{HELP}").into());
        };
        let value = inline
            .or_else(|| rest.next().cloned())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("`{name}` wants a value"))?;
        if values[slot].replace(value).is_some() {
            return Err(format!("`{name}` stands there twice").into());
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::options;

    fn parse(arguments: &[&str]) -> Result<[Option<String>; 2], String> {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        options(&arguments, ["--filter", "--provider"]).map_err(|error| error.to_string())
    }

    #[test]
    fn both_spellings_of_an_option_are_read() {
        assert_eq!(parse(&[]), Ok([None, None]));
        assert_eq!(
            parse(&["--provider", "local", "--filter=blob::"]),
            Ok([Some("blob::".to_owned()), Some("local".to_owned())])
        );
    }

    #[test]
    fn a_slip_in_an_option_is_named() {
        for (arguments, part) in [
            (&["--filtre", "x"][..], "--filtre"),
            (&["--filter"][..], "wants a value"),
            (&["--filter="][..], "wants a value"),
            (&["--filter", "a", "--filter", "b"][..], "twice"),
        ] {
            assert!(parse(arguments).unwrap_err().contains(part), "{arguments:?}");
        }
    }
}
