//! Settling: receipts that move, answers that are lost, and receipts of the platform's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skyport_azure_wire::message::receipt;
use skyport_core::ErrorKind;
use skyport_core::queue::port::{MessageQueue, Receipt, Settlement, Verdict};
use skyport_stub::{Answer, Log};

use crate::stub::{
    Call, Gate, SECOND, calls, id, kind, list, one, ours, queue, received, refusal, repeating, settle, until,
};

/// A queue with one message, where calls of one kind are answered by these, in order.
fn scripted(
    scripted: Call,
    answers: fn(usize) -> Option<Answer>,
) -> impl Fn(Call, &str, usize) -> Option<Answer> + Send + Sync + 'static {
    move |call, _, before| match call {
        Call::Take => Some(list(&[ours(1, 1, "body")])),
        call if call == scripted => answers(before),
        _ => None,
    }
}

#[tokio::test]
async fn an_extension_gives_another_receipt_and_the_old_one_leads_to_it() {
    for settled_by_the_old in [false, true] {
        let (queue, log) = queue(scripted(Call::Hide, |_| None)).await;
        let delivery = one(&queue).await;
        let first = queue.extend(&delivery.receipt, SECOND * 30).await.expect("extended");
        let asked = calls(&log, Call::Hide, "jobs").remove(0);
        let wanted =
            format!("/acct/jobs/messages/{}?popreceipt=pop%2B1%2F%3D%3D&visibilitytimeout=30", id(1));
        assert_eq!(asked.target, wanted);
        assert_ne!(first, delivery.receipt);
        let second = queue.extend(&first, SECOND * 30).await.expect("extended again");
        let receipt = if settled_by_the_old { &delivery.receipt } else { &second };
        let settled = queue.settle(vec![Settlement::new(receipt.clone(), Verdict::Ack)]).await;
        assert!(settled[0].is_ok());
        let deleted = calls(&log, Call::Delete, "jobs").remove(0);
        assert!(deleted.target.contains("popreceipt=moved%2B1%2F%3D%3D"), "{}", deleted.target);
        let before = log.all().len();
        for over in [&delivery.receipt, &first, &second] {
            assert_eq!(kind(queue.extend(over, SECOND).await), Some(ErrorKind::PreconditionFailed));
        }
        assert_eq!(log.all().len(), before, "refused without a request");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_extension_loses_no_receipt_and_a_settlement_waits_for_it() {
    let gate = Gate::default();
    let script = {
        let gate = gate.clone();
        move |call, _: &str, _| match call {
            Call::Take => Some(list(&[ours(1, 1, "body")])),
            Call::Hide => {
                gate.pass();
                None
            }
            _ => None,
        }
    };
    let (queue, log) = queue(script).await;
    let delivery = one(&queue).await;
    let extending = tokio::spawn({
        let (queue, receipt) = (Arc::clone(&queue), delivery.receipt.clone());
        async move { queue.extend(&receipt, SECOND * 30).await }
    });
    until(|| gate.is_reached()).await;
    extending.abort();
    assert!(extending.await.expect_err("dropped").is_cancelled());
    let settling = settle(&queue, &delivery, Verdict::Ack);
    let (settled, ()) = tokio::join!(settling, async { gate.open() });
    settled.expect("by the receipt that the extension brought");
    let deleted = calls(&log, Call::Delete, "jobs").remove(0);
    assert!(deleted.target.contains("popreceipt=moved%2B0%2F%3D%3D"), "{}", deleted.target);
}

/// A queue with one message whose deletion is slow; the flag tells that it has begun.
async fn slowly_deleted(answer: fn() -> Option<Answer>) -> (Arc<dyn MessageQueue>, Log, Arc<AtomicBool>) {
    let begun = Arc::new(AtomicBool::new(false));
    let telling = Arc::clone(&begun);
    let script = move |call, _: &str, _| match call {
        Call::Take => Some(list(&[ours(1, 1, "body")])),
        Call::Delete => {
            telling.store(true, Ordering::SeqCst);
            std::thread::sleep(SECOND / 5);
            answer()
        }
        _ => None,
    };
    let (queue, log) = queue(script).await;
    (queue, log, begun)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_extension_waits_for_a_settlement_that_is_under_way() {
    for (answer, kept) in
        [((|| None) as fn() -> Option<Answer>, false), (|| Some(refusal(503, "ServerBusy")), true)]
    {
        let (queue, log, begun) = slowly_deleted(answer).await;
        let delivery = one(&queue).await;
        let settling = tokio::spawn({
            let (queue, delivery) = (Arc::clone(&queue), delivery.clone());
            async move { settle(&queue, &delivery, Verdict::Ack).await }
        });
        until(|| begun.load(Ordering::SeqCst)).await;
        let extended = queue.extend(&delivery.receipt, SECOND * 30).await;
        let settled = settling.await.expect("it ends");
        assert_eq!((settled.is_err(), extended.is_ok()), (kept, kept));
        let lines = log.lines();
        let hidden = lines.iter().position(|line| line.starts_with("PUT"));
        let deleted = lines.iter().position(|line| line.starts_with("DELETE"));
        assert!(if kept { hidden > deleted } else { hidden.is_none() }, "{lines:?}");
        if !kept {
            assert_eq!(kind(extended), Some(ErrorKind::PreconditionFailed), "it is settled");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_settlements_at_once_the_second_finds_it_settled() {
    let (queue, log, begun) = slowly_deleted(|| None).await;
    let delivery = one(&queue).await;
    let settling = tokio::spawn({
        let (queue, delivery) = (Arc::clone(&queue), delivery.clone());
        async move { settle(&queue, &delivery, Verdict::Ack).await }
    });
    until(|| begun.load(Ordering::SeqCst)).await;
    let second = settle(&queue, &delivery, Verdict::Retry(SECOND)).await;
    assert_eq!(kind(second), Some(ErrorKind::PreconditionFailed));
    settling.await.expect("it ends").expect("settled");
    assert!(calls(&log, Call::Hide, "jobs").is_empty());
}

#[tokio::test]
async fn a_last_attempt_that_was_extended_is_still_a_last_attempt() {
    let script = |call, _: &str, _| (call == Call::Take).then(|| list(&[ours(1, 5, "poison")]));
    let (queue, log) = queue(script).await;
    let delivery = one(&queue).await;
    let renewed = queue.extend(&delivery.receipt, SECOND * 30).await.expect("extended");
    let settled = queue.settle(vec![Settlement::new(renewed, Verdict::Retry(Duration::ZERO))]).await;
    assert!(settled[0].is_ok());
    assert_eq!(calls(&log, Call::Put, "jobs-poison").len(), 1);
}

#[tokio::test]
async fn an_extension_whose_answer_was_lost_leaves_the_delivery_in_doubt() {
    // It was applied: the receipt has moved, and nobody knows where to.
    let applied = |before| Some(if before == 0 { Answer::Lost } else { refusal(400, "PopReceiptMismatch") });
    let (queue, _) = queue(scripted(Call::Hide, applied)).await;
    let queue = repeating(queue);
    let delivery = one(&queue).await;
    assert_eq!(kind(queue.extend(&delivery.receipt, SECOND).await), Some(ErrorKind::Indeterminate));
    // The message returns by its lease; this receipt settles it no more.
    assert_eq!(kind(settle(&queue, &delivery, Verdict::Ack).await), Some(ErrorKind::PreconditionFailed));
}

#[tokio::test]
async fn an_extension_that_never_arrived_is_repeated() {
    let (queue, _) = queue(scripted(Call::Hide, |before| (before == 0).then_some(Answer::Lost))).await;
    let queue = repeating(queue);
    let delivery = one(&queue).await;
    let renewed = queue.extend(&delivery.receipt, SECOND * 30).await.expect("the second time");
    assert!(queue.settle(vec![Settlement::new(renewed, Verdict::Ack)]).await[0].is_ok());
}

#[tokio::test]
async fn an_ack_whose_answer_was_lost_is_done_where_the_message_is_gone() {
    let applied = |before| Some(if before == 0 { Answer::Lost } else { refusal(404, "MessageNotFound") });
    let (queue, log) = queue(scripted(Call::Delete, applied)).await;
    let queue = repeating(queue);
    let delivery = one(&queue).await;
    settle(&queue, &delivery, Verdict::Ack).await.expect("done");
    assert_eq!(calls(&log, Call::Delete, "jobs").len(), 2);
}

#[tokio::test]
async fn a_retry_whose_answer_was_lost_is_in_doubt() {
    let applied = |before| Some(if before == 0 { Answer::Lost } else { refusal(400, "PopReceiptMismatch") });
    let (queue, _) = queue(scripted(Call::Hide, applied)).await;
    let queue = repeating(queue);
    let delivery = one(&queue).await;
    let retried = settle(&queue, &delivery, Verdict::Retry(SECOND)).await;
    assert_eq!(kind(retried), Some(ErrorKind::Indeterminate));
}

#[tokio::test]
async fn a_lease_that_somebody_else_has_by_now_is_a_failed_precondition() {
    for (status, code) in [(400, "PopReceiptMismatch"), (404, "MessageNotFound")] {
        let (queue, _) = queue(move |call, _, _| match call {
            Call::Take => Some(list(&[ours(1, 1, "body")])),
            _ => Some(refusal(status, code)),
        })
        .await;
        for verdict in [Verdict::Ack, Verdict::Retry(SECOND)] {
            let delivery = one(&queue).await;
            assert_eq!(kind(settle(&queue, &delivery, verdict).await), Some(ErrorKind::PreconditionFailed));
        }
        let delivery = one(&queue).await;
        assert_eq!(kind(queue.extend(&delivery.receipt, SECOND).await), Some(ErrorKind::PreconditionFailed));
    }
}

#[tokio::test]
async fn a_queue_that_was_removed_meanwhile_is_not_found() {
    let (queue, _) = queue(scripted(Call::Delete, |_| Some(refusal(404, "QueueNotFound")))).await;
    let delivery = one(&queue).await;
    let error = settle(&queue, &delivery, Verdict::Ack).await.expect_err("removed");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::NotFound, Some("jobs")));
}

#[tokio::test]
async fn a_pause_is_rounded_up() {
    let (queue, log) = queue(scripted(Call::Hide, |_| None)).await;
    let delivery = one(&queue).await;
    settle(&queue, &delivery, Verdict::Retry(Duration::from_millis(1_001))).await.expect("retried");
    let asked = calls(&log, Call::Hide, "jobs").remove(0);
    assert!(asked.target.ends_with("visibilitytimeout=2"), "{}", asked.target);
}

#[tokio::test]
async fn a_message_that_the_platform_handed_over_is_settled_by_its_id_and_pop_receipt() {
    let (queue, log) = queue(|_, _, _| None).await;
    let handed = receipt(&id(7), "AgAA+/==").expect("the platform's");
    for verdict in [Verdict::Retry(SECOND * 5), Verdict::Ack] {
        assert!(queue.settle(vec![Settlement::new(handed.clone(), verdict)]).await[0].is_ok());
    }
    let lines = log.lines();
    let message = format!("/acct/jobs/messages/{}?popreceipt=AgAA%2B%2F%3D%3D", id(7));
    assert_eq!(lines, [format!("PUT {message}&visibilitytimeout=5"), format!("DELETE {message}")]);
}

#[tokio::test]
async fn what_is_no_receipt_is_refused_without_a_request() {
    let (queue, log) = queue(|_, _, _| None).await;
    for nonsense in ["", "no such receipt", "..:pop", "a/b:pop", "id:", "skyport-azqueue:x"] {
        let settled = queue.settle(vec![Settlement::new(Receipt::new(nonsense), Verdict::Ack)]).await;
        let kind = settled[0].as_ref().err().map(skyport_core::Error::kind);
        assert_eq!(kind, Some(ErrorKind::InvalidArgument), "{nonsense}");
    }
    assert!(log.all().is_empty());
}

#[tokio::test]
async fn each_of_many_has_its_result_in_its_place_and_the_same_twice_is_settled_once() {
    let script = |call, _: &str, before| match call {
        Call::Take if before == 0 => Some(list(&[0, 1, 2].map(|n| ours(n, 1, "body")))),
        Call::Hide => Some(refusal(400, "PopReceiptMismatch")),
        _ => None,
    };
    let (queue, log) = queue(script).await;
    let held = received(&queue).await;
    let settlement = |at: usize, verdict| Settlement::new(held[at].receipt.clone(), verdict);
    let results = queue
        .settle(vec![
            settlement(2, Verdict::Ack),
            settlement(0, Verdict::Retry(SECOND)),
            settlement(1, Verdict::Ack),
            settlement(2, Verdict::Ack),
        ])
        .await;
    let kinds: Vec<_> =
        results.iter().map(|result| result.as_ref().err().map(skyport_core::Error::kind)).collect();
    let over = Some(ErrorKind::PreconditionFailed);
    assert_eq!(kinds, [None, over, None, over]);
    assert_eq!(calls(&log, Call::Delete, "jobs").len(), 2);
}
