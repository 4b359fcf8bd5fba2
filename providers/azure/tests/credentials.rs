//! Who calls, as the environment of a process says: each test runs once more in a process that has such an environment.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use skyport_azure::{Azure, AzureConfig};
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::port::QueueSettings;
use skyport_core::{Error, ErrorKind};
use skyport_stub::{answer, served};

/// Set where a test runs in a process of its own.
const INSIDE: &str = "SKYPORT_TEST_CREDENTIALS";

/// What the machine that runs the tests may have of its own.
const OTHERS: [&str; 14] = [
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_ACCOUNT",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AzureWebJobsStorage",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_TOKEN_CREDENTIALS",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
];

/// Runs a test of this binary once more, with these variables and a proxy that is not there.
async fn run_inside(test: &'static str, variables: Vec<(&'static str, String)>) {
    let run = move || {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
        for name in OTHERS {
            command.env_remove(name);
        }
        for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env(proxy, "http://127.0.0.1:1");
        }
        command.env("no_proxy", "").env("NO_PROXY", "").envs(variables).output().expect("it runs")
    };
    let ended = tokio::task::spawn_blocking(run).await.expect("it ends");
    let told = String::from_utf8_lossy(&ended.stdout);
    let failed = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && told.contains("1 passed"), "{told}\n{failed}");
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// What is met at an endpoint of HTTPS where nothing listens: with a token, that nothing listens; without one, why there is none.
async fn met() -> Error {
    let url = ResourceUrl::new("azblob", "photos").with_parameter("account", "mine1");
    let url = url.with_parameter("endpoint", "https://127.0.0.1:1/mine1");
    Azure::new().bucket(&url).expect("opens").head("k").await.map(drop).expect_err("nothing is there")
}

/// A time in an hour, in seconds since 1970.
fn in_an_hour() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    (now + Duration::from_secs(3600)).as_secs()
}

#[tokio::test]
async fn an_app_asks_its_platform_for_a_token_without_a_proxy() {
    if is_inside() {
        let error = met().await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.message().contains("nothing listens"), "the token was there: {error}");
        return;
    }
    let (url, log) = served(move |_, _| {
        let ends = in_an_hour();
        answer(
            200,
            format!(r#"{{"access_token":"t","expires_on":"{ends}","token_type":"Bearer","resource":"r"}}"#),
        )
    })
    .await;
    let variables = vec![
        ("IDENTITY_ENDPOINT", format!("{url}/msi/token")),
        ("IDENTITY_HEADER", "the-header".to_owned()),
        ("AZURE_CLIENT_ID", "the-client".to_owned()),
    ];
    run_inside("an_app_asks_its_platform_for_a_token_without_a_proxy", variables).await;
    let target =
        "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com&client_id=the-client";
    assert_eq!(log.lines(), [target]);
    assert_eq!(log.all()[0].header("x-identity-header"), "the-header");
}

