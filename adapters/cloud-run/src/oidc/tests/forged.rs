//! Tokens that somebody else made, and lists of keys that lie.

use skyport_stub::{Answer, answer, served};

use super::*;

/// The token with each letter changed in its lowest bits, left out, doubled, or swapped with the next.
fn altered(token: &str) -> Vec<String> {
    let bytes = token.as_bytes();
    let mut all = Vec::new();
    for at in 0..bytes.len() {
        let with = |new: &[u8]| String::from_utf8([&bytes[..at], new, &bytes[at + 1..]].concat()).ok();
        all.extend([1, 2, 4, 32].into_iter().filter_map(|bit| with(&[bytes[at] ^ bit])));
        all.extend(with(&[]));
        all.extend(with(&[bytes[at], bytes[at]]));
        all.extend(with(b"="));
        if at + 1 < bytes.len() {
            let mut swapped = bytes.to_vec();
            swapped.swap(at, at + 1);
            all.extend(String::from_utf8(swapped));
        }
    }
    // What a header cannot carry never comes.
    all.retain(|other| other != token && other.bytes().all(|byte| byte.is_ascii_graphic()));
    all
}

#[tokio::test]
async fn a_token_that_is_changed_in_any_letter_is_not_let_in() {
    let publisher = Publisher::start().await;
    let verifier = publisher.verifier(INTERVAL);
    let good = token(|_| {});
    assert_eq!(bearer(&verifier, &good).await, 200);
    let all = altered(&good);
    assert!(all.len() > 3_000, "{}", all.len());
    for forged in &all {
        assert_eq!(bearer(&verifier, forged).await, 401, "{forged}");
    }
    assert_eq!(bearer(&verifier, &good).await, 200);
    assert_eq!(publisher.asked(), 1, "keys that are made up fetch none");
    skyport_figures::record("hostile::tokens", &format!("{} changed tokens of pushes", all.len()));
}

