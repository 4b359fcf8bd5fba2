//! The requests of Azure's own pipeline, signed on their way through it.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::headers::{HeaderName, HeaderValue};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, Url};
use azure_core::time::{OffsetDateTime, to_rfc7231};

use super::text::Asked;
use super::{DATE, SharedKey};
use crate::http::header;

const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");

impl Asked for Request {
    fn method(&self) -> &str {
        self.method().as_str()
    }

    fn url(&self) -> &Url {
        self.url()
    }

    fn length(&self) -> Option<u64> {
        self.body().len()
    }

    fn header(&self, name: &'static str) -> &str {
        header(self.headers(), &HeaderName::from_static(name)).unwrap_or_default()
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers().iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl SharedKey {
    fn sign(&self, request: &mut Request, now: OffsetDateTime) {
        request.insert_header(HeaderName::from_static(DATE), to_rfc7231(&now));
        let value = HeaderValue::from(self.authorization(request));
        request.insert_header(AUTHORIZATION, value);
    }
}

// Azure's trait leaves the lifetime out; said here, it would be another one.
#[allow(elided_lifetimes_in_paths)]
#[async_trait]
impl Policy for SharedKey {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        self.sign(request, OffsetDateTime::now_utc());
        next[0].send(context, request, &next[1..]).await
    }
}

#[cfg(test)]
mod tests {
    use azure_core::http::Method;

    use super::*;
    use crate::config::endpoint::Service;
    use crate::http::shared_key::AccountKey;

    #[test]
    fn a_request_of_the_pipeline_is_signed_with_the_time_of_its_try() {
        let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("a time");
        // That of every Azurite.
        let key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
        let policy = SharedKey::new(Service::Blob, "devstoreaccount1", AccountKey::read(key).expect("a key"));
        let url = "http://127.0.0.1:10000/devstoreaccount1/c?restype=container&comp=metadata";
        let mut request = Request::new(Url::parse(url).expect("a URL"), Method::Get);
        policy.sign(&mut request, now);
        assert_eq!(request.headers().get_optional_str(&DATE.into()), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
        assert_eq!(
            request.headers().get_optional_str(&AUTHORIZATION),
            Some("SharedKey devstoreaccount1:l+I31HoGhQV9dQguyovE6AnfEkzMP7znJQj3xLqykgE=")
        );
    }
}
