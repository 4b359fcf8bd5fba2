//! Signed requests, sent to whoever serves them: the provider's own endpoint, or the cloud.

use std::time::Duration;

use http::{Method, StatusCode};
use skyport_core::blob::{Bucket, SignedRequest};
use skyport_core::{ErrorKind, Result, Support};

use super::signed::{Client, served};
use super::{bucket, kind, missing_bucket};
use crate::case::{CaseResult, cases};
use crate::inert::Inert;
use crate::{Context, Outcome};

cases![
    a_signed_request_tells_method_url_and_expiry,
    a_time_that_cannot_be_signed_is_refused_before_any_io,
    without_the_capability_signing_is_unsupported,
    a_signed_get_reads,
    a_signed_get_serves_ranges,
    a_signed_get_obeys_conditions,
    a_signed_put_writes_what_it_is_signed_for,
    a_signed_put_can_only_create,
    a_signed_delete_deletes,
    a_signed_url_is_bound_to_its_method_object_and_query,
    nothing_is_served_without_a_signature,
    a_signed_url_expires,
    conditions_of_signed_requests_hold_or_are_refused,
    a_signed_get_tells_when_the_object_was_written,
];

const HOUR: Duration = Duration::from_secs(3600);

macro_rules! needs_signing {
    ($bucket:expr) => {
        if !$bucket.capabilities().sign.is_supported() {
            return Ok(Outcome::Skipped("it signs no URLs"));
        }
    };
}

async fn a_signed_request_tells_method_url_and_expiry(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    needs_signing!(bucket);
    let now = bucket.info().clock.now();
    let get = bucket.sign_get("k", HOUR).await?;
    let mut put = bucket.sign_put("k", HOUR).await?;
    let delete = bucket.sign_delete("k", HOUR).await?;
    assert_eq!((&get.method, &put.method, &delete.method), (&Method::GET, &Method::PUT, &Method::DELETE));
    let typed = bucket.sign_put("k", HOUR).content_type("text/plain").await;
    if cx.signed_urls().binds_no_content_type {
        assert_eq!(kind(typed), ErrorKind::Unsupported);
    } else {
        put = typed?;
        assert_eq!(put.headers.get("content-type").map(|value| value.as_bytes()), Some(&b"text/plain"[..]));
    }
    for signed in [get, put, delete] {
        let uri: http::Uri = signed.url.parse()?;
        assert!(uri.host().is_some() && uri.query().is_some());
        assert!(signed.expires > now && signed.expires <= now + HOUR + Duration::from_secs(60));
        let query = uri.query().unwrap_or_default();
        assert!(!format!("{signed:?}").contains(query), "the query is a secret");
    }
    Ok(Outcome::Passed)
}

async fn a_time_that_cannot_be_signed_is_refused_before_any_io(cx: Context) -> CaseResult {
    let bucket = missing_bucket(&cx)?;
    needs_signing!(bucket);
    let most = bucket.limits().signed_for;
    assert!(most >= HOUR, "at least an hour can be asked");
    for time in [Duration::ZERO, most + Duration::from_secs(1), Duration::MAX] {
        assert_eq!(kind(bucket.sign_get("k", time).await), ErrorKind::InvalidArgument);
    }
    assert_eq!(kind(bucket.sign_put("a//b", HOUR).await), ErrorKind::InvalidArgument);
    Ok(Outcome::Passed)
}

async fn without_the_capability_signing_is_unsupported(cx: Context) -> CaseResult {
    let cannot = Inert::like(missing_bucket(&cx)?.info(), |info| {
        info.capabilities.sign = Support::Unsupported("tried")
    });
    let bucket = Bucket::new(cannot);
    assert_eq!(kind(bucket.sign_get("k", HOUR).await), ErrorKind::Unsupported);
    assert_eq!(kind(bucket.sign_put("k", HOUR).await), ErrorKind::Unsupported);
    assert_eq!(kind(bucket.sign_delete("k", HOUR).await), ErrorKind::Unsupported);
    Ok(Outcome::Passed)
}

async fn a_signed_get_reads(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    for key in ["k", "a b/☺?#%&+.txt"] {
        let etag = bucket.put(key, "content").content_type("text/x-test").await?.etag;
        let signed = bucket.sign_get(key, HOUR).await?;
        let answer = client.send(&signed, "").await?;
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"content"[..]));
        assert_eq!(answer.headers["content-type"], "text/x-test");
        assert_eq!(answer.headers["content-length"], "7");
        let known = answer.headers["etag"].to_str()?;
        assert!(cx.signed_urls().other_etags || known == format!("\"{etag}\""), "{known}");
        if client.is_own() {
            let answer = client.method(Method::HEAD, &signed.url, "").await?;
            assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
            assert_eq!(answer.headers["content-length"], "7");
        }
    }
    let missing = bucket.sign_get("missing", HOUR).await?;
    assert_eq!(client.send(&missing, "").await?.status, StatusCode::NOT_FOUND);
    Ok(Outcome::Passed)
}

