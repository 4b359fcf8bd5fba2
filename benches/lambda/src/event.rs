//! Events as a Function URL sends them.

use serde_json::{Value, json};

/// A request as an event.
pub(crate) fn http(method: &str, path: &str, body: Option<&str>) -> Vec<u8> {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "accept-encoding": "gzip, br",
            "content-type": "text/plain; charset=utf-8",
            "host": "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws",
            "user-agent": "curl/8.5.0",
            "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abcdefghijklmnopqrstuvwxyz012345",
            "domainName": "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws",
            "domainPrefix": "abcdefghijklmnopqrstuvwxyz012345",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "e1506fd5-9e7b-434f-bd42-4f8fa224b599",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1_773_342_238_000_u64,
        },
        "body": body.map(Value::from).unwrap_or_default(),
        "isBase64Encoded": false,
    });
    event.to_string().into_bytes()
}

/// The status and the body of an answer.
pub(crate) fn answer(json: &[u8]) -> Option<(u64, String)> {
    let answer: Value = serde_json::from_slice(json).ok()?;
    Some((answer["statusCode"].as_u64()?, answer["body"].as_str().unwrap_or_default().to_owned()))
}
