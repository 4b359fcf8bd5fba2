//! Carries bodies that are too large for a queue through a bucket.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::Layer;
use crate::blob::port::{BlobStore, DeleteOptions, GetOptions, GetResult, PutOptions};
use crate::kv::port::KeyValueStore;
use crate::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions, Settlement,
    Verdict,
};
use crate::{Error, ErrorKind, Result, Token};

/// Under which the bodies are kept; a token follows. A claim that names anything else is never followed.
const FOLDER: &str = "skyport-claims/";

/// How a receipt that carries a claim begins; 32 digits of its token follow, then the queue's own receipt.
const RECEIPT: &str = "skyport-claim:";

/// The length of a token as text.
const TOKEN: usize = 32;

/// When a body that cannot be read for the moment is tried again.
const LATER: Duration = Duration::from_secs(5);

/// Puts bodies over a threshold into a bucket, under `skyport-claims/`, and sends their key instead.
///
/// A receive fetches the body; an ack deletes it, once the ack has succeeded. A dead letter keeps its body; sent back
/// by `redrive`, it gets a new one. A message that is sent on with its body unread keeps its claim. What a lost answer, a duplicate or a killed process leaves behind is for a lifecycle
/// rule of the bucket: longer than the queue and its dead letters keep a message.
///
/// A message whose body is gone (`claim missing`) or over the limit (`claim too large`) is not handed over: it goes to
/// the dead letters with that reason; from the queue of dead letters it is not handed over either, and expires there. One
/// whose body cannot be read for the moment comes again after a few seconds.
///
/// Put it outside of [`Retry`](super::Retry) around the queue, and give it a bucket with a retry layer of its own.
#[derive(Clone, Debug)]
pub struct ClaimCheck {
    bucket: Arc<dyn BlobStore>,
    threshold: usize,
    limit: usize,
}

impl ClaimCheck {
    /// Keeps in `bucket` what is over `threshold` bytes, or over the queue's own limit; bodies of up to 256 MiB.
    #[must_use]
    pub fn new(bucket: Arc<dyn BlobStore>, threshold: usize) -> Self {
        Self { bucket, threshold, limit: 256 << 20 }
    }

