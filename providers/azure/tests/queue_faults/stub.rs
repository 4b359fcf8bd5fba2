//! Queue Storage as a script: what it is asked, and what it answers.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Response};
use skyport_azure::{Azure, AzureConfig};
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceUrl};
use skyport_core::queue::port::{
    MessageQueue, QueueSettings, RawDelivery, ReceiveOptions, Settlement, Verdict,
};
use skyport_core::retry::RetryPolicy;
use skyport_core::{Error, ErrorKind, Result};
use skyport_stub::{Answer, Asked, Log, answer, served};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Holds an answer back until a test lets it go.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<(bool, bool)>, Condvar)>);

impl Gate {
    /// For a script: tells that it has come here, and goes on once the gate is open.
    pub(crate) fn pass(&self) {
        let (state, moved) = &*self.0;
        let mut state = state.lock().expect("nobody panics with it");
        state.0 = true;
        // The others of its runtime go on meanwhile.
        tokio::task::block_in_place(|| drop(moved.wait_while(state, |(_, open)| !*open)));
    }

    /// Whether a request stands before it.
    pub(crate) fn is_reached(&self) -> bool {
        self.0.0.lock().expect("nobody panics with it").0
    }

    /// Lets what stands before it go, and what comes.
    pub(crate) fn open(&self) {
        self.0.0.lock().expect("nobody panics with it").1 = true;
        self.0.1.notify_all();
    }
}

/// The id of the message in that place of a test. It is no secret who wrote these.
pub(crate) fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// What Queue Storage is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Create,
    Remove,
    Count,
    Put,
    Take,
    Hide,
    Delete,
}

/// What a request asks, and of which queue.
pub(crate) fn call(asked: &Asked) -> (Call, String) {
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let mut parts = path.trim_start_matches("/acct/").split('/');
    let queue = parts.next().unwrap_or_default().to_owned();
    let call = match (&asked.method, parts.next(), parts.next()) {
        (&Method::PUT, None, _) => Call::Create,
        (&Method::DELETE, None, _) => Call::Remove,
        (&Method::GET, None, _) if query.contains("comp=metadata") => Call::Count,
        (&Method::POST, Some("messages"), None) => Call::Put,
        (&Method::GET, Some("messages"), None) => Call::Take,
        (&Method::PUT, Some("messages"), Some(_)) => Call::Hide,
        (&Method::DELETE, Some("messages"), Some(_)) => Call::Delete,
        other => panic!("nothing of Queue Storage's: {other:?} {path}"),
    };
    (call, queue)
}

/// A message as it is handed out.
pub(crate) fn message(number: usize, count: u32, text: &str) -> String {
    with(&id(number), &format!("pop+{number}/=="), count, text)
}

pub(crate) fn with(id: &str, pop_receipt: &str, count: u32, text: &str) -> String {
    format!(
        "<QueueMessage><MessageId>{id}</MessageId><InsertionTime>Thu, 26 Nov 2026 19:00:00 GMT</InsertionTime>\
         <ExpirationTime>Thu, 03 Dec 2026 19:00:00 GMT</ExpirationTime><PopReceipt>{pop_receipt}</PopReceipt>\
         <TimeNextVisible>Thu, 26 Nov 2026 19:01:00 GMT</TimeNextVisible><DequeueCount>{count}</DequeueCount>\
         <MessageText>{text}</MessageText></QueueMessage>"
    )
}

/// A message of ours with this body.
pub(crate) fn ours(number: usize, count: u32, body: &str) -> String {
    message(number, count, &STANDARD.encode(format!("skyport1:{{}}\n{body}")))
}

/// The answer that hands out these.
pub(crate) fn list(messages: &[String]) -> Answer {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessagesList>{}</QueueMessagesList>",
        messages.concat()
    );
    answer(200, xml).into()
}

/// A refusal, as Azure writes it.
pub(crate) fn refusal(status: u16, code: &str) -> Answer {
    let xml = format!("<Error><Code>{code}</Code><Message>It says no.</Message></Error>");
    let mut refused = answer(status, xml);
    refused.headers_mut().insert("x-ms-error-code", code.parse().expect("a code"));
    refused.into()
}

