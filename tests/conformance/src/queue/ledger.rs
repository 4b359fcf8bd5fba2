//! The books of a queue balance, whatever becomes of its messages: what was accepted is acknowledged or a dead letter, and nothing else came.

use std::cell::Cell;
use std::collections::HashSet;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use futures_util::future::{join, try_join_all};
use skyport_core::layers::{Layer, Retry};
use skyport_core::queue::{Outgoing, QueueSettings};
use skyport_core::{BoxError, Error, Result};
use tokio::time::timeout;

use super::{Bodies, Body, LONG, LOOK, NOW, PATIENCE, SECOND, bodies};
use crate::case::{CaseResult, cases};
use crate::history::{Account, Ledger, Promises, tolerate};
use crate::lossy_queue::LostAnswers;
use crate::{Context, Outcome};

cases![
    what_was_accepted_is_acknowledged_or_a_dead_letter_and_nothing_else_comes,
    the_books_balance_where_answers_get_lost_and_calls_are_repeated,
    groups_stay_in_order_where_handlers_fail,
    groups_stay_in_order_where_answers_get_lost_and_calls_are_repeated,
];

const SENDERS: usize = 3;
const MESSAGES: usize = 12;
const RECEIVERS: usize = 3;

/// A receive waits so long: the last one must be over soon.
const WAIT: Duration = Duration::from_millis(300);

/// A queue in whose way answers may get lost, with its books.
struct Post {
    queue: Bodies,
    letters: Bodies,
    ledger: Arc<Ledger>,
    line: Arc<LostAnswers>,
    ordered: bool,
    /// Time passes by itself: leases may run out.
    hurried: bool,
    /// One call in so many loses its answer; 0 for none.
    lossy: u8,
    sending: Rc<Cell<usize>>,
}

impl Post {
    async fn open(cx: &Context, ordered: bool, lossy: u8) -> Result<Option<Self>> {
        let mut settings = QueueSettings::default();
        if ordered {
            if !bodies(cx.queue().await?).capabilities().ordered.is_supported() {
                return Ok(None);
            }
            settings.ordered = true;
        }
        let line = LostAnswers::new(cx.queue_with(settings).await?);
        let ledger = Ledger::around(Retry::default().queue(line.clone()));
        let queue = bodies(ledger.clone());
        let letters = queue.dead_letters()?;
        let (hurried, sending) = (cx.virtual_time(), Rc::new(Cell::new(SENDERS)));
        Ok(Some(Self { queue, letters, ledger, line, ordered, hurried, lossy, sending }))
    }

    fn trouble(&self, random: &mut Rng) {
        if self.lossy > 0 && random.u8(0..self.lossy) == 0 {
            // At times more than are tried again.
            self.line.lose(*random.choice(&[1, 1, 1, 3]).unwrap_or(&1));
        }
    }

    async fn send(&self, name: usize) -> Result<()> {
        let mut random = Rng::with_seed(name as u64);
        let group = format!("g{name}");
        let mut number = 0;
        while number < MESSAGES {
            let count = random.usize(1..=3).min(MESSAGES - number);
            let texts: Vec<String> = (number..number + count).map(|n| format!("{name}-{n}")).collect();
            let values: Vec<Bytes> = texts.iter().map(|text| text.clone().into()).collect();
            let outgoing = values.iter().zip(&texts).map(|(value, text)| {
                let outgoing = Outgoing::new(value).attribute("name", format!("{text} \u{e9}"));
                if self.ordered { outgoing.group(group.as_str()) } else { outgoing }
            });
            self.trouble(&mut random);
            for sent in self.queue.send_all(outgoing).await {
                tolerate(sent)?;
            }
            number += count;
        }
        self.sending.set(self.sending.get() - 1);
        Ok(())
    }

    /// Until nothing is open any more.
    async fn receive(&self, name: usize) -> Result<()> {
        let mut random = Rng::with_seed(100 + name as u64);
        while self.sending.get() > 0 || self.ledger.open() > 0 {
            // Until the lease ends nobody gets what was lost here: on some clouds that is ten seconds.
            if self.hurried {
                self.trouble(&mut random);
            }
            let received = self.queue.receive(4, WAIT, SECOND * 2).await;
            let mut stopped = HashSet::new();
            for delivery in tolerate(received)?.unwrap_or_default() {
                let group = delivery.group().map(str::to_owned);
                if self.lossy > 0 && stopped.contains(&group) {
                    // It returns with the one before it. An ack of it that lost its answer would be called Ok, as it is over.
                    continue;
                }
                if !self.handle(&mut random, delivery).await? && self.ordered {
                    stopped.insert(group);
                }
            }
            for letter in tolerate(self.letters.receive(4, NOW, SECOND * 2).await)?.unwrap_or_default() {
                tolerate(letter.ack().await.map_err(Error::from))?;
            }
        }
        Ok(())
    }

