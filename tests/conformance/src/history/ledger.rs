//! A queue that keeps the books: what was sent, what was delivered, and how each delivery ended.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use skyport_core::queue::port::{
    Attributes, Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions,
    Settlement, Verdict,
};
use skyport_core::{Error, Result};

use super::account::{Account, Imbalance, Promises};

/// Wraps a queue that is empty, and its dead letters, and notes all that goes through.
///
/// Messages are told apart by their bodies: each that is sent must have one of its own. What is received and not settled, or settled by
/// others, is not seen.
#[derive(Debug)]
pub struct Ledger {
    inner: Arc<dyn MessageQueue>,
    book: Arc<Mutex<Book>>,
    /// This is the queue of dead letters.
    dead: bool,
}

/// All that went through, by a logical clock.
#[derive(Debug, Default)]
pub(super) struct Book {
    clock: u64,
    pub(super) sent: Vec<Sent>,
    pub(super) delivered: Vec<Delivered>,
    pub(super) settled: Vec<Settled>,
    /// Which delivery a receipt settles.
    receipts: HashMap<Receipt, usize>,
}

/// What is known of a call that was to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was answered Ok.
    Done,
    /// It failed, and nothing was done.
    Refused,
    /// It may have been done.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Sent {
    pub(super) body: Bytes,
    pub(super) attributes: Attributes,
    pub(super) group: Option<String>,
    pub(super) called: u64,
    pub(super) answered: u64,
    pub(super) fate: Fate,
}

#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) at: u64,
    pub(super) id: MessageId,
    pub(super) body: Bytes,
    pub(super) attributes: Attributes,
    pub(super) group: Option<String>,
    pub(super) attempt: u32,
    pub(super) dead: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Acknowledged,
    Retried,
    Dead,
}

#[derive(Debug)]
pub(super) struct Settled {
    /// The place of its delivery.
    pub(super) delivery: usize,
    pub(super) end: End,
    pub(super) called: u64,
    pub(super) answered: u64,
    pub(super) fate: Fate,
}

impl Book {
    pub(super) fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// What happened to messages with these bodies, a line each, in order.
    pub(super) fn story(&self, bodies: &BTreeSet<&Bytes>) -> String {
        let mut lines: Vec<(u64, String)> = Vec::new();
        let text = |body: &Bytes| String::from_utf8_lossy(body).into_owned();
        for sent in self.sent.iter().filter(|sent| bodies.contains(&sent.body)) {
            lines.push((sent.called, format!("{} sent: {:?}", text(&sent.body), sent.fate)));
        }
        for one in self.delivered.iter().filter(|one| bodies.contains(&one.body)) {
            let place = if one.dead { "dead letter" } else { "delivered" };
            let (body, id, attempt) = (text(&one.body), one.id.as_str(), one.attempt);
            lines.push((one.at, format!("{body} {place} as {id}, attempt {attempt}")));
        }
        for settled in &self.settled {
            let one = &self.delivered[settled.delivery];
            if bodies.contains(&one.body) {
                let (body, end, fate) = (text(&one.body), settled.end, settled.fate);
                lines.push((settled.called, format!("{body} of {} settled as {end:?}: {fate:?}", one.at)));
            }
        }
        lines.sort();
        lines.into_iter().map(|(at, line)| format!("{at:>5} {line}\n")).collect()
    }

    fn deliver(&mut self, deliveries: &[RawDelivery], dead: bool) {
        let at = self.tick();
        for raw in deliveries {
            self.receipts.insert(raw.receipt.clone(), self.delivered.len());
            self.delivered.push(Delivered {
                at,
                id: raw.id.clone(),
                body: raw.body.clone(),
                attributes: (*raw.attributes).clone(),
                group: raw.group.clone(),
                attempt: raw.attempt,
                dead,
            });
        }
    }
}

