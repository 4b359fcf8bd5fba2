//! Rules on how the house is built: which way arrows run, which rooms there are, what every manifest says.

use super::{Breach, File};
use crate::workspace::{Member, Workspace};

/// The rooms of every provider and of every adapter: `src/<room>.rs` or `src/<room>/mod.rs`.
const ROOMS: &[(&str, &[&str])] = &[
    ("providers", &["lib", "config", "error", "blob", "queue", "kv", "support", "provision"]),
    ("adapters", &["lib", "event", "reply"]),
];

/// The adapter that serves HTTP, for others, too.
const SERVER: &str = "adapters/server";

/// What every member's manifest says.
const INHERITED: &[&str] = &[
    "[lints]\nworkspace = true",
    "version.workspace = true",
    "edition.workspace = true",
    "rust-version.workspace = true",
    "license.workspace = true",
];

/// What the root's manifest says for all of them.
const SAID_ONCE: &[&str] = &["unsafe_code = \"forbid\"", "missing_docs = \"deny\"", "rust-version = \""];

/// The one way to run the tests.
const TEST_COMMAND: &str = "cargo xtask test";

/// All of them.
pub(crate) fn breaches(workspace: &Workspace, files: &[File]) -> Vec<Breach> {
    let mut found = Vec::new();
    for member in &workspace.members {
        found.extend(arrows(workspace, member, files));
        found.extend(rooms(member, files));
        found.extend(manifest(member, files));
    }
    found.extend(missing(files, "Cargo.toml", SAID_ONCE, "manifest"));
    found.extend(missing(files, ".ci/run", &[TEST_COMMAND], "test-command"));
    found.extend(test_command(files));
    found.extend(missing(files, "LICENSE-MIT", &["Permission is hereby granted"], "licence"));
    found.extend(missing(files, "LICENSE-APACHE", &["Apache License"], "licence"));
    found
}

/// The faults of a file that must be there and must say certain things.
fn missing(files: &[File], path: &str, parts: &[&str], rule: &'static str) -> Vec<Breach> {
    let Some(file) = files.iter().find(|file| file.path == path) else {
        return vec![File::new(path, String::new()).breach(1, rule, "there is no such file")];
    };
    let text = file.text.replace("\r\n", "\n");
    let absent = parts.iter().filter(|part| !text.contains(**part));
    absent.map(|part| file.breach(1, rule, format!("`{}` is missing", part.replace('\n', " ")))).collect()
}

/// A provider knows no adapter and no other provider, an adapter no provider and no other adapter but the server, what is written on
/// wires none of them; core and its macros know nobody. Tests may.
fn arrows(workspace: &Workspace, member: &Member, files: &[File]) -> Vec<Breach> {
    let outer = member.is_in("providers") || member.is_in("adapters");
    let wire = member.is_in("wire");
    let inner = ["core", "macros"].contains(&member.folder.as_str());
    let mut found = Vec::new();
    for dependency in member.dependencies.iter().filter(|dependency| !dependency.dev) {
        let Some(other) = workspace.member(&dependency.name) else {
            continue;
        };
        // The facade is above them all.
        let above = other.is_in("providers") || other.is_in("adapters") || other.folder.is_empty();
        // A platform that calls by HTTP is served by it.
        let served = member.is_in("adapters") && other.folder == SERVER;
        let wrong = match other.is_in("wire") {
            true => wire || inner,
            false => above && !served && (outer || wire || inner),
        };
        if wrong {
            let what = format!("{} must not depend on {}", member.name, other.name);
            found.push(at_manifest(member, files, &other.name, "arrows", what));
        }
    }
    found
}

fn rooms(member: &Member, files: &[File]) -> Vec<Breach> {
    let mut found = Vec::new();
    for (place, rooms) in ROOMS {
        for room in rooms.iter().filter(|_| member.is_in(place)) {
            let source = format!("{}/src/{room}", member.folder);
            let forms = [format!("{source}.rs"), format!("{source}/mod.rs")];
            if !files.iter().any(|file| forms.contains(&file.path)) {
                let what = format!("{} has no `src/{room}.rs`", member.name);
                found.push(at_manifest(member, files, "[package]", "rooms", what));
            }
        }
    }
    found
}

fn manifest(member: &Member, files: &[File]) -> Vec<Breach> {
    missing(files, &member.manifest(), INHERITED, "manifest")
}

fn at_manifest(member: &Member, files: &[File], part: &str, rule: &'static str, what: String) -> Breach {
    let path = member.manifest();
    match files.iter().find(|file| file.path == path) {
        Some(file) => file.breach(file.line_of(part), rule, what),
        None => File::new(&path, String::new()).breach(1, rule, what),
    }
}

