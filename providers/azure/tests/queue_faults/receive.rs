//! Receiving: how often a queue is looked at, what a dropped receive leaves behind, and what is not to be handed over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skyport_core::ErrorKind;
use skyport_core::queue::port::{OutMessage, ReceiveOptions};
use skyport_stub::{Answer, answer};
use tokio::time::Instant;

use crate::stub::{
    Call, Gate, SECOND, calls, kind, list, message, one, ours, queue, queue_of, received, refusal, repeating,
    until, with,
};

#[tokio::test]
async fn an_idle_queue_is_looked_at_about_once_a_second() {
    let (queue, log) = queue(|_, _, _| None).await;
    let begun = Instant::now();
    let options = ReceiveOptions::new(10, SECOND * 3, SECOND * 60);
    assert!(queue.receive(options).await.expect("looked").is_empty());
    assert!(begun.elapsed() >= SECOND * 3);
    let first = calls(&log, Call::Take, "jobs").len();
    assert!((4..=8).contains(&first), "{first} looks in 3 s");
    assert!(queue.receive(options).await.expect("looked").is_empty());
    let second = calls(&log, Call::Take, "jobs").len() - first;
    assert!((4..=5).contains(&second), "{second} looks in 3 s of a queue that is known to be idle");
}

#[tokio::test]
async fn a_look_asks_for_what_is_wanted_and_no_wait_looks_once() {
    let (queue, log) = queue(|_, _, _| None).await;
    assert!(received(&queue).await.is_empty());
    let asked = calls(&log, Call::Take, "jobs");
    assert_eq!(asked.len(), 1);
    assert!(asked[0].target.contains("numofmessages=32&visibilitytimeout=60"), "{}", asked[0].target);
}

#[tokio::test]
async fn what_the_same_process_sends_ends_a_pause() {
    let mut soonest = SECOND * 10;
    // A busy machine may be slow once, and not every time.
    for _ in 0..3 {
        let sent = Arc::new(AtomicBool::new(false));
        let (told, seen) = (Arc::clone(&sent), sent);
        let (queue, log) = queue(move |call, _, _| {
            if call == Call::Put {
                told.store(true, Ordering::SeqCst);
            }
            (call == Call::Take && told.load(Ordering::SeqCst)).then(|| list(&[ours(1, 1, "body")]))
        })
        .await;
        let idle = ReceiveOptions::new(1, SECOND * 2, SECOND * 60);
        assert!(queue.receive(idle).await.expect("looked").is_empty());
        let looks = calls(&log, Call::Take, "jobs").len();
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.receive(ReceiveOptions::new(1, SECOND * 10, SECOND * 60)).await }
        });
        // It has looked in vain, and pauses for as long as it ever does.
        until(|| calls(&log, Call::Take, "jobs").len() > looks).await;
        let begun = Instant::now();
        assert!(queue.send(vec![OutMessage::new("x")]).await[0].is_ok());
        assert_eq!(waiting.await.expect("it ends").expect("received").len(), 1);
        assert!(seen.load(Ordering::SeqCst));
        soonest = soonest.min(begun.elapsed());
    }
    assert!(soonest < Duration::from_millis(500), "{soonest:?}, of a pause of 800 ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dropped_receive_brought_goes_back_and_costs_no_attempt() {
    let gate = Gate::default();
    let script = {
        let gate = gate.clone();
        move |call, _: &str, before| {
            (call == Call::Take).then(|| {
                gate.pass();
                list(&[ours(1, 1 + u32::try_from(before).expect("few"), "body")])
            })
        }
    };
    let (queue, log) = queue_of(1, script).await;
    let receiving = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.receive(ReceiveOptions::new(1, SECOND, SECOND * 60)).await }
    });
    until(|| gate.is_reached()).await;
    receiving.abort();
    assert!(receiving.await.expect_err("dropped").is_cancelled());
    gate.open();
    until(|| !calls(&log, Call::Hide, "jobs").is_empty()).await;
    let back = calls(&log, Call::Hide, "jobs").remove(0);
    assert!(back.target.contains("visibilitytimeout=0"), "{}", back.target);
    assert!(back.target.contains("popreceipt=pop%2B1%2F%3D%3D"), "{}", back.target);
    let delivery = one(&queue).await;
    assert_eq!(delivery.attempt, 1, "with one attempt it would else be a dead letter that nobody has seen");
}

#[tokio::test]
async fn what_cannot_be_settled_is_passed_over_and_its_neighbours_are_not() {
    let broken = [
        with("../secrets", "pop", 1, "x"),
        with("", "pop", 1, "x"),
        with("a b", "pop", 1, "x"),
        "<QueueMessage/>".to_owned(),
        ours(1, 1, "well"),
    ];
    let (queue, _) = queue(move |call, _, _| (call == Call::Take).then(|| list(&broken))).await;
    assert_eq!(one(&queue).await.body, "well");
}

#[tokio::test]
async fn what_is_no_answer_is_malformed_and_what_is_none_at_all_is_repeated() {
    for nonsense in [
        "",
        "<",
        "{}",
        "<QueueMessagesList><QueueMessage><DequeueCount>many</DequeueCount></QueueMessage></QueueMessagesList>",
    ] {
        let (queue, _) = queue(move |_, _, _| Some(answer(200, nonsense).into())).await;
        let looked = queue.receive(ReceiveOptions::new(1, Duration::ZERO, SECOND)).await;
        assert_eq!(kind(looked), Some(ErrorKind::Malformed), "{nonsense}");
    }
    let script = |call, _: &str, before| {
        (call == Call::Take).then(|| match before {
            0 => Answer::Lost,
            1 => refusal(500, "InternalError"),
            _ => list(&[ours(1, 1, "body")]),
        })
    };
    let (queue, _) = queue(script).await;
    assert_eq!(one(&repeating(queue)).await.body, "body");
}

#[tokio::test]
async fn numbers_and_times_that_nobody_expects_do_no_harm() {
    let odd = |count: &str, time: &str| {
        message(1, 7, "x")
            .replace("<DequeueCount>7<", &format!("<DequeueCount>{count}<"))
            .replace("<InsertionTime>Thu, 26 Nov 2026 19:00:00 GMT<", &format!("<InsertionTime>{time}<"))
    };
    for (count, time) in [
        ("-5", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("9223372036854775807", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("0", "Mon, 01 Jan 0001 00:00:00 GMT"),
    ] {
        let text = odd(count, time);
        let (queue, _) = queue_of(u32::MAX, move |call, _, _| {
            (call == Call::Take).then(|| list(std::slice::from_ref(&text)))
        })
        .await;
        assert!(one(&queue).await.attempt >= 1);
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_given_up() {
    for call in [Call::Take, Call::Put] {
        let (queue, _) = queue(move |asked, _, _| {
            let status = if call == Call::Take { 200 } else { 201 };
            (asked == call).then(|| Answer::Endless(answer(status, vec![b'x'; 64 << 10])))
        })
        .await;
        let error = match call {
            Call::Take => queue.receive(ReceiveOptions::new(1, Duration::ZERO, SECOND)).await.map(drop),
            _ => queue.send(vec![OutMessage::new("x")]).await.remove(0).map(drop),
        };
        assert_eq!(kind(error), Some(ErrorKind::Malformed));
    }
}
