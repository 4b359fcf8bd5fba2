//! The features of `skyport`: each builds alone, and brings in only what it names.

use crate::check::Faults;
use crate::workspace::{Member, Workspace};
use crate::{Result, run};

/// Sets that people use, beside each feature alone, none, the default and all.
const USEFUL: &[&str] = &["local,server", "memory,server"];

/// What no build may contain: one TLS, and it is rustls.
const NEVER: &[&str] = &["openssl", "openssl-sys", "native-tls"];

/// A package, or with a `*` at its end several, and the features that may bring it in.
const OWNED: &[(&str, &[&str])] = &[
    ("skyport-memory", &["memory", "testing"]),
    ("skyport-local", &["local"]),
    ("rusqlite", &["local"]),
    ("libsqlite3-sys", &["local"]),
    ("skyport-server", &["server"]),
    ("hyper", &["server"]),
    ("hyper-util", &["server"]),
    ("skyport-conformance", &[]),
    ("aws-*", &["aws", "aws-blob", "aws-queue", "aws-kv", "lambda"]),
    ("google-cloud-*", &["gcp"]),
    ("azure_*", &["azure"]),
];

/// Each set as cargo takes it after `--features`; the empty one is none at all.
fn sets(skyport: &Member) -> Vec<String> {
    let mut sets = vec![String::new()];
    sets.extend(skyport.features.iter().cloned());
    sets.extend(USEFUL.iter().map(|&set| set.to_owned()));
    let all: Vec<&str> =
        skyport.features.iter().map(String::as_str).filter(|&feature| feature != "default").collect();
    sets.push(all.join(","));
    sets
}

fn skyport(workspace: &Workspace) -> Result<&Member> {
    Ok(workspace.member("skyport").ok_or("there is no package skyport")?)
}

/// Builds each set, with warnings as errors. Clippy rather than `cargo check`, because only its flags leave what is not ours
/// alone, and so let the sets share it.
pub(crate) fn each(workspace: &Workspace) -> Result<Faults> {
    let mut faults = Vec::new();
    for set in sets(skyport(workspace)?) {
        let mut command = run::cargo(&workspace.root);
        command.args(["clippy", "--quiet", "--package=skyport", "--lib", "--no-default-features"]);
        command.args([&format!("--features={set}"), "--", "-Dwarnings"]);
        if !run::shown(&mut command)? {
            faults.push(format!("skyport does not build with the features `{set}` alone"));
        }
    }
    Ok(faults)
}

/// What each set brings in, by `cargo tree`.
pub(crate) fn graph(workspace: &Workspace) -> Result<Faults> {
    let mut faults = Vec::new();
    for set in sets(skyport(workspace)?) {
        let features = format!("--features={set}");
        let packages = tree(workspace, &["--package=skyport", "--no-default-features", &features])?;
        println!("`{set}`: {} packages", packages.len());
        faults.extend(breaches(&set, &packages));
    }
    let core = tree(workspace, &["--package=skyport-core", "--all-features"])?;
    let ours = core.iter().filter(|package| {
        workspace.member(package).is_some() && *package != "skyport-core" && *package != "skyport-macros"
    });
    faults.extend(ours.map(|package| format!("skyport-core depends on {package}")));
    Ok(faults)
}

fn tree(workspace: &Workspace, arguments: &[&str]) -> Result<Vec<String>> {
    let mut command = run::cargo(&workspace.root);
    command.args(["tree", "--edges=normal,build", "--prefix=none", "--format={p}"]);
    let text = run::output(command.args(arguments))?;
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn breaches(set: &str, packages: &[String]) -> Faults {
    // The default set stands for itself here, and its parts are features of their own.
    let asked = |feature: &str| set.split(',').any(|named| named == feature || named == "default");
    let mut faults = Vec::new();
    for package in packages {
        if NEVER.contains(&package.as_str()) {
            faults.push(format!("`{set}` brings in {package}"));
        }
        let owner = OWNED.iter().find(|(name, _)| match name.strip_suffix('*') {
            Some(start) => package.starts_with(start),
            None => package == name,
        });
        if let Some((_, owners)) = owner
            && !owners.iter().any(|feature| asked(feature))
        {
            faults.push(format!("`{set}` brings in {package}, which only {owners:?} may"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &str, packages: &[&str]) -> usize {
        let packages: Vec<String> = packages.iter().map(|&name| name.to_owned()).collect();
        breaches(set, &packages).len()
    }

    #[test]
    fn a_feature_brings_in_what_it_names_and_nothing_else() {
        assert_eq!(of("local", &["skyport-core", "skyport-local", "rusqlite"]), 0);
        assert_eq!(of("memory", &["skyport-memory", "rusqlite", "hyper"]), 2);
        assert_eq!(of("", &["skyport-memory"]), 1);
        assert_eq!(of("local,server", &["hyper", "libsqlite3-sys"]), 0);
        assert_eq!(of("local,server", &["aws-sdk-s3"]), 1);
    }

    #[test]
    fn nothing_brings_in_openssl() {
        assert_eq!(of("local,server", &["openssl-sys", "native-tls"]), 2);
    }

    #[test]
    fn every_feature_stands_alone_and_with_all_others() {
        let skyport = Member {
            features: ["default", "local", "memory"].map(str::to_owned).to_vec(),
            ..Member::default()
        };
        assert_eq!(
            sets(&skyport),
            ["", "default", "local", "memory", "local,server", "memory,server", "local,memory"]
        );
    }
}