/// README shows the command as a line of its own in a block of code.
fn test_command(files: &[File]) -> Option<Breach> {
    let readme = files.iter().find(|file| file.path == "README.md");
    let mut fenced = false;
    for line in readme.iter().flat_map(|file| file.text.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        // A remark may follow it.
        let command = line.split('#').next().unwrap_or(line).trim();
        if fenced && command == TEST_COMMAND {
            return None;
        }
    }
    let what = format!("no block of code shows `{TEST_COMMAND}`, which is what .ci/run calls");
    Some(File::new("README.md", String::new()).breach(1, "test-command", what))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::workspace::Dependency;

    fn member(name: &str, folder: &str, dependencies: &[(&str, bool)]) -> Member {
        Member {
            name: name.to_owned(),
            folder: folder.to_owned(),
            dependencies: dependencies
                .iter()
                .map(|&(name, dev)| Dependency { name: name.to_owned(), dev })
                .collect(),
            ..Member::default()
        }
    }

    fn arrows_of(dependencies: &[(&str, bool)], folder: &str) -> Vec<String> {
        let subject = member("subject", folder, dependencies);
        let workspace = Workspace {
            root: PathBuf::new(),
            members: vec![
                member("skyport", "", &[]),
                member("skyport-core", "core", &[]),
                member("skyport-local", "providers/local", &[]),
                member("skyport-server", "adapters/server", &[]),
                member("skyport-y", "adapters/y", &[]),
                member("skyport-x-wire", "wire/x", &[]),
            ],
        };
        let manifest = File::new(&subject.manifest(), "[package]\n\nskyport-local = 1\n".to_owned());
        arrows(&workspace, &subject, &[manifest]).iter().map(Breach::to_string).collect()
    }

    #[test]
    fn arrows_run_one_way() {
        for folder in ["providers/x", "adapters/x", "wire/y", "core", "macros"] {
            for other in ["skyport", "skyport-local", "skyport-y"] {
                assert_eq!(arrows_of(&[(other, false)], folder).len(), 1, "{folder} -> {other}");
                assert_eq!(arrows_of(&[(other, true)], folder).len(), 0, "tests of {folder} -> {other}");
            }
            assert!(arrows_of(&[("skyport-core", false), ("serde", false)], folder).is_empty());
        }
        assert!(arrows_of(&[("skyport", false), ("skyport-local", false)], "examples/x").is_empty());
        assert!(arrows_of(&[("skyport-server", false)], "adapters/x").is_empty());
        for folder in ["providers/x", "wire/y", "core"] {
            assert_eq!(arrows_of(&[("skyport-server", false)], folder).len(), 1, "{folder}");
        }
        for folder in ["providers/x", "adapters/x"] {
            assert!(arrows_of(&[("skyport-x-wire", false)], folder).is_empty(), "{folder}");
        }
        for folder in ["wire/y", "core", "macros"] {
            assert_eq!(arrows_of(&[("skyport-x-wire", false)], folder).len(), 1, "{folder}");
        }
        assert_eq!(
            arrows_of(&[("skyport-local", false)], "providers/x"),
            ["providers/x/Cargo.toml:3: arrows: subject must not depend on skyport-local"]
        );
    }

    #[test]
    fn every_provider_and_adapter_has_the_same_rooms() {
        let files = ["lib.rs", "config.rs", "error.rs", "blob/mod.rs", "queue.rs", "kv.rs", "support.rs"]
            .map(|room| File::new(&format!("providers/x/src/{room}"), String::new()));
        let found = rooms(&member("x", "providers/x", &[]), &files);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("provision"), "{}", found[0]);
        assert_eq!(rooms(&member("y", "adapters/y", &[]), &files).len(), 3);
        assert!(rooms(&member("z", "examples/z", &[]), &files).is_empty());
    }

    #[test]
    fn every_manifest_inherits() {
        let text = "[package]\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
            license.workspace = true\n\n[lints]\nworkspace = true\n";
        let subject = member("x", "x", &[]);
        let of = |text: String| manifest(&subject, &[File::new("x/Cargo.toml", text)]).len();
        assert_eq!(of(text.to_owned()), 0);
        assert_eq!(of(text.replace("[lints]", "[other]")), 1);
        assert_eq!(of(text.replace("rust-version.workspace = true\n", "rust-version = \"1.0\"\n")), 1);
        assert_eq!(manifest(&subject, &[]).len(), 1);
    }

    #[test]
    fn readme_shows_the_command_that_ci_calls() {
        let of = |text: &str| test_command(&[File::new("README.md", text.to_owned())]).is_none();
        assert!(of("# x\n\n```sh\ncargo xtask test    # all of them\n```\n"));
        assert!(!of("run cargo xtask test\n"));
        assert!(!of("```\ncargo test\n```\ncargo xtask test\n"));
        assert!(test_command(&[]).is_some());
    }
}