/// A token whose `alg` is that of a shared secret, with the public key for one: all who know it could make it.
fn by_public_key(algorithm: &str, mac: ring::hmac::Algorithm, secret: &[u8]) -> String {
    let head = json!({"alg": algorithm, "kid": "own", "typ": "JWT"});
    let message = format!("{}.{}", encoded(&head), encoded(&claims()));
    let tag = ring::hmac::sign(&ring::hmac::Key::new(mac, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[tokio::test]
async fn a_token_chooses_neither_how_it_is_checked_nor_by_what() {
    let publisher = Publisher::start().await;
    let verifier = publisher.verifier(INTERVAL);
    let own = pair(OWN);
    let public = ring::signature::RsaPublicKeyComponents::<Vec<u8>>::from(own.public());
    let jwk = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(&public.n), "e": "AQAB"}).to_string();
    let mut forged = Vec::new();
    for (algorithm, mac) in [
        ("HS256", ring::hmac::HMAC_SHA256),
        ("HS384", ring::hmac::HMAC_SHA384),
        ("HS512", ring::hmac::HMAC_SHA512),
    ] {
        for secret in [own.public().as_ref(), &public.n, jwk.as_bytes(), b""] {
            forged.push(by_public_key(algorithm, mac, secret));
        }
    }
    for algorithm in
        ["none", "None", "NONE", "nOnE", "", "RS256 ", "rs256", "RS384", "PS256", "ES256", "EdDSA"]
    {
        let head = json!({"alg": algorithm, "kid": "own"});
        forged.push(format!("{}.{}.", encoded(&head), encoded(&claims())));
        forged.push(signed(&head, &claims(), ROGUE));
    }
    // Keys that a token brings along, or says where to find. A server that listens there would be asked.
    let (evil, log) = served(|_, _| published(false)).await;
    let rogue = pair(ROGUE);
    let rogue = ring::signature::RsaPublicKeyComponents::<Vec<u8>>::from(rogue.public());
    let jwk = json!({"kty": "RSA", "kid": "own", "n": URL_SAFE_NO_PAD.encode(&rogue.n), "e": URL_SAFE_NO_PAD.encode(&rogue.e)});
    for (name, value) in [
        ("jku", json!(format!("{evil}/certs"))),
        ("x5u", json!(format!("{evil}/certs"))),
        ("jwk", jwk.clone()),
        ("jwks", json!({"keys": [jwk]})),
        ("x5c", json!(["MIIB"])),
        ("iss", json!(evil)),
    ] {
        for kid in ["own", "made-up", evil.as_str(), "../../own", "own\u{0}", "OWN"] {
            let mut head = json!({"alg": "RS256", "kid": kid});
            head[name] = value.clone();
            forged.push(signed(&head, &claims(), ROGUE));
        }
    }
    for token in &forged {
        assert_eq!(bearer(&verifier, token).await, 401, "{token:.120}");
    }
    assert!(log.all().is_empty(), "{:?}", log.lines());
    assert_eq!(publisher.asked(), 1);
}

#[tokio::test]
async fn a_token_that_is_huge_or_nested_is_refused_before_it_is_read() {
    let publisher = Publisher::start().await;
    let verifier = publisher.verifier(INTERVAL);
    let deep = URL_SAFE_NO_PAD.encode("[".repeat(5_000));
    let long = "x".repeat(7_000);
    for token in [
        "a".repeat(1 << 20),
        ".".repeat(8_000),
        format!("{deep}.e30.AAAA"),
        format!("e30.{deep}.AAAA"),
        signed(&json!({"alg": "RS256", "kid": long}), &claims(), OWN),
        token(|claims| claims["more"] = json!(long)),
    ] {
        assert_eq!(bearer(&verifier, &token).await, 401, "{token:.80}");
    }
}

#[tokio::test]
async fn a_list_of_keys_that_lies_lets_nobody_in() {
    let pieces = "{\"kty\":\"RSA\"},".repeat(1_000);
    let endless = format!("{{\"keys\":[{pieces}");
    let own = pair(OWN);
    let public = ring::signature::RsaPublicKeyComponents::<Vec<u8>>::from(own.public());
    let n = URL_SAFE_NO_PAD.encode(&public.n);
    let one = |n: &str, e: &str| json!({"keys": [{"kty": "RSA", "kid": "own", "n": n, "e": e}]}).to_string();
    let lists = [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "{\"keys\":{}}".to_owned(),
        "{\"keys\":[]}".to_owned(),
        "{\"keys\":[[[{}]]]}".to_owned(),
        format!("{{\"keys\":{}", "[".repeat(100_000)),
        // Keys that are too short, too long, and none.
        one("AQAB", "AQAB"),
        one(&URL_SAFE_NO_PAD.encode(&public.n[..64]), "AQAB"),
        one(&URL_SAFE_NO_PAD.encode(vec![0xff; 2_048]), "AQAB"),
        one(&URL_SAFE_NO_PAD.encode(vec![0; 256]), "AQAB"),
        one(&n, "AA"),
        one(&n, "AQ"),
        one(&n, ""),
        one("", ""),
        one("!!!", "AQAB"),
        // More keys than are read, the right one behind them.
        format!(
            "{{\"keys\":[{},{}",
            "{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"AQAB\",\"e\":\"AQAB\"},".repeat(64).trim_end_matches(','),
            one(&n, "AQAB").trim_start_matches("{\"keys\":[")
        ),
        format!("{}{}", one(&n, "AQAB"), " ".repeat(300 << 10)),
    ];
    for list in lists {
        let body = list.clone();
        let (url, _) = served(move |_, _| answer(200, body.clone())).await;
        assert_refused(&url, &list).await;
    }
    let (url, _) = served(move |_, _| Answer::Endless(answer(200, endless.clone()))).await;
    assert_refused(&url, "endless").await;
    // Neither is the list fetched from elsewhere.
    let (good, log) = served(|_, _| published(false)).await;
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = good.clone();
        let (url, _) = served(move |_, _| {
            let moved =
                http::Response::builder().status(status).header("location", format!("{elsewhere}/certs"));
            moved.body(Bytes::new()).expect("an answer")
        })
        .await;
        assert_refused(&url, "moved").await;
    }
    assert!(log.all().is_empty());
}

async fn assert_refused(url: &str, list: &str) {
    let mut identity = PushIdentity::new(AUDIENCE);
    identity.account = Some(ACCOUNT.to_owned());
    let keys = Keys::new(&format!("{url}/certs"), INTERVAL).expect("a local place");
    let verifier = Verifier { identity, keys };
    for token in [token(|_| {}), signed(&json!({"alg": "RS256", "kid": "own"}), &claims(), ROGUE)] {
        let status = bearer(&verifier, &token).await;
        assert!(matches!(status, 401 | 503), "{status}: {list:.80}");
    }
}
