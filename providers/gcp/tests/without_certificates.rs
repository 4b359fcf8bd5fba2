//! A machine without CA certificates, as the smallest images are: nothing panics, and where the metadata server has the credentials
//! everything works.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::process::Command;

use skyport_core::provider::{Provider, ResourceUrl};
use skyport_core::{Error, ErrorKind};
use skyport_gcp::Gcp;

use stub::{answer, served};

#[allow(dead_code, reason = "each test binary uses a part of it")]
#[path = "stub/http.rs"]
mod stub;

/// Set where a test runs in a process of its own, which has such an environment.
const INSIDE: &str = "SKYPORT_TEST_WITHOUT_CERTIFICATES";

/// What such a machine meets at an endpoint where nothing listens, which needs credentials.
async fn met() -> Error {
    let url = ResourceUrl::new("gs", "bkt").with_parameter("endpoint", "https://127.0.0.1:1");
    Gcp::new().bucket(&url).expect("opens").head("k").await.map(drop).expect_err("nothing is there")
}

/// Runs a test of this binary once more, where there are no certificates.
async fn run_inside(test: &'static str, variables: Vec<(&'static str, String)>) {
    let run = move || {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
        command.env_remove("GOOGLE_APPLICATION_CREDENTIALS");
        for (name, missing) in [("SSL_CERT_FILE", "file"), ("SSL_CERT_DIR", "dir"), ("HOME", "home")] {
            command.env(name, std::env::temp_dir().join("skyport-nothing-is-here").join(missing));
        }
        command.envs(variables).output().expect("it runs")
    };
    let ended = tokio::task::spawn_blocking(run).await.expect("it ends");
    let told = String::from_utf8_lossy(&ended.stdout);
    let failed = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && told.contains("1 passed"), "{told}\n{failed}");
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

#[tokio::test]
async fn the_machines_own_account_needs_no_certificates() {
    if is_inside() {
        let error = met().await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.message().contains("nothing listens"), "the token was there: {error}");
        return;
    }
    let token = r#"{"access_token":"the-token","expires_in":3599,"token_type":"Bearer"}"#;
    let (url, log) = served(move |_, _| answer(200, token)).await;
    let host = url.strip_prefix("http://").expect("without TLS").to_owned();
    run_inside("the_machines_own_account_needs_no_certificates", vec![("GCE_METADATA_HOST", host)]).await;
    let asked = log.all();
    assert_eq!(log.lines(), ["GET /computeMetadata/v1/instance/service-accounts/default/token"]);
    assert_eq!(asked[0].header("metadata-flavor"), "Google");
}

#[tokio::test]
async fn credentials_from_a_file_say_what_they_miss() {
    if is_inside() {
        let error = met().await;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unauthenticated, false), "{error}");
        assert!(error.message().contains("CA certificates"), "{error}");
        return;
    }
    let path = std::env::temp_dir().join(format!("skyport-credentials-{}.json", std::process::id()));
    let file = r#"{"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r"}"#;
    std::fs::write(&path, file).expect("a file");
    let variable = ("GOOGLE_APPLICATION_CREDENTIALS", path.display().to_string());
    run_inside("credentials_from_a_file_say_what_they_miss", vec![variable]).await;
    std::fs::remove_file(path).expect("removed");
}

#[tokio::test]
async fn the_key_of_a_service_account_needs_no_certificates() {
    if is_inside() {
        let error = met().await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.message().contains("nothing listens"), "the token was there: {error}");
        return;
    }
    let path = std::env::temp_dir().join(format!("skyport-key-{}.json", std::process::id()));
    std::fs::write(&path, skyport_gcs::service_account().to_string()).expect("a file");
    let variable = ("GOOGLE_APPLICATION_CREDENTIALS", path.display().to_string());
    run_inside("the_key_of_a_service_account_needs_no_certificates", vec![variable]).await;
    std::fs::remove_file(path).expect("removed");
}

#[tokio::test]
async fn a_machine_without_an_account_is_told_so() {
    if is_inside() {
        let error = met().await;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unauthenticated, false), "{error}");
        return;
    }
    let (url, _) = served(|_, _| answer(404, "")).await;
    let host = url.strip_prefix("http://").expect("without TLS").to_owned();
    run_inside("a_machine_without_an_account_is_told_so", vec![("GCE_METADATA_HOST", host)]).await;
}
