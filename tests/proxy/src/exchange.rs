//! One request, and what a strike makes of it.

use http::request::Parts;
use http::{HeaderValue, Request, Response, header};
use hyper::body::{Body, Incoming};

use crate::Class;
use crate::answers::{throttled, unavailable};
use crate::body::{Ended, Passed, half, read, whole};
use crate::plan::{Fault, Strike};
use crate::proxy::{Line, Shared};

/// Answers a request. An error closes the connection; of HTTP/2 it resets the stream.
pub(crate) async fn exchange(
    request: Request<Incoming>,
    shared: &Shared,
    line: &Line,
) -> Result<Response<Passed>, Ended> {
    let (head, body) = request.into_parts();
    let Some(strike) = shared.strike(&head) else {
        return pass(head, body, shared, line).await.map(|response| response.map(whole));
    };
    match strike.fault {
        Fault::Delay => {
            shared.tally.strike(Fault::Delay);
            tokio::time::sleep(strike.delay).await;
            pass(head, body, shared, line).await.map(|response| response.map(whole))
        }
        Fault::HideAnswer | Fault::LoseAnswer | Fault::TruncateAnswer => {
            carried_out(strike, head, body, shared, line).await
        }
        _ => kept_back(strike, head, body, shared, line).await,
    }
}

/// What never arrives, or not whole.
async fn kept_back(
    Strike { fault, chance, .. }: Strike,
    head: Parts,
    body: Incoming,
    shared: &Shared,
    line: &Line,
) -> Result<Response<Passed>, Ended> {
    match fault {
        Fault::Throttle | Fault::Unavailable => {
            // All of it, or the client would see a connection that broke while it sent.
            read(body).await?;
            shared.tally.strike(fault);
            let refuse = if fault == Fault::Throttle { throttled } else { unavailable };
            return Ok(refuse(shared.dialect, &head, chance));
        }
        Fault::TruncateRequest if !body.is_end_stream() => {
            shared.tally.strike(fault);
            let sent = line.upstream.send(Request::from_parts(head, half(body))).await;
            if let Ok(response) = sent {
                tracing::debug!(status = %response.status(), "the service answered half a request");
            }
        }
        Fault::Drop => {
            // A change that was passed on is answered first: cut off, it might be made much later, when nobody expects it any more.
            *line.is_cut.write().await = true;
            shared.tally.strike(fault);
            line.cut.notify_one();
        }
        // What has no body has no half of it.
        _ => shared.tally.strike(Fault::Reset),
    }
    Err(Ended::Broken)
}

/// What arrives, and of whose answer less comes than there is.
async fn carried_out(
    Strike { fault, chance, .. }: Strike,
    head: Parts,
    body: Incoming,
    shared: &Shared,
    line: &Line,
) -> Result<Response<Passed>, Ended> {
    let response = pass(head.clone(), body, shared, line).await?;
    if fault == Fault::TruncateAnswer && !response.body().is_end_stream() {
        shared.tally.strike(fault);
        return Ok(response.map(half));
    }
    read(response.into_body()).await?;
    if fault == Fault::HideAnswer {
        shared.tally.strike(fault);
        return Ok(unavailable(shared.dialect, &head, chance));
    }
    // An answer without a body is lost as a whole.
    shared.tally.strike(Fault::LoseAnswer);
    Err(Ended::Broken)
}

async fn pass(
    head: Parts,
    body: Incoming,
    shared: &Shared,
    line: &Line,
) -> Result<Response<Incoming>, Ended> {
    // Until it is answered; others may wait long for their answers, as a receive does.
    let held = match shared.dialect.class(&head) {
        Class::Write => Some(line.is_cut.read().await),
        _ => None,
    };
    if held.as_ref().is_some_and(|is_cut| **is_cut) {
        return Err(Ended::Broken);
    }
    let host = head.headers.get(header::HOST).cloned();
    let mut response = match line.upstream.send(Request::from_parts(head, whole(body))).await {
        Ok(response) => response,
        Err(error) => {
            shared.tally.failed();
            tracing::warn!(%error, "the service did not answer");
            return Err(error);
        }
    };
    // What the service calls by its own address is to be asked for by way of this one.
    if let Some(location) = response.headers().get(header::LOCATION)
        && let Some(moved) = moved(location, &shared.authority, host.as_ref())
    {
        response.headers_mut().insert(header::LOCATION, moved);
    }
    Ok(response)
}

fn moved(location: &HeaderValue, authority: &str, host: Option<&HeaderValue>) -> Option<HeaderValue> {
    let rest = location.to_str().ok()?.strip_prefix("http://")?.strip_prefix(authority)?;
    HeaderValue::from_str(&format!("http://{}{rest}", host?.to_str().ok()?)).ok()
}
