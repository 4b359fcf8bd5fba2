//! The text of a request that is signed.

use azure_core::http::headers::{HeaderName, HeaderValue};
use azure_core::http::{Method, Request, Url};

/// What is signed of a request without a body, to Table Storage or another service; `None` where the URL is none.
#[must_use]
pub fn signed_text(table: bool, url: &str, headers: &[(String, String)], account: &str) -> Option<String> {
    let mut request = Request::new(Url::parse(url).ok()?, Method::Get);
    for (name, value) in headers {
        request.insert_header(HeaderName::from(name.to_ascii_lowercase()), HeaderValue::from(value.clone()));
    }
    Some(if table {
        super::text::of_table_request(&request, account)
    } else {
        super::text::of_request(&request, account)
    })
}
