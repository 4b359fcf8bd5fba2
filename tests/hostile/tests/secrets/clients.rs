//! Clients that send secrets to an application whose handlers fail, and signed URLs of a machine's own.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use skyport_core::ErrorKind;
use skyport_hostile::{Raw, Stage};

use crate::plants::Plants;

/// All of it.
pub(crate) async fn all(plants: &Plants) -> Vec<String> {
    let mut said = Vec::new();
    for stage in Stage::each().await {
        let secret = format!(
            "authorization: Bearer {}\r\ncookie: session={}\r\nx-api-key: {}\r\nproxy-authorization: Basic {}\r\n",
            plants.bearer,
            plants.cookie,
            plants.client_secret,
            STANDARD.encode(format!("user:{}", plants.password))
        );
        let query = plants.query.as_str();
        for (method, target) in [
            ("GET", format!("/nowhere?token={query}")),
            ("PATCH", format!("/one/a?token={query}")),
            ("GET", format!("/one/%ff?token={query}")),
            ("GET", format!("/query?name=%ff&token={query}")),
            ("GET", format!("/files/visible-key?token={query}")),
            ("PUT", format!("/files/..?token={query}")),
            ("DELETE", format!("/files//?token={query}")),
            ("POST", format!("/seen/a?token={query}")),
            ("POST", format!("/_skyport/local/files/visible-key?method=PUT&expires=1&signature={query}")),
        ] {
            for body in [plants.body.as_str(), &format!("{{\"{}\": [", plants.body)] {
                let length = body.len();
                for extra in [
                    format!("content-length: {length}\r\n"),
                    format!("content-length: {}\r\n", length + 10),
                    format!("content-length: {length}\r\ncontent-type: application/cloudevents+json\r\n"),
                    format!(
                        "content-length: {length}\r\nce-id: 1\r\nce-type: t\r\nce-source: {query}\r\nce-specversion: 1.0\r\n"
                    ),
                    "transfer-encoding: chunked\r\nx-azure-functions-invocationid: id-of-a-call\r\n"
                        .to_owned(),
                ] {
                    let request =
                        format!("{method} {target} HTTP/1.1\r\nhost: x\r\n{secret}{extra}\r\n{body}");
                    said.push(Raw::exchange(stage.address, request).await.text());
                }
            }
        }
        said.extend(signed(&stage).await);
        stage.stop().await;
    }
    said
}

/// What comes of signed URLs: neither the key nor a signature is told by anybody but the URL itself.
async fn signed(stage: &Stage) -> Vec<String> {
    let mut said = Vec::new();
    stage.files.put("visible-key", "content").await.expect("stored");
    let key = std::fs::read(stage.folder().join("data/signing.key")).expect("the key");
    let signed = stage.files.sign_get("visible-key", Duration::from_secs(600)).await.expect("signed");
    let uri: http::Uri = signed.url.parse().expect("a URL");
    let target = uri.path_and_query().expect("a path").as_str();
    let (_, signature) = target.split_once("signature=").expect("a signature");
    for (method, target) in [
        ("GET", target.to_owned()),
        ("PUT", target.to_owned()),
        ("GET", target.replace("visible", "other")),
        ("GET", format!("{target}x")),
        ("BREW", target.to_owned()),
    ] {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        said.push(Raw::exchange(stage.address, request).await.text());
    }
    said.push(format!("{signed:?} {signed:#?} {:?}", stage.files));
    let missing = stage.files.get("missing-key").bytes().await.expect_err("nothing is there");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    said.push(format!("{missing} {missing:?} {missing:#?}"));
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    for secret in
        [signature.to_owned(), STANDARD.encode(&key), URL_SAFE_NO_PAD.encode(&key), hex, format!("{key:?}")]
    {
        assert!(
            said.iter().all(|text| !text.contains(secret.trim_end_matches('='))),
            "{}: {secret}",
            stage.name
        );
    }
    said
}