#[tokio::test]
async fn an_app_without_an_identity_is_told_so() {
    if is_inside() {
        let error = met().await;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unauthenticated, false), "{error}");
        let text = format!("{error:?}");
        assert!(text.contains("a managed identity gave no token") && text.contains("400"), "{text}");
        assert!(!text.contains("TOPSECRET"), "{text}");
        return;
    }
    let (url, log) = served(|_, _| answer(400, r#"{"message":"TOPSECRET"}"#)).await;
    let variables =
        vec![("IDENTITY_ENDPOINT", format!("{url}/msi/token")), ("IDENTITY_HEADER", "TOPSECRET".to_owned())];
    run_inside("an_app_without_an_identity_is_told_so", variables).await;
    assert_eq!(log.all().len(), 1, "asked once, and nobody else");
}

#[cfg(unix)]
#[tokio::test]
async fn whoever_has_signed_in_with_az_calls() {
    use std::os::unix::fs::PermissionsExt as _;

    if is_inside() {
        let error = met().await;
        assert!(error.message().contains("nothing listens"), "the token was there: {error}");
        return;
    }
    let folder = std::env::temp_dir().join(format!("skyport-az-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let asked = folder.join("asked");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> '{}'\necho '{{\"accessToken\":\"t\",\"expires_on\":{},\"tokenType\":\"Bearer\"}}'\n",
        asked.display(),
        in_an_hour()
    );
    std::fs::write(folder.join("az"), script).expect("a script");
    std::fs::set_permissions(folder.join("az"), std::fs::Permissions::from_mode(0o755)).expect("runs");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let variables = vec![("PATH", path), ("AZURE_TOKEN_CREDENTIALS", "dev".to_owned())];
    run_inside("whoever_has_signed_in_with_az_calls", variables).await;
    let asked = std::fs::read_to_string(asked).expect("it was run");
    assert_eq!(asked, "account get-access-token -o json --scope https://storage.azure.com/.default\n");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[tokio::test]
async fn a_shared_access_signature_stands_in_each_request_and_in_no_error() {
    if is_inside() {
        let azure = Azure::new();
        let endpoint = std::env::var("STUB").expect("told");
        let at = |scheme: &str| {
            ResourceUrl::new(scheme, "photos")
                .with_parameter("account", "mine1")
                .with_parameter("endpoint", &*endpoint)
        };
        let bucket = azure.bucket(&at("azblob")).expect("opens");
        let error = bucket.head("k").await.map(drop).expect_err("refused");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unauthenticated, false), "{error}");
        let broken =
            ResourceUrl::new("azblob", "photos").with_parameter("endpoint", "http://127.0.0.1:1/mine1");
        let unmet = azure.bucket(&broken).expect("opens").head("k").await.map(drop).expect_err("nobody");
        for text in [
            format!("{error}"),
            format!("{error:?}"),
            format!("{error:#?}"),
            format!("{unmet:?}"),
            format!("{unmet:#?}"),
            format!("{azure:?}"),
            format!("{bucket:?}"),
        ] {
            assert!(!text.contains("TOPSECRET"), "{text}");
        }
        return;
    }
    let (url, log) = served(|_, _| {
        let mut refused = answer(403, "<Error><Code>AuthenticationFailed</Code>sig=TOPSECRET</Error>");
        refused.headers_mut().insert("x-ms-error-code", "AuthenticationFailed".parse().expect("a header"));
        refused
    })
    .await;
    let variables = vec![
        ("AZURE_STORAGE_ACCOUNT", "mine1".to_owned()),
        ("AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=TOPSECRET".to_owned()),
        ("STUB", format!("{url}/mine1")),
    ];
    run_inside("a_shared_access_signature_stands_in_each_request_and_in_no_error", variables).await;
    let asked = log.all();
    assert!(!asked.is_empty() && asked.iter().all(|asked| asked.target.contains("sv=1&sig=TOPSECRET")));
    assert!(asked.iter().all(|asked| asked.header("authorization").is_empty()));
}

#[tokio::test]
async fn a_token_is_never_sent_without_tls() {
    let mut config = AzureConfig::default();
    config.account = Some("mine1".to_owned());
    config.blob_endpoint = Some("http://127.0.0.1:1/mine1".to_owned());
    config.queue_endpoint = config.blob_endpoint.clone();
    config.table_endpoint = config.blob_endpoint.clone();
    let azure = Azure::with(config);
    let (queue, table) = (QueueSettings::default(), TableSettings::default());
    for refused in [
        azure.bucket(&ResourceUrl::new("azblob", "photos")).map(drop),
        azure.queue(&ResourceUrl::new("azqueue", "photos"), &queue).map(drop),
        azure.table(&ResourceUrl::new("aztable", "photos"), &table).map(drop),
    ] {
        let error = refused.expect_err("it would be read by anybody on the way");
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert!(error.message().contains("https://"), "{error}");
    }
}