async fn a_signed_get_serves_ranges(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    bucket.put("k", "0123456789").await?;
    let url = bucket.sign_get("k", HOUR).await?.url;
    for (range, body, told) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=8-", "89", "bytes 8-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=5-99", "56789", "bytes 5-9/10"),
    ] {
        let answer = client.get(&url, ("range", range)).await?;
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::PARTIAL_CONTENT, body.as_bytes()));
        assert_eq!(answer.headers["content-range"], told);
        assert_eq!(answer.headers["content-length"], body.len().to_string());
    }
    for range in ["bytes=10-", "bytes=99-100", "bytes=-0"] {
        let answer = client.get(&url, ("range", range)).await?;
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert!(!client.is_own() || answer.headers["content-range"] == "bytes */10");
    }
    if client.is_own() {
        assert_eq!(client.get(&url, ("range", "nonsense")).await?.status, StatusCode::OK);
    }
    Ok(Outcome::Passed)
}

async fn a_signed_get_obeys_conditions(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    let etag = bucket.put("k", "0123456789").await?.etag;
    let url = bucket.sign_get("k", HOUR).await?.url;
    let known = if cx.signed_urls().other_etags {
        client.get(&url, ("accept", "*/*")).await?.headers["etag"].to_str()?.to_owned()
    } else {
        format!("\"{etag}\"")
    };
    assert_eq!(client.get(&url, ("if-none-match", &known)).await?.status, StatusCode::NOT_MODIFIED);
    assert_eq!(client.get(&url, ("if-none-match", "\"x\"")).await?.status, StatusCode::OK);
    assert_eq!(client.get(&url, ("if-match", "\"x\"")).await?.status, StatusCode::PRECONDITION_FAILED);
    Ok(Outcome::Passed)
}

async fn a_signed_put_writes_what_it_is_signed_for(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    let plain = bucket.sign_put("k", HOUR).await?;
    assert!(client.send(&plain, "plain").await?.status.is_success());
    assert_eq!(bucket.get("k").text().await?, "plain");
    let typed = bucket.sign_put("k", HOUR).content_type("text/x-test").await;
    let old = if cx.signed_urls().binds_no_content_type {
        assert_eq!(kind(typed), ErrorKind::Unsupported, "what is not bound is not said to be");
        "plain"
    } else {
        typed_put(&cx, &bucket, &client, typed?).await?
    };
    // A body of unknown length that breaks leaves the old content.
    let broken = super::failing(&super::pattern(100), 10);
    assert!(!client.succeeds(&plain, broken).await);
    assert_eq!(bucket.get("k").text().await?, old);
    Ok(Outcome::Passed)
}

/// Writes by a URL that is signed for a content type, and for another one than that; gives back what stands there in the end.
async fn typed_put(
    cx: &Context,
    bucket: &Bucket,
    client: &Client,
    mut signed: SignedRequest,
) -> Result<&'static str> {
    assert!(client.send(&signed, "by url").await?.status.is_success());
    let object = bucket.get("k").await?;
    assert_eq!(object.content_type(), Some("text/x-test"));
    assert_eq!(object.text().await?, "by url");
    signed.headers.insert("content-type", http::HeaderValue::from_static("text/html"));
    let other = client.send(&signed, "other").await?.status;
    let old = if cx.signed_urls().keeps_content_type && other.is_success() {
        assert_eq!(bucket.get("k").await?.content_type(), Some("text/x-test"));
        "other"
    } else {
        assert!(other == StatusCode::UNSUPPORTED_MEDIA_TYPE || other == StatusCode::FORBIDDEN, "{other}");
        "by url"
    };
    assert_eq!(bucket.get("k").text().await?, old);
    Ok(old)
}

async fn a_signed_put_can_only_create(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    let signed = bucket.sign_put("k", HOUR).if_absent().await?;
    assert!(client.send(&signed, "one").await?.status.is_success());
    let second = client.send(&signed, "two").await?.status;
    let forbidden = cx.signed_urls().forbids_overwriting && second == StatusCode::FORBIDDEN;
    assert!(
        forbidden || second == StatusCode::CONFLICT || second == StatusCode::PRECONDITION_FAILED,
        "{second}"
    );
    assert_eq!(bucket.get("k").text().await?, "one");
    Ok(Outcome::Passed)
}

async fn a_signed_delete_deletes(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    bucket.put("k", "v").await?;
    let signed = bucket.sign_delete("k", HOUR).await?;
    let deleted =
        if cx.signed_urls().accepts_deletes { StatusCode::ACCEPTED } else { StatusCode::NO_CONTENT };
    assert_eq!(client.send(&signed, "").await?.status, deleted);
    assert!(!bucket.exists("k").await?);
    Ok(Outcome::Passed)
}

