mod forged;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

const AUDIENCE: &str = "https://bench.run.app";
const ACCOUNT: &str = "push@p.iam.gserviceaccount.com";

/// Keys made for these tests: they open nothing.
const OWN: &[u8] = include_bytes!("tests/own.pk8");
const ROGUE: &[u8] = include_bytes!("tests/rogue.pk8");

fn pair(der: &[u8]) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(der).expect("a key")
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(header: &Value, claims: &Value, key: &[u8]) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let key = pair(key);
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).expect("signed");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// As Pub/Sub's are.
fn claims() -> Value {
    json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "1", "sub": "1",
        "email": ACCOUNT, "email_verified": true, "iat": now(), "exp": now() + 3_600,
    })
}

fn token(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    change(&mut claims);
    signed(&json!({"alg": "RS256", "kid": "own", "typ": "JWT"}), &claims, OWN)
}

/// Where the keys are published.
struct Publisher {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    down: Arc<AtomicBool>,
}

impl Publisher {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (asked, down) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (counter, off) = (Arc::clone(&asked), Arc::clone(&down));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a client");
                let (counter, off) = (Arc::clone(&counter), Arc::clone(&off));
                let serve = service_fn(move |_| {
                    counter.fetch_add(1, Ordering::SeqCst);
                    let off = off.load(Ordering::SeqCst);
                    async move { Ok::<_, std::convert::Infallible>(published(off).map(Full::new)) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve),
                );
            }
        });
        Self { address, asked, down }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn verifier(&self, interval: Duration) -> Verifier {
        let mut identity = PushIdentity::new(AUDIENCE);
        identity.account = Some(ACCOUNT.to_owned());
        let url = format!("http://{}/certs", self.address);
        Verifier { identity, keys: Keys::new(&url, interval).expect("a local place") }
    }
}

fn published(down: bool) -> http::Response<Bytes> {
    if down {
        let body = Bytes::from_static(b"down");
        return http::Response::builder().status(500).body(body).expect("a response");
    }
    let key = pair(OWN);
    let public = ring::signature::RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
    let (n, e) = (URL_SAFE_NO_PAD.encode(public.n), URL_SAFE_NO_PAD.encode(public.e));
    let keys = json!({"keys": [
        {"kty": "EC", "kid": "curve", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "RSA", "kid": "strange", "alg": "RS512", "n": n, "e": e},
        {"kty": "RSA", "kid": "own", "alg": "RS256", "use": "sig", "n": n, "e": e},
    ]});
    http::Response::new(Bytes::from(keys.to_string()))
}

async fn status(verifier: &Verifier, authorization: &[&str]) -> u16 {
    let mut headers = HeaderMap::new();
    for value in authorization {
        headers.append("authorization", value.parse().expect("a header"));
    }
    match verifier.admit(&headers, "1").await {
        Ok(()) => 200,
        Err(response) => response.status().as_u16(),
    }
}

async fn bearer(verifier: &Verifier, token: &str) -> u16 {
    status(verifier, &[&format!("Bearer {token}")]).await
}

#[tokio::test]
async fn a_token_of_the_right_sender_for_us_is_let_in_and_the_keys_are_fetched_once() {
    let publisher = Publisher::start().await;
    let verifier = publisher.verifier(INTERVAL);
    let good = token(|_| {});
    let all = join_all((0..20).map(|_| bearer(&verifier, &good))).await;
    assert!(all.iter().all(|status| *status == 200), "{all:?}");
    assert_eq!(status(&verifier, &[&format!("bearer {good}")]).await, 200);
    assert_eq!(publisher.asked(), 1);
}

#[tokio::test]
async fn a_token_that_claims_something_else_is_not() {
    let publisher = Publisher::start().await;
    let verifier = publisher.verifier(INTERVAL);
    for (name, value, expected) in [
        ("iss", json!("https://evil.example"), 401),
        ("exp", json!(now() - 31), 401),
        ("exp", json!(now() - 20), 200),
        ("exp", json!(null), 401),
        ("exp", json!("tomorrow"), 401),
        ("iat", json!(now() + 60), 401),
        ("iat", json!(now() + 20), 200),
        ("nbf", json!(now() + 60), 401),
        ("aud", json!("https://another.run.app"), 403),
        ("aud", json!([AUDIENCE]), 401),
        ("email", json!("somebody@p.iam.gserviceaccount.com"), 403),
        ("email", json!(null), 403),
        ("email_verified", json!(false), 403),
        ("email_verified", json!("true"), 401),
    ] {
        let token = token(|claims| claims[name] = value.clone());
        assert_eq!(bearer(&verifier, &token).await, expected, "{name} {value}");
    }
    for name in ["exp", "aud", "iss", "email", "email_verified"] {
        let token = token(|claims| drop(claims.as_object_mut().expect("claims").remove(name)));
        assert!(bearer(&verifier, &token).await >= 401, "{name}");
    }
}

#[tokio::test]
async fn without_an_account_any_of_googles_will_do() {
    let publisher = Publisher::start().await;
    let mut verifier = publisher.verifier(INTERVAL);
    verifier.identity.account = None;
    verifier.identity.audiences.push("another".to_owned());
    assert_eq!(bearer(&verifier, &token(|claims| claims["email"] = json!(null))).await, 200);
    assert_eq!(bearer(&verifier, &token(|claims| claims["aud"] = json!("another"))).await, 200);
}

