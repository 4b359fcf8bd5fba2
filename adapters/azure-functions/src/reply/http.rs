//! Responses to requests in the wrapped form: `{"Outputs":{"res":{"statusCode":..,"headers":{..},"body":".."}}}`. The host takes a text
//! for the body and one value for each header, and nothing else.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use skyport_core::Body;
use skyport_core::http::{Response, problem};

use super::Answer;
use crate::event::LARGEST_BODY;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wrapped<'r> {
    outputs: Outputs<'r>,
    logs: [&'r str; 0],
    return_value: Option<&'r str>,
}

#[derive(Serialize)]
struct Outputs<'r> {
    /// The name of the function's binding, in the function.json that goes with this program.
    res: Whole<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'r> {
    status_code: String,
    headers: BTreeMap<String, String>,
    body: &'r str,
}

/// The answer that makes this response of the host's.
pub(crate) async fn answer(response: Response, method: Option<&Method>, id: &str) -> Answer {
    let (parts, body) = http::Response::<Body>::from(response).into_parts();
    if method == Some(&Method::HEAD) {
        return whole(parts.status, &parts.headers, "");
    }
    let told = match body.collect(LARGEST_BODY).await {
        Ok(body) => {
            String::from_utf8(body.into()).map_err(|_| "it is no text, and the wrapped form has no other")
        }
        Err(error) => {
            tracing::warn!(%error, "the body of a response failed, or is too large for the wrapped form");
            Err("it failed, or is larger than 32 MiB")
        }
    };
    match told {
        Ok(body) => whole(parts.status, &parts.headers, &body),
        Err(why) => {
            tracing::error!(
                why,
                "a response's body cannot be sent: set `customHandler.enableProxyingHttpRequest` to true in host.json"
            );
            failed(id)
        }
    }
}

/// The answer that makes of a request that was refused what its sender is to see.
pub(crate) async fn refused(status: StatusCode, why: &str, id: &str) -> Answer {
    Box::pin(answer(problem::response(status, Some(why), Some(id)), None, id)).await
}

/// The response in the place of one that cannot be sent.
fn failed(id: &str) -> Answer {
    let problem = problem::response(StatusCode::INTERNAL_SERVER_ERROR, None, Some(id));
    let (parts, body) = http::Response::<Body>::from(problem).into_parts();
    let body = body.try_into_bytes().unwrap_or_default();
    whole(parts.status, &parts.headers, std::str::from_utf8(&body).unwrap_or_default())
}

fn whole(status: StatusCode, headers: &HeaderMap, body: &str) -> Answer {
    let res = Whole { status_code: status.as_u16().to_string(), headers: one_each(headers), body };
    match serde_json::to_vec(&Wrapped { outputs: Outputs { res }, logs: [], return_value: None }) {
        Ok(json) => Answer::Request(Bytes::from(json)),
        Err(error) => {
            tracing::error!(%error, "a response is no JSON");
            Answer::Again
        }
    }
}

/// Each header once, repeated ones joined: the host has room for one value. What is said of the body's length and of the connection is
/// the host's own to say.
fn one_each(headers: &HeaderMap) -> BTreeMap<String, String> {
    let kept = |name: &header::HeaderName| {
        *name != header::CONTENT_LENGTH && *name != header::TRANSFER_ENCODING && *name != header::CONNECTION
    };
    let mut one: BTreeMap<String, String> = BTreeMap::new();
    for name in headers.keys().filter(|name| kept(name)) {
        let values: Vec<String> = headers.get_all(name).iter().map(text).collect();
        if name == header::SET_COOKIE {
            if values.len() > 1 {
                // They cannot be joined.
                tracing::warn!(
                    "all cookies of a response but the first were left out: set `customHandler.enableProxyingHttpRequest` to true in host.json"
                );
            }
            one.extend(values.into_iter().next().map(|first| (name.as_str().to_owned(), first)));
        } else {
            one.insert(name.as_str().to_owned(), values.join(", "));
        }
    }
    one
}

/// JSON has text only: a byte that is none of UTF-8 becomes U+FFFD.
fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    async fn told(response: Response, method: Method) -> Value {
        match answer(response, Some(&method), "id-1").await {
            Answer::Request(json) => {
                let value: Value = serde_json::from_slice(&json).expect("JSON");
                assert_eq!((&value["Logs"], &value["ReturnValue"]), (&json!([]), &Value::Null));
                value["Outputs"]["res"].clone()
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_response_is_what_the_host_makes_one_of() {
        let response = Response::created()
            .with_header("location", "/1")
            .with_header("content-length", "3")
            .with_content_type("text/plain")
            .with_body("\"\u{e9}\"");
        let headers = json!({"location": "/1", "content-type": "text/plain"});
        let expected = json!({"statusCode": "201", "headers": headers, "body": "\"\u{e9}\""});
        assert_eq!(told(response, Method::GET).await, expected);
        let empty = told(Response::no_content(), Method::DELETE).await;
        assert_eq!((&empty["statusCode"], &empty["body"]), (&json!("204"), &json!("")));
        assert_eq!(told(Response::text("long"), Method::HEAD).await["body"], "");
    }

    #[tokio::test]
    async fn there_is_one_value_for_each_header() {
        let mut response = Response::no_content();
        for (name, value) in [("x-many", "1"), ("x-many", "2"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
        {
            response.headers_mut().append(name, HeaderValue::from_static(value));
        }
        let headers = told(response, Method::GET).await["headers"].clone();
        assert_eq!(headers, json!({"x-many": "1, 2", "set-cookie": "a=1"}));
    }

    #[tokio::test]
    async fn what_is_no_text_or_breaks_off_is_a_500_and_nothing_of_it_is_told() {
        let broken =
            futures_util::stream::once(async { Err::<Bytes, _>(skyport_core::Error::internal("secret")) });
        for body in [Body::from(&b"\xff\0"[..]), Body::from_stream(broken)] {
            let told = told(Response::ok(body), Method::GET).await;
            assert_eq!(told["statusCode"], "500");
            let text = told["body"].as_str().expect("text");
            assert!(text.contains("id-1") && !text.contains("secret"), "{text}");
        }
    }
}
