//! Messages: all of a round are sent, then all received, then all acknowledged.
//!
//! Azurite keeps each message as an extent, and once a minute, beginning with its start, deletes those of messages that are gone, one by one; after each it
//! sorts all that are left anew, and answers nobody meanwhile. So ten thousand on each side are of an Azurite of their own, and are over within its
//! first minute.

use std::time::Duration;

use azure_storage_queue::QueueClient;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use skyport_core::codec::Raw;
use skyport_core::queue::Queue;
use skyport_measure::{Contender, Group, Outcome};
use tokio::runtime::Runtime;

use super::{BODY, CALLS, metrics, rate, timed};
use crate::place::{Place, unique};
use crate::raw::queues;

/// How many there are in a round, and how many rounds: each call of Azurite's looks through all messages that there are.
const ROUND: usize = 400;
const ROUNDS: usize = 25;

/// As many as Azure hands out at once.
const MOST: usize = 32;

/// Longer than a round.
const LEASE: Duration = Duration::from_secs(600);

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    if !["sent", "received", "acknowledged"].iter().any(|name| group.wants(&format!("many/messages/{name}")))
    {
        return Ok(());
    }
    let (our_name, their_name) = (unique("ourmany"), unique("theirmany"));
    let ours: Queue<Bytes, Raw> = place.queue(&our_name)?;
    let raw = place.raw()?.queue(place.part("QueueEndpoint")?, &their_name)?;
    runtime.block_on(async {
        place.create("azqueue", &our_name).await?;
        place.create("azqueue", &their_name).await
    })?;
    let plan = group.plan().all(ROUNDS);
    let contenders = (
        Contender::new("skyport", || runtime.block_on(round(&ours, ROUND))),
        Contender::new("azure_storage_queue", || runtime.block_on(raw_round(&raw, ROUND))),
    );
    let names = ["sent", "received", "acknowledged"];
    group.contest("many/messages", metrics(names), plan, contenders.0, vec![contenders.1])
}

async fn round(queue: &Queue<Bytes, Raw>, count: usize) -> Outcome<[f64; 3]> {
    let body = Bytes::from_static(&BODY);
    let (_, sending) = timed(async {
        let sent = queue.send_all((0..count).map(|_| &body)).await;
        Ok(sent.into_iter().collect::<Result<Vec<_>, _>>()?)
    })
    .await?;
    let (received, receiving) = timed(async {
        let mut received = Vec::with_capacity(count);
        while received.len() < count {
            for delivery in queue.receive(MOST, Duration::ZERO, LEASE).await? {
                checked(delivery.value()?.len())?;
                received.push(delivery);
            }
        }
        Outcome::Ok(received)
    })
    .await?;
    let settle = |delivery: skyport_core::queue::Delivery<Bytes, Raw>| async {
        delivery.ack().await.map_err(skyport_core::Error::from)
    };
    let ((), settling) = timed(async {
        let acks = stream::iter(received).map(settle).buffer_unordered(CALLS);
        Ok(acks.try_collect::<()>().await?)
    })
    .await?;
    Ok([sending, receiving, settling].map(|took| rate(count, took)))
}

async fn raw_round(queue: &QueueClient, count: usize) -> Outcome<[f64; 3]> {
    let ((), sending) = timed(async {
        let sends = stream::iter(0..count).map(|_| queues::send(queue, &BODY)).buffer_unordered(CALLS);
        sends.try_collect::<()>().await
    })
    .await?;
    let (received, receiving) = timed(async {
        let mut received = Vec::with_capacity(count);
        while received.len() < count {
            for (message, body) in queues::receive(queue, MOST, LEASE).await? {
                checked(body.len())?;
                received.push(message);
            }
        }
        Outcome::Ok(received)
    })
    .await?;
    let ((), settling) = timed(async {
        let acks = stream::iter(&received).map(|message| queues::ack(queue, message)).buffer_unordered(CALLS);
        acks.try_collect::<()>().await
    })
    .await?;
    Ok([sending, receiving, settling].map(|took| rate(count, took)))
}

fn checked(length: usize) -> Outcome {
    if length == BODY.len() { Ok(()) } else { Err(format!("a body of {length} bytes").into()) }
}
