//! Signing requests for clients without credentials: Google's signature V4, with the key of a service account or by IAM.
//!
//! A signed request is one of the XML API: `GET`, `PUT` or `DELETE` of `/bucket/key`. With a key at hand it is signed without any I/O.
//! Without one, IAM signs with a key that Google keeps, and changes: such a URL may end after 12 hours already.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use google_cloud_auth::signer::SigningError;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use sha2::{Digest, Sha256};
use skyport_core::blob::port::{SignOptions, SignedRequest};
use skyport_core::clock::Utc;
use skyport_core::{Error, Result};
use tokio::time::timeout;

use super::Gcs;
use super::call::UNRESERVED;
use super::read::IF_GENERATION_MATCH;
use crate::error;

/// What a path holds as it is.
const IN_PATH: &AsciiSet = &UNRESERVED.remove(b'/');

const ALGORITHM: &str = "GOOG4-RSA-SHA256";

/// How long IAM may take.
const PATIENCE: Duration = Duration::from_secs(8);

impl Gcs {
    /// No I/O where the signer has a key; else one call of IAM's.
    pub(super) async fn presign(&self, key: &str, options: &SignOptions) -> Result<SignedRequest> {
        let signer = self.connection.signer()?;
        let email = in_time(signer.client_email()).await?;
        let mut headers = HeaderMap::new();
        if let Some(content_type) = &options.content_type {
            let value = HeaderValue::from_str(content_type);
            let value = value
                .map_err(|error| Error::invalid("the content type is no header value").with_source(error))?;
            headers.insert(CONTENT_TYPE, value);
        }
        if options.if_absent {
            headers.insert(IF_GENERATION_MATCH, HeaderValue::from_static("0"));
        }
        // Whole seconds, and no fewer than were asked for.
        let seconds = options.expires_in.as_secs() + u64::from(options.expires_in.subsec_nanos() > 0);
        let request = Unsigned {
            method: options.method.as_http(),
            endpoint: self.connection.endpoint(),
            path: format!("/{}/{}", encode(self.name(), UNRESERVED), encode(key, IN_PATH)),
            headers: &headers,
            email: &email,
            now: self.info.clock.now(),
            seconds,
        };
        let (url, text) = request.prepare()?;
        let signature = in_time(signer.sign(text)).await?;
        let url = format!("{url}&X-Goog-Signature={}", hex(&signature));
        let mut signed = SignedRequest::new(request.method.clone(), url, request.expires());
        signed.headers = headers;
        Ok(signed)
    }
}

/// A request that is to be signed.
struct Unsigned<'r> {
    method: http::Method,
    endpoint: &'r str,
    /// As a URL has it.
    path: String,
    headers: &'r HeaderMap,
    email: &'r str,
    now: SystemTime,
    seconds: u64,
}

impl Unsigned<'_> {
    /// The URL without its signature, and what is to be signed.
    fn prepare(&self) -> Result<(String, String)> {
        let utc = Utc::of(self.now);
        let date = format!("{:04}{:02}{:02}", utc.year, utc.month, utc.day);
        let time = format!("{date}T{:02}{:02}{:02}Z", utc.hour, utc.minute, utc.second);
        let scope = format!("{date}/auto/storage/goog4_request");
        let (names, canonical_headers) = self.canonical_headers()?;
        // In the order of their names.
        let query = format!(
            "X-Goog-Algorithm={ALGORITHM}&X-Goog-Credential={}&X-Goog-Date={time}&X-Goog-Expires={}&X-Goog-SignedHeaders={}",
            encode(&format!("{}/{scope}", self.email), UNRESERVED),
            self.seconds,
            encode(&names, UNRESERVED),
        );
        let canonical = format!(
            "{}\n{}\n{query}\n{canonical_headers}\n{names}\nUNSIGNED-PAYLOAD",
            self.method, self.path
        );
        let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        Ok((format!("{}{}?{query}", self.endpoint, self.path), text))
    }

    /// The names of the signed headers, and each with its value on a line, in the order of their names.
    fn canonical_headers(&self) -> Result<(String, String)> {
        let host = self.endpoint.split_once("://").map_or(self.endpoint, |(_, host)| host);
        let mut headers = vec![(HOST.as_str(), host)];
        for (name, value) in self.headers {
            let value = value.to_str();
            let value = value.map_err(|error| Error::invalid("a header is not ASCII").with_source(error))?;
            headers.push((name.as_str(), value));
        }
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let lines: String = headers.iter().fold(String::new(), |mut lines, (name, value)| {
            let words: Vec<&str> = value.split_ascii_whitespace().collect();
            // Writing into a string does not fail.
            let _ = writeln!(lines, "{name}:{}", words.join(" "));
            lines
        });
        Ok((names.join(";"), lines))
    }

    /// When the URL ends. The time at which it was signed has no fraction of a second.
    fn expires(&self) -> SystemTime {
        let now = self.now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        UNIX_EPOCH + Duration::from_secs(now.saturating_add(self.seconds))
    }
}

