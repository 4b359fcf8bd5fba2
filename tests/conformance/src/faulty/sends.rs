//! Messages that are sent in a storm: what was accepted arrives, and nothing that was not sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use skyport_core::queue::Queue;
use skyport_core::queue::port::MessageQueue;
use skyport_core::{BoxError, Raw};

use super::stage::{Fate, Stage, assert_enough, faulty_cases};
use crate::Outcome;
use crate::case::CaseResult;

faulty_cases![every_message_that_was_accepted_arrives_and_none_that_was_not_sent];

const SENDERS: usize = 4;

/// How long a receive looks for what may still come.
const LOOK: Duration = Duration::from_secs(3);
/// A lease that no case outlives.
const LONG: Duration = Duration::from_secs(120);

async fn every_message_that_was_accepted_arrives_and_none_that_was_not_sent(stage: Stage) -> CaseResult {
    let port = stage.queue().await?;
    let queue: Queue<Bytes, Raw> = Queue::new(Arc::clone(&port));
    let told: BTreeMap<Bytes, Fate> =
        join_all((0..SENDERS).map(|sender| send(&queue, sender))).await.into_iter().flatten().collect();
    stage.line.calm();
    assert_enough(told.values().copied());
    let arrived = drain(&port).await?;
    for (body, fate) in &told {
        match fate {
            Fate::Done => assert!(arrived.contains(body), "{body:?} was accepted and is lost"),
            Fate::Refused | Fate::Declined => {
                assert!(!arrived.contains(body), "{body:?} was refused and arrived")
            }
            Fate::Unknown => {}
        }
    }
    for body in &arrived {
        assert!(told.contains_key(body), "{body:?} arrived and was never sent");
    }
    Ok(Outcome::Passed)
}

/// One by one, and many at once.
async fn send(queue: &Queue<Bytes, Raw>, sender: usize) -> Vec<(Bytes, Fate)> {
    let mut told = Vec::new();
    for n in 0..10 {
        let body = Bytes::from(format!("{sender}.{n}"));
        let fate = Fate::of(&queue.send(&body).await, &[]);
        told.push((body, fate));
    }
    for n in 0..3 {
        let bodies: Vec<Bytes> = (0..15).map(|m| Bytes::from(format!("{sender} of many {n}.{m}"))).collect();
        let sent = queue.send_all(&bodies).await;
        assert_eq!(sent.len(), bodies.len());
        let fates: Vec<Fate> = sent.iter().map(|sent| Fate::of(sent, &[])).collect();
        told.extend(bodies.into_iter().zip(fates));
    }
    told
}

/// Receives and acknowledges on a calm line until nothing comes any more.
async fn drain(port: &Arc<dyn MessageQueue>) -> Result<BTreeSet<Bytes>, BoxError> {
    let queue: Queue<Bytes, Raw> = Queue::new(Arc::clone(port));
    let mut arrived = BTreeSet::new();
    loop {
        let received = queue.receive(10, LOOK, LONG).await?;
        if received.is_empty() {
            return Ok(arrived);
        }
        for acked in join_all(received.into_iter().map(|delivery| {
            arrived.insert(delivery.body().clone());
            delivery.ack()
        }))
        .await
        {
            acked?;
        }
    }
}
