//! Chaos by seeds, over a small application of queues, a table and a bucket with increments, leases and repetitions.
#![allow(clippy::expect_used)] // All of this is a test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use skyport_core::blob::Bucket;
use skyport_core::idempotency::Idempotency;
use skyport_core::kv::Table;
use skyport_core::layers::{Layer, Retry};
use skyport_core::lease::Lease;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::QueueSettings;
use skyport_core::{Error, ErrorKind, Outcome, Result, Shutdown, Token, Worker, WorkerConfig};
use skyport_memory::{Called, Chaos, Determined, Fault, Faults, Held, Injected, Memory, Operation, Port};
use tokio::task::JoinHandle;

const SECOND: Duration = Duration::from_secs(1);

/// All that chaos does by default, as traces tell it.
const KINDS: &[&str] = &[
    "refused as throttled, again after",
    "refused as unavailable",
    "its answer lost as unavailable",
    "its answer lost as unavailable for some of its items",
    "s for some of its items",
    "not carried out, no answer within",
    "carried out, no answer within",
    "longer",
    "crash before it was carried out",
    "crash after it was carried out",
    "received again after",
    "received in another order",
    "% of the lease had gone",
    "the body broke off after",
    "the body stood still for",
    "the wall clock jumped by",
    "queue.extend",
];

/// How many orders clients place.
const ORDERS: usize = 24;

/// What the application has: orders are paid for, and their receipts filed.
#[derive(Clone)]
struct Shop {
    memory: Memory,
    orders: Queue<String>,
    receipts: Queue<String>,
    books: Table<i64>,
    files: Bucket,
}

impl Shop {
    async fn open(memory: &Memory) -> Result<Self> {
        let (retry, url) = (Retry::default(), |name: &str| ResourceUrl::new("memory", name));
        let settings = QueueSettings::default();
        let tables = TableSettings::default();
        for name in ["orders", "receipts"] {
            memory.create(&url(name), &ResourceKind::Queue(settings.clone())).await?;
        }
        memory.create(&url("books"), &ResourceKind::Table(tables.clone())).await?;
        memory.create(&url("files"), &ResourceKind::Bucket).await?;
        let queue = |name: &str| memory.queue(&url(name), &settings).map(|queue| retry.queue(queue));
        Ok(Self {
            memory: memory.clone(),
            orders: Queue::new(queue("orders")?),
            receipts: Queue::new(queue("receipts")?),
            books: Table::new(retry.table(memory.table(&url("books"), &tables)?)),
            files: Bucket::new(retry.blob(memory.bucket(&url("files"))?)),
        })
    }

    /// Counts an order once, however often it comes, and passes it on.
    async fn pay(self, order: String) -> Result<()> {
        let paid = Idempotency::new(&self.books);
        let count = || async {
            self.books.increment("turnover", 5).await?;
            Ok::<_, Error>(1)
        };
        paid.once(("paid", order.as_str()), 3_600 * SECOND, count).await?;
        // Some tills, so that a few wait for one that was left behind.
        let till = &order[order.len() - 1..];
        let lease = Lease::acquire(&self.books, ("till", till), 10 * SECOND).await?;
        self.receipts.send(&order).await?;
        lease.release().await
    }

    /// Writes a receipt, which may be there already.
    async fn file(self, order: String) -> Result<()> {
        self.files.put(&order, vec![b'.'; 2_000]).await?;
        let written = self.files.get(&order).bytes().await?;
        assert_eq!(written.len(), 2_000, "half an object");
        self.books.put(("filed", order.as_str()), &1).await?;
        Ok(())
    }