/// What a service that is well answers.
fn obliging(call: Call, before: usize) -> Answer {
    let empty = |status| Response::builder().status(status).body(Bytes::new()).expect("an answer");
    match call {
        Call::Create => empty(201).into(),
        Call::Remove | Call::Delete => empty(204).into(),
        Call::Count => {
            let mut counted = empty(200);
            counted.headers_mut().insert("x-ms-approximate-messages-count", "3".parse().expect("a number"));
            counted.into()
        }
        Call::Put => {
            let mut sent = match list(&[message(before, 0, "")]) {
                Answer::Whole(sent) => sent,
                other => return other,
            };
            *sent.status_mut() = http::StatusCode::CREATED;
            sent.into()
        }
        Call::Take => list(&[]),
        Call::Hide => {
            let mut hidden = empty(204);
            let moved = format!("moved+{before}/==").parse().expect("a pop receipt");
            hidden.headers_mut().insert("x-ms-popreceipt", moved);
            hidden.into()
        }
    }
}

/// A provider whose every request is answered by `script`, which is told the call, the queue, and how many such came before; `None` is
/// what a service that is well answers.
pub(crate) async fn azure<S>(script: S) -> (Azure, Log)
where
    S: Fn(Call, &str, usize) -> Option<Answer> + Send + Sync + 'static,
{
    let counts = Mutex::new(HashMap::<(Call, String), usize>::new());
    let (url, log) = served(move |asked: &Asked, _: &str| {
        let (call, queue) = call(asked);
        let before = {
            let mut counts = counts.lock().expect("whole");
            let count = counts.entry((call, queue.clone())).or_default();
            *count += 1;
            *count - 1
        };
        script(call, &queue, before).unwrap_or_else(|| obliging(call, before))
    })
    .await;
    let mut config = AzureConfig::default();
    config.account = Some("acct".to_owned());
    config.account_key = Some(STANDARD.encode("the-key"));
    config.queue_endpoint = Some(format!("{url}/acct"));
    (Azure::with(config), log)
}

/// The queue `jobs` of [`azure`], where a message may have so many attempts.
pub(crate) async fn queue_of<S>(max_attempts: u32, script: S) -> (Arc<dyn MessageQueue>, Log)
where
    S: Fn(Call, &str, usize) -> Option<Answer> + Send + Sync + 'static,
{
    let (azure, log) = azure(script).await;
    let mut settings = QueueSettings::default();
    settings.max_attempts = max_attempts;
    (azure.queue(&ResourceUrl::new("azqueue", "jobs"), &settings).expect("opens"), log)
}

pub(crate) async fn queue<S>(script: S) -> (Arc<dyn MessageQueue>, Log)
where
    S: Fn(Call, &str, usize) -> Option<Answer> + Send + Sync + 'static,
{
    queue_of(5, script).await
}

/// As an application has it: with the layer that repeats.
pub(crate) fn repeating(queue: Arc<dyn MessageQueue>) -> Arc<dyn MessageQueue> {
    Retry::new(RetryPolicy::default()).queue(queue)
}

/// One look, for messages with a lease of a minute.
pub(crate) async fn received(queue: &Arc<dyn MessageQueue>) -> Vec<RawDelivery> {
    queue.receive(ReceiveOptions::new(32, Duration::ZERO, SECOND * 60)).await.expect("received")
}

/// The one message that is there.
pub(crate) async fn one(queue: &Arc<dyn MessageQueue>) -> RawDelivery {
    let mut all = received(queue).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

pub(crate) async fn settle(
    queue: &Arc<dyn MessageQueue>,
    delivery: &RawDelivery,
    verdict: Verdict,
) -> Result<()> {
    let settled = queue.settle(vec![Settlement::new(delivery.receipt.clone(), verdict)]).await;
    settled.into_iter().next().expect("one result")
}

pub(crate) fn dead(delivery: &RawDelivery, reason: &str) -> Verdict {
    Verdict::DeadLetter { reason: reason.to_owned(), message: Box::new(delivery.to_message()) }
}

pub(crate) fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().as_ref().map(Error::kind)
}

/// The calls of one kind that were made of a queue.
pub(crate) fn calls(log: &Log, wanted: Call, of: &str) -> Vec<Asked> {
    log.all().into_iter().filter(|asked| call(asked) == (wanted, of.to_owned())).collect()
}

/// The text that a call put into a queue.
pub(crate) fn text_of(asked: &Asked) -> String {
    let xml = std::str::from_utf8(&asked.body).expect("text");
    let (_, rest) = xml.split_once("<MessageText>").expect("a message");
    rest.split_once("</MessageText>").expect("a message").0.to_owned()
}

/// What is in a text of ours.
pub(crate) fn payload_of(text: &str) -> String {
    String::from_utf8(STANDARD.decode(text).expect("base64")).expect("text")
}

/// Waits for something that happens in the background.
pub(crate) async fn until(happened: impl Fn() -> bool) {
    let waited = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SECOND * 10, waited).await.expect("it happens");
}
