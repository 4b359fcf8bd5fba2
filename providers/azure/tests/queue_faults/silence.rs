//! Connections on which no answer comes.

use std::sync::Arc;
use std::time::Duration;

use skyport_core::queue::port::{MessageQueue, OutMessage, ReceiveOptions, Settlement, Verdict};
use skyport_core::{ErrorKind, Result};
use skyport_stub::{Answer, Log};
use tokio::time::Instant;

use crate::stub::{
    Call, SECOND, call, calls, kind, list, one, ours, queue, queue_of, received, repeating, settle, until,
};

/// For how long a call is waited for.
const SILENCE: Duration = Duration::from_secs(10);

/// What a call comes to whose first request is not answered; from then on time passes by itself.
pub(crate) async fn unanswered<T: Send + 'static>(
    log: &Log,
    silent: Call,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let working = tokio::spawn(work);
    until(|| log.all().iter().any(|asked| call(asked).0 == silent)).await;
    tokio::time::pause();
    let ended = working.await.expect("it ends");
    tokio::time::resume();
    ended
}

/// Makes one call to the queue.
async fn made(queue: &Arc<dyn MessageQueue>, call: Call) -> Result<()> {
    match call {
        Call::Take => queue.receive(ReceiveOptions::new(1, Duration::ZERO, SECOND)).await.map(drop),
        Call::Put => queue.send(vec![OutMessage::new("x")]).await.remove(0).map(drop),
        Call::Count => queue.depth().await.map(drop),
        Call::Hide => queue.extend(&one(queue).await.receipt, SECOND * 60).await.map(drop),
        _ => settle(queue, &one(queue).await, Verdict::Ack).await,
    }
}

#[tokio::test]
async fn every_call_ends_where_no_answer_comes_and_may_have_been_carried_out() {
    for silent in [Call::Take, Call::Put, Call::Count, Call::Hide, Call::Delete] {
        let (queue, log) = queue(move |call, _, _| match call {
            call if call == silent => Some(Answer::Silent),
            Call::Take => Some(list(&[ours(1, 1, "body")])),
            _ => None,
        })
        .await;
        let begun = Instant::now();
        let error = unanswered(&log, silent, async move { made(&queue, silent).await }).await;
        let error = error.expect_err("no answer");
        assert!(begun.elapsed() >= SILENCE && begun.elapsed() < SILENCE * 2, "{silent:?}");
        assert_eq!((error.kind(), error.resource()), (ErrorKind::Timeout, Some("jobs")));
        assert!(error.is_ambiguous() && error.is_retryable() && error.provider() == Some("azure"));
    }
}

#[tokio::test]
async fn an_extension_that_is_not_answered_is_made_anew_within_the_lease() {
    let script = |call, _: &str, before| match call {
        Call::Take => Some(list(&[ours(1, 1, "body")])),
        Call::Hide if before == 0 => Some(Answer::Silent),
        _ => None,
    };
    let (queue, log) = queue(script).await;
    let delivery = one(&queue).await;
    let (extending, receipt) = (repeating(Arc::clone(&queue)), delivery.receipt.clone());
    let extended =
        unanswered(&log, Call::Hide, async move { extending.extend(&receipt, SECOND * 60).await }).await;
    extended.expect("the second time");
    assert_eq!(calls(&log, Call::Hide, "jobs").len(), 2);
    settle(&queue, &delivery, Verdict::Ack).await.expect("it is still ours");
}

#[tokio::test]
async fn an_extension_that_is_not_answered_holds_up_no_other_settlement() {
    let script = |call, _: &str, before| match call {
        Call::Take if before == 0 => {
            Some(list(&(0..20).map(|number| ours(number, 1, "body")).collect::<Vec<_>>()))
        }
        Call::Hide => Some(Answer::Silent),
        _ => None,
    };
    let (queue, log) = queue(script).await;
    let held = received(&queue).await;
    let (extending, receipt) = (Arc::clone(&queue), held[0].receipt.clone());
    let extension = tokio::spawn(async move { extending.extend(&receipt, SECOND * 60).await });
    until(|| !calls(&log, Call::Hide, "jobs").is_empty()).await;
    let all = held.iter().map(|one| Settlement::new(one.receipt.clone(), Verdict::Ack)).collect();
    let settling = tokio::spawn(async move { queue.settle(all).await });
    until(|| calls(&log, Call::Delete, "jobs").len() == 19).await;
    assert!(!extension.is_finished() && !settling.is_finished());
    tokio::time::pause();
    assert_eq!(kind(extension.await.expect("it ends")), Some(ErrorKind::Timeout));
    let settled = settling.await.expect("it ends");
    assert!(settled.len() == 20 && settled.iter().all(Result::is_ok), "{settled:?}");
}

#[tokio::test]
async fn a_look_that_is_not_answered_hides_nothing_from_the_next() {
    let script = |call, _: &str, before| {
        (call == Call::Take).then(|| match before {
            0 => Answer::Silent,
            _ => list(&[ours(1, 1, "body")]),
        })
    };
    let (queue, log) = queue(script).await;
    let receiving = repeating(Arc::clone(&queue));
    let came = unanswered(&log, Call::Take, async move { received(&receiving).await }).await;
    assert_eq!(came.len(), 1);
}

#[tokio::test]
async fn a_letter_that_is_not_answered_leaves_its_message_where_it_is() {
    let script = |call, queue: &str, _| match (call, queue) {
        (Call::Take, "jobs") => Some(list(&[ours(1, 3, "poison")])),
        (Call::Put, "jobs-poison") => Some(Answer::Silent),
        _ => None,
    };
    let (queue, log) = queue_of(2, script).await;
    assert!(received(&queue).await.is_empty());
    until(|| !calls(&log, Call::Put, "jobs-poison").is_empty()).await;
    tokio::time::pause();
    tokio::time::sleep(SILENCE * 2).await;
    assert!(calls(&log, Call::Delete, "jobs").is_empty());
}
