//! Messages of 1 KiB: send, receive, acknowledge.

use std::time::Duration;

use azure_storage_queue::QueueClient;
use azure_storage_queue::models::ReceivedMessage;
use bytes::Bytes;
use skyport_core::codec;
use skyport_core::queue::{Delivery, Queue};
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{BODY, expect, metrics, nothing, side};
use crate::place::{Place, unique};
use crate::raw::queues;

const RIVAL: &str = "azure_storage_queue";

/// For how long a message is the receiver's.
const LEASE: Duration = Duration::from_secs(60);

type Ours = Queue<Bytes, codec::Raw>;
type Received = Delivery<Bytes, codec::Raw>;

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    if !["send", "receive", "ack"].iter().any(|name| group.wants(&format!("one/queue/{name}"))) {
        return Ok(());
    }
    // Each side has its own: what one sends, the other must not receive.
    let (our_name, their_name) = (unique("ours"), unique("theirs"));
    let ours: Ours = place.queue(&our_name)?;
    let raw = place.raw()?.queue(place.part("QueueEndpoint")?, &their_name)?;
    runtime.block_on(async {
        place.create("azqueue", &our_name).await?;
        place.create("azqueue", &their_name).await
    })?;
    let plan = group.plan();
    let our_send = async |()| send(&ours).await;
    let their_send = async |()| queues::send(&raw, &BODY).await;
    let our_end = async |()| ack(receive(&ours).await?).await;
    let their_end = async |()| queues::ack(&raw, &raw_receive(&raw).await?).await;
    let contenders = (
        side("skyport", plan, runtime, async || Ok(()), our_send, our_end),
        side(RIVAL, plan, runtime, async || Ok(()), their_send, their_end),
    );
    group.contest("one/queue/send", metrics(), plan, contenders.0, vec![contenders.1])?;
    let contenders = (
        side("skyport", plan, runtime, async || send(&ours).await, async |()| receive(&ours).await, ack),
        side(
            RIVAL,
            plan,
            runtime,
            async || queues::send(&raw, &BODY).await,
            async |()| raw_receive(&raw).await,
            async |received| queues::ack(&raw, &received).await,
        ),
    );
    group.contest("one/queue/receive", metrics(), plan, contenders.0, vec![contenders.1])?;
    let our_ready = async || {
        send(&ours).await?;
        receive(&ours).await
    };
    let their_ready = async || {
        queues::send(&raw, &BODY).await?;
        raw_receive(&raw).await
    };
    let contenders = (
        side("skyport", plan, runtime, our_ready, ack, nothing),
        side(RIVAL, plan, runtime, their_ready, async |received| queues::ack(&raw, &received).await, nothing),
    );
    group.contest("one/queue/ack", metrics(), plan, contenders.0, vec![contenders.1])
}

async fn send(queue: &Ours) -> Outcome {
    let id = queue.send(&Bytes::from_static(&BODY)).await?;
    expect(&id.is_empty(), &false)
}

async fn receive(queue: &Ours) -> Outcome<Received> {
    let received = queue.receive(1, Duration::ZERO, LEASE).await?.pop().ok_or("nothing to receive")?;
    expect(&&received.value()?[..], &&BODY[..])?;
    Ok(received)
}

async fn ack(received: Received) -> Outcome {
    Ok(received.ack().await.map_err(skyport_core::Error::from)?)
}

async fn raw_receive(queue: &QueueClient) -> Outcome<ReceivedMessage> {
    let (message, body) = queues::receive(queue, 1, LEASE).await?.pop().ok_or("nothing to receive")?;
    expect(&&body[..], &&BODY[..])?;
    Ok(message)
}