impl Fate {
    fn of<T>(result: &Result<T>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(error) if Error::is_ambiguous(error) => Self::Unknown,
            Err(_) => Self::Refused,
        }
    }
}

impl Ledger {
    /// Around a queue; its dead letters stand in the same books.
    #[must_use]
    pub fn around(inner: Arc<dyn MessageQueue>) -> Arc<Self> {
        Arc::new(Self { inner, book: Arc::default(), dead: false })
    }

    /// The balance, once the queue and its dead letters have been received empty: everything that was accepted was delivered, and acknowledged or is a dead
    /// letter; nothing came that was not sent; ordered groups came in order.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn balance(&self, promises: Promises) -> Result<Account, Imbalance> {
        Account::of(&self.book(), self.info(), promises)
    }

    /// How many messages were sent, for sure or perhaps, and have neither been acknowledged nor come as dead letters: zero once a queue need not be received from any more.
    #[must_use]
    pub fn open(&self) -> usize {
        super::account::open(&self.book())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(verdict: &Verdict) -> End {
    match verdict {
        Verdict::Ack => End::Acknowledged,
        Verdict::Retry(_) => End::Retried,
        _ => End::Dead,
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl MessageQueue for Ledger {
    fn info(&self) -> &QueueInfo {
        self.inner.info()
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let first = {
            let mut book = self.book();
            let (called, first) = (book.tick(), book.sent.len());
            book.sent.extend(messages.iter().map(|message| Sent {
                body: message.body.clone(),
                attributes: (*message.attributes).clone(),
                group: message.group.clone(),
                called,
                // Where the call is dropped, it stays so.
                answered: u64::MAX,
                fate: Fate::Unknown,
            }));
            first
        };
        let results = self.inner.send(messages).await;
        let mut book = self.book();
        let now = book.tick();
        for (sent, result) in book.sent[first..].iter_mut().zip(&results) {
            (sent.answered, sent.fate) = (now, Fate::of(result));
        }
        results
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let deliveries = self.inner.receive(options).await?;
        self.book().deliver(&deliveries, self.dead);
        Ok(deliveries)
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        let adopted = self.inner.adopt(deliveries).await;
        let mut book = self.book();
        for delivery in adopted.iter().filter_map(|result| result.as_ref().ok()?.as_ref()) {
            book.deliver(std::slice::from_ref(delivery), self.dead);
        }
        adopted
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let renewed = self.inner.extend(receipt, lease).await?;
        let mut book = self.book();
        if let Some(delivery) = book.receipts.get(receipt).copied() {
            book.receipts.insert(renewed.clone(), delivery);
        }
        Ok(renewed)
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let known: Vec<(Option<usize>, End)> = {
            let book = self.book();
            let known = |settlement: &Settlement| {
                (book.receipts.get(&settlement.receipt).copied(), end(&settlement.verdict))
            };
            settlements.iter().map(known).collect()
        };
        let first = {
            let mut book = self.book();
            let (called, first) = (book.tick(), book.settled.len());
            let begun = known.iter().filter_map(|(delivery, end)| Some(((*delivery)?, *end)));
            // Where the call is dropped, it stays so.
            let begun = begun.map(|(delivery, end)| Settled {
                delivery,
                end,
                called,
                answered: u64::MAX,
                fate: Fate::Unknown,
            });
            book.settled.extend(begun);
            first
        };
        let results = self.inner.settle(settlements).await;
        let mut book = self.book();
        let now = book.tick();
        let answered = known.iter().zip(&results).filter(|((delivery, _), _)| delivery.is_some());
        for (settled, (_, result)) in book.settled[first..].iter_mut().zip(answered) {
            (settled.answered, settled.fate) = (now, Fate::of(result));
        }
        results
    }

    async fn depth(&self) -> Result<Depth> {
        self.inner.depth().await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        let inner = self.inner.dead_letters()?;
        Ok(Arc::new(Self { inner, book: Arc::clone(&self.book), dead: true }))
    }
}
