//! Signed URLs of a machine's own, changed in every place: nothing is served but what was signed.
#![allow(clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use percent_encoding::percent_decode_str;
use skyport_core::blob::port::{SignMethod, SignOptions};
use skyport_core::blob::{Bucket, SignedEndpoint, UrlSigner};
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl};
use skyport_core::{Body, Clock, Error};
use skyport_memory::Memory;

const KEY: &str = "year/cat.jpg";
const CONTENT: &str = "a picture";

/// A bucket with one object, another bucket with another of the same key, and who signs and serves.
struct Stage {
    signer: UrlSigner,
    endpoint: SignedEndpoint,
    photos: Bucket,
}

impl Stage {
    async fn set() -> Self {
        let memory = Memory::new();
        let open = |name: &str| {
            let url = ResourceUrl::new("memory", name);
            let memory = memory.clone();
            async move {
                memory.create(&url, &ResourceKind::Bucket).await.expect("a bucket");
                memory.bucket(&url).expect("opens")
            }
        };
        let (photos, others) = (open("photos").await, open("others").await);
        Bucket::new(Arc::clone(&photos)).put(KEY, CONTENT).await.expect("stored");
        Bucket::new(Arc::clone(&others)).put(KEY, "a secret").await.expect("stored");
        let signer = UrlSigner::new("test", [0x5a; 32], "http://localhost");
        let (of_photos, of_others) = (Arc::clone(&photos), others);
        let endpoint = SignedEndpoint::new(signer.clone(), move |name| match name {
            "photos" => Ok(Arc::clone(&of_photos)),
            "others" => Ok(Arc::clone(&of_others)),
            _ => Err(Error::new(skyport_core::ErrorKind::NotFound, "no such bucket")),
        });
        Self { signer, endpoint, photos: Bucket::new(photos) }
    }

    fn clock(&self) -> &Clock {
        &self.photos.info().clock
    }

    /// The path and query of a URL for the object.
    fn sign(&self, change: impl FnOnce(&mut SignOptions)) -> String {
        let mut options = SignOptions::new(SignMethod::Get, Duration::from_secs(600));
        change(&mut options);
        let signed = self.signer.sign(self.clock(), "photos", KEY, &options).expect("signed");
        signed.url.trim_start_matches("http://localhost").to_owned()
    }

    /// The status, and what came; `None` where this is no URL.
    async fn ask(&self, method: Method, target: &str, body: &'static str) -> Option<(StatusCode, Bytes)> {
        let request = Request::builder().method(method).uri(target).body(Body::from(body)).ok()?;
        let (head, body) = self.endpoint.serve(request).await.into_parts();
        Some((head.status, body.collect(1 << 20).await.expect("a body")))
    }
}

/// What a target means, however it is written: whether two mean the same.
fn meaning(target: &str) -> Option<(Vec<u8>, Vec<String>)> {
    let (path, query) = target.split_once('?')?;
    let mut pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.strip_prefix("expires=").and_then(|number| number.parse::<u64>().ok()) {
            Some(number) => format!("expires={number}"),
            None => pair.to_owned(),
        })
        .collect();
    pairs.sort();
    Some((percent_decode_str(path).collect(), pairs))
}

/// The target with each letter changed in each bit, left out, doubled, and put in another's place.
fn altered(target: &str) -> Vec<String> {
    let bytes = target.as_bytes();
    let mut all = Vec::new();
    for at in 0..bytes.len() {
        let with = |new: &[u8]| {
            let changed = [&bytes[..at], new, &bytes[at + 1..]].concat();
            String::from_utf8(changed).ok()
        };
        all.extend((0..8).filter_map(|bit| with(&[bytes[at] ^ (1 << bit)])));
        all.extend(with(&[]));
        all.extend(with(&[bytes[at], bytes[at]]));
        for other in [b'0', b'9', b'A', b'z', b'-', b'_', b'=', b'&', b'%', b'+', b'/', b'.', b';', b'#'] {
            all.extend(with(&[other]));
            all.extend(with(&[other, bytes[at]]));
        }
        let percent = format!("%{:02X}", bytes[at]);
        all.extend(with(percent.as_bytes()));
        if at + 1 < bytes.len() {
            let mut swapped = bytes.to_vec();
            swapped.swap(at, at + 1);
            all.extend(String::from_utf8(swapped));
        }
        all.push(target[..at].to_owned());
    }
    all.retain(|other| other != target);
    all
}

