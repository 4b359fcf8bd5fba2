//! The features of `skyport`: each builds alone, and brings in only what it names.

use crate::check::Faults;
use crate::workspace::{Member, Workspace};
use crate::{Result, run};

/// Sets that people use, beside each feature alone, none, the default and all.
const USEFUL: &[&str] = &["local,server", "memory,server", "aws,gcp,azure"];

/// What no build may contain, by the start of its version: one TLS, which is rustls, and one HTTP, which is hyper 1.
const NEVER: &[(&str, &str)] =
    &[("openssl", ""), ("openssl-sys", ""), ("native-tls", ""), ("hyper", "0."), ("rustls", "0.21.")];

/// What a build has in one version or not at all: two of them do not understand each other's types, and are twice the size.
const ONCE: &[&str] =
    &["azure_core", "hyper", "hyper-rustls", "prost", "quick-xml", "reqwest", "ring", "rustls", "tonic"];

/// Those that speak to AWS's services.
const AWS: &[&str] = &["aws", "aws-blob", "aws-queue", "aws-kv", "aws-events", "aws-sso"];
/// Those that speak to Google Cloud's services.
const GCP: &[&str] = &["gcp", "gcp-blob", "gcp-queue", "gcp-kv", "gcp-events"];
/// Of these, those that speak gRPC.
const GRPC: &[&str] = &["gcp", "gcp-queue", "gcp-kv", "gcp-events"];
/// Those that are called by Google Cloud.
const CLOUD_RUN: &[&str] = &["gcp", "cloud-run", "cloud-run-oidc"];
/// It checks tokens with the public keys that it fetches, and so has a client of its own.
const OIDC: &[&str] = &["cloud-run-oidc"];
/// Those that speak to Azure's services.
const AZURE: &[&str] = &["azure", "azure-blob", "azure-queue", "azure-kv", "azure-events"];
/// Those that are called by Azure.
const FUNCTIONS: &[&str] = &["azure", "azure-functions"];

