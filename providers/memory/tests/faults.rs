//! Each fault by itself, on order: what it does to whoever calls.
#![allow(clippy::expect_used)] // All of this is a test.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_core::blob::port::{GetOptions, GetResult, PutOptions};
use skyport_core::kv::Table;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::{
    OutMessage, QueueSettings, RawDelivery, ReceiveOptions, Settlement, Verdict,
};
use skyport_core::{ErrorKind, Outcome, Result, Shutdown, Worker, WorkerConfig};
use skyport_memory::{Chaos, Crashed, Fault, Held, Memory, Operation, Port};
use tokio::time::Instant;

const LEASE: Duration = Duration::from_secs(30);
const NOW: Duration = Duration::ZERO;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn url(name: &str) -> ResourceUrl {
    ResourceUrl::new("memory", name)
}

async fn bucket(memory: &Memory) -> Result<Bucket> {
    memory.create(&url("objects"), &ResourceKind::Bucket).await?;
    Ok(Bucket::new(memory.bucket(&url("objects"))?))
}

async fn table(memory: &Memory) -> Result<Table<i64>> {
    let settings = TableSettings::default();
    memory.create(&url("items"), &ResourceKind::Table(settings.clone())).await?;
    Ok(Table::new(memory.table(&url("items"), &settings)?))
}

async fn queue(memory: &Memory, ordered: bool) -> Result<Queue<String>> {
    let mut settings = QueueSettings::default();
    settings.ordered = ordered;
    memory.create(&url("jobs"), &ResourceKind::Queue(settings.clone())).await?;
    Ok(Queue::new(memory.queue(&url("jobs"), &settings)?))
}

fn script(operation: Operation, fault: Fault) -> Memory {
    let memory = Memory::new();
    memory.faults().unleash(Chaos::quiet(1).script(operation, fault));
    memory
}