    /// Works on a queue; each message is an invocation that may crash.
    fn work<F, Fut>(&self, queue: &Queue<String>, stop: &Shutdown, work: F) -> JoinHandle<()>
    where
        F: Fn(Self, String) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let this = self.clone();
        let worker = Worker::new(Arc::clone(queue.port()), WorkerConfig::default(), move |messages, _| {
            let (this, work) = (this.clone(), work.clone());
            async move {
                let mut outcomes = Vec::new();
                for message in messages {
                    let order: String = serde_json::from_slice(&message.body).expect("an order");
                    let held = [Held::from(&message)];
                    let invocation = this.memory.invocation(&held, work(this.clone(), order));
                    outcomes.push(match invocation.await {
                        Ok(Ok(())) => Outcome::Done,
                        Ok(Err(error)) => Outcome::retry(error.to_string()),
                        Err(crashed) => Outcome::retry(crashed.to_string()),
                    });
                }
                outcomes
            }
        });
        tokio::spawn(worker.run(stop.clone()))
    }

    /// Places orders from several clients at once; those that were accepted.
    async fn place(&self) -> BTreeSet<String> {
        let clients = (0..4).map(|client| async move {
            let mut accepted = Vec::new();
            for order in (client..ORDERS).step_by(4).map(|n| format!("order-{n:02}")) {
                if self.orders.send(&order).await.is_ok() {
                    accepted.push(order);
                }
                tokio::time::sleep(SECOND / 4).await;
            }
            accepted
        });
        join_all(clients).await.into_iter().flatten().collect()
    }

    /// Waits until nothing is left to do.
    async fn settle(&self) -> Result<()> {
        let mut quiet = 0;
        while quiet < 2 {
            tokio::time::sleep(SECOND).await;
            let left = self.orders.depth().await?.total() + self.receipts.depth().await?.total();
            quiet = if left == 0 { quiet + 1 } else { 0 };
        }
        Ok(())
    }

    async fn dead(queue: &Queue<String>) -> Result<BTreeSet<String>> {
        let (queue, mut dead) = (queue.dead_letters()?, BTreeSet::new());
        while let letters = queue.receive(10, Duration::ZERO, 60 * SECOND).await?
            && !letters.is_empty()
        {
            for letter in letters {
                dead.insert(letter.value()?);
            }
        }
        Ok(dead)
    }

    async fn filed(&self) -> Result<BTreeSet<String>> {
        let files = self.files.list().collect(1_000).await?;
        Ok(files.iter().map(|file| file.key().to_owned()).collect())
    }
}

/// What became of one run.
#[derive(Debug, PartialEq)]
struct Run {
    calls: Vec<Called>,
    trace: Vec<Injected>,
    digest: u64,
    accepted: BTreeSet<String>,
    filed: BTreeSet<String>,
    dead: BTreeMap<&'static str, BTreeSet<String>>,
    turnover: i64,
    took: Duration,
    token: Token,
}

impl Run {
    fn of(chaos: Chaos) -> Self {
        let _determined = Determined::by(chaos.seed());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime
            .expect("a runtime")
            .block_on(Self::drive(chaos))
            .expect("calls go through once the faults have ended")
    }

    async fn drive(chaos: Chaos) -> Result<Self> {
        let memory = Memory::builder().seed(chaos.seed()).build();
        let (shop, stop, began) = (Shop::open(&memory).await?, Shutdown::new(), tokio::time::Instant::now());
        let faults: Faults = memory.faults().clone();
        faults.unleash(chaos.keep_calls());
        let workers =
            [shop.work(&shop.orders, &stop, Shop::pay), shop.work(&shop.receipts, &stop, Shop::file)];
        let accepted = shop.place().await;
        tokio::time::sleep(60 * SECOND).await;
        let (calls, trace, digest) = (faults.calls(), faults.trace(), faults.digest());
        faults.clear();
        shop.settle().await?;
        stop.trigger();
        for worker in workers {
            worker.await.expect("a worker that stops");
        }
        let dead =
            [("orders", Shop::dead(&shop.orders).await?), ("receipts", Shop::dead(&shop.receipts).await?)];
        Ok(Self {
            calls,
            trace,
            digest,
            accepted,
            filed: shop.filed().await?,
            dead: dead.into(),
            turnover: shop.books.get("turnover").await?.map_or(0, |item| item.value),
            took: began.elapsed(),
            token: Token::new(),
        })
    }
}

#[test]
fn the_same_seed_is_the_same_run_and_another_seed_another() {
    let mut seen = BTreeSet::new();
    for seed in 0..50 {
        let (first, second) = (Run::of(Chaos::seeded(seed)), Run::of(Chaos::seeded(seed)));
        for (one, other) in first.calls.iter().zip(&second.calls) {
            assert_eq!(one, other, "seed {seed}: here the runs part");
        }
        assert_eq!(first, second, "seed {seed}");
        assert!(first.calls.len() > 200, "{}", first.calls.len());
        assert!(seen.insert(first.digest), "seed {seed} is the run of another");
    }
}

