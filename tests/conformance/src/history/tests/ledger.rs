//! Books whose truth is known.

use std::sync::Arc;
use std::time::Duration;

use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::{MessageId, QueueInfo, QueueSettings};
use skyport_core::queue::{MessageQueue, Queue};
use skyport_core::{Raw, Result};
use skyport_memory::Memory;

use super::super::account::{Account, Imbalance, Promises, Wrong};
use super::super::ledger::{Book, Delivered, End, Fate, Ledger, Sent, Settled};
use super::*;

const ACKNOWLEDGED: (End, Fate) = (End::Acknowledged, Fate::Done);

impl Book {
    fn sends(&mut self, body: &'static str, group: Option<&str>, fate: Fate) {
        let (called, answered) = (self.tick(), self.tick());
        let (body, group) = (Bytes::from_static(body.as_bytes()), group.map(str::to_owned));
        self.sent.push(Sent { body, attributes: [].into(), group, called, answered, fate });
    }

    /// Delivered as this attempt of the message of this id, and settled so.
    fn delivers(&mut self, body: &'static str, id: u64, attempt: u32, ends: &[(End, Fate)]) {
        self.came(body, id, attempt, false);
        self.ends(self.delivered.len() - 1, ends);
    }

    fn came(&mut self, body: &'static str, id: u64, attempt: u32, dead: bool) {
        let (at, id, body) = (self.tick(), MessageId::of_number(id), Bytes::from_static(body.as_bytes()));
        let sent = self.sent.iter().find(|sent| sent.body == body);
        let group = sent.and_then(|sent| sent.group.clone());
        self.delivered.push(Delivered { at, id, body, attributes: [].into(), group, attempt, dead });
    }

    fn ends(&mut self, delivery: usize, ends: &[(End, Fate)]) {
        for (end, fate) in ends {
            let (called, answered) = (self.tick(), self.tick());
            self.settled.push(Settled { delivery, end: *end, called, answered, fate: *fate });
        }
    }
}

fn judged(promises: Promises, write: impl FnOnce(&mut Book)) -> Result<Account, Vec<Wrong>> {
    let mut book = Book::default();
    write(&mut book);
    let mut settings = QueueSettings::default();
    settings.ordered = book.sent.iter().any(|sent| sent.group.is_some());
    Account::of(&book, &QueueInfo::new("test", "q", settings), promises).map_err(|imbalance| imbalance.wrong)
}

fn of(write: impl FnOnce(&mut Book)) -> Result<Account, Vec<Wrong>> {
    judged(Promises::default(), write)
}

