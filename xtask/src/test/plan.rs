//! Which test binaries there are, and the suite that each belongs to.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Selection;
use crate::workspace::Workspace;
use crate::{Result, run};

/// The kinds of tests, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Suite {
    /// Unit and integration tests of all members, the examples' among them.
    Units,
    /// The test target `conformance` of a provider or adapter, and others whose names begin so: `conformance-emulated`.
    Conformance,
    /// Those of the member `tests/e2e`.
    EndToEnd,
    /// The examples in the documentation.
    Doctests,
}

impl Suite {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Units, Self::Conformance, Self::EndToEnd, Self::Doctests];

    /// For the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Units => "units",
            Self::Conformance => "conformance",
            Self::EndToEnd => "end-to-end",
            Self::Doctests => "doctests",
        }
    }
}

/// A test binary that cargo built.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    /// What it belongs to.
    pub(crate) suite: Suite,
    /// The member's folder from the root: `providers/memory`.
    pub(crate) folder: String,
    /// The member's own folder, where cargo would start the binary.
    pub(crate) directory: PathBuf,
    /// The member.
    pub(crate) package: String,
    /// `conformance`
    pub(crate) target: String,
    /// `lib`, `test`, `bin` or `example`
    pub(crate) kind: String,
    /// The program.
    pub(crate) program: PathBuf,
    /// What stands in the names of the tests that are left out.
    pub(crate) skip: Vec<&'static str>,
}

impl Binary {
    /// For people: `skyport-memory test conformance`.
    pub(crate) fn label(&self) -> String {
        match self.kind.as_str() {
            "lib" | "proc-macro" => format!("{} lib", self.package),
            kind => format!("{} {kind} {}", self.package, self.target),
        }
    }
}

/// Builds what the selection may run, and lists the test binaries; `None` where they do not build.
pub(crate) fn build(workspace: &Workspace, selection: &Selection) -> Result<Option<Vec<Binary>>> {
    let mut command = run::cargo(&workspace.root);
    command.args(["test", "--no-run"]);
    match &selection.provider {
        // The suite's binaries alone.
        Some(provider) => {
            let mut providers = workspace.inside("providers");
            let member = providers.find(|member| member.short_name() == provider);
            let member = member.ok_or_else(|| format!("there is no providers/{provider}"))?;
            command.args(["--test=conformance*", &format!("--package={}", member.name)]);
        }
        None => {
            // An example that has tests is built by `cargo test` as their binary alone; the end-to-end tests start it as a program.
            let mut programs = run::cargo(&workspace.root);
            if !run::shown(programs.args(["build", "--workspace", "--bins", "--examples"]))? {
                return Ok(None);
            }
            command.args(["--workspace", "--all-targets"]);
        }
    }
    built(workspace, &mut command)
}

/// Runs a `cargo test --no-run`, and lists the test binaries that it builds; `None` where they do not build.
pub(crate) fn built(workspace: &Workspace, command: &mut Command) -> Result<Option<Vec<Binary>>> {
    command.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    println!("$ {}", run::line(command));
    let mut child = command.spawn()?;
    let stdout = child.stdout.take().ok_or("cargo has no output")?;
    let mut binaries = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let message: Value = serde_json::from_str(&line?)?;
        binaries.extend(binary(workspace, &message));
    }
    if !child.wait()?.success() {
        return Ok(None);
    }
    binaries.sort_by_cached_key(|binary| (binary.suite, binary.label()));
    Ok(Some(binaries))
}

/// The binary that one of cargo's messages is about. Benches are built, but are no tests.
fn binary(workspace: &Workspace, message: &Value) -> Option<Binary> {
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let program = PathBuf::from(message["executable"].as_str()?);
    let directory = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let folder = directory.strip_prefix(&workspace.root).ok()?.to_string_lossy().replace('\\', "/");
    let member = workspace.members.iter().find(|member| member.folder == folder)?;
    let target = message["target"]["name"].as_str()?.to_owned();
    let kind = message["target"]["kind"][0].as_str()?.to_owned();
    if kind == "bench" {
        return None;
    }
    let suite = if folder == "tests/e2e" {
        Suite::EndToEnd
    } else if kind == "test" && (target == "conformance" || target.starts_with("conformance-")) {
        Suite::Conformance
    } else {
        Suite::Units
    };
    let (package, skip) = (member.name.clone(), Vec::new());
    Some(Binary { suite, directory, package, folder, target, kind, program, skip })
}

/// Those that the selection asks for.
pub(crate) fn selected(mut binaries: Vec<Binary>, selection: &Selection) -> Vec<Binary> {
    if let Some(provider) = &selection.provider {
        let folder = format!("providers/{provider}");
        binaries.retain(|binary| binary.suite == Suite::Conformance && binary.folder == folder);
    }
    binaries
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workspace::Member;

    fn workspace() -> Workspace {
        let member = |name: &str, folder: &str| Member {
            name: name.to_owned(),
            folder: folder.to_owned(),
            ..Member::default()
        };
        Workspace {
            root: PathBuf::from("/w"),
            members: vec![
                member("skyport", ""),
                member("skyport-memory", "providers/memory"),
                member("skyport-e2e", "tests/e2e"),
            ],
        }
    }

    fn message(folder: &str, kind: &str, target: &str, test: bool) -> Value {
        json!({
            "reason": "compiler-artifact",
            "manifest_path": format!("/w/{folder}Cargo.toml"),
            "target": { "name": target, "kind": [kind] },
            "profile": { "test": test },
            "executable": "/w/target/debug/deps/x-0",
        })
    }

    #[test]
    fn each_binary_finds_its_suite() {
        let workspace = workspace();
        for (folder, kind, target, suite) in [
            ("", "lib", "skyport", Suite::Units),
            ("", "example", "photos", Suite::Units),
            ("providers/memory/", "test", "faults", Suite::Units),
            ("providers/memory/", "test", "conformances", Suite::Units),
            ("providers/memory/", "test", "conformance", Suite::Conformance),
            ("providers/memory/", "test", "conformance-emulated", Suite::Conformance),
            ("tests/e2e/", "test", "kills", Suite::EndToEnd),
        ] {
            let binary = binary(&workspace, &message(folder, kind, target, true)).unwrap();
            assert_eq!(binary.suite, suite, "{}", binary.label());
        }
    }

    #[test]
    fn a_program_a_bench_and_a_stranger_are_no_tests() {
        let workspace = workspace();
        for message in [
            message("", "example", "photos", false),
            message("", "bench", "dispatch", true),
            message("elsewhere/", "lib", "x", true),
            json!({ "reason": "build-finished", "success": true }),
        ] {
            assert!(binary(&workspace, &message).is_none(), "{message}");
        }
    }

    #[test]
    fn a_provider_selects_its_conformance_binary_alone() {
        let workspace = workspace();
        let binaries = [
            message("", "lib", "skyport", true),
            message("providers/memory/", "lib", "skyport_memory", true),
            message("providers/memory/", "test", "conformance", true),
        ];
        let binaries = binaries.iter().filter_map(|m| binary(&workspace, m)).collect();
        let selection = Selection { provider: Some("memory".to_owned()), filter: None };
        let labels: Vec<String> = selected(binaries, &selection).iter().map(Binary::label).collect();
        assert_eq!(labels, ["skyport-memory test conformance"]);
    }
}
