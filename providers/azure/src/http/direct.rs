//! Calls that are made of HTTP's own types alone: what Azure's clients keep as texts of their own, each header on its way out and on its way in, is
//! more than half of what a small call costs.

use std::fmt;
use std::sync::Arc;

use azure_core::credentials::{AccessToken, Secret};
use azure_core::http::Url;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use percent_encoding::utf8_percent_encode;
use reqwest::Request;
use skyport_core::Result;

use super::bearer;
use super::incoming::{Incoming, Limit};
use super::shared_key::SharedKey;
use super::{MOST_OF_REFUSAL, Transport, unanswered, unsayable};
use crate::config::endpoint::IN_PATH;
use crate::config::identity::Tokens;
use crate::error::of_azure;

/// So many headers a call has at most, those that say who calls among them.
const HEADERS: usize = 12;

/// Room for what may come below what the pieces name: a message's id.
const BELOW: usize = 64;

/// Room for what most queries come to.
const QUERY: usize = 256;

/// What an answer of several pieces is read into at first, where it does not say how long it is.
const ROOM: usize = 64 << 10;

/// One call of a service.
pub(crate) struct Call {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    most: usize,
}

impl Call {
    /// A call of what is named so below that.
    #[cfg(feature = "queue")]
    pub(crate) fn below(mut self, segment: &str) -> Self {
        self.path.push('/');
        self.path.extend(utf8_percent_encode(segment, IN_PATH));
        self
    }

    /// A header that it has not yet.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds to its query; the name needs no escape.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        if self.query.is_empty() {
            self.query.reserve(QUERY);
        } else {
            self.query.push('&');
        }
        self.query.extend([name, "="]);
        self.query.extend(utf8_percent_encode(value, super::UNRESERVED));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

// A shared access signature stands in the query.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("method", &self.method).finish_non_exhaustive()
    }
}

/// What was answered, whatever its status is.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Of a refusal, its beginning; none where it is longer than is read.
    pub(crate) body: Option<Bytes>,
}

/// The text of a header, where it is one.
pub(crate) fn text(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<&str> {
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok()
}

/// Who calls, where a header says it.
#[derive(Debug)]
pub(crate) enum Caller {
    Key(SharedKey),
    Token(Arc<Tokens>),
}

/// Sends calls to a service of one account.
pub(crate) struct Direct {
    transport: Arc<Transport>,
    /// The endpoint, and its path without a slash at its end.
    base: Url,
    path: String,
    /// Who calls, where the URL says it.
    sas: Option<Secret>,
    caller: Option<Caller>,
}

impl Direct {
    pub(crate) fn new(
        transport: Arc<Transport>,
        base: Url,
        sas: Option<Secret>,
        caller: Option<Caller>,
    ) -> Self {
        let path = base.path().trim_end_matches('/').to_owned();
        Self { transport, base, path, sas, caller }
    }

    /// A call of what the pieces name together, below the service's endpoint: one segment. At most so many bytes of its answer are read.
    pub(crate) fn call(&self, method: Method, pieces: &[&str], most: usize) -> Call {
        let mut path = String::with_capacity(self.path.len() + length(pieces) + BELOW);
        self.write_path(pieces, &mut path);
        let query = self.sas.as_ref().map_or_else(String::new, |sas| sas.secret().to_owned());
        Call { method, path, query, headers: HeaderMap::with_capacity(HEADERS), body: Bytes::new(), most }
    }

    fn write_path(&self, pieces: &[&str], into: &mut String) {
        into.extend([&self.path, "/"]);
        for piece in pieces {
            into.extend(utf8_percent_encode(piece, IN_PATH));
        }
    }

    /// The URL of what the pieces name together, without anybody's signature.
    #[cfg(feature = "kv")]
    pub(crate) fn write_plain_url(&self, pieces: &[&str], into: &mut String) {
        // It has neither a query nor a fragment.
        into.push_str(self.base.as_str().strip_suffix(self.base.path()).unwrap_or_default());
        self.write_path(pieces, into);
    }

    fn url(&self, path: &str, query: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        if !query.is_empty() {
            url.set_query(Some(query));
        }
        url
    }

    /// # Errors
    /// Where no answer came.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer> {
        let Call { method, path, query, mut headers, body, most } = call;
        let url = self.url(&path, &query);
        // A write of nothing has to say so, which HTTP's own client does not by itself.
        let writes = matches!(method, Method::PATCH | Method::POST | Method::PUT);
        if writes && body.is_empty() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let token = self.authorize(&method, &url, &mut headers, body.len()).await?;
        let client = self.transport.client(&url).map_err(of_azure)?;
        let mut request = Request::new(method, url);
        *request.headers_mut() = headers;
        if !body.is_empty() {
            *request.body_mut() = Some(body.into());
        }
        let mut answer = client.execute(request).await.map_err(|error| of_azure(unanswered(error)))?;
        let status = answer.status();
        if let Some((tokens, token)) = token
            && status == StatusCode::UNAUTHORIZED
        {
            tokens.forget(&token);
        }
        let headers = std::mem::take(answer.headers_mut());
        let length = answer.content_length();
        let body = if status.is_success() {
            let body = Incoming::new(answer.bytes_stream(), Limit::None);
            read(body, most, length).await.map_err(of_azure)?
        } else {
            let body = Incoming::new(answer.bytes_stream(), Limit::Cut(MOST_OF_REFUSAL));
            // What it says besides is not needed.
            read(body, MOST_OF_REFUSAL, length).await.ok().flatten()
        };
        Ok(Answer { status, headers, body })
    }

    /// Says who calls; the token by which, and whose it is.
    async fn authorize(
        &self,
        method: &Method,
        url: &Url,
        headers: &mut HeaderMap,
        length: usize,
    ) -> Result<Option<(&Tokens, AccessToken)>> {
        match &self.caller {
            None => Ok(None),
            Some(Caller::Key(key)) => {
                key.sign_call(method, url, headers, length).map_err(|error| of_azure(unsayable(error)))?;
                Ok(None)
            }
            Some(Caller::Token(tokens)) => {
                let (token, value) = bearer::of(tokens, url).await.map_err(of_azure)?;
                let value = HeaderValue::try_from(value).map_err(|error| of_azure(unsayable(error)))?;
                headers.insert(AUTHORIZATION, value);
                Ok(Some((tokens, token)))
            }
        }
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct").finish_non_exhaustive()
    }
}

/// How long the pieces are together.
fn length(pieces: &[&str]) -> usize {
    pieces.iter().map(|piece| piece.len()).sum()
}

/// The body; `None` where it is longer than that. One that comes in one piece is not copied.
async fn read(
    mut body: Incoming<impl Stream<Item = reqwest::Result<Bytes>> + Unpin>,
    most: usize,
    length: Option<u64>,
) -> azure_core::Result<Option<Bytes>> {
    let first = body.try_next().await?.unwrap_or_default();
    if first.len() > most {
        return Ok(None);
    }
    let Some(mut part) = body.try_next().await? else { return Ok(Some(first)) };
    let said = length.and_then(|length| usize::try_from(length).ok());
    let room = said.unwrap_or(ROOM).clamp(first.len(), most);
    let mut whole = BytesMut::with_capacity(room);
    whole.extend_from_slice(&first);
    loop {
        if whole.len() + part.len() > most {
            return Ok(None);
        }
        whole.extend_from_slice(&part);
        match body.try_next().await? {
            Some(next) => part = next,
            None => return Ok(Some(whole.freeze())),
        }
    }
}
