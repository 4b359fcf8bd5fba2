//! Settling: what is done is deleted, what comes again is made visible, and what is dead is sent away and then deleted.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    QueueAttributeName,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join};
use futures_util::stream;
use skyport_core::queue::port::{OutMessage, Receipt, Settlement, Verdict};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;

use super::entries::{self, ENTRIES, in_place_of};
use super::outgoing::whole_seconds;
use super::{CALLS, Place, SqsQueue};
use crate::error;

/// The reason of a letter whose attempts were spent.
pub(super) const SPENT: &str = "attempts";

/// The longest that a message can be hidden: 12 hours.
const LONGEST: i32 = 43_200;

/// A delivery and its place in the call.
type Placed<T> = (usize, String, T);

/// What became of the delivery in that place.
type Settled = (usize, Result<()>);

/// The attempts that SQS counts to; asked for once a call, and only where a message may have spent them.
type Most = OnceCell<Option<u32>>;

/// What is to be done with the deliveries of one call.
#[derive(Default)]
struct Plan {
    delete: Vec<Placed<()>>,
    /// Visible again after so many seconds.
    hide: Vec<Placed<i32>>,
    bury: Vec<Placed<OutMessage>>,
    refused: Vec<Settled>,
}

impl SqsQueue {
    pub(super) async fn settle_all(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        // What most calls settle, with none of a batch's lists.
        if let [Settlement { receipt, verdict: Verdict::Ack, .. }] = settlements.as_slice() {
            let settled = self.place.acknowledge(receipt).await;
            return in_place_of(settlements, settled);
        }
        let mut results: Vec<Option<Result<()>>> = settlements.iter().map(|_| None).collect();
        let mut plan = self.plan(settlements).await;
        self.bury(&mut plan).await;
        let place = &self.place;
        let deleting = batches(plan.delete, |batch| place.delete_batch(batch));
        let hiding = batches(plan.hide, |batch| place.hide_batch(batch));
        let (deleted, hidden) = join(deleting, hiding).await;
        for (at, result) in plan.refused.into_iter().chain(deleted).chain(hidden) {
            results[at] = Some(result);
        }
        let never = || Err(Error::internal("a settlement was put into no batch"));
        results.into_iter().map(|result| result.unwrap_or_else(never)).collect()
    }

    async fn plan(&self, settlements: Vec<Settlement>) -> Plan {
        let mut plan = Plan::default();
        let mut seen = HashSet::new();
        let most = OnceCell::new();
        for (at, settlement) in settlements.into_iter().enumerate() {
            match self.place.leases.check(&settlement.receipt) {
                Ok(handle) if seen.insert(handle.clone()) => {
                    self.add(&mut plan, at, handle, settlement.verdict, &most).await;
                }
                // The first of the two is about to end it.
                Ok(_) => plan.refused.push((at, Err(Refusal::NotLeased.into()))),
                Err(error) => plan.refused.push((at, Err(error))),
            }
        }
        plan
    }

    async fn add(&self, plan: &mut Plan, at: usize, handle: String, verdict: Verdict, most: &Most) {
        match verdict {
            Verdict::Ack => plan.delete.push((at, handle, ())),
            Verdict::Retry(after) => match self.spent(&handle, most).await {
                Some(letter) => plan.bury.push((at, handle, letter)),
                None => plan.hide.push((at, handle, whole_seconds(after).min(LONGEST))),
            },
            Verdict::DeadLetter { reason, message } => {
                plan.bury.push((at, handle, letter(*message, &reason)));
            }
            _ => plan.refused.push((at, Err(Refusal::UnknownVerdict.into()))),
        }
    }

    /// The letter of a message whose attempts are spent, where it is known. SQS would move it by itself, but only once somebody
    /// receives again.
    async fn spent(&self, handle: &str, most: &Most) -> Option<OutMessage> {
        let last = self.place.leases.known(handle).last?;
        let most = most.get_or_init(|| self.place.counted_to()).await;
        most.is_some_and(|most| last.attempt >= most).then(|| letter(last.message, SPENT))
    }

