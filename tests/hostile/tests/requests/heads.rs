//! Heads of requests: too many headers, too long ones, long URLs, many parameters, cookies and ranges.

use skyport_core::blob::port::SignMethod;
use skyport_hostile::{Raw, Stage};

/// What a server may say to a head that it does not take.
const REFUSED: [u16; 3] = [400, 414, 431];

fn get(target: &str, lines: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n")
}

fn many(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

fn refused() -> Vec<String> {
    vec![
        get("/seen/a", &many(101, |n| format!("x-{n}: 1\r\n"))),
        get("/seen/a", &many(5_000, |_| "a:b\r\n".to_owned())),
        get("/seen/a", &many(200, |n| format!("cookie: c{n}=1\r\n"))),
        get("/seen/a", &format!("cookie: {}\r\n", "a=b; ".repeat(20_000))),
        get("/seen/a", &format!("range: bytes={}0-1\r\n", "0-1,".repeat(30_000))),
        get("/seen/a", &format!("{}: 1\r\n", "x".repeat(70_000))),
        get("/seen/a", &format!("x: {}\r\n", "y".repeat(70_000))),
        get(&format!("/seen/{}", "a".repeat(70_000)), ""),
        get(&format!("/query?{}", "name=1&".repeat(10_000)), ""),
        get("/seen/a", "no colon\r\n"),
        get("/seen/a", ": no name\r\n"),
        get("/seen/a", "x y: 1\r\n"),
        get("/seen/a", "x\u{0}: 1\r\n"),
        get("/seen/a", "x: \u{0}\r\n"),
        get("/seen/a", "x: 1\r\n folded\r\n"),
        get("/seen/a", "x: 1\rinjected: 1\r\n"),
        get("/seen/\u{0}", ""),
        get("/seen/a b", ""),
        get("/seen/\u{7f}", ""),
        "GET /seen/a\r\nhost: x\r\n\r\n".to_owned(),
        "GET /seen/a HTTP/1.1 \r\nhost: x\r\n\r\n".to_owned(),
        "GET  /seen/a HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "G\u{0}T /seen/a HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "GET /seen/a HTTP/2.0\r\nhost: x\r\n\r\n".to_owned(),
        "GET /seen/a HTTP/1.1\u{0}\r\nhost: x\r\n\r\n".to_owned(),
        "GET seen/a HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_floods_or_is_none_is_refused_and_reaches_nobody() {
    let mut tried = 0;
    for stage in Stage::each().await {
        for request in refused() {
            tried += 1;
            let said = Raw::exchange(stage.address, &request).await;
            let shown = format!("{}: {:?}: {}", stage.name, &request[..request.len().min(120)], said.text());
            // A client that still sends while it is refused may lose the answer with its connection.
            let statuses = said.statuses();
            assert!(statuses.len() <= 1 && statuses.iter().all(|status| REFUSED.contains(status)), "{shown}");
            assert!(stage.take_seen().is_empty(), "{shown}");
        }
        stage.assert_well().await;
        stage.stop().await;
    }
    skyport_figures::record("hostile::heads", &format!("{tried} heads that flood or are none"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_much_but_within_the_limits_is_served() {
    for stage in Stage::each().await {
        let parameters = format!("/query?{}name=found", many(4_000, |n| format!("p{n}=1&")));
        let all = get(&parameters, &many(90, |n| format!("cookie: c{n}=1\r\n")));
        let said = Raw::exchange(stage.address, &all).await;
        assert_eq!((said.statuses(), said.body().as_str()), (vec![200], "Some(\"found\")"), "{}", stage.name);
        let ranges = get("/query?name=x", &format!("range: bytes={}0-1\r\n", "0-1,".repeat(1_000)));
        assert_eq!(Raw::exchange(stage.address, &ranges).await.statuses(), [200]);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_ranges_of_a_signed_url_are_answered_with_the_object_once() {
    let content = "0123456789".repeat(1_000);
    for stage in Stage::each().await {
        stage.files.put("a", content.clone()).await.expect("stored");
        let signed = stage.files.sign_get("a", std::time::Duration::from_secs(600)).await.expect("signed");
        assert_eq!(SignMethod::Get.as_http(), signed.method);
        let uri: http::Uri = signed.url.parse().expect("a URL");
        let target = uri.path_and_query().expect("a path").as_str();
        for ranges in ["0-,".repeat(2_000), "0-0,2-2,".repeat(1_000), "-1,".repeat(5_000)] {
            let request = get(target, &format!("range: bytes={}\r\n", ranges.trim_end_matches(',')));
            let said = Raw::exchange(stage.address, &request).await;
            assert_eq!((said.statuses(), said.body()), (vec![200], content.clone()), "{}", stage.name);
        }
        for odd in [
            "bytes=9-0",
            "bytes=-0",
            "bytes=18446744073709551615-",
            "bytes=0-18446744073709551616",
            "bytes=a-b",
        ] {
            let said = Raw::exchange(stage.address, get(target, &format!("range: {odd}\r\n"))).await;
            assert!(matches!(said.statuses()[..], [200 | 206 | 416]), "{odd}: {}", said.text());
        }
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_platforms_set_are_worth_nothing_from_a_client() {
    let spoofed = [
        "x-forwarded-for: 127.0.0.1\r\nx-forwarded-host: 127.0.0.1\r\nx-forwarded-proto: https\r\nforwarded: for=127.0.0.1\r\n",
        "x-original-url: /files/secret\r\nx-rewrite-url: /files/secret\r\nx-http-method-override: DELETE\r\n",
        "x-ms-client-principal: eyJhIjoxfQ==\r\nx-ms-client-principal-id: admin\r\nx-ms-request-id: 1\r\n",
        "lambda-runtime-aws-request-id: 1\r\nx-amzn-trace-id: Root=1-0-0\r\nx-amz-date: 1\r\nx-amz-security-token: t\r\n",
        "x-goog-authenticated-user-email: admin\r\nx-serverless-authorization: Bearer a.b.c\r\nx-appengine-cron: true\r\n",
        "x-azure-functions-invocationid: 1, 2\r\n",
        "x-azure-functions-invocationid: 1\r\nx-azure-functions-invocationid: 2\r\n",
        "x-ms-invocation-id: 1\r\nx-azure-functions-invocationid: 1\r\n",
    ];
    for stage in Stage::each().await {
        stage.files.put("kept", "kept").await.expect("stored");
        for lines in spoofed {
            // The path of a request is the one that it was sent to, and its method the one that it was sent with.
            let said = Raw::exchange(stage.address, get("/one/asked", lines)).await;
            let shown = format!("{}: {lines}: {}", stage.name, said.text());
            assert_eq!((said.statuses(), said.body().as_str()), (vec![200], "\"asked\""), "{shown}");
            let said = Raw::exchange(stage.address, get("/files/kept", lines)).await;
            assert_eq!((said.statuses(), said.body().as_str()), (vec![200], "kept"), "{shown}");
        }
        assert!(stage.files.head("kept").await.is_ok(), "{}", stage.name);
        stage.stop().await;
    }
}