#[tokio::test]
async fn a_url_that_is_changed_in_any_letter_opens_nothing() {
    let stage = Stage::set().await;
    let target = stage.sign(|_| {});
    let asked = stage.ask(Method::GET, &target, "").await.expect("a URL");
    assert_eq!((asked.0, &*asked.1), (StatusCode::OK, CONTENT.as_bytes()));
    let (mut tried, mut same) = (0, 0);
    for forged in altered(&target) {
        let Some((status, body)) = stage.ask(Method::GET, &forged, "").await else { continue };
        tried += 1;
        // A fragment is never sent: a request knows nothing of it.
        let sent = forged.split('#').next().unwrap_or_default();
        if meaning(sent) == meaning(&target) {
            same += 1;
            continue;
        }
        assert_eq!(status, StatusCode::FORBIDDEN, "{forged}");
        assert!(!body.windows(CONTENT.len()).any(|some| some == CONTENT.as_bytes()), "{forged}");
    }
    assert!(tried > 3_000 && same < tried / 5, "{tried} were tried, {same} meant the same");
    skyport_figures::record(
        "hostile::forged",
        &format!("{tried} changed URLs, of which {same} mean the same"),
    );
}

#[tokio::test]
async fn every_bit_of_the_signature_counts() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let stage = Stage::set().await;
    let target = stage.sign(|_| {});
    let (rest, signature) = target.split_once("signature=").expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    assert_eq!(signature.len(), 32);
    let ask = async |signature: &[u8]| {
        let forged = format!("{rest}signature={}", URL_SAFE_NO_PAD.encode(signature));
        stage.ask(Method::GET, &forged, "").await.expect("a URL").0
    };
    assert_eq!(ask(&signature).await, StatusCode::OK);
    for bit in 0..256 {
        let mut forged = signature.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(ask(&forged).await, StatusCode::FORBIDDEN, "bit {bit}");
    }
    // A part of it, more than it, and what is easily guessed.
    for length in 0..32 {
        assert_eq!(ask(&signature[..length]).await, StatusCode::FORBIDDEN, "{length} bytes");
    }
    let longer = [&signature[..], &[0]].concat();
    for forged in [&longer[..], &[0; 32], &[0xff; 32], &[0; 64]] {
        assert_eq!(ask(forged).await, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_url_is_good_for_one_method_one_key_one_bucket_and_one_time() {
    let stage = Stage::set().await;
    let get = stage.sign(|_| {});
    for method in [Method::PUT, Method::DELETE] {
        assert_eq!(stage.ask(method, &get, "planted").await.expect("a URL").0, StatusCode::FORBIDDEN);
    }
    for method in [Method::POST, Method::PATCH, Method::OPTIONS, Method::TRACE, Method::CONNECT] {
        let status = stage.ask(method, &get, "planted").await.expect("a URL").0;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    }
    assert_eq!(stage.ask(Method::HEAD, &get, "").await.expect("a URL").0, StatusCode::OK);
    for (from, to) in [("photos", "others"), ("cat", "dog"), ("year/", ""), ("year/cat", "year/../cat")] {
        let forged = get.replace(from, to);
        assert_eq!(
            stage.ask(Method::GET, &forged, "").await.expect("a URL").0,
            StatusCode::FORBIDDEN,
            "{forged}"
        );
    }
    // A signature is of its own key alone, whoever signed.
    for secret in [[0; 32], [0xff; 32], [0x5b; 32]] {
        let rogue = UrlSigner::new("test", secret, "http://localhost");
        let options = SignOptions::new(SignMethod::Get, Duration::from_secs(600));
        let forged = rogue.sign(stage.clock(), "photos", KEY, &options).expect("signed");
        let forged = forged.url.trim_start_matches("http://localhost");
        assert_eq!(stage.ask(Method::GET, forged, "").await.expect("a URL").0, StatusCode::FORBIDDEN);
    }
    for other in [SignMethod::Put, SignMethod::Delete] {
        let signed = stage.sign(|options| options.method = other);
        assert_eq!(stage.ask(Method::GET, &signed, "").await.expect("a URL").0, StatusCode::FORBIDDEN);
    }
    assert_eq!(stage.photos.get(KEY).text().await.expect("as it was"), CONTENT);
}

#[tokio::test]
async fn a_url_ends_when_it_was_said_to_end() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let stage = Stage::set().await;
    let status = async |target: &str| stage.ask(Method::GET, target, "").await.expect("a URL").0;
    // Signed an hour ago: one is good for some minutes more, the other ended a second ago.
    let before = Clock::tokio_from(stage.clock().now() - HOUR);
    let signed = |expires_in| {
        let options = SignOptions::new(SignMethod::Get, expires_in);
        let signed = stage.signer.sign(&before, "photos", KEY, &options).expect("signed");
        signed.url.trim_start_matches("http://localhost").to_owned()
    };
    let target = signed(HOUR + Duration::from_secs(600));
    assert_eq!(status(&target).await, StatusCode::OK);
    for ended in [HOUR - Duration::from_secs(1), Duration::from_secs(1), Duration::ZERO] {
        assert_eq!(status(&signed(ended)).await, StatusCode::FORBIDDEN, "{ended:?}");
    }
    // Neither before all time, nor at its end, nor with a number that is none.
    let expires = target.split("expires=").nth(1).and_then(|rest| rest.split('&').next()).expect("an expiry");
    for forged in
        ["0", "1", "18446744073709551615", "18446744073709551616", "-1", "1e99", "", "9999999999999", "NaN"]
    {
        let forged = target.replace(&format!("expires={expires}"), &format!("expires={forged}"));
        assert_eq!(status(&forged).await, StatusCode::FORBIDDEN, "{forged}");
    }
}

#[tokio::test]
async fn a_parameter_that_stands_twice_or_is_unknown_is_refused() {
    let stage = Stage::set().await;
    let put = stage.sign(|options| {
        options.method = SignMethod::Put;
        options.content_type = Some("image/jpeg".to_owned());
        options.if_absent = true;
    });
    let (path, query) = put.split_once('?').expect("a query");
    let pairs: Vec<&str> = query.split('&').collect();
    assert_eq!(pairs.len(), 5, "{pairs:?}");
    for (at, pair) in pairs.iter().enumerate() {
        let twice = format!("{path}?{query}&{pair}");
        let without: Vec<&str> =
            pairs.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, pair)| *pair).collect();
        let empty = format!("{path}?{}", query.replace(pair, pair.split('=').next().expect("a name")));
        for forged in [twice, format!("{path}?{}", without.join("&")), empty] {
            let status = stage.ask(Method::PUT, &forged, "planted").await.expect("a URL").0;
            assert_eq!(status, StatusCode::FORBIDDEN, "{forged}");
        }
    }
    for more in ["x=1", "x", "=", "", "method=GET", "METHOD=PUT", "%6dethod=PUT", "expires=9", "absent=0"] {
        for forged in [format!("{path}?{query}&{more}"), format!("{path}?{more}&{query}")] {
            let status = stage.ask(Method::PUT, &forged, "planted").await.expect("a URL").0;
            assert_eq!(status, StatusCode::FORBIDDEN, "{forged}");
        }
    }
    assert_eq!(stage.photos.get(KEY).text().await.expect("as it was"), CONTENT);
}