    /// Sends the letters away; the messages of those that arrived are then deleted, and the others stay.
    async fn bury(&self, plan: &mut Plan) {
        let mut buried = Vec::new();
        let mut letters = Vec::new();
        for (at, handle, letter) in plan.bury.drain(..) {
            if self.place.leases.known(&handle).buried {
                plan.delete.push((at, handle, ()));
            } else {
                buried.push((at, handle));
                letters.push(letter);
            }
        }
        let sent = match &self.dead {
            Some(dead) => dead.place.send(letters).await,
            None => letters.iter().map(|_| Err(Refusal::NoDeadLetters.into())).collect(),
        };
        for ((at, handle), sent) in buried.into_iter().zip(sent) {
            match sent {
                Ok(_) => {
                    self.place.leases.bury(&handle);
                    plan.delete.push((at, handle, ()));
                }
                Err(error) => plan.refused.push((at, Err(error))),
            }
        }
    }
}

fn letter(mut message: OutMessage, reason: &str) -> OutMessage {
    message.envelope.set_reason(Some(reason));
    message
}

/// Does it with all of them, ten a request.
async fn batches<'a, T>(
    all: Vec<Placed<T>>,
    one: impl Fn(Vec<Placed<T>>) -> BoxFuture<'a, Vec<Settled>>,
) -> Vec<Settled> {
    let mut calls = Vec::with_capacity(all.len().div_ceil(ENTRIES));
    let mut all = all.into_iter().peekable();
    while all.peek().is_some() {
        calls.push(one(all.by_ref().take(ENTRIES).collect()));
    }
    stream::iter(calls).buffer_unordered(CALLS).concat().await
}

impl Place {
    /// Sets the end of a lease.
    pub(super) async fn extend(&self, handle: &str, lease: Duration) -> Result<()> {
        let hidden = self.hide(handle, whole_seconds(lease).min(LONGEST)).await;
        if hidden.as_ref().is_err_and(|error| error.kind() == ErrorKind::PreconditionFailed) {
            self.leases.end(handle);
        }
        hidden
    }

    /// How many attempts SQS counts to: what the queue was provisioned with wins over what is declared. `None` where that
    /// cannot be told, and where it is without end: SQS then does what it does.
    async fn counted_to(&self) -> Option<u32> {
        match self.attributes([QueueAttributeName::RedrivePolicy]).await {
            Ok([policy]) => most_receives(policy.as_deref()?),
            Err(error) => {
                let queue = &self.info.resource;
                tracing::debug!(queue, %error, "the redrive policy cannot be read: SQS moves what is spent, at the next receive");
                None
            }
        }
    }