#[test]
fn no_accepted_message_is_lost_under_full_chaos() {
    const SEEDS: u64 = 200;
    let (mut faults, mut calls, mut dead, mut longest) = (Vec::new(), 0, 0, Duration::ZERO);
    let mut unseen: BTreeSet<&str> = KINDS.iter().copied().collect();
    for seed in 1_000..1_000 + SEEDS {
        let run = Run::of(Chaos::seeded(seed));
        let told = || run.trace.iter().map(|injected| format!("{injected}\n")).collect::<String>();
        for order in &run.accepted {
            let there = run.filed.contains(order) || run.dead.values().any(|dead| dead.contains(order));
            assert!(there, "seed {seed}: {order} is lost\n{}", told());
        }
        // A crash between the count and its memory counts again: at least once it is for each that was filed.
        let counted = run.turnover >= 5 * run.filed.len() as i64;
        assert!(counted, "seed {seed}: {} counted\n{}", run.turnover, told());
        let told = told();
        unseen.retain(|kind| !told.contains(kind));
        faults.push(run.trace.len());
        calls += run.calls.len();
        dead += run.dead.values().map(BTreeSet::len).sum::<usize>();
        longest = longest.max(run.took);
    }
    let sum: usize = faults.iter().sum();
    faults.sort_unstable();
    let (fewest, most) = (faults[0], faults[faults.len() - 1]);
    skyport_figures::record(
        "chaos::memory",
        &format!(
            "{SEEDS} seeds, {calls} calls, {sum} faults ({fewest} to {most} a run), {dead} dead letters, longest {longest:?}"
        ),
    );
    assert!(unseen.is_empty(), "never injected: {unseen:?}");
    assert!(fewest > 0 && sum / SEEDS as usize >= 5, "{faults:?}");
}

#[test]
fn a_replay_of_all_faults_is_the_run_itself_and_of_none_has_none() {
    for seed in 0..10 {
        let run = Run::of(Chaos::seeded(seed));
        let again = Run::of(Chaos::seeded(seed).replay(&run.trace));
        assert_eq!(again, run, "seed {seed}");
        let calm = Run::of(Chaos::seeded(seed).replay(&[]));
        assert_eq!(calm.trace, []);
        assert_eq!((calm.filed.len(), calm.turnover), (ORDERS, 5 * ORDERS as i64));
        let still = Run::of(Chaos::seeded(seed).replay(&[]).delays(Duration::ZERO));
        assert_ne!(still.digest, calm.digest, "delays are what the seed gives");
    }
}

#[test]
fn a_fault_alone_strikes_the_call_that_it_struck_among_others() {
    let run = Run::of(Chaos::seeded(3));
    let first = &run.trace[..1];
    let alone = Run::of(Chaos::seeded(3).replay(first));
    assert_eq!(alone.trace, first, "it is the first: nothing before it differs");
}

async fn table(memory: &Memory) -> Result<Table<i64>> {
    let (url, tables) = (ResourceUrl::new("memory", "books"), TableSettings::default());
    memory.create(&url, &ResourceKind::Table(tables.clone())).await?;
    Ok(Table::new(memory.table(&url, &tables)?))
}

#[tokio::test(start_paused = true)]
async fn after_three_strikes_of_rates_in_a_row_a_call_goes_through() -> Result<()> {
    let memory = Memory::new();
    let down = Fault::refuse(ErrorKind::Unavailable);
    memory.faults().unleash(Chaos::quiet(1).rate_of_port(Port::Kv, down, 1.0));
    let books = table(&memory).await?;
    let mut fine = Vec::new();
    for _ in 0..8 {
        fine.push(books.get("a").await.is_ok());
    }
    assert_eq!(fine, [false, false, false, true, false, false, false, true]);
    books.put("a", &1).await.expect_err("each operation for itself");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_rate_takes_the_place_of_one_of_the_same_sort_and_of_no_other() -> Result<()> {
    let down = || Fault::refuse(ErrorKind::Unavailable);
    let chaos = |again: f64, other: Fault| {
        Chaos::quiet(1).rate(Operation::KvGet, down(), 1.0).rate(Operation::KvGet, down(), again).rate(
            Operation::KvGet,
            other,
            0.0,
        )
    };
    for (chaos, struck) in [(chaos(0.0, down()), 0), (chaos(1.0, Fault::throttle(SECOND)), 3)] {
        let memory = Memory::new();
        memory.faults().unleash(chaos);
        let books = table(&memory).await?;
        for _ in 0..4 {
            // Refused or not: what counts is what struck.
            drop(books.get("a").await);
        }
        assert_eq!(memory.faults().struck(), struck);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_injected_by_itself_is_told_and_not_replayed() -> Result<()> {
    let memory = Memory::new();
    let books = table(&memory).await?;
    memory.faults().inject(Operation::KvGet, Fault::slow(SECOND).nth(1));
    memory.faults().unleash(Chaos::quiet(1).script(Operation::KvGet, Fault::slow(SECOND).nth(1)));
    books.get("a").await?;
    let trace = memory.faults().trace();
    assert_eq!(trace.len(), 2);
    memory.faults().unleash(Chaos::quiet(1).replay(&trace));
    books.get("a").await?;
    assert_eq!(memory.faults().trace().len(), 1);
    Ok(())
}
