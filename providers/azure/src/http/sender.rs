//! The calls that none of Azure's clients has, or has as we need it: signed, sent, and checked. What the pipeline of Azure's clients does
//! besides, a log of its own and an id for each call, is left out: a small call is to cost no more than one by hand.

use std::sync::Arc;

use azure_core::error::CheckSuccessOptions;
use azure_core::error::Result;
use azure_core::http::headers::{HeaderName, HeaderValue};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{AsyncRawResponse, Context, Method, Request};
use azure_core::http::{RawResponse, check_success};

use super::incoming::Limit;
use super::{MOST_OF_ANSWER, Transport};

/// Sends calls to a service of one account.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// Who calls, where a header says it.
    caller: Option<Arc<dyn Policy>>,
    /// What comes after the caller: an answer that is read into memory, and one that is not.
    whole: [Arc<dyn Policy>; 1],
    streamed: [Arc<dyn Policy>; 1],
}

impl Sender {
    pub(super) fn new(transport: &Arc<Transport>, caller: Option<Arc<dyn Policy>>) -> Self {
        let end = |limit| Arc::new(End { transport: Arc::clone(transport), limit }) as Arc<dyn Policy>;
        Self { caller, whole: [end(Limit::Refuse(MOST_OF_ANSWER))], streamed: [end(Limit::None)] }
    }

    /// Sends a request that has to be answered with one of these; the answer is read to its end.
    ///
    /// # Errors
    /// Another status, with the code that Azure says.
    pub(crate) async fn send(&self, request: &mut Request, success: &'static [u16]) -> Result<RawResponse> {
        let answer = self.through(&self.whole, request).await?;
        checked(answer, success).await?.try_into_raw_response().await
    }

    /// As [`send`](Self::send), for an answer of any length, which is still to be read.
    pub(crate) async fn download(
        &self,
        request: &mut Request,
        success: &'static [u16],
    ) -> Result<AsyncRawResponse> {
        checked(self.through(&self.streamed, request).await?, success).await
    }

    async fn through(&self, end: &[Arc<dyn Policy>; 1], request: &mut Request) -> PolicyResult {
        let context = Context::new();
        match &self.caller {
            Some(caller) => caller.send(&context, request, end).await,
            None => end[0].send(&context, request, &[]).await,
        }
    }
}

async fn checked(answer: AsyncRawResponse, success: &'static [u16]) -> Result<AsyncRawResponse> {
    if success.contains(&u16::from(answer.status())) {
        return Ok(answer);
    }
    // None of the codes is of success: so whatever the status is, it is told as an error.
    Box::pin(check_success(answer, Some(CheckSuccessOptions { success_codes: &[0] }))).await
}

/// The end of a pipeline.
#[derive(Debug)]
struct End {
    transport: Arc<Transport>,
    limit: Limit,
}

// Azure's trait leaves the lifetime out; said here, it would be another one.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl Policy for End {
    async fn send(&self, _: &Context, request: &mut Request, _: &[Arc<dyn Policy>]) -> PolicyResult {
        // A write of nothing has to say so, which HTTP's own client does not by itself.
        let writes = matches!(request.method(), Method::Patch | Method::Post | Method::Put);
        if writes && request.body().is_empty() == Some(true) {
            request.insert_header(HeaderName::from_static("content-length"), HeaderValue::from_static("0"));
        }
        self.transport.execute(request, self.limit).await
    }
}