/// What was injected, without the times.
fn trace(memory: &Memory) -> Vec<String> {
    let trace = memory.faults().trace();
    trace
        .iter()
        .map(|injected| injected.to_string().split_once(" s  ").expect("a time").1.to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_says_how_long_to_wait() -> Result<()> {
    let memory = script(Operation::KvWrite, Fault::throttle(secs(3)).nth(2));
    let items = table(&memory).await?;
    items.put("a", &1).await?;
    let error = items.put("b", &2).await.expect_err("throttled");
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(secs(3))));
    assert!(error.is_retryable() && !error.is_ambiguous());
    assert!(items.get("b").await?.is_none());
    items.put("b", &2).await?;
    assert_eq!(trace(&memory), ["kv.write on \"items\", call 2: refused as throttled, again after 3s"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_time_out_takes_its_time_and_leaves_open_whether_it_was_applied() -> Result<()> {
    for applied in [false, true] {
        let fault = if applied { Fault::time_out_applied(secs(8)) } else { Fault::time_out(secs(8)) };
        let memory = script(Operation::KvWrite, fault.times(1));
        let (items, began) = (table(&memory).await?, Instant::now());
        let writing = async { items.put("a", &1).await.expect_err("no answer") };
        let looking = async {
            tokio::time::sleep(secs(1)).await;
            items.get("a").await.map(|item| item.is_some())
        };
        let (error, seen) = tokio::join!(writing, looking);
        assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Timeout, true));
        assert_eq!((began.elapsed(), seen?), (secs(8), applied));
        assert_eq!(items.get("a").await?.is_some(), applied);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_some_are_refused_and_the_others_written() -> Result<()> {
    let memory = script(Operation::QueueSend, Fault::refuse(ErrorKind::Unavailable).partly().times(1));
    let jobs = queue(&memory, false).await?;
    let values: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let sent = jobs.send_all(&values).await;
    let accepted: Vec<&String> =
        values.iter().zip(&sent).filter_map(|(value, sent)| sent.is_ok().then_some(value)).collect();
    assert!(!accepted.is_empty() && accepted.len() < 8, "{sent:?}");
    let received = jobs.receive(10, NOW, LEASE).await?;
    let values: Vec<String> = received.iter().map(|delivery| delivery.value()).collect::<Result<_>>()?;
    assert_eq!(values.iter().collect::<Vec<_>>(), accepted);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_some_answers_are_lost_and_all_is_written() -> Result<()> {
    let lost = Fault::lose_answer(ErrorKind::Unavailable).partly().times(1);
    let memory = script(Operation::KvWriteMany, lost);
    let items = table(&memory).await?;
    let keys: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let written = items.put_many(keys.iter().map(|key| (key.as_str(), &1))).await;
    let lost = written.iter().filter_map(|written| written.as_ref().err()).collect::<Vec<_>>();
    assert!((1..8).contains(&lost.len()) && lost.iter().all(|error| error.is_ambiguous()), "{lost:?}");
    for item in items.get_many(keys).await {
        assert!(item?.is_some());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_an_ordered_batch_what_comes_after_a_refused_message_is_refused_too() -> Result<()> {
    for seed in 0..20 {
        let memory = Memory::new();
        let refused = Fault::refuse(ErrorKind::Throttled).partly().times(1);
        memory.faults().unleash(Chaos::quiet(seed).script(Operation::QueueSend, refused));
        let jobs = queue(&memory, true).await?;
        let messages = (0..6).map(|n| OutMessage::new(n.to_string()));
        let messages = messages.map(|mut message| {
            message.group = Some("g".to_owned());
            message
        });
        let sent = jobs.port().send(messages.collect()).await;
        let first = sent.iter().position(std::result::Result::is_err).expect("one at least");
        assert!(sent[first..].iter().all(std::result::Result::is_err), "{sent:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_comes_after_the_message_was_acknowledged_and_cannot_be_settled() -> Result<()> {
    let memory = script(Operation::QueueReceive, Fault::redeliver(secs(10)).times(1));
    let jobs = queue(&memory, false).await?;
    assert!(jobs.receive(1, NOW, LEASE).await?.is_empty(), "a receive of nothing is not struck");
    jobs.send(&"job".to_owned()).await?;
    let first = jobs.receive(1, NOW, LEASE).await?.remove(0);
    let (id, receipt) = (first.id().to_owned(), first.receipt().clone());
    first.ack().await.expect("is acknowledged");
    let depth = jobs.depth().await?;
    assert_eq!((depth.total(), depth.delayed), (1, 1), "what is to come counts");
    assert!(jobs.receive(1, NOW, LEASE).await?.is_empty());
    let began = Instant::now();
    let mut again = jobs.receive(1, secs(20), LEASE).await?;
    assert_eq!((began.elapsed(), again.len()), (secs(10), 1));
    let again = again.remove(0);
    assert_eq!((again.id(), again.receipt(), again.attempt()), (id.as_str(), &receipt, 1));
    let error = again.ack().await.expect_err("settled already");
    assert_eq!(error.error().kind(), ErrorKind::PreconditionFailed);
    assert_eq!(jobs.depth().await?.total(), 0);
    assert!(jobs.receive(1, secs(60), LEASE).await?.is_empty(), "a duplicate is not repeated");
    assert_eq!(trace(&memory), ["queue.receive on \"jobs\", call 2: received again after 10s"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_that_is_held_up_on_its_way_still_counts() -> Result<()> {
    let memory = Memory::new();
    let chaos = Chaos::quiet(1)
        .script(Operation::QueueReceive, Fault::redeliver(NOW).nth(1))
        .script(Operation::QueueReceive, Fault::late_lease(100).nth(2));
    memory.faults().unleash(chaos);
    let jobs = queue(&memory, false).await?;
    jobs.send(&"job".to_owned()).await?;
    jobs.receive(1, NOW, LEASE).await?.remove(0).ack().await.expect("is acknowledged");
    let looking = async {
        tokio::time::sleep(secs(1)).await;
        jobs.depth().await
    };
    let (again, depth) = tokio::join!(jobs.receive(1, NOW, LEASE), looking);
    assert_eq!((again?.len(), depth?.total()), (1, 1));
    assert_eq!(jobs.depth().await?.total(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_ordered_queue_gives_neither_duplicates_nor_another_order() -> Result<()> {
    let memory = Memory::new();
    let chaos = Chaos::quiet(1)
        .script(Operation::QueueReceive, Fault::redeliver(secs(1)))
        .script(Operation::QueueReceive, Fault::reorder());
    memory.faults().unleash(chaos);
    let jobs = queue(&memory, true).await?;
    for n in 0..5 {
        jobs.send(&n.to_string()).group("g").await?;
    }
    let mut values = Vec::new();
    while let [first, ..] = &jobs.receive(1, secs(2), LEASE).await?[..] {
        values.push(first.value()?);
        jobs.port().settle(vec![Settlement::new(first.receipt().clone(), Verdict::Ack)]).await.remove(0)?;
    }
    assert_eq!(values, ["0", "1", "2", "3", "4"]);
    assert_eq!(memory.faults().trace(), []);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn messages_come_in_another_order_within_a_receive_and_across() -> Result<()> {
    let memory = script(Operation::QueueReceive, Fault::reorder().times(1));
    let jobs = queue(&memory, false).await?;
    let values: Vec<String> = (0..20).map(|n| format!("{n:02}")).collect();
    for sent in jobs.send_all(&values).await {
        sent?;
    }
    let mut received = Vec::new();
    for _ in 0..2 {
        let part = jobs.receive(10, NOW, LEASE).await?;
        let part: Vec<String> = part.iter().map(|delivery| delivery.value()).collect::<Result<_>>()?;
        assert!(!part.is_sorted(), "{part:?}");
        received.extend(part);
    }
    received.sort();
    assert_eq!(received, values, "each once");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_late_lease_is_mostly_gone_or_over_when_its_message_comes() -> Result<()> {
    for (percent, left) in [(80, secs(6)), (120, secs(0))] {
        let memory = script(Operation::QueueReceive, Fault::late_lease(percent).times(1));
        let jobs = queue(&memory, false).await?;
        jobs.send(&"job".to_owned()).await?;
        let late = jobs.receive(1, NOW, LEASE).await?.remove(0);
        assert_eq!(late.lease_remaining(), left);
        assert_eq!(late.ack().await.is_ok(), percent < 100);
        assert_eq!(jobs.receive(1, NOW, LEASE).await?.len(), usize::from(percent > 100));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_resumed_and_seen_by_who_reads_the_port() -> Result<()> {
    let memory = script(Operation::BlobGet, Fault::break_off(40).times(2));
    let objects = bucket(&memory).await?;
    let bytes: Vec<u8> = (0..1_000_u32).map(|n| n as u8).collect();
    objects.put("a", bytes.clone()).await?;
    let options = GetOptions::default();
    let GetResult::Found { body, .. } = objects.port().get("a", options).await? else {
        panic!("it is there");
    };
    assert_eq!(body.known_len(), Some(1_000));
    let error = body.collect(1_000).await.expect_err("breaks off");
    assert!(error.kind() == ErrorKind::Unavailable && error.is_retryable());
    assert_eq!(objects.get("a").bytes().await?, bytes, "the handle goes on where it broke");
    assert_eq!(memory.faults().struck(), 2);
    assert!(trace(&memory)[1].ends_with("the body broke off after 40 %"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_body_stands_still_and_then_goes_on() -> Result<()> {
    let memory = script(Operation::BlobGet, Fault::stall(50, secs(7)).times(1));
    let (objects, began) = (bucket(&memory).await?, Instant::now());
    objects.put("a", "0123456789").await?;
    assert_eq!(objects.get("a").text().await?, "0123456789");
    assert_eq!(began.elapsed(), secs(7));
    objects.put("empty", "").await?;
    memory.faults().inject(Operation::BlobGet, Fault::break_off(100));
    assert_eq!(objects.get("empty").text().await?, "", "nothing breaks off of nothing");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_wall_clock_jumps_both_ways_and_leases_of_queues_do_not_mind() -> Result<()> {
    let memory = Memory::new();
    let chaos = Chaos::quiet(1)
        .script(Operation::KvGet, Fault::jump(secs(120)).nth(1))
        .script(Operation::KvGet, Fault::jump_back(secs(200)).nth(2));
    memory.faults().unleash(chaos);
    let (items, jobs, clock) = (table(&memory).await?, queue(&memory, false).await?, memory.clock());
    let (before, began) = (clock.now(), Instant::now());
    items.put("a", &1).expires(secs(100)).await?;
    jobs.send(&"job".to_owned()).await?;
    let held = jobs.port().receive(ReceiveOptions::new(1, NOW, LEASE)).await?;
    assert!(items.get("a").await?.is_none(), "it has expired by the clock");
    assert_eq!(clock.now(), before + secs(120));
    assert!(items.get("a").await?.is_some(), "it is there by the clock");
    assert_eq!((clock.now(), began.elapsed()), (before - secs(80), NOW));
    jobs.port().extend(&held[0].receipt, LEASE).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_invocation_crashes_before_or_after_its_call_and_never_goes_on() -> Result<()> {
    for applied in [false, true] {
        let fault = if applied { Fault::crash_after() } else { Fault::crash() };
        let memory = script(Operation::KvWrite, fault.nth(2));
        let items = table(&memory).await?;
        let ended = memory.invocation(&[], async {
            items.put("a", &1).await?;
            // Beside it another call: it does not come to be.
            let (b, c) = tokio::join!(items.put("b", &2), items.put("c", &3));
            b.and(c)
        });
        assert_eq!(ended.await.expect_err("crashed"), Crashed);
        let written = [items.get("a").await?, items.get("b").await?, items.get("c").await?];
        assert_eq!(written.map(|item| item.is_some()), [true, applied, false]);
        let call = memory.invocation(&[], items.put("d", &4)).await;
        call.expect("another invocation goes on")?;
    }
    Ok(())
}

#[test]
fn a_fault_that_could_never_strike_is_refused_where_it_is_placed() {
    let body = || Fault::break_off(50);
    let misplaced: [fn() -> Chaos; 5] = [
        || Chaos::quiet(1).script(Operation::KvGet, Fault::break_off(50)),
        || Chaos::quiet(1).rate(Operation::QueueSend, Fault::redeliver(NOW), 0.5),
        || Chaos::quiet(1).rate_of_port(Port::Kv, Fault::late_lease(120), 0.5),
        || Chaos::quiet(1).rate(Operation::KvGet, Fault::slow(NOW), 1.01),
        || Chaos::quiet(1).rate_of_port(Port::Kv, Fault::slow(NOW), f64::NAN),
    ];
    for place in misplaced {
        std::panic::catch_unwind(place).expect_err("it never strikes");
    }
    for make in [|| Fault::reorder().nth(0), || Fault::reorder().with_probability(-0.1)] {
        std::panic::catch_unwind(make).expect_err("it never strikes");
    }
    let memory = Memory::new();
    let placing = || memory.faults().inject(Operation::BlobHead, body());
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(placing)).expect_err("it never strikes");
    // Of a port, those that it can strike; everywhere, too.
    memory.faults().inject_everywhere(body());
    memory.faults().inject(Operation::BlobGet, body().nth(1).with_probability(1.0));
    memory.faults().unleash(Chaos::quiet(1).rate_of_port(Port::Blob, body(), 0.0));
}

#[tokio::test(start_paused = true)]
async fn no_crash_strikes_outside_of_an_invocation() -> Result<()> {
    let memory = script(Operation::KvWrite, Fault::crash().times(1));
    let items = table(&memory).await?;
    items.put("a", &1).await?;
    assert_eq!(memory.faults().struck(), 0);
    memory.invocation(&[], items.put("a", &2)).await.expect_err("crashed");
    assert!(memory.faults().trace()[0].is_crash());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_crashed_invocation_is_nobodys_until_its_lease_ends() -> Result<()> {
    let memory = script(Operation::KvIncrement, Fault::crash_after().times(1));
    let (items, jobs) = (table(&memory).await?, queue(&memory, false).await?);
    jobs.send(&"job".to_owned()).await?;
    let mut held = jobs.receive(1, NOW, LEASE).await?.remove(0);
    let delivery = [Held::from(held.raw())];
    let crashed = memory.invocation(&delivery, async { items.increment("a", 1).await }).await;
    assert_eq!(crashed.expect_err("crashed"), Crashed);
    let error = held.extend(LEASE).await.expect_err("nobody's");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    let error = held.retry(NOW).await.expect_err("nobody's");
    assert_eq!(error.error().kind(), ErrorKind::PreconditionFailed);
    let began = Instant::now();
    let again = jobs.receive(1, secs(60), LEASE).await?.remove(0);
    assert_eq!((began.elapsed(), again.attempt()), (LEASE, 2));
    again.ack().await.expect("the next delivery is settled");
    assert_eq!(items.get("a").await?.map(|item| item.value), Some(1), "the effect stays");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_crash_of_a_duplicate_s_invocation_leaves_a_later_delivery_to_its_holder() -> Result<()> {
    let attempt = |raw: &RawDelivery| Held::attempt(raw.id.clone(), raw.attempt);
    for named in [|raw: &RawDelivery| Held::from(raw), attempt] {
        let memory = Memory::new();
        let chaos = Chaos::quiet(1)
            .script(Operation::QueueReceive, Fault::redeliver(secs(45)).times(1))
            .script(Operation::KvIncrement, Fault::crash_after());
        memory.faults().unleash(chaos);
        let (items, jobs) = (table(&memory).await?, queue(&memory, false).await?);
        jobs.send(&"job".to_owned()).await?;
        let first = jobs.receive(1, NOW, LEASE).await?.remove(0);
        tokio::time::sleep(LEASE).await;
        let second = jobs.receive(1, NOW, LEASE).await?.remove(0);
        tokio::time::sleep(secs(15)).await;
        let duplicate = jobs.receive(1, NOW, LEASE).await?.remove(0);
        assert_eq!((second.attempt(), duplicate.receipt()), (2, first.receipt()));
        let deliveries = [named(duplicate.raw()), named(first.raw())];
        let crashed = memory.invocation(&deliveries, async { items.increment("a", 1).await }).await;
        assert_eq!(crashed.expect_err("crashed"), Crashed);
        second.ack().await.expect("it is held still");
        assert_eq!(jobs.depth().await?.total(), 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_end_of_faults_ends_what_they_wait_for_and_lets_duplicates_go() -> Result<()> {
    let memory = Memory::new();
    let chaos = Chaos::quiet(1)
        .script(Operation::KvGet, Fault::slow(secs(3_600)))
        .script(Operation::QueueReceive, Fault::redeliver(secs(3_600)));
    memory.faults().unleash(chaos);
    let (items, jobs) = (table(&memory).await?, queue(&memory, false).await?);
    jobs.send(&"job".to_owned()).await?;
    jobs.receive(1, NOW, LEASE).await?.remove(0).ack().await.expect("is acknowledged");
    let began = Instant::now();
    let ending = async {
        tokio::time::sleep(secs(1)).await;
        memory.faults().clear();
    };
    let (got, again, ()) = tokio::join!(items.get("a"), jobs.receive(1, secs(20), LEASE), ending);
    assert_eq!((got?.is_none(), again?.len(), began.elapsed()), (true, 1, secs(1)));
    assert_eq!(memory.faults().trace().len(), 2, "what was injected is told still");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_leaves_the_lease_as_it_was() -> Result<()> {
    let memory = script(Operation::QueueExtend, Fault::refuse(ErrorKind::Unavailable).times(1));
    let jobs = queue(&memory, false).await?;
    jobs.send(&"job".to_owned()).await?;
    let mut held = jobs.receive(1, NOW, LEASE).await?.remove(0);
    tokio::time::advance(secs(20)).await;
    assert_eq!(held.extend(LEASE).await.expect_err("fails").kind(), ErrorKind::Unavailable);
    assert_eq!(held.lease_remaining(), secs(10));
    held.extend(LEASE).await?;
    assert_eq!(held.lease_remaining(), LEASE);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_part_of_an_upload_whose_answer_is_lost_is_sent_again_and_nothing_is_seen_before_the_end()
-> Result<()> {
    let memory = script(Operation::BlobPutPart, Fault::lose_answer(ErrorKind::Unavailable).nth(1));
    let objects = bucket(&memory).await?;
    let upload = objects.port().start_upload("a", PutOptions::default()).await?;
    let part = Bytes::from_static(b"all of it");
    assert!(upload.put_part(0, part.clone()).await.expect_err("lost").is_ambiguous());
    assert!(!objects.exists("a").await?);
    upload.put_part(0, part).await?;
    upload.complete(1).await?;
    assert_eq!(objects.get("a").text().await?, "all of it");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_worker_outlives_duplicates_late_leases_and_crashes() -> Result<()> {
    let memory = Memory::new();
    let chaos = Chaos::quiet(1)
        .script(Operation::QueueReceive, Fault::redeliver(secs(5)).times(1))
        .script(Operation::QueueReceive, Fault::late_lease(150).nth(3))
        .script(Operation::KvIncrement, Fault::crash_after().nth(2));
    memory.faults().unleash(chaos);
    let (items, jobs) = (table(&memory).await?, queue(&memory, false).await?);
    let (stop, invoking) = (Shutdown::new(), (memory.clone(), items.clone()));
    let worker = Worker::new(Arc::clone(jobs.port()), WorkerConfig::default(), move |messages, _| {
        let (memory, items) = invoking.clone();
        async move {
            let held: Vec<_> = messages.iter().map(Held::from).collect();
            let work = async {
                for message in &messages {
                    let key = String::from_utf8_lossy(&message.body).into_owned();
                    items.increment(key.as_str(), 1).await.expect("is counted");
                }
            };
            let outcome = match memory.invocation(&held, work).await {
                Ok(()) => Outcome::Done,
                Err(Crashed) => Outcome::retry("crashed"),
            };
            vec![outcome; held.len()]
        }
    });
    let working = tokio::spawn(worker.run(stop.clone()));
    for job in ["a", "b", "c"] {
        jobs.send(&job.to_owned()).await?;
        tokio::time::sleep(secs(120)).await;
    }
    assert_eq!(jobs.depth().await?.total(), 0);
    let mut counts = Vec::new();
    for item in items.get_many([r#""a""#, r#""b""#, r#""c""#]).await {
        counts.push(item?.map_or(0, |item| item.value));
    }
    // The first once more by its duplicate, whose invocation crashed; the second once more, since its lease was over.
    assert_eq!(counts, [2, 2, 1], "{:?}", trace(&memory));
    assert_eq!(memory.faults().struck(), 3);
    stop.trigger();
    working.await.expect("stops");
    Ok(())
}
