//! Messages of 200 bytes: sent, and then received and acknowledged.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageSystemAttributeName as Told, SendMessageBatchRequestEntry,
};
use futures_util::{TryStreamExt, stream};
use omniqueue::QueueProducer;
use omniqueue::backends::SqsBackend;
use omniqueue::backends::sqs::{SqsConsumer, SqsProducer};
use skyport_core::codec::Raw;
use skyport_core::queue::port::{Settlement, Verdict};
use skyport_core::queue::{Delivery, Queue};
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::{AT_ONCE, contest, side};
use crate::place::{Place, unique};
use crate::single::{TRACE, expect, traced};

const LEASE: Duration = Duration::from_secs(120);
const BATCH: usize = 10;

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    if !group.wants("many/queue") {
        return Ok(());
    }
    // Of a long backlog the emulator receives ever more slowly.
    let count = group.plan().pick(10_000, 500);
    let bodies: Vec<String> = (0..count).map(|at| format!("{at:0>200}")).collect();
    let bodies = bodies.as_slice();
    let [ours, raw, omni] = runtime.block_on(queues(place))?;
    let ours: Queue<String, Raw> = place.queue(&ours.name)?;
    let sdk = runtime.block_on(place.raw());
    let client = Client::new(&sdk);
    let omni_config = aws_sdk_sqs::Config::from(&sdk);
    let builder = SqsBackend::builder(omni.url.clone()).sqs_config(omni_config);
    let (producer, consumer) = runtime.block_on(builder.build_pair())?;
    let consumer = Arc::new(consumer);
    let skyport = side(
        "skyport",
        runtime,
        count,
        async || send_ours(&ours, bodies).await,
        async || drained(count, || receive_ours(ours.clone())).await,
    );
    let by_hand = side(
        "aws-sdk-sqs",
        runtime,
        count,
        async || send_raw(&client, &raw.url, bodies).await,
        async || drained(count, || receive_raw(client.clone(), raw.url.clone())).await,
    );
    let omniqueue = side(
        "omniqueue",
        runtime,
        count,
        async || send_omni(&producer, bodies).await,
        async || drained(count, || receive_omni(Arc::clone(&consumer))).await,
    );
    contest(group, "many/queue", ["send", "receive-ack"], skyport, vec![by_hand, omniqueue])
}

struct Named {
    name: String,
    url: String,
}

/// A queue for each side, so that none receives what another sent.
async fn queues(place: &Place) -> Outcome<[Named; 3]> {
    let client = Client::new(&place.raw().await);
    let mut made = Vec::new();
    for side in ["many-ours", "many-raw", "many-omni"] {
        let name = unique(side);
        place.create("sqs", &name).await?;
        let url = client.get_queue_url().queue_name(&name).send().await?.queue_url.ok_or("no URL")?;
        made.push(Named { name, url });
    }
    made.try_into().map_err(|_| "three were made".into())
}

async fn send_ours(queue: &Queue<String, Raw>, bodies: &[String]) -> Outcome {
    for sent in queue.send_all(bodies).await {
        sent?;
    }
    Ok(())
}

async fn send_raw(client: &Client, url: &str, bodies: &[String]) -> Outcome {
    let send = async |batch: &[String]| {
        let entries = batch.iter().enumerate().map(|(at, body)| {
            let entry = SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(body);
            entry.message_attributes(TRACE, traced(at as u64)?).build()
        });
        let entries = entries.collect::<Result<_, _>>()?;
        let sent = client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await?;
        expect(sent.failed.len(), 0)
    };
    stream::iter(bodies.chunks(BATCH).map(Outcome::Ok)).try_for_each_concurrent(AT_ONCE, send).await
}

/// It cuts its batches by itself and sends them one after the other: several shares at once are as many requests as on the other sides.
async fn send_omni(producer: &SqsProducer, bodies: &[String]) -> Outcome {
    let shares = bodies.chunks(bodies.len().div_ceil(AT_ONCE)).map(Outcome::Ok);
    let send = async |share: &[String]| Ok(producer.send_raw_batch(share.iter().map(Cow::Borrowed)).await?);
    stream::iter(shares).try_for_each_concurrent(AT_ONCE, send).await
}

/// Several receive and acknowledge at once, each until nothing is left; what they tell is how many those were.
async fn drained<F>(count: usize, receive: impl Fn() -> F) -> Outcome
where
    F: Future<Output = Outcome<usize>> + Send + 'static,
{
    let mut receivers: JoinSet<_> = (0..AT_ONCE).map(|_| receive()).collect();
    let mut done = 0;
    while let Some(ended) = receivers.join_next().await {
        done += ended??;
    }
    expect(done, count)
}

async fn receive_ours(queue: Queue<String, Raw>) -> Outcome<usize> {
    let mut done = 0;
    loop {
        let deliveries = queue.receive(BATCH, Duration::ZERO, LEASE).await?;
        if deliveries.is_empty() {
            return Ok(done);
        }
        done += deliveries.len();
        // As the worker settles what is ready together.
        let settlement =
            |delivery: &Delivery<_, _>| Settlement::new(delivery.receipt().clone(), Verdict::Ack);
        for settled in queue.port().settle(deliveries.iter().map(settlement).collect()).await {
            settled?;
        }
    }
}

async fn receive_raw(client: Client, url: String) -> Outcome<usize> {
    let mut done = 0;
    loop {
        let receive = client
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(BATCH as i32)
            .wait_time_seconds(0)
            .visibility_timeout(LEASE.as_secs() as i32)
            .message_system_attribute_names(Told::ApproximateReceiveCount)
            .message_system_attribute_names(Told::SentTimestamp)
            .message_system_attribute_names(Told::MessageGroupId)
            .message_system_attribute_names(Told::DeadLetterQueueSourceArn)
            .message_attribute_names("All");
        let messages = receive.send().await?.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(done);
        }
        done += messages.len();
        let entries = messages.into_iter().enumerate().map(|(at, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(at.to_string());
            entry.set_receipt_handle(message.receipt_handle).build()
        });
        let entries = entries.collect::<Result<_, _>>()?;
        let deleted = client.delete_message_batch().queue_url(&url).set_entries(Some(entries)).send().await?;
        expect(deleted.failed.len(), 0)?;
    }
}

/// It acknowledges one by one.
async fn receive_omni(consumer: Arc<SqsConsumer>) -> Outcome<usize> {
    let mut done = 0;
    loop {
        let deliveries = consumer.receive_all(BATCH, Duration::ZERO).await?;
        if deliveries.is_empty() {
            return Ok(done);
        }
        done += deliveries.len();
        for delivery in deliveries {
            delivery.ack().await.map_err(|(error, _)| error)?;
        }
    }
}