fn encode(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the signer says, within its time.
async fn in_time<T>(asked: impl Future<Output = std::result::Result<T, SigningError>>) -> Result<T> {
    let answer = timeout(PATIENCE, asked).await.map_err(|_| error::not_signed_in_time())?;
    answer.map_err(error::not_signed)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use skyport_core::clock::rfc3339;

    use super::*;

    /// Whose signatures Google's own tests of conformance have; the public half of the key.
    const EMAIL: &str = "test-iam-credentials@dummy-project-id.iam.gserviceaccount.com";
    const KEY: &str = "MIIBCgKCAQEArD8zIqyKLbX0Nq8o0Jj1qHEhHhqO3+0OP7TEFx5Vxc6PdwBoFNrfnJRI/S+ZaDYS1avr5Pqpp8g8+UNOMvI1\
         VsjGM8xjTaxkVv8mmKp6pSmQstTt25pzY1exA2wv4xNWSwWNFNx2kh35+kvTQ/DF3YA9P7pUU1sKur1PP8OoubWLFO59iy5U\
         E5dX0O/3pjvZ2HAhSXsx2VWtB5nlrHR8FrKJNLJMEGEDSMz9yRfQaUeYCU9oDYHuiqKQ3rCXi6C82l+3FJw5/ggJ5y7iw8ME\
         rCFSslcYQRbBVz6ZYKWkEcJhs8BG3/16bfaqNusNlDIJ99I7DmipUngF/HEulYhfrQIDAQAB";

    /// A test of Google's: method, path, headers, the names of those, and the signature that it expects.
    type Vector =
        (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);

    const VECTORS: [Vector; 3] = [
        ("GET", "test-object", &[], "host", SIMPLE_GET),
        ("PUT", "test-object", &[], "host", SIMPLE_PUT),
        (
            "GET",
            "test-object",
            &[
                ("collapsed", "abc    def"),
                ("leading", "    xyz"),
                ("trailing", "abc    "),
                ("tabs", "\tabc\t\t\t\tdef\t"),
            ],
            "collapsed%3Bhost%3Bleading%3Btabs%3Btrailing",
            TRIMMED,
        ),
    ];

    const SIMPLE_GET: &str = "95e6a13d43a1d1962e667f17397f2b80ac9bdd1669210d5e08e0135df9dff4e56113485dbe429ca2266487b9d1796ebd\
         ee2d7cf682a6ef3bb9fbb4c351686fba90d7b621cf1c4eb1fdf126460dd25fa0837dfdde0a9fd98662ce60844c458448\
         fb2b352c203d9969cb74efa4bdb742287744a4f2308afa4af0e0773f55e32e92973619249214b97283b2daa141952444\
         44e33f938138d1e5f561088ce8011f4986dda33a556412594db7c12fc40e1ff3f1bedeb7a42f5bcda0b9567f17f65855\
         f65071fabb88ea12371877f3f77f10e1466fff6ff6973b74a933322ff0949ce357e20abe96c3dd5cfab42c9c83e740a4\
         d32b9e11e146f0eb3404d2e975896f74";
    const SIMPLE_PUT: &str = "8adff1d4285739e31aa68e73767a46bc5511fde377497dbe08481bf5ceb34e29cc9a59921748d8ec3dd4085b7e9b7772\
         a952afedfcdaecb3ae8352275b8b7c867f204e3db85076220a3127a8a9589302fc1181eae13b9b7fe41109ec8cdc93c1\
         e8bac2d7a0cc32a109ca02d06957211326563ab3d3e678a0ba296e298b5fc5e14593c99d444c94724cc4be97015dbff1\
         dca377b508fa0cb7169195de98d0e4ac96c42b918d28c8d92d33e1bd125ce0fb3cd7ad2c45dae65c22628378f6584971\
         b8bf3945b26f2611eb651e9b6a8648970c1ecf386bb71327b082e7296c4e1ee2fc0bdd8983da80af375c817fb1ad491d\
         0bc22c0f51dba0d66e2cffbc90803e47";
    const TRIMMED: &str = "75d77a3ed2d9b74ff7e1e23b2fd7cc714ad4cc32518c65f3a8197827cd87d302623bab990cf2ff3a633bfaae69b6c2d8\
         97add78c105aa68411229610421c4239579add4aff6bdbd5067a0fd61c3aa0029d7de0f8ae88fa3458fa70f875e841d6\
         df9598597d9012b9f848c6857e08f2704ca2f332c71738490ffdda2ed928f9340549d7295745725062d28dc1696eab7c\
         b3b88ac4fd445e951423f645d680a60dd8033d65b65f4c10286f59f4258dbb2bcf36a76ffdd40574104cbbf0b76901c2\
         4df5854f24c42e9192fcedc386d85704fec6a6bad3a5201e1fb6c491a4c43371b0913420743580daf3504e99204c6ec8\
         94b4d70cd27bc60c3fe2850e8bf3ed22";

    fn unhex(text: &str) -> Vec<u8> {
        let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("digits");
        (0..text.len()).step_by(2).map(digits).collect()
    }

    #[test]
    fn what_is_signed_is_what_google_signs_in_its_tests_of_conformance() {
        let key = STANDARD.decode(KEY).expect("base64");
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
        for (method, object, headers, names, signature) in VECTORS {
            let headers = headers.iter().map(|(name, value)| {
                (name.parse::<http::HeaderName>().expect("a name"), value.parse().expect("a value"))
            });
            let request = Unsigned {
                method: method.parse().expect("a method"),
                endpoint: "https://storage.googleapis.com",
                path: format!("/test-bucket/{object}"),
                headers: &headers.collect(),
                email: EMAIL,
                now: rfc3339("2019-02-01T09:00:00Z").expect("a time"),
                seconds: 10,
            };
            let (url, text) = request.prepare().expect("prepared");
            let expected = format!(
                "https://storage.googleapis.com/test-bucket/{object}?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=\
                 test-iam-credentials%40dummy-project-id.iam.gserviceaccount.com%2F20190201%2Fauto%2Fstorage%2Fgoog4_request&\
                 X-Goog-Date=20190201T090000Z&X-Goog-Expires=10&X-Goog-SignedHeaders={names}"
            );
            assert_eq!(url, expected);
            key.verify(text.as_bytes(), &unhex(signature)).expect("the signature that Google expects");
        }
    }

    #[test]
    fn a_path_is_encoded_but_for_its_slashes() {
        let key = "path/with/slashes/under_score/amper&sand/file.ext";
        assert_eq!(encode(key, IN_PATH), "path/with/slashes/under_score/amper%26sand/file.ext");
        assert_eq!(encode("\u{fc} ~+", IN_PATH), "%C3%BC%20~%2B");
    }
}
