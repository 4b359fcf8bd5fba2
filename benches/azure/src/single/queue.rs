//! Messages of 1 KiB: send, receive, acknowledge.

use std::time::Duration;

use azure_storage_queue::QueueClient;
use azure_storage_queue::models::{
    QueueClientReceiveMessagesOptions, QueueMessage, ReceivedMessage,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use skyport_core::codec;
use skyport_core::queue::{Delivery, Queue};
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{BODY, expect, metrics, nothing, side};
use crate::place::{Place, unique};

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
    let their_send = async |()| raw_send(&raw).await;
    let our_end = async |()| ack(receive(&ours).await?).await;
    let their_end = async |()| raw_ack(&raw, raw_receive(&raw).await?).await;
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
            async || raw_send(&raw).await,
            async |()| raw_receive(&raw).await,
            async |received| raw_ack(&raw, received).await,
        ),
    );
    group.contest("one/queue/receive", metrics(), plan, contenders.0, vec![contenders.1])?;
    let our_ready = async || {
        send(&ours).await?;
        receive(&ours).await
    };
    let their_ready = async || {
        raw_send(&raw).await?;
        raw_receive(&raw).await
    };
    let contenders = (
        side("skyport", plan, runtime, our_ready, ack, nothing),
        side(RIVAL, plan, runtime, their_ready, async |received| raw_ack(&raw, received).await, nothing),
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

async fn raw_send(queue: &QueueClient) -> Outcome {
    let message = QueueMessage { message_text: Some(STANDARD.encode(BODY)) };
    let sent = queue.send_message(message.try_into()?, None).await?.into_model()?;
    let id = sent.items.unwrap_or_default().pop().and_then(|sent| sent.message_id);
    expect(&id.is_some(), &true)
}

async fn raw_receive(queue: &QueueClient) -> Outcome<ReceivedMessage> {
    let options = QueueClientReceiveMessagesOptions {
        number_of_messages: Some(1),
        visibility_timeout: Some(LEASE.as_secs() as i32),
        ..QueueClientReceiveMessagesOptions::default()
    };
    let came = queue.receive_messages(Some(options)).await?.into_model()?;
    let message = came.items.unwrap_or_default().pop().ok_or("nothing to receive")?;
    let body = STANDARD.decode(message.message_text.as_deref().unwrap_or_default())?;
    expect(&&body[..], &&BODY[..])?;
    Ok(message)
}

async fn raw_ack(queue: &QueueClient, received: ReceivedMessage) -> Outcome {
    let (id, receipt) = (received.message_id.ok_or("no id")?, received.pop_receipt.ok_or("no receipt")?);
    Ok(queue.delete_message(&id, &receipt, None).await.map(drop)?)
}
