//! The text of a request that is signed.

use azure_core::http::Url;

use super::text::{Asked, of_request, of_table_request};

/// Any request that has no body.
struct Any<'r> {
    url: Url,
    headers: &'r [(String, String)],
}

impl Asked for Any<'_> {
    fn method(&self) -> &str {
        "GET"
    }

    fn url(&self) -> &Url {
        &self.url
    }

    fn length(&self) -> Option<u64> {
        Some(0)
    }

    fn header(&self, name: &'static str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What is signed of a request without a body, to Table Storage or another service; `None` where the URL is none. The headers' names are in small
/// letters, each once.
#[must_use]
pub fn signed_text(table: bool, url: &str, headers: &[(String, String)], account: &str) -> Option<String> {
    let request = Any { url: Url::parse(url).ok()?, headers };
    Some(if table { of_table_request(&request, account) } else { of_request(&request, account) })
}
