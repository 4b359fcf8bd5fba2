//! Signed URLs, which this test signs itself.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use skyport_gcs::{Server, service_account};

use crate::client::{Answer, ask, object, put, server};

/// What is signed.
struct Signing<'a> {
    method: &'a str,
    path: &'a str,
    date: String,
    expires: u64,
    /// Beside the host.
    headers: &'a [(&'a str, &'a str)],
}

fn signing<'a>(method: &'a str, path: &'a str) -> Signing<'a> {
    Signing { method, path, date: date(0), expires: 60, headers: &[] }
}

/// So many seconds before now, in Google's form.
fn date(before: u64) -> String {
    let time = SystemTime::now() - std::time::Duration::from_secs(before);
    // `Sun, 06 Nov 1994 08:49:37 GMT`
    let text = httpdate::fmt_http_date(time);
    let parts: Vec<&str> = text.split(' ').collect();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|month| *month == parts[2]).unwrap() + 1;
    format!("{}{month:02}{}T{}Z", parts[3], parts[1], parts[4].replace(':', ""))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Signing<'_> {
    fn url(&self, server: &Server) -> String {
        let account = service_account();
        let host = server.url().strip_prefix("http://").unwrap();
        let mut headers = self.headers.to_vec();
        headers.push(("host", host));
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let scope = format!("{}/auto/storage/goog4_request", &self.date[..8]);
        let email = account["client_email"].as_str().unwrap();
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let unreserved = |text: String| text.replace("%2D", "-").replace("%2E", ".");
        let query = format!(
            "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential={}&X-Goog-Date={}&X-Goog-Expires={}&X-Goog-SignedHeaders={}",
            unreserved(encode(&format!("{email}/{scope}"))).replace("%5F", "_"),
            self.date,
            self.expires,
            unreserved(encode(&names.join(";"))),
        );
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let canonical = format!(
            "{}\n{}\n{query}\n{lines}\n{}\nUNSIGNED-PAYLOAD",
            self.method,
            self.path,
            names.join(";")
        );
        let hash = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
        let message = format!("GOOG4-RSA-SHA256\n{}\n{scope}\n{hash}", self.date);
        let pem = account["private_key"].as_str().unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{}?{query}&X-Goog-Signature={}", self.path, hex(&signature))
    }
}

fn code(answer: &Answer) -> (u16, String) {
    let text = answer.text();
    let inner = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    (answer.status, inner.map_or(String::new(), |(code, _)| code.to_owned()))
}

#[test]
fn a_signed_read_is_good_for_its_object_and_method_alone() {
    let server = server();
    put(&server, "a%2Fb", b"0123", "");
    let url = signing("GET", "/bkt/a/b").url(&server);
    let read = ask(&server, &format!("GET {url}"), &[("Range", "bytes=1-2")], b"");
    assert_eq!((read.status, &read.body[..]), (206, &b"12"[..]), "{}", read.text());
    assert_eq!(ask(&server, &format!("HEAD {url}"), &[], b"").status, 200);
    let refused = (403, "SignatureDoesNotMatch".to_owned());
    assert_eq!(code(&ask(&server, &format!("PUT {url}"), &[], b"x")), refused);
    assert_eq!(code(&ask(&server, &format!("GET {}", url.replace("/a/b", "/a/c")), &[], b"")), refused);
    assert_eq!(code(&ask(&server, &format!("GET {url}&response-content-type=x"), &[], b"")), refused);
    // Who does not claim to have a signature is a caller like any of the JSON API, as far as it reads.
    assert_eq!(ask(&server, "GET /bkt/a/b", &[], b"").status, 200);
    let unsigned = ask(&server, "PUT /bkt/a/b", &[], b"x");
    assert_eq!(code(&unsigned), (403, "AccessDenied".to_owned()));
    let absent = signing("GET", "/bkt/none").url(&server);
    assert_eq!(code(&ask(&server, &format!("GET {absent}"), &[], b"")), (404, "NoSuchKey".to_owned()));
    let stranger = url.replace("signer%40", "stranger%40");
    assert_eq!(code(&ask(&server, &format!("GET {stranger}"), &[], b"")), (403, "AccessDenied".to_owned()));
}

#[test]
fn a_signed_url_has_its_time() {
    let server = server();
    put(&server, "k", b"a", "");
    let old = Signing { date: date(120), ..signing("GET", "/bkt/k") }.url(&server);
    assert_eq!(code(&ask(&server, &format!("GET {old}"), &[], b"")), (400, "ExpiredToken".to_owned()));
    let long = Signing { expires: 604_801, ..signing("GET", "/bkt/k") }.url(&server);
    let refused = (400, "AuthenticationQueryParametersError".to_owned());
    assert_eq!(code(&ask(&server, &format!("GET {long}"), &[], b"")), refused);
}

#[test]
fn a_signed_write_keeps_its_headers_and_its_condition() {
    let server = server();
    let headers = [("content-type", "text/x"), ("x-goog-if-generation-match", "0"), ("x-goog-meta-a", "1")];
    let url = Signing { headers: &headers, ..signing("PUT", "/bkt/k") }.url(&server);
    let line = format!("PUT {url}");
    assert_eq!(ask(&server, &line, &headers[..2], b"x").status, 400);
    let other = [("content-type", "text/y"), headers[1], headers[2]];
    assert_eq!(ask(&server, &line, &other, b"x").status, 403);
    let unsigned = [&headers[..], &[("x-goog-acl", "public-read")]].concat();
    assert_eq!(ask(&server, &line, &unsigned, b"x").status, 403);
    let written = ask(&server, &line, &headers, b"x");
    assert_eq!(written.status, 200, "{}", written.text());
    let resource = object(&server, "GET", "k", "").json();
    assert_eq!(resource["generation"], written.header("x-goog-generation"));
    assert_eq!((&resource["contentType"], &resource["metadata"]["a"]), (&"text/x".into(), &"1".into()));
    assert_eq!(code(&ask(&server, &line, &headers, b"x")), (412, "PreconditionFailed".to_owned()));
    let read = ask(&server, &format!("GET {}", signing("GET", "/bkt/k").url(&server)), &[], b"");
    assert_eq!(read.header("x-goog-meta-a"), "1");
    let delete = format!("DELETE {}", signing("DELETE", "/bkt/k").url(&server));
    assert_eq!(ask(&server, &delete, &[], b"").status, 204);
    assert_eq!(code(&ask(&server, &delete, &[], b"")), (404, "NoSuchKey".to_owned()));
}