async fn a_signed_url_is_bound_to_its_method_object_and_query(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    bucket.put("k", "v").await?;
    bucket.put("l", "v").await?;
    let get = bucket.sign_get("k", HOUR).await?;
    let put = bucket.sign_put("k", HOUR).await?;
    for method in [Method::PUT, Method::DELETE] {
        // What lacks nothing but the permission.
        let mut other = get.clone();
        (other.method, other.headers) = (method, put.headers.clone());
        assert_eq!(client.send(&other, "x").await?.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(client.get(&put.url, ("accept", "*/*")).await?.status, StatusCode::FORBIDDEN);
    let longer = format!("{}0", get.url);
    let other = get.url.replacen("/k?", "/l?", 1);
    assert_ne!(other, get.url);
    let more = format!("{}&x=1", get.url);
    for url in [&longer, &other, &more] {
        if url == &more && cx.signed_urls().open_query {
            continue;
        }
        let status = client.get(url, ("accept", "*/*")).await?.status;
        assert!(refuses(&cx, status), "{status}: {url}");
    }
    assert_eq!(bucket.get("k").text().await?, "v");
    Ok(Outcome::Passed)
}

/// Whether a status says that a URL is not good.
fn refuses(cx: &Context, status: StatusCode) -> bool {
    status == StatusCode::FORBIDDEN || cx.signed_urls().bad_requests && status == StatusCode::BAD_REQUEST
}

async fn nothing_is_served_without_a_signature(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    if !client.is_own() {
        return Ok(Outcome::Skipped("who may read without a signature is for the bucket's policy to say"));
    }
    bucket.put("k", "v").await?;
    let get = bucket.sign_get("k", HOUR).await?;
    let bare = get.url.split('?').next().unwrap_or_default();
    for url in [bare, &format!("{bare}?signature=AAAA")] {
        assert_eq!(client.get(url, ("accept", "*/*")).await?.status, StatusCode::FORBIDDEN, "{url}");
    }
    Ok(Outcome::Passed)
}

async fn a_signed_url_expires(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    bucket.put("k", "v").await?;
    // Clouds sign by whole seconds: of a single one hardly anything may be left.
    let life = Duration::from_secs(if cx.virtual_time() { 1 } else { 5 });
    let signed = bucket.sign_get("k", life).await?;
    assert_eq!(client.send(&signed, "").await?.status, StatusCode::OK);
    cx.pass(life + Duration::from_millis(1_100)).await;
    let answer = client.send(&signed, "").await?;
    assert!(refuses(&cx, answer.status), "{}", answer.status);
    assert!(cx.signed_urls().expiry_untold || String::from_utf8_lossy(&answer.body).contains("expired"));
    Ok(Outcome::Passed)
}

async fn conditions_of_signed_requests_hold_or_are_refused(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    let etag = bucket.put("k", "old").await?.etag.to_string();
    let with = async |mut signed: SignedRequest, name: &'static str, value: &str| -> Result<StatusCode> {
        signed.headers.insert(name, value.parse().expect("a header value"));
        Ok(client.send(&signed, "new").await?.status)
    };
    // A cloud has statuses of its own for what it does not do.
    let put = bucket.sign_put("k", HOUR).await?;
    let delete = bucket.sign_delete("k", HOUR).await?;
    for signed in [&put, &delete] {
        let stale = with(signed.clone(), "if-match", "\"stale\"").await?;
        assert_eq!(stale, StatusCode::PRECONDITION_FAILED);
    }
    // A condition that cannot be kept is no reason to write without it. What a cloud says of those is its own affair.
    for odd in ["*", "\"a\", \"b\""].into_iter().filter(|_| client.is_own()) {
        assert_eq!(with(put.clone(), "if-match", odd).await?, StatusCode::BAD_REQUEST, "{odd}");
        assert_eq!(with(delete.clone(), "if-match", odd).await?, StatusCode::BAD_REQUEST, "{odd}");
        assert_eq!(with(put.clone(), "if-none-match", "\"x\"").await?, StatusCode::BAD_REQUEST);
    }
    let there = with(put.clone(), "if-none-match", "*").await?;
    assert!(there == StatusCode::CONFLICT || there == StatusCode::PRECONDITION_FAILED);
    assert_eq!(bucket.get("k").text().await?, "old");
    assert!(with(put, "if-match", &format!("\"{etag}\"")).await?.is_success());
    let etag = bucket.head("k").await?.etag;
    assert!(with(delete, "if-match", &format!("\"{etag}\"")).await?.is_success());
    assert!(!bucket.exists("k").await?);
    Ok(Outcome::Passed)
}

async fn a_signed_get_tells_when_the_object_was_written(cx: Context) -> CaseResult {
    let (bucket, client) = served!(cx);
    bucket.put("k", "v").await?;
    let signed = bucket.sign_get("k", HOUR).await?;
    let answer = client.send(&signed, "").await?;
    let told = answer.headers["last-modified"].to_str()?;
    assert!(told.len() == 29 && told.ends_with(" GMT"), "{told}");
    Ok(Outcome::Passed)
}