fn body(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn what_was_accepted_must_come_and_come_to_an_end() {
    let account = of(|book| {
        book.sends("a", None, Fate::Done);
        book.delivers("a", 1, 1, &[(End::Retried, Fate::Done)]);
        book.delivers("a", 1, 2, &[ACKNOWLEDGED]);
    });
    let account = account.expect("it balances");
    assert_eq!((account.accepted, account.deliveries, account.acknowledged), (1, 2, 1));
    assert_eq!(of(|book| book.sends("a", None, Fate::Done)), Err(vec![Wrong::Lost(body("a"))]));
    let forgotten = of(|book| {
        book.sends("a", None, Fate::Done);
        book.delivers("a", 1, 1, &[(End::Acknowledged, Fate::Refused)]);
    });
    assert_eq!(forgotten, Err(vec![Wrong::Forgotten(body("a"))]));
    let lost_letter = of(|book| {
        book.sends("a", None, Fate::Done);
        book.delivers("a", 1, 1, &[(End::Dead, Fate::Done)]);
    });
    assert_eq!(lost_letter, Err(vec![Wrong::LetterLost(body("a"))]));
    // Its attempts were spent: it need not have come again.
    let dead = of(|book| {
        book.sends("a", None, Fate::Done);
        book.delivers("a", 1, 1, &[(End::Retried, Fate::Done)]);
        book.came("a", 9, 1, true);
    });
    assert_eq!(dead.expect("it balances").dead, 1);
}

#[test]
fn what_is_of_unknown_fate_may_come_or_not_and_again_and_nothing_else_may() {
    for times in 0..3 {
        let account = of(|book| {
            book.sends("a", None, Fate::Unknown);
            (0..times).for_each(|id| book.delivers("a", id, 1, &[ACKNOWLEDGED]));
        });
        let account = account.expect("it balances");
        assert_eq!((account.unknown, account.arrived), (1, usize::from(times > 0)));
    }
    let forged = Err(vec![Wrong::Forged(body("a"))]);
    assert_eq!(of(|book| book.delivers("a", 1, 1, &[ACKNOWLEDGED])), forged);
    let refused = of(|book| {
        book.sends("a", None, Fate::Refused);
        book.delivers("a", 1, 1, &[ACKNOWLEDGED]);
    });
    assert_eq!(refused, forged);
    let early = of(|book| {
        book.delivers("a", 1, 1, &[ACKNOWLEDGED]);
        book.sends("a", None, Fate::Done);
    });
    assert_eq!(early, forged);
    let altered = of(|book| {
        book.sends("a", None, Fate::Done);
        book.delivers("a", 1, 1, &[ACKNOWLEDGED]);
        book.delivered[0].attributes.insert("more".to_owned(), String::new());
    });
    assert_eq!(altered, Err(vec![Wrong::Altered(body("a"))]));
}

#[test]
fn in_a_group_nothing_overtakes() {
    let send = |book: &mut Book| {
        book.sends("a", Some("g"), Fate::Done);
        book.sends("b", Some("g"), Fate::Done);
    };
    let overtaken = Err(vec![Wrong::Overtaken(body("a"), body("b"))]);
    let in_order = of(|book| {
        send(book);
        book.delivers("a", 1, 1, &[(End::Retried, Fate::Done)]);
        book.delivers("a", 1, 2, &[ACKNOWLEDGED]);
        book.delivers("b", 2, 1, &[ACKNOWLEDGED]);
        // A duplicate of what is over may come at any time.
        book.delivers("a", 3, 1, &[ACKNOWLEDGED]);
    });
    in_order.expect("it balances");
    let came_first = of(|book| {
        send(book);
        book.delivers("b", 2, 1, &[ACKNOWLEDGED]);
        book.delivers("a", 1, 1, &[ACKNOWLEDGED]);
    });
    assert_eq!(came_first, overtaken);
    let done_first = of(|book| {
        send(book);
        book.delivers("a", 1, 1, &[(End::Retried, Fate::Done)]);
        book.delivers("b", 2, 1, &[ACKNOWLEDGED]);
        book.delivers("a", 1, 2, &[ACKNOWLEDGED]);
    });
    assert_eq!(done_first, overtaken);
    // Its lease is not over yet, as far as anybody knows.
    let held = |book: &mut Book| {
        send(book);
        book.delivers("a", 1, 1, &[]);
        book.delivers("b", 2, 1, &[ACKNOWLEDGED]);
        book.delivers("a", 1, 2, &[ACKNOWLEDGED]);
    };
    of(held).expect("it balances");
    assert_eq!(judged(Promises::default().in_order(), held).map_err(|wrong| wrong.len()), Err(1));
    // What went to the dead letters frees its group, and what nobody knows was sent holds up nothing.
    let freed = of(|book| {
        send(book);
        book.delivers("a", 1, 1, &[(End::Dead, Fate::Done)]);
        book.delivers("b", 2, 1, &[ACKNOWLEDGED]);
        book.came("a", 9, 1, true);
    });
    freed.expect("it balances");
    let unknown = of(|book| {
        book.sends("a", Some("g"), Fate::Unknown);
        book.sends("b", Some("g"), Fate::Done);
        book.delivers("b", 2, 1, &[ACKNOWLEDGED]);
        book.delivers("a", 1, 1, &[ACKNOWLEDGED]);
    });
    unknown.expect("it balances");
}

#[test]
fn duplicates_and_rough_attempts_are_counted_and_are_wrong_only_where_none_is_promised() {
    let write = |book: &mut Book| {
        book.sends("a", None, Fate::Done);
        book.delivers("a", 1, 1, &[ACKNOWLEDGED]);
        book.delivers("a", 1, 1, &[ACKNOWLEDGED]);
    };
    let account = of(write).expect("the contract allows it");
    assert_eq!((account.again, account.uncounted), (1, 1));
    let wrong = judged(Promises::exact(), write).expect_err("it was promised");
    assert_eq!(wrong, [Wrong::CameBack(body("a")), Wrong::Uncounted(body("a"), 1)]);
    let never = of(|book| {
        book.sends("a", None, Fate::Done);
        book.delivers("a", 1, 0, &[ACKNOWLEDGED]);
    });
    assert_eq!(never, Err(vec![Wrong::Uncounted(body("a"), 0)]));
}

#[tokio::test(start_paused = true)]
async fn a_ledger_notes_what_goes_through_a_queue_and_its_dead_letters() -> Result<()> {
    let (memory, url) = (Memory::new(), ResourceUrl::new("memory", "q"));
    let settings = QueueSettings::default();
    memory.create(&url, &ResourceKind::Queue(settings.clone())).await?;
    let inner: Arc<dyn MessageQueue> = memory.queue(&url, &settings)?;
    let ledger = Ledger::around(inner.clone());
    let queue: Queue<Bytes, Raw> = Queue::new(ledger.clone());
    let second = Duration::from_secs(1);
    for text in ["a", "b", "c"] {
        queue.send(&body(text)).attribute("is", text).await?;
    }
    for mut delivery in queue.receive(10, second, second * 60).await? {
        match &delivery.body()[..] {
            b"a" => {
                delivery.extend(second * 90).await?;
                delivery.ack().await?;
            }
            b"b" => delivery.dead_letter("no").await?,
            _ => {}
        }
    }
    assert_eq!(ledger.open(), 2);
    let Err(Imbalance { wrong, .. }) = ledger.balance(Promises::exact()) else { panic!("two are open") };
    assert_eq!(wrong, [Wrong::LetterLost(body("b")), Wrong::Forgotten(body("c"))]);
    for delivery in queue.receive(10, second * 100, second).await? {
        delivery.ack().await?;
    }
    for letter in queue.dead_letters()?.receive(10, second, second).await? {
        letter.ack().await?;
    }
    let account = ledger
        .balance(Promises::exact())
        .map_err(|error| skyport_core::Error::internal(error.to_string()))?;
    let expected = Account { accepted: 3, deliveries: 5, acknowledged: 2, dead: 1, ..Account::default() };
    assert_eq!(account, expected);

    // What another puts there was never sent.
    inner.send(vec![skyport_core::queue::port::OutMessage::new("x")]).await.remove(0)?;
    queue.receive(1, second, second).await?.remove(0).ack().await?;
    let Err(Imbalance { wrong, .. }) = ledger.balance(Promises::exact()) else { panic!("one was forged") };
    assert_eq!(wrong, [Wrong::Forged(body("x"))]);
    Ok(())
}
