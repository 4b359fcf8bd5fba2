//! Groups of ordered queues.

use skyport_core::Outcome;
use skyport_memory::{Fault, Operation};
use tokio::time::sleep;

use super::{Bench, SECOND, config, text};

#[tokio::test(start_paused = true)]
async fn messages_of_a_group_run_one_after_the_other_and_groups_beside_each_other() {
    let bench = Bench::new(5, true).await;
    bench.send_grouped(&["a:1", "b:1", "a:2", "a:3", "b:2"]).await;
    let worker = bench.work(config(|_| {}), |_, _| async {
        sleep(SECOND * 10).await;
        vec![Outcome::Done]
    });
    sleep(SECOND * 60).await;
    let mut seen: Vec<_> = bench.log.texts().into_iter().zip(bench.log.seconds()).collect();
    seen.sort();
    let expected = [("a:1", 0), ("a:2", 10), ("a:3", 20), ("b:1", 0), ("b:2", 10)];
    assert_eq!(seen, expected.map(|(text, second)| (text.to_owned(), second)));
    bench.stop(worker).await;
    assert_eq!(bench.total().await, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_the_rest_of_its_group_waits_and_other_groups_go_on() {
    for batch in [1, 10] {
        let bench = Bench::new(5, true).await;
        bench.send_grouped(&["a:1", "a:2", "b:1", "a:3", "b:2"]).await;
        let settings = config(|c| c.batch = batch);
        let worker = bench.work(settings, |messages, _| async move {
            let outcome = |message| match text(message).as_str() {
                "a:2" if message.attempt == 1 => Outcome::retry_after(SECOND * 5, "once"),
                _ => Outcome::Done,
            };
            messages.iter().map(outcome).collect()
        });
        sleep(SECOND * 60).await;
        let seen = bench.log.texts();
        let last_of = |text: &str| seen.iter().rposition(|seen| seen == text).expect(text);
        assert!(last_of("a:1") < last_of("a:2") && last_of("a:2") < last_of("a:3"), "{seen:?}");
        assert!(last_of("b:2") < last_of("a:2"), "{seen:?}");
        bench.stop(worker).await;
        assert_eq!(bench.total().await, 0);
        assert!(bench.dead_reasons().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_poison_message_does_not_use_up_the_attempts_of_those_behind_it() {
    let bench = Bench::new(3, true).await;
    bench.send_grouped(&["a:poison", "a:2", "a:3"]).await;
    let worker = bench.work(config(|_| {}), |messages, _| async move {
        let outcome = |message| match text(message).as_str() {
            "a:poison" => Outcome::retry("never"),
            _ => Outcome::Done,
        };
        messages.iter().map(outcome).collect()
    });
    sleep(SECOND * 120).await;
    assert_eq!(bench.log.texts(), ["a:poison", "a:poison", "a:poison", "a:2", "a:3"]);
    assert_eq!(bench.dead_reasons().await, [("a:poison".to_owned(), "attempts".to_owned())]);
    bench.stop(worker).await;
    assert_eq!(bench.total().await, 0);
}

/// The worker counts a lease from before its receive: it knows of the end while the queue still takes what stands behind.
#[tokio::test(start_paused = true)]
async fn where_a_lease_has_ended_what_stands_behind_it_in_its_group_returns_with_it() {
    let bench = Bench::new(5, true).await;
    let faults = bench.memory.faults();
    faults.inject(Operation::QueueReceive, Fault::slow(SECOND / 2));
    // The renewal of the first message gets no answer until its lease is over.
    faults.inject(Operation::QueueExtend, Fault::slow(SECOND * 60).nth(1));
    bench.send_grouped(&["a:1", "a:2", "a:3"]).await;
    let settings = config(|c| (c.batch, c.lease) = (3, SECOND * 10));
    let worker = bench.work(settings, |messages, _| async move {
        if messages[0].attempt == 1 {
            // It ends between the two.
            sleep(SECOND * 97 / 10).await;
        }
        vec![Outcome::Done; messages.len()]
    });
    sleep(SECOND * 60).await;
    assert_eq!(bench.log.texts(), ["a:1", "a:2", "a:3", "a:1", "a:2", "a:3"]);
    bench.stop(worker).await;
    assert_eq!(bench.total().await, 0);
}