/// A package, or with a `*` at its end several, and lists of the features that may bring it in. The first row that fits holds.
const OWNED: &[(&str, &[&[&str]])] = &[
    ("skyport-memory", &[&["memory", "testing"]]),
    ("skyport-local", &[&["local"]]),
    ("rusqlite", &[&["local"]]),
    ("libsqlite3-sys", &[&["local"]]),
    ("skyport-server", &[&["server"], CLOUD_RUN, FUNCTIONS]),
    ("skyport-conformance", &[]),
    ("skyport-gcs", &[]),
    ("skyport-stub", &[]),
    ("skyport-functions-host", &[]),
    ("skyport-portability", &[]),
    ("skyport-lambda", &[&["aws", "lambda"]]),
    ("skyport-aws-wire", &[AWS, &["lambda"]]),
    ("skyport-aws", &[AWS]),
    ("skyport-cloud-run", &[CLOUD_RUN]),
    ("skyport-gcp-wire", &[GCP, CLOUD_RUN]),
    ("skyport-gcp", &[GCP]),
    ("skyport-azure-functions", &[FUNCTIONS]),
    ("skyport-azure-wire", &[AZURE, FUNCTIONS]),
    ("skyport-azure", &[AZURE]),
    ("skyport-https", &[GCP, AZURE]),
    ("lambda_runtime*", &[&["aws", "lambda"]]),
    ("aws_lambda_events", &[]),
    ("lambda_http", &[]),
    ("aws-sdk-s3", &[&["aws", "aws-blob", "aws-events"]]),
    ("aws-sdk-sqs", &[&["aws", "aws-queue", "aws-events"]]),
    ("aws-sdk-eventbridge", &[&["aws-events"]]),
    ("aws-sdk-dynamodb", &[&["aws", "aws-kv"]]),
    ("aws-sdk-sso*", &[&["aws-sso"]]),
    // A build has one provider of cryptography, which is ring; two would make rustls choose neither.
    ("aws-lc-*", &[]),
    ("ring", &[AWS, GCP, OIDC, AZURE]),
    ("aws-*", &[AWS]),
    ("hyper", &[&["server", "lambda"], AWS, GCP, CLOUD_RUN, AZURE, FUNCTIONS]),
    ("hyper-util", &[&["server", "lambda"], AWS, GCP, CLOUD_RUN, AZURE, FUNCTIONS]),
    ("hyper-rustls", &[AWS, GCP, OIDC, AZURE]),
    ("rustls", &[AWS, GCP, OIDC, AZURE]),
    ("reqwest", &[GCP, OIDC, AZURE]),
    ("tonic*", &[GRPC]),
    ("prost*", &[GRPC]),
    // Its types are generated for all of Google; what is spoken is declared in `proto` of providers/gcp.
    ("gcloud-sdk", &[]),
    ("google-cloud-storage", &[]),
    ("google-cloud-*", &[GCP]),
    ("jsonwebtoken", &[]),
    // What Microsoft has put in the place of these is used; they have advisories, and no successor of their own.
    ("azure_storage_blobs", &[]),
    ("azure_storage_queues", &[]),
    ("azure_data_tables", &[]),
    ("azure_storage_blob", &[&["azure", "azure-blob", "azure-events"]]),
    ("azure_storage_queue", &[&["azure", "azure-queue", "azure-events"]]),
    ("azure_*", &[AZURE]),
    ("typespec*", &[AZURE]),
    ("quick-xml", &[AZURE]),
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

/// How many packages each set brings in; the one of all features is called `all`.
pub(crate) fn counts(workspace: &Workspace) -> Result<Vec<(String, usize)>> {
    let sets = sets(skyport(workspace)?);
    let count = |set: &String| Ok((set.clone(), packages(workspace, set)?.len()));
    let mut counts: Vec<(String, usize)> = sets.iter().map(count).collect::<Result<_>>()?;
    if let Some((all, _)) = counts.last_mut() {
        "all".clone_into(all);
    }
    Ok(counts)
}

fn packages(workspace: &Workspace, set: &str) -> Result<Vec<Package>> {
    tree(workspace, &["--package=skyport", "--no-default-features", &format!("--features={set}")])
}

/// What each set brings in, by `cargo tree`.
pub(crate) fn graph(workspace: &Workspace) -> Result<Faults> {
    let mut faults = Vec::new();
    for set in sets(skyport(workspace)?) {
        let packages = packages(workspace, &set)?;
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
            && !owners.concat().iter().any(|feature| asked(feature))
        {
            faults.push(format!("`{set}` brings in {package}, which only {:?} may", owners.concat()));
        }
    }
    for name in ONCE {
        let versions: Vec<&str> = packages
            .iter()
            .filter(|package| package.name == *name)
            .map(|package| package.version.as_str())
            .collect();
        if versions.len() > 1 {
            faults.push(format!("`{set}` brings in {name} in several versions: {}", versions.join(", ")));
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
        assert_eq!(of("gcp", &["aws-lc-rs", "aws-lc-sys", "rustls v0.21.12"]), 3);
        assert_eq!(of("cloud-run-oidc", &["aws-lc-rs", "aws-lc-sys", "rustls v0.23.46"]), 2);
        assert_eq!(of("azure", &["ring", "rustls v0.23.46", "reqwest", "hyper v1.12.0"]), 0);
        for set in ["azure", "aws,gcp,azure"] {
            assert_eq!(of(set, &["aws-lc-rs", "aws-lc-sys"]), 2, "{set}");
        }
    }

    #[test]
    fn one_build_has_one_version_of_what_does_not_mix() {
        assert_eq!(of("gcp", &["tonic v0.14.9", "reqwest v0.13.5", "rustls v0.23.46", "ring"]), 0);
        for name in ["tonic", "reqwest"] {
            assert_eq!(of("gcp", &[&format!("{name} v0.12.1"), &format!("{name} v0.13.5")]), 1, "{name}");
        }
        assert_eq!(of("gcp", &["rustls v0.23.46", "rustls v0.22.0"]), 1);
        assert_eq!(of("azure", &["azure_core v1.1.0", "azure_core v0.21.0", "quick-xml"]), 1);
        assert_eq!(of("gcp", &["syn v2.0.0", "syn v3.0.0"]), 0);
    }

    #[test]
    fn a_service_of_google_brings_in_its_own_clients() {
        let http = ["google-cloud-auth", "reqwest", "ring", "rustls", "hyper-rustls", "skyport-gcp-wire"];
        let grpc = ["prost", "prost-derive", "tonic"];
        for feature in ["gcp-blob", "gcp-queue", "gcp-kv", "gcp-events", "gcp"] {
            assert_eq!(of(feature, &http), 0, "{feature}");
        }
        for feature in ["gcp-queue", "gcp-kv", "gcp-events", "gcp"] {
            assert_eq!(of(feature, &grpc), 0, "{feature}");
        }
        assert_eq!(of("gcp-blob", &grpc), 3);
        assert_eq!(of("gcp", &["skyport-cloud-run", "skyport-server", "hyper"]), 0);
        assert_eq!(of("gcp-kv", &["skyport-cloud-run", "skyport-server"]), 2);
        assert_eq!(of("gcp", &["google-cloud-storage", "gcloud-sdk", "skyport-aws", "aws-smithy-types"]), 4);
        for feature in ["aws", "local", "server"] {
            assert_eq!(of(feature, &["google-cloud-auth", "tonic", "reqwest", "gcloud-sdk"]), 4, "{feature}");
        }
    }

    #[test]
    fn cloud_run_alone_speaks_to_nobody() {
        assert_eq!(of("cloud-run", &["skyport-cloud-run", "skyport-gcp-wire", "skyport-server", "hyper"]), 0);
        let client = ["ring", "reqwest", "rustls", "hyper-rustls"];
        assert_eq!(of("cloud-run", &client), 4);
        assert_eq!(of("cloud-run-oidc", &client), 0);
        assert_eq!(of("cloud-run-oidc", &["google-cloud-auth", "jsonwebtoken", "skyport-gcp", "tonic"]), 4);
    }

    #[test]
    fn a_service_of_azure_brings_in_its_own_client() {
        let shared = [
            "azure_core",
            "azure_identity",
            "typespec",
            "typespec_client_core",
            "quick-xml",
            "skyport-https",
        ];
        let storage = ["azure_storage_blob", "azure_storage_queue"];
        for feature in ["azure-blob", "azure-queue", "azure-kv", "azure-events", "azure"] {
            assert_eq!(of(feature, &shared), 0, "{feature}");
        }
        assert_eq!(of("azure", &storage), 0);
        assert_eq!(of("azure-events", &storage), 0);
        assert_eq!(of("azure-blob", &storage), 1);
        assert_eq!(of("azure-queue", &storage), 1);
        assert_eq!(of("azure-kv", &storage), 2);
        assert_eq!(of("azure", &["azure_storage_blobs", "azure_storage_queues", "azure_data_tables"]), 3);
        for feature in ["aws", "local", "server", "cloud-run-oidc"] {
            assert_eq!(of(feature, &shared), shared.len(), "{feature}");
        }
        assert_eq!(of("gcp", &["skyport-https", "azure_core"]), 1);
        let others = [
            "skyport-aws",
            "aws-sdk-s3",
            "skyport-gcp",
            "google-cloud-auth",
            "tonic",
            "gcloud-sdk",
            "rusqlite",
        ];
        for feature in ["azure", "azure-functions"] {
            assert_eq!(of(feature, &others), others.len(), "{feature}");
        }
    }

    #[test]
    fn azure_functions_alone_speaks_to_nobody() {
        let adapter = ["skyport-azure-functions", "skyport-azure-wire", "skyport-server", "hyper"];
        assert_eq!(of("azure-functions", &adapter), 0);
        assert_eq!(of("azure-kv", &adapter), 2);
        let client = ["ring", "reqwest", "rustls", "hyper-rustls", "azure_core", "skyport-azure"];
        assert_eq!(of("azure-functions", &client), client.len());
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
            [
                "",
                "default",
                "local",
                "memory",
                "local,server",
                "memory,server",
                "aws,gcp,azure",
                "local,memory"
            ]
        );
    }
}
