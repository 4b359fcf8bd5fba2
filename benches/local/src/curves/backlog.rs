//! A message's life while others stand behind it.

use std::time::Duration;

use bytes::Bytes;
use skyport_measure::{Group, Outcome};

use super::{curve, flat, point};
use crate::hand::{Hand, jobs};
use crate::ours;
use crate::stage::Stage;

const BODY: Bytes = Bytes::from_static(&[7; 64]);
const FILLED: usize = 1_000;
const CYCLES: usize = 200;
const LEASE: Duration = Duration::from_secs(60);

/// Adds the curve.
///
/// # Errors
/// What fails while it is measured.
pub fn measure(group: &mut Group) -> Outcome {
    if !group.wants("backlog") {
        return Ok(());
    }
    let sizes = group.plan().pick(&[1_000, 10_000, 100_000, 1_000_000][..], &[1_000, 10_000][..]);
    let stage = Stage::new()?;
    let queue = stage.runtime.block_on(ours::queue(&stage.folder("ours")?))?;
    let by_hand = jobs::Jobs(Hand::thread(&stage.folder("hand")?, jobs::SCHEMA)?);
    let (mut ours, mut theirs, mut there) = (Vec::new(), Vec::new(), 0);
    for &size in sizes {
        stage.runtime.block_on(async {
            while there < size {
                for sent in queue.send_all(&vec![BODY; FILLED]).await {
                    sent?;
                }
                by_hand.send(vec![BODY; FILLED]).await?;
                there += FILLED;
            }
            Outcome::Ok(())
        })?;
        ours.push(point(size, CYCLES, || stage.runtime.block_on(cycles(&queue)))?);
        theirs.push(point(size, CYCLES, || stage.runtime.block_on(cycles_by_hand(&by_hand)))?);
    }
    group.curve(curve(
        "backlog",
        "Send, receive and acknowledge with a backlog (local)",
        "messages in the queue",
        "us a cycle",
        "flat: what may be taken is sought in a tree, which is one level deeper at 1,000,000",
        2.0,
        vec![flat("skyport", ours), flat("SQLite by hand", theirs)],
    ));
    Ok(())
}

async fn cycles(queue: &ours::Messages) -> Outcome {
    for _ in 0..CYCLES {
        queue.send(&BODY).await?;
        let received = queue.receive(1, Duration::ZERO, LEASE).await?.pop();
        received.ok_or("nothing was there")?.ack().await?;
    }
    Ok(())
}

async fn cycles_by_hand(queue: &jobs::Jobs) -> Outcome {
    for _ in 0..CYCLES {
        queue.send(vec![BODY]).await?;
        let received = queue.receive(1, LEASE).await?.pop().ok_or("nothing was there")?;
        queue.ack(vec![(received.id, received.lease)]).await?;
    }
    Ok(())
}