/// All sources below a folder that are no tests of their own.
fn sources(folder: &std::path::Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            if entry.file_name().is_some_and(|name| name != "tests") {
                sources(&entry, found);
            }
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&entry).expect("text");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            found.push((entry.to_string_lossy().replace('\\', "/"), code));
        }
    }
}

#[test]
fn what_somebody_else_signed_is_compared_in_one_place_and_in_constant_time() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut all = Vec::new();
    for folder in ["core/src", "src"] {
        sources(&root.join(folder), &mut all);
    }
    for folder in ["providers", "adapters", "wire"] {
        for member in std::fs::read_dir(root.join(folder)).expect("a folder") {
            sources(&member.expect("a member").path().join("src"), &mut all);
        }
    }
    assert!(all.len() > 200, "{} sources", all.len());
    let having = |what: &str| -> Vec<&str> {
        let having = all.iter().filter(|(_, code)| code.contains(what));
        having.filter_map(|(file, _)| file.rsplit_once("/../../").map(|(_, file)| file)).collect()
    };
    // The crate hmac compares in constant time; what it made is nowhere compared as bytes.
    assert_eq!(having(".verify_slice("), ["core/src/blob/signed.rs"]);
    let mut makers = having("hmac::");
    makers.sort_unstable();
    // The other one signs what is sent to a service, and checks nothing.
    assert_eq!(makers, ["core/src/blob/signed.rs", "providers/azure/src/http/shared_key.rs"]);
    // Google's tokens are checked by a public key: nothing of that is secret.
    assert_eq!(having("RSA_PKCS1_2048_8192_SHA256"), ["adapters/cloud-run/src/oidc/keys.rs"]);
    // A kind of function, and a word that stands in a signature's place, are none.
    let none = |line: &str| line.contains("Signature::") || line.contains("signature == REMOVED");
    let compared = |line: &str| {
        let line = line.to_ascii_lowercase();
        ["signature", "mac", "into_bytes()", "into_bytes()[..]"].iter().any(|what| {
            [format!("{what} == "), format!(" == {what}"), format!("{what} != "), format!(" != {what}")]
                .iter()
                .any(|comparison| line.contains(comparison.as_str()))
        })
    };
    for (file, code) in &all {
        let odd: Vec<&str> = code.lines().filter(|line| compared(line) && !none(line)).collect();
        assert!(odd.is_empty(), "{file}: {odd:?}");
    }
}
