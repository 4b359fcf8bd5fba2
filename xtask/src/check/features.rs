//! The features of `skyport`: each builds alone, and brings in only what it names.

use crate::check::Faults;
use crate::workspace::{Member, Workspace};
use crate::{Result, run};

/// Sets that people use, beside each feature alone, none, the default and all.
const USEFUL: &[&str] = &["local,server", "memory,server"];

/// What no build may contain, by the start of its version: one TLS, which is rustls, and one HTTP, which is hyper 1.
const NEVER: &[(&str, &str)] =
    &[("openssl", ""), ("openssl-sys", ""), ("native-tls", ""), ("hyper", "0."), ("rustls", "0.21.")];

/// Those that speak to AWS's services.
const AWS: &[&str] = &["aws", "aws-blob", "aws-queue", "aws-kv", "aws-events", "aws-sso"];
/// The same, and those that are called by AWS.
const AWS_AND_LAMBDA: &[&str] =
    &["aws", "aws-blob", "aws-queue", "aws-kv", "aws-events", "aws-sso", "lambda"];
/// Those with an HTTP of their own, as a client or as a server.
const HTTP: &[&str] =
    &["server", "aws", "aws-blob", "aws-queue", "aws-kv", "aws-events", "aws-sso", "lambda"];

/// A package, or with a `*` at its end several, and the features that may bring it in. The first row that fits holds.
const OWNED: &[(&str, &[&str])] = &[
    ("skyport-memory", &["memory", "testing"]),
    ("skyport-local", &["local"]),
    ("rusqlite", &["local"]),
    ("libsqlite3-sys", &["local"]),
    ("skyport-server", &["server"]),
    ("skyport-conformance", &[]),
    ("skyport-lambda", &["aws", "lambda"]),
    ("skyport-aws-wire", AWS_AND_LAMBDA),
    ("skyport-aws", AWS),
    ("lambda_runtime*", &["aws", "lambda"]),
    ("aws_lambda_events", &[]),
    ("lambda_http", &[]),
    ("aws-sdk-s3", &["aws", "aws-blob", "aws-events"]),
    ("aws-sdk-sqs", &["aws", "aws-queue", "aws-events"]),
    ("aws-sdk-eventbridge", &["aws-events"]),
    ("aws-sdk-dynamodb", &["aws", "aws-kv"]),
    ("aws-sdk-sso*", &["aws-sso"]),
    // A build of one cloud has one provider of cryptography. AWS's SDKs take ring; two would make rustls choose neither.
    ("aws-lc-*", &["gcp", "azure"]),
    ("ring", AWS),
    ("aws-*", AWS),
    ("hyper", HTTP),
    ("hyper-util", HTTP),
    ("hyper-rustls", AWS),
    ("rustls", AWS),
    ("google-cloud-*", &["gcp"]),
    ("azure_*", &["azure"]),
];

/// A package that a set brings in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
}

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
    let ours = core.iter().map(|package| package.name.as_str()).filter(|&name| {
        workspace.member(name).is_some() && name != "skyport-core" && name != "skyport-macros"
    });
    faults.extend(ours.map(|name| format!("skyport-core depends on {name}")));
    Ok(faults)
}

fn tree(workspace: &Workspace, arguments: &[&str]) -> Result<Vec<Package>> {
    let mut command = run::cargo(&workspace.root);
    command.args(["tree", "--edges=normal,build", "--prefix=none", "--format={p}"]);
    let text = run::output(command.args(arguments))?;
    let mut packages: Vec<Package> = text.lines().filter_map(package).collect();
    packages.sort_unstable();
    packages.dedup();
    Ok(packages)
}

/// Reads `hyper v1.12.0`, and what may follow it.
fn package(line: &str) -> Option<Package> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    Some(Package { name, version })
}

fn breaches(set: &str, packages: &[Package]) -> Faults {
    // The default set stands for itself here, and its parts are features of their own.
    let asked = |feature: &str| set.split(',').any(|named| named == feature || named == "default");
    let mut faults = Vec::new();
    for Package { name: package, version } in packages {
        if NEVER.iter().any(|(name, start)| package == name && version.starts_with(start)) {
            faults.push(format!("`{set}` brings in {package} {version}"));
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
        let packages: Vec<Package> = packages
            .iter()
            .map(|text| package(text).unwrap_or_else(|| package(&format!("{text} v1.0.0")).unwrap()))
            .collect();
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
    fn a_service_brings_in_its_own_sdk() {
        let sdks = ["aws-sdk-s3", "aws-sdk-sqs", "aws-sdk-dynamodb"];
        assert_eq!(of("aws", &sdks), 0);
        for feature in ["aws-blob", "aws-queue", "aws-kv"] {
            assert_eq!(of(feature, &sdks), 2, "{feature}");
        }
        assert_eq!(of("lambda", &["lambda_runtime", "lambda_runtime_api_client", "hyper"]), 0);
        assert_eq!(of("lambda", &["aws-smithy-http", "ring"]), 2);
        assert_eq!(of("aws", &["rusqlite", "aws-sdk-ssooidc"]), 2);
        assert_eq!(of("server", &["lambda_runtime", "skyport-aws-wire"]), 2);
    }

    #[test]
    fn one_cloud_has_one_http_and_one_cryptography() {
        assert_eq!(of("aws", &["hyper v1.12.0", "ring", "rustls v0.23.46"]), 0);
        assert_eq!(of("aws", &["hyper v0.14.32", "rustls v0.21.12"]), 2);
        assert_eq!(of("aws", &["aws-lc-rs", "aws-lc-sys"]), 2);
    }

    #[test]
    fn a_line_of_a_tree_is_read() {
        let read = package("skyport-aws v0.1.0 (/x/providers/aws)").unwrap();
        assert_eq!((read.name.as_str(), read.version.as_str()), ("skyport-aws", "0.1.0"));
        assert_eq!(package(""), None);
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