#[tokio::test]
async fn a_token_that_was_not_signed_by_google_is_not_let_in() {
    let publisher = Publisher::start().await;
    let verifier = publisher.verifier(INTERVAL);
    let good = token(|_| {});
    let (head, rest) = good.split_once('.').expect("three parts");
    let (payload, signature) = rest.split_once('.').expect("three parts");
    let other = encoded(&json!({"iss": "https://accounts.google.com", "aud": AUDIENCE, "exp": now() + 60}));
    let header = |header: Value| format!("{}.{payload}.{signature}", encoded(&header));
    for forged in [
        signed(&json!({"alg": "RS256", "kid": "own"}), &claims(), ROGUE),
        format!("{head}.{other}.{signature}"),
        format!("{head}.{payload}."),
        format!("{head}.{payload}.AAAA"),
        format!("{head}.{payload}.SIGNATURE_REMOVED_BY_GOOGLE"),
        format!("{head}.{payload}"),
        // A token does not choose how it is checked.
        header(json!({"alg": "none", "kid": "own"})),
        header(json!({"alg": "HS256", "kid": "own"})),
        signed(&json!({"alg": "RS512", "kid": "strange"}), &claims(), OWN),
        signed(&json!({"alg": "RS256", "kid": "strange"}), &claims(), OWN),
        signed(&json!({"alg": "RS256", "kid": "curve"}), &claims(), OWN),
        signed(&json!({"alg": "RS256", "kid": "own", "crit": ["b64"]}), &claims(), OWN),
        signed(&json!({"alg": "RS256"}), &claims(), OWN),
        signed(&json!({"alg": "RS256", "kid": ""}), &claims(), OWN),
        signed(&json!(["RS256", "own"]), &claims(), OWN),
        signed(&json!({"alg": "RS256", "kid": "own"}), &json!([]), OWN),
        String::new(),
        "...".to_owned(),
        "x".repeat(9_000),
    ] {
        assert_eq!(bearer(&verifier, &forged).await, 401, "{forged:.80}");
    }
    let good = format!("Bearer {good}");
    for headers in [&[][..], &["Basic eDp5"], &["Bearer"], &[good.as_str(), good.as_str()], &["\u{e9}"]] {
        assert_eq!(status(&verifier, headers).await, 401, "{headers:?}");
    }
}

#[tokio::test]
async fn tokens_with_invented_keys_do_not_make_it_ask_again_and_again() {
    let publisher = Publisher::start().await;
    let verifier = publisher.verifier(INTERVAL);
    let invented = |n: usize| signed(&json!({"alg": "RS256", "kid": format!("k{n}")}), &claims(), OWN);
    for n in 0..10 {
        assert_eq!(bearer(&verifier, &invented(n)).await, 401);
    }
    assert_eq!(publisher.asked(), 1);
    assert_eq!(bearer(&verifier, &token(|_| {})).await, 200);
    // Once the interval is over a key may be a new one.
    let impatient = publisher.verifier(Duration::ZERO);
    assert_ne!(bearer(&impatient, &invented(1)).await, 200);
    assert_eq!(bearer(&impatient, &token(|_| {})).await, 200);
    let asked = publisher.asked();
    assert_ne!(bearer(&impatient, &invented(2)).await, 200);
    assert!(publisher.asked() > asked);
}

#[tokio::test]
async fn while_the_keys_cannot_be_had_nobody_is_let_in_and_nobody_is_sent_away_for_good() {
    let publisher = Publisher::start().await;
    publisher.down.store(true, Ordering::SeqCst);
    let verifier = publisher.verifier(INTERVAL);
    for _ in 0..3 {
        assert_eq!(bearer(&verifier, &token(|_| {})).await, 503);
    }
    assert_eq!(publisher.asked(), 1);
    let impatient = publisher.verifier(Duration::ZERO);
    assert_eq!(bearer(&impatient, &token(|_| {})).await, 503);
    publisher.down.store(false, Ordering::SeqCst);
    assert_eq!(bearer(&impatient, &token(|_| {})).await, 200);
}

#[test]
fn keys_come_only_from_where_nobody_can_pretend_to_be_it() {
    for url in ["http://www.googleapis.com/oauth2/v3/certs", "ftp://127.0.0.2", "certs", ""] {
        let mut identity = PushIdentity::new(AUDIENCE);
        identity.keys_url = Some(url.to_owned());
        assert!(Verifier::new(&identity).is_err(), "{url}");
    }
    assert!(Verifier::new(&PushIdentity::new(AUDIENCE)).is_ok());
}

#[tokio::test]
async fn what_may_be_a_request_as_well_is_one_without_a_good_token_and_waits_where_that_cannot_be_known() {
    let publisher = Publisher::start().await;
    let knows = async |verifier: &Verifier, token: &str| {
        let mut headers = HeaderMap::new();
        let value = http::HeaderValue::from_str(&format!("Bearer {token}")).expect("a header");
        headers.insert(header::AUTHORIZATION, value);
        verifier.knows(&headers, "1").await.map_err(|response| response.status().as_u16())
    };
    let verifier = publisher.verifier(INTERVAL);
    assert_eq!(knows(&verifier, &token(|_| {})).await, Ok(true));
    assert_eq!(knows(&verifier, &token(|claims| claims["aud"] = json!("another"))).await, Ok(false));
    assert_eq!(knows(&verifier, "nonsense").await, Ok(false));
    publisher.down.store(true, Ordering::SeqCst);
    assert_eq!(knows(&publisher.verifier(INTERVAL), &token(|_| {})).await, Err(503));
}