    fn delete_batch(&self, batch: Vec<Placed<()>>) -> BoxFuture<'_, Vec<Settled>> {
        Box::pin(async move {
            let results = match batch.as_slice() {
                [(_, handle, ())] => vec![self.delete(handle).await],
                _ => self.delete_several(&batch).await,
            };
            self.ended(batch, results)
        })
    }

    fn hide_batch(&self, batch: Vec<Placed<i32>>) -> BoxFuture<'_, Vec<Settled>> {
        Box::pin(async move {
            let results = match batch.as_slice() {
                [(_, handle, seconds)] => vec![self.hide(handle, *seconds).await],
                _ => self.hide_several(&batch).await,
            };
            self.ended(batch, results)
        })
    }

    async fn acknowledge(&self, receipt: &Receipt) -> Result<()> {
        let handle = self.leases.find(receipt)?;
        let deleted = self.delete(&handle).await;
        self.note(&handle, &deleted);
        deleted
    }

    fn ended<T>(&self, batch: Vec<Placed<T>>, results: Vec<Result<()>>) -> Vec<Settled> {
        let one = |((at, handle, _), result): (Placed<T>, Result<()>)| {
            self.note(&handle, &result);
            (at, result)
        };
        batch.into_iter().zip(results).map(one).collect()
    }

    /// Forgets a lease that is over now; what failed for the moment can be settled again.
    fn note(&self, handle: &str, settled: &Result<()>) {
        if settled.as_ref().map_or_else(|error| error.kind() == ErrorKind::PreconditionFailed, |()| true) {
            self.leases.end(handle);
        }
    }

    async fn delete(&self, handle: &str) -> Result<()> {
        let (client, url) = self.client().await?;
        let request = client.delete_message().queue_url(url).receipt_handle(handle);
        request.send().await.map(drop).map_err(|error| self.named(of_lease(error)))
    }

    async fn delete_several(&self, batch: &[Placed<()>]) -> Vec<Result<()>> {
        let entry = |(at, handle): (usize, &String)| {
            DeleteMessageBatchRequestEntry::builder().id(at.to_string()).receipt_handle(handle).build()
        };
        let call = async {
            let (client, url) = self.client().await?;
            let handles = batch.iter().map(|(_, handle, ())| handle).enumerate();
            let entries = handles.map(entry).collect::<Result<_, _>>().map_err(incomplete)?;
            let request = client.delete_message_batch().queue_url(url).set_entries(Some(entries));
            let answer = Box::pin(request.send()).await.map_err(error::of)?;
            Ok((answer.successful.into_iter().map(|entry| entry.id).collect(), answer.failed))
        };
        self.told(batch.len(), call.await)
    }

    async fn hide(&self, handle: &str, seconds: i32) -> Result<()> {
        let (client, url) = self.client().await?;
        let request = client.change_message_visibility().queue_url(url);
        let request = request.receipt_handle(handle).visibility_timeout(seconds);
        Box::pin(request.send()).await.map(drop).map_err(|error| self.named(of_lease(error)))
    }

    pub(super) async fn hide_several(&self, batch: &[Placed<i32>]) -> Vec<Result<()>> {
        let entry = |(at, (_, handle, seconds)): (usize, &Placed<i32>)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(at.to_string())
                .receipt_handle(handle)
                .visibility_timeout(*seconds)
                .build()
        };
        let call = async {
            let (client, url) = self.client().await?;
            let entries =
                batch.iter().enumerate().map(entry).collect::<Result<_, _>>().map_err(incomplete)?;
            let request = client.change_message_visibility_batch().queue_url(url).set_entries(Some(entries));
            let answer = Box::pin(request.send()).await.map_err(error::of)?;
            Ok((answer.successful.into_iter().map(|entry| entry.id).collect(), answer.failed))
        };
        self.told(batch.len(), call.await)
    }

    /// What became of the entries of a batch: those that were done, and those that were refused.
    fn told(
        &self,
        count: usize,
        answer: Result<(Vec<String>, Vec<BatchResultErrorEntry>)>,
    ) -> Vec<Result<()>> {
        match answer {
            Ok((done, failed)) => {
                let done = done.into_iter().map(|id| (id, ()));
                entries::results(count, done, failed, |code, error| self.named(lost(error, code)))
            }
            Err(error) => self.named(error).of_each(count),
        }
    }
}

fn incomplete(error: aws_smithy_types::error::operation::BuildError) -> Error {
    Error::internal("an entry of a batch is not complete").with_source(error)
}

/// The error of a call about one lease.
fn of_lease<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let code = error.as_service_error().and_then(|answer| answer.code().map(str::to_owned));
    lost(error::of(error), code.as_deref())
}

/// SQS calls the handle of a lease that has ended a wrong parameter, and what else such a call says is right: handles are text, and times
/// within bounds.
fn lost(error: Error, code: Option<&str>) -> Error {
    match code {
        Some("InvalidParameterValue" | "InvalidParameterValueException") => {
            error.with_kind(ErrorKind::PreconditionFailed)
        }
        _ => error,
    }
}

/// The attempts of a redrive policy: `{"deadLetterTargetArn":"..","maxReceiveCount":5}`, the number perhaps in quotes.
fn most_receives(policy: &str) -> Option<u32> {
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    let most = policy.get("maxReceiveCount")?;
    let number = most.as_u64().or_else(|| most.as_str()?.parse().ok());
    number.and_then(|number| u32::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_policy_tells_its_attempts_as_a_number_or_as_text() {
        assert_eq!(most_receives(r#"{"deadLetterTargetArn":"a","maxReceiveCount":3}"#), Some(3));
        assert_eq!(most_receives(r#"{"maxReceiveCount":"1000"}"#), Some(1000));
        for none in ["", "{}", "[]", r#"{"maxReceiveCount":-1}"#, r#"{"maxReceiveCount":99999999999}"#] {
            assert_eq!(most_receives(none), None, "{none}");
        }
    }

    #[test]
    fn what_sqs_says_of_a_lost_lease_is_a_failed_precondition() {
        let kind = |code| lost(error::answered(Some(code), None, 400), Some(code)).kind();
        for code in [
            "InvalidParameterValue",
            "ReceiptHandleIsInvalid",
            "MessageNotInflight",
            "AWS.SimpleQueueService.MessageNotInflight",
        ] {
            assert_eq!(kind(code), ErrorKind::PreconditionFailed, "{code}");
        }
        assert_eq!(kind("RequestThrottled"), ErrorKind::Throttled);
    }
}
