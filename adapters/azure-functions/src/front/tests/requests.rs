//! Requests of clients, in each of the host's three forms, and the host's question whether it is ready.

use super::*;

/// What the host puts on a request that it proxies.
const PROXIED: [(&str, &str); 3] = [
    ("x-azure-functions-invocationid", ID),
    ("x-ms-invocation-id", ID),
    ("host", "example.azurewebsites.net"),
];

fn wrapped(method: &str, url: &str, headers: &Value, body: &Value) -> Value {
    json!({
        "Url": url, "Method": method, "Query": {}, "Headers": headers, "Params": {}, "Identities": [], "Body": body,
    })
}

#[tokio::test]
async fn the_host_finds_the_handler_ready_and_a_clients_root_is_the_applications() {
    let stage = Stage::set().await;
    let host = ("host", "127.0.0.1:41234");
    match stage.intercept(request("GET", "/", &[host], "")).await {
        Intercepted::Answered(response) => assert_eq!(response.status(), 204),
        passed => panic!("{passed:?}"),
    }
    let (passed, invocation) = stage.passed(request("GET", "/", &PROXIED, "")).await;
    assert_eq!((passed.path(), &*invocation.id), ("/", ID));
    stage.passed(request("GET", "/own/x", &[host], "")).await;
}

#[tokio::test]
async fn a_proxied_request_goes_to_its_route_as_a_stream() {
    let stage = Stage::set().await;
    let unread = futures_util::stream::once(async { Err::<Bytes, _>(Error::internal("somebody read it")) });
    let (passed, invocation) =
        stage.passed(request("POST", "/own/a%2Fb", &PROXIED, Body::from_stream(unread))).await;
    assert_eq!((passed.path(), &*invocation.id), ("/own/a%2Fb", ID));
    assert!(invocation.remaining().expect("limited") > Duration::from_secs(200));
    let fidelity = passed.fidelity();
    assert!(fidelity.path_decoded && fidelity.headers_joined && !fidelity.buffered);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_set_makes_the_platforms_shorter_and_never_longer() {
    let stage = Stage::set().await;
    for (set, left) in [(None, 225), (Some(270), 225), (Some(30), 30)] {
        let mut invocation = Invocation::default();
        invocation.deadline = set.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let passed = stage.front.intercept(request("GET", "/own/x", &PROXIED, ""), &mut invocation).await;
        assert!(matches!(passed, Intercepted::Passed(_)));
        assert_eq!(invocation.remaining(), Some(Duration::from_secs(left)), "{set:?}");
    }
}

#[tokio::test]
async fn a_client_cannot_pose_as_the_host_whatever_it_sends_and_however_it_comes() {
    let stage = Stage::set().await;
    let forged =
        json!({"Data": {"event": twice("forged")}, "Metadata": {"Id": "1", "DequeueCount": "9"}}).to_string();
    let local = ("host", "127.0.0.1:41234");
    let agent = ("user-agent", "Azure-Functions-Host/4.1037.0");
    let own = ("x-azure-functions-invocationid", "forged");
    let hosts = ("x-azure-functions-invocationid", ID);
    let chunked = ("transfer-encoding", "chunked");
    let length = forged.len().to_string();
    let length = ("content-length", length.as_str());
    for headers in [
        // Proxied: the host overwrites both ids.
        vec![local, agent, hosts, ("x-ms-invocation-id", ID), chunked],
        vec![local, agent, hosts, ("x-ms-invocation-id", ID), length],
        // Forwarded: the host adds its id, and tells the length of what it forwards.
        vec![local, agent, own, hosts, length],
        vec![local, agent, hosts, length],
        vec![("host", "example.azurewebsites.net"), agent, hosts, chunked],
        // Not through the host at all.
        vec![local, agent, chunked],
    ] {
        let (passed, invocation) = stage.passed(request("POST", "/job", &headers, forged.clone())).await;
        let response = stage.front.functions.http(passed, invocation).await;
        assert_eq!(response.status(), 200, "{headers:?}");
        assert_eq!(stage.bench.calls(), ["a request"], "{headers:?}");
    }
    assert!(stage.ends.told().is_empty() && stage.letters().await.is_empty());
}

#[tokio::test]
async fn a_forwarded_request_is_the_clients_again_as_far_as_that_can_be_known() {
    let stage = Stage::set().await;
    let headers = |agent: &'static str| {
        [
            ("host", "example.azurewebsites.net"),
            ("x-azure-functions-invocationid", ID),
            ("user-agent", agent),
            ("content-length", "2"),
        ]
    };
    let (passed, invocation) = stage
        .passed(request("PUT", "/api/x?q=1%2C2", &headers("curl/8 Azure-Functions-Host/4.1037.0"), "{}"))
        .await;
    assert_eq!((passed.header("user-agent"), &*invocation.id), (Some("curl/8"), ID));
    let fidelity = passed.fidelity();
    assert!(fidelity.path_decoded && fidelity.headers_joined && !fidelity.buffered);
    let (passed, _) = stage.passed(request("GET", "/", &headers("Azure-Functions-Host/4.1037.0"), "")).await;
    assert_eq!((passed.path(), passed.header("user-agent")), ("/", None));
}

#[tokio::test]
async fn a_wrapped_request_is_answered_in_the_form_that_the_host_takes() {
    let stage = Stage::set().await;
    let headers = json!({"Host": ["example.org"], "Content-Type": ["text/plain"]});
    let data = wrapped("POST", "https://example.org/own/a%20b?q=1&q=2", &headers, &json!("h\u{e9}llo"));
    for name in ["http", "own"] {
        let (status, answer) = stage.answer(call(name, &data, &json!({"sys": {}}))).await;
        assert_eq!((status, &answer["ReturnValue"], &answer["Logs"]), (200, &Value::Null, &json!([])));
        let res = &answer["Outputs"]["res"];
        assert_eq!((&res["statusCode"], &res["body"]), (&json!("201"), &json!("h\u{e9}llo")));
        assert_eq!(res["headers"]["x-path"], "a b");
        let [called] = &stage.bench.calls()[..] else { panic!("called once") };
        assert_eq!(*called, format!("POST /own/a%20b?q=1&q=2 {ID} 224"));
    }
    let nowhere = wrapped("GET", "https://example.org/nowhere", &headers, &Value::Null);
    let (status, answer) = stage.answer(call("http", &nowhere, &json!({}))).await;
    assert_eq!((status, &answer["Outputs"]["res"]["statusCode"]), (200, &json!("404")));
    let wrong = wrapped("POST", "https://example.org/own/x", &json!({"a b": ["1"]}), &Value::Null);
    let (status, answer) = stage.answer(call("http", &wrong, &json!({}))).await;
    assert_eq!((status, &answer["Outputs"]["res"]["statusCode"]), (200, &json!("400")));
}

#[tokio::test]
async fn a_body_of_octets_arrives_as_it_was_sent() {
    let stage = Stage::set().await;
    let headers = json!({"Content-Type": ["application/octet-stream"]});
    let data = wrapped("POST", "https://h/own/x", &headers, &json!("aGVsbG8="));
    let (_, answer) = stage.answer(call("http", &data, &json!({}))).await;
    assert_eq!(answer["Outputs"]["res"]["body"], "hello");
}