    /// The largest body in bytes, which is held in memory at either end; the queue's
    /// [`limits`](crate::queue::port::QueueLimits::body_bytes) then say so.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    async fn store(&self, body: Bytes) -> Result<Token> {
        let token = Token::new();
        let key = key(token);
        let limits = self.bucket.info().limits;
        if body.len() <= limits.part_size(0) {
            self.bucket.put(&key, body, PutOptions::default()).await?;
            return Ok(token);
        }
        let upload = self.bucket.start_upload(&key, PutOptions::default()).await?;
        let mut parts = 0;
        let mut rest = body;
        while !rest.is_empty() {
            let next = rest.split_to(limits.part_size(parts).min(rest.len()));
            upload.put_part(parts, next).await?;
            parts += 1;
        }
        upload.complete(parts).await?;
        Ok(token)
    }

    async fn fetch(&self, token: Token) -> Result<Bytes> {
        match self.bucket.get(&key(token), GetOptions::default()).await? {
            GetResult::Found { body, .. } => body.collect(self.limit).await,
            GetResult::NotModified => {
                Err(Error::internal("the bucket answered a condition that was not set"))
            }
        }
    }

    /// Deletes a body that nothing refers to any more. The message is settled whatever comes of it.
    async fn discard(&self, token: Token) {
        let deleted = self.bucket.delete(&key(token), DeleteOptions::default()).await;
        if let Err(error) = deleted {
            tracing::warn!(%error, "a body was left in the claim-check bucket, to its lifecycle rule");
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for ClaimCheck {
    fn blob(&self, inner: Arc<dyn BlobStore>) -> Arc<dyn BlobStore> {
        inner
    }

    fn queue(&self, inner: Arc<dyn MessageQueue>) -> Arc<dyn MessageQueue> {
        Arc::new(ClaimQueue::new(inner, self.clone()))
    }

    fn table(&self, inner: Arc<dyn KeyValueStore>) -> Arc<dyn KeyValueStore> {
        inner
    }
}

#[derive(Debug)]
struct ClaimQueue {
    inner: Arc<dyn MessageQueue>,
    claims: ClaimCheck,
    info: QueueInfo,
    threshold: usize,
}

impl ClaimQueue {
    fn new(inner: Arc<dyn MessageQueue>, claims: ClaimCheck) -> Self {
        let mut info = inner.info().clone();
        let threshold = claims.threshold.min(info.limits.body_bytes);
        info.limits.body_bytes = info.limits.body_bytes.max(claims.limit);
        Self { inner, claims, info, threshold }
    }

    /// The messages with their bodies, and the error of one that has to wait.
    async fn redeem(&self, deliveries: Vec<RawDelivery>) -> (Vec<RawDelivery>, Option<Error>) {
        let mut whole = Vec::with_capacity(deliveries.len());
        let mut waits = None;
        for mut delivery in deliveries {
            match self.read(&mut delivery).await {
                Ok(()) => whole.push(delivery),
                Err(error) => {
                    let lost = self.put_aside(delivery, &error).await;
                    waits = waits.or(if lost { None } else { Some(error) });
                }
            }
        }
        (whole, waits)
    }

    /// Fetches the body that the message claims, if it claims one, and puts the claim into its receipt.
    async fn read(&self, delivery: &mut RawDelivery) -> Result<()> {
        let Some(claim) = &delivery.envelope.claim else { return Ok(()) };
        let Some(token) = token_of(claim) else {
            return Err(Error::new(ErrorKind::NotFound, "the claim is not one of ours"));
        };
        delivery.body = self.claims.fetch(token).await?;
        delivery.envelope.claim = None;
        delivery.receipt = wrap(token, &delivery.receipt);
        Ok(())
    }

    /// Settles a message whose body could not be read; whether it is lost for good.
    async fn put_aside(&self, delivery: RawDelivery, error: &Error) -> bool {
        let reason = lost(error);
        tracing::warn!(%error, id = &*delivery.id, "the body of a message could not be read from the claim-check bucket");
        let verdict = match reason {
            None => Verdict::Retry(LATER),
            // Left to its lease: a queue of dead letters has none of its own.
            Some(_) if self.inner.dead_letters().is_err() => return true,
            Some(reason) => {
                Verdict::DeadLetter { reason: reason.to_owned(), message: Box::new(delivery.to_message()) }
            }
        };
        let settlement = Settlement::new(delivery.receipt, verdict);
        for settled in self.inner.settle(vec![settlement]).await {
            if let Err(error) = settled {
                tracing::warn!(%error, "a message without its body returns when its lease ends");
            }
        }
        reason.is_some()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl MessageQueue for ClaimQueue {
    fn info(&self) -> &QueueInfo {
        &self.info
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let mut results: Vec<Option<Result<MessageId>>> = Vec::with_capacity(messages.len());
        let mut outgoing = Vec::with_capacity(messages.len());
        let mut tokens = Vec::with_capacity(messages.len());
        for mut message in messages {
            let mut stored = None;
            if message.body.len() > self.threshold {
                match self.claims.store(std::mem::take(&mut message.body)).await {
                    Ok(token) => stored = Some(token),
                    Err(error) => {
                        results.push(Some(Err(error)));
                        continue;
                    }
                }
            }
            // One without a body that claims one is passed on unread, to the dead letters: its claim is all that there is of it.
            if stored.is_some() || !message.body.is_empty() {
                message.envelope.claim = stored.map(key);
            }
            results.push(None);
            outgoing.push(message);
            tokens.push(stored);
        }
        let mut answers = self.inner.send(outgoing).await.into_iter();
        let mut tokens = tokens.into_iter();
        let mut sent = Vec::with_capacity(results.len());
        for result in results {
            let result = match result {
                Some(failed) => failed,
                None => {
                    let token = tokens.next().flatten();
                    let answer = answers.next().unwrap_or_else(|| Err(too_few()));
                    if let (Err(error), Some(token)) = (&answer, token)
                        && !error.is_ambiguous()
                    {
                        self.claims.discard(token).await;
                    }
                    answer
                }
            };
            sent.push(result);
        }
        sent
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let begun = Instant::now();
        loop {
            let wait = options.wait.saturating_sub(begun.elapsed());
            let received = self.inner.receive(ReceiveOptions { wait, ..options }).await?;
            let (whole, waits) = self.redeem(received).await;
            match waits {
                Some(error) if whole.is_empty() => return Err(error),
                _ if !whole.is_empty() || begun.elapsed() >= options.wait => return Ok(whole),
                _ => {}
            }
        }
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        let mut adopted = self.inner.adopt(deliveries).await;
        for result in &mut adopted {
            let Ok(Some(delivery)) = result else { continue };
            if let Err(error) = self.read(delivery).await {
                // The reason of the dead letter is the message: the same as a receive gives.
                *result = Err(match lost(&error) {
                    Some(reason) => Error::new(error.kind(), reason).with_source(error),
                    None => error,
                });
            }
        }
        adopted
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let (token, own) = unwrap(receipt);
        let extended = self.inner.extend(&own, lease).await?;
        Ok(token.map_or(extended.clone(), |token| wrap(token, &extended)))
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let mut spent = Vec::with_capacity(settlements.len());
        let mut own = Vec::with_capacity(settlements.len());
        for mut settlement in settlements {
            let (token, receipt) = unwrap(&settlement.receipt);
            settlement.receipt = receipt;
            if let (Some(token), Verdict::DeadLetter { message, .. }) = (token, &mut settlement.verdict) {
                message.body = Bytes::new();
                message.envelope.claim = Some(key(token));
            }
            spent.push(token.filter(|_| settlement.verdict == Verdict::Ack));
            own.push(settlement);
        }
        let results = self.inner.settle(own).await;
        for (result, token) in results.iter().zip(spent) {
            if let (Ok(()), Some(token)) = (result, token) {
                self.claims.discard(token).await;
            }
        }
        results
    }

    async fn depth(&self) -> Result<Depth> {
        self.inner.depth().await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        let inner = self.inner.dead_letters()?;
        Ok(Arc::new(Self::new(inner, self.claims.clone())))
    }
}

/// Why a body can never be read; `None` where it cannot be for the moment.
fn lost(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::NotFound => Some("claim missing"),
        ErrorKind::TooLarge => Some("claim too large"),
        _ => None,
    }
}

fn too_few() -> Error {
    Error::internal("the provider answered fewer items than the batch had")
}

fn key(token: Token) -> String {
    format!("{FOLDER}{token}")
}

fn token_of(claim: &str) -> Option<Token> {
    claim.strip_prefix(FOLDER)?.parse().ok()
}

fn wrap(token: Token, receipt: &Receipt) -> Receipt {
    Receipt::new(format!("{RECEIPT}{token}{}", receipt.as_str()))
}

/// The claim and the queue's own receipt; one without a claim is the queue's own.
fn unwrap(receipt: &Receipt) -> (Option<Token>, Receipt) {
    let parsed = receipt
        .as_str()
        .strip_prefix(RECEIPT)
        .and_then(|rest| rest.split_at_checked(TOKEN))
        .and_then(|(token, own)| Some((token.parse().ok()?, Receipt::new(own))));
    match parsed {
        Some((token, own)) => (Some(token), own),
        None => (None, receipt.clone()),
    }
}