    /// Whether nothing is to be done any more for it.
    async fn handle(&self, random: &mut Rng, delivery: Body) -> Result<bool> {
        self.trouble(random);
        let (settled, done) = match random.u8(0..20) {
            0..=2 => (delivery.retry(NOW).await, false),
            3 => (delivery.dead_letter("it cannot be done").await, true),
            // It comes again when its lease is over.
            4 if self.hurried && delivery.attempt() < 2 => (Ok(()), false),
            _ => (delivery.ack().await, true),
        };
        tolerate(settled.map_err(Error::from))?;
        Ok(done)
    }

    /// What is left is of unknown fate, or a duplicate: it must not be a forgery all the same.
    async fn drain(&self) -> Result<()> {
        self.line.lose(0);
        for queue in [&self.queue, &self.letters] {
            loop {
                let received = queue.receive(10, LOOK / 2, LONG).await?;
                if received.is_empty() {
                    break;
                }
                for delivery in received {
                    tolerate(delivery.ack().await.map_err(Error::from))?;
                }
            }
        }
        Ok(())
    }

    async fn work(&self) -> Result<()> {
        let senders = try_join_all((0..SENDERS).map(|name| self.send(name)));
        let receivers = try_join_all((0..RECEIVERS).map(|name| self.receive(name)));
        let (sent, received) = join(senders, receivers).await;
        sent?;
        received?;
        self.drain().await
    }
}

/// Works, in much more time than it takes, and says what does not balance.
async fn balance(cx: &Context, what: &str, post: &Post) -> Result<Account, BoxError> {
    let worked = timed(post.work()).await;
    // An acknowledgement whose answer was lost is called Ok where the delivery is over: it may be over because it returned.
    let exact = cx.exact_queues() && post.lossy == 0;
    let promises = if exact { Promises::exact() } else { Promises::default() };
    let account = post.ledger.balance(promises)?;
    worked?;
    assert!(account.accepted >= SENDERS * MESSAGES / 2, "this is too little to tell: {account:?}");
    let Account { accepted, unknown, deliveries, acknowledged, dead, again, uncounted, .. } = account;
    skyport_figures::record(
        &format!("ledger::{}::{what}", cx.row()),
        &format!(
            "{accepted} messages accepted and {unknown} of unknown fate, {deliveries} deliveries, {acknowledged} acknowledged, {dead} dead letters, \
             {again} duplicates after an acknowledgement, {uncounted} attempts not counted, 0 violations"
        ),
    );
    Ok(account)
}

async fn timed(work: impl Future<Output = Result<()>>) -> Result<(), BoxError> {
    match timeout(PATIENCE * 6, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err("the queue did not become empty".into()),
    }
}

const NO_ORDER: Outcome = Outcome::Skipped("the queue declares no order");

async fn what_was_accepted_is_acknowledged_or_a_dead_letter_and_nothing_else_comes(
    cx: Context,
) -> CaseResult {
    let Some(post) = Post::open(&cx, false, 0).await? else { return Ok(NO_ORDER) };
    let account = balance(&cx, "plain", &post).await?;
    assert_eq!((account.accepted, account.unknown), (SENDERS * MESSAGES, 0));
    Ok(Outcome::Passed)
}

async fn the_books_balance_where_answers_get_lost_and_calls_are_repeated(cx: Context) -> CaseResult {
    let Some(post) = Post::open(&cx, false, 8).await? else { return Ok(NO_ORDER) };
    balance(&cx, "lost answers", &post).await?;
    Ok(Outcome::Passed)
}

async fn groups_stay_in_order_where_handlers_fail(cx: Context) -> CaseResult {
    let Some(post) = Post::open(&cx, true, 0).await? else { return Ok(NO_ORDER) };
    let account = balance(&cx, "ordered", &post).await?;
    assert_eq!((account.accepted, account.unknown), (SENDERS * MESSAGES, 0));
    Ok(Outcome::Passed)
}

async fn groups_stay_in_order_where_answers_get_lost_and_calls_are_repeated(cx: Context) -> CaseResult {
    let Some(post) = Post::open(&cx, true, 8).await? else { return Ok(NO_ORDER) };
    balance(&cx, "ordered, lost answers", &post).await?;
    Ok(Outcome::Passed)
}
