//! The request as JSON, and the answer in the outputs of the call.
//!
//! From `HttpRequestExtensions.cs` (`GetRequestAsJObject`), `HttpScriptInvocationResultExtensions.cs` (`GetHttpOutputBindingResponse`), `HttpBinding.cs` and `RawScriptResult.cs` of
//! azure-functions-host, and ASP.NET's `TextOutputFormatter`. A body without a length is left out; one that is not `application/octet-stream` or of several parts is
//! text. So is the answer's: bytes cannot be answered, nor a header twice, and a content type gets a charset.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{Asked, full, length, plain};
use crate::fault::{Fault, Result};
use crate::invoker::{Invoker, whole};
use crate::payload;
use crate::uri::{encode_path, pairs};
use crate::worker::Body;

pub(super) async fn answer(invoker: &Invoker, asked: Asked<'_>) -> Result<Response<Body>> {
    let function = asked.function;
    let trace =
        asked.request.headers().get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let request = wrap(asked).await?;
    let payload = payload::request(&function.name, &function.binding, request);
    let outcome = invoker.call(&function.name, &payload, trace.as_deref()).await?;
    let name = function.http_output.as_deref().unwrap_or_default();
    match outcome.outputs.get(name) {
        Some(Value::Object(output)) => unwrap(output),
        // An object without a body is taken for the body itself.
        None if !outcome.outputs.is_empty() => {
            typed(&Value::Object(Map::new()), HeaderMap::new(), StatusCode::OK)
        }
        None => Ok(plain(StatusCode::NO_CONTENT, "")),
        Some(_) => Err(Fault::new(format!("the output `{name}` is no response"))),
    }
}

async fn wrap(asked: Asked<'_>) -> Result<Value> {
    let with_body = length(&asked.request).is_some_and(|length| length > 0);
    let (parts, body) = asked.request.into_parts();
    let host = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let query = parts.uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let mut headers = Map::new();
    for name in parts.headers.keys() {
        let values =
            parts.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into());
        headers.insert(title_case(name), Value::Array(values.collect()));
    }
    let pairs: Map<String, Value> = parts
        .uri
        .query()
        .map(pairs)
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| (key, value.into()))
        .collect();
    let mut request = json!({
        "Url": format!("http://{host}{}{query}", encode_path(&asked.path)),
        "Method": parts.method.as_str(),
        "Query": pairs,
        "Headers": headers,
        "Params": asked.parameters,
        "Identities": [{"AuthenticationType": null, "IsAuthenticated": false, "Actor": null, "BootstrapContext": null, "Claims": [], "Label": null, "Name": null}],
    });
    if with_body {
        let body = whole(body).await?;
        request["Body"] = if is_binary(&parts.headers) {
            STANDARD.encode(body)
        } else {
            String::from_utf8_lossy(&body).into_owned()
        }
        .into();
    }
    Ok(request)
}

/// Names as ASP.NET knows them.
fn title_case(name: &HeaderName) -> String {
    let words = name.as_str().split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    words.collect::<Vec<_>>().join("-")
}

/// `IsMediaTypeOctetOrMultipart`
fn is_binary(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/octet-stream" || media.contains("multipart/")
}

fn unwrap(output: &Map<String, Value>) -> Result<Response<Body>> {
    let field = |wanted: &str| {
        output
            .iter()
            .find(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value.is_null())
            .map(|(_, value)| value)
    };
    let status = field("statusCode").or_else(|| field("status")).map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    // What is no number is passed over.
    let status = status.and_then(|text| text.trim().parse::<u16>().ok()).unwrap_or(200);
    let status = StatusCode::from_u16(status).map_err(|error| Fault::because("no status", error))?;
    let mut headers = HeaderMap::new();
    match field("headers") {
        None => {}
        Some(Value::Object(fields)) => {
            for (name, value) in fields {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(_) | Value::Bool(_) => value.to_string(),
                    _ => return Err(Fault::new(format!("the header `{name}` is no text"))),
                };
                let name = HeaderName::try_from(name.as_str())
                    .map_err(|error| Fault::because("no header", error))?;
                let value =
                    HeaderValue::from_str(&text).map_err(|error| Fault::because("no header", error))?;
                // A name that is there already is passed over.
                headers.entry(name).or_insert(value);
            }
        }
        Some(_) => return Err(Fault::new("the headers are no object")),
    }
    typed(field("body").unwrap_or(&Value::Null), headers, status)
}

/// Writes a body as the first formatter does that takes it.
fn typed(body: &Value, mut headers: HeaderMap, status: StatusCode) -> Result<Response<Body>> {
    let (bytes, default) = match body {
        Value::Null => (Bytes::new(), None),
        Value::String(text) => (Bytes::from(text.clone()), Some("text/plain")),
        other => (Bytes::from(other.to_string()), Some("application/json")),
    };
    if let Some(default) = default {
        let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or(default);
        let charset = if said.to_ascii_lowercase().contains("charset=") { "" } else { "; charset=utf-8" };
        let value = HeaderValue::from_str(&format!("{said}{charset}"))
            .map_err(|error| Fault::because("no type", error))?;
        headers.insert(CONTENT_TYPE, value);
    }
    // The server counts itself.
    headers.remove(http::header::CONTENT_LENGTH);
    headers.remove(http::header::TRANSFER_ENCODING);
    let mut response = Response::new(full(bytes));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
