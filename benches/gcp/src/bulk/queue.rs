//! Messages.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use omniqueue::QueueProducer;
use omniqueue::backends::gcp_pubsub::{GcpPubSubConsumer, GcpPubSubProducer};
use omniqueue::backends::{GcpPubSubBackend, GcpPubSubConfig};
use skyport_core::queue::Queue;
use skyport_core::queue::port::{Settlement, Verdict};
use skyport_measure::{Contender, Group, Outcome};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use super::{rate, text};
use crate::place::{OMNIQUEUE_PROJECT, Place, unique};
use crate::raw::pubsub::Pubsub;

const LEASE: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_secs(10);

/// What the provider puts into one request, and has under way at once.
const SENT_TOGETHER: usize = 1_000;
const SENDS: usize = 4;

/// How many receivers there are, each with its next batch after the last.
const RECEIVERS: usize = 8;

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime, count: usize) -> Outcome {
    let name = format!("bulk/queue/{count}");
    if !group.wants(&name) {
        return Ok(());
    }
    let (own, by_hand, text) = (unique("bulk"), unique("bulk-by-hand"), text());
    let (queue, raw): (Queue<String>, _) = (place.queue(&own)?, Pubsub::new(place, &by_hand)?);
    runtime.block_on(async {
        place.create("pubsub", &own).await?;
        place.create("pubsub", &by_hand).await
    })?;
    let ours = Contender::new("skyport", || {
        runtime.block_on(async {
            let began = Instant::now();
            for sent in queue.send_all(vec![&text; count]).await {
                sent?;
            }
            let sent = began.elapsed();
            let began = Instant::now();
            let each = |receiver| receive(&queue, share(count, receiver));
            stream::iter(0..RECEIVERS).map(Ok).try_for_each_concurrent(None, each).await?;
            Ok(rates(count, sent, began.elapsed()))
        })
    });
    let most = queue.limits().receive;
    let theirs = Contender::new("gcloud-sdk", || {
        runtime.block_on(async {
            let began = Instant::now();
            let batches = (0..count.div_ceil(SENT_TOGETHER)).map(|batch| {
                let bodies = (batch * SENT_TOGETHER..count.min((batch + 1) * SENT_TOGETHER))
                    .map(|_| serde_json::to_vec(&text))
                    .collect::<Result<Vec<_>, _>>();
                async { raw.publish(bodies?).await }
            });
            let sent: usize = stream::iter(batches)
                .buffer_unordered(SENDS)
                .try_fold(0, |sum, sent| async move { Ok(sum + sent) })
                .await?;
            if sent != count {
                return Err(format!("{sent} of {count} were sent").into());
            }
            let sent = began.elapsed();
            let began = Instant::now();
            let each = |receiver| pull(&raw, share(count, receiver), most);
            stream::iter(0..RECEIVERS).map(Ok).try_for_each_concurrent(None, each).await?;
            Ok(rates(count, sent, began.elapsed()))
        })
    });
    let (producer, consumers) = runtime.block_on(omniqueue(place, &unique("bulk-omniqueue")))?;
    let consumers: Vec<_> = consumers.into_iter().map(Mutex::new).collect();
    let bodies = vec![serde_json::to_vec(&text)?; count];
    let omniqueue = Contender::new("omniqueue", || {
        runtime.block_on(async {
            let began = Instant::now();
            // What it is given is one request.
            let batches = stream::iter(bodies.chunks(SENT_TOGETHER).map(Ok));
            let send = async |batch: &[Vec<u8>]| Outcome::Ok(producer.send_raw_batch(batch).await?);
            batches.try_for_each_concurrent(SENDS, send).await?;
            let sent = began.elapsed();
            let began = Instant::now();
            let each = async |receiver: usize| {
                let consumer = &mut *consumers[receiver].lock().await;
                receive_omniqueue(consumer, share(count, receiver), most).await
            };
            stream::iter(0..RECEIVERS).map(Ok).try_for_each_concurrent(None, each).await?;
            Ok(rates(count, sent, began.elapsed()))
        })
    });
    let rivals = vec![theirs, omniqueue];
    group.contest(&name, [rate("send"), rate("receive")], group.plan().at_most(9), ours, rivals)
}

/// A topic and a subscription in the project that omniqueue has at an emulator, who sends, and who receives: each at his own, since receiving is
/// exclusive.
async fn omniqueue(place: &Place, name: &str) -> Outcome<(GcpPubSubProducer, Vec<GcpPubSubConsumer>)> {
    place.create_in(OMNIQUEUE_PROJECT, "pubsub", name).await?;
    let config = || GcpPubSubConfig {
        topic_id: name.to_owned(),
        subscription_id: name.to_owned(),
        credentials_file: None,
    };
    let producer = GcpPubSubBackend::builder(config()).build_producer().await?;
    let mut consumers = Vec::with_capacity(RECEIVERS);
    for _ in 0..RECEIVERS {
        consumers.push(GcpPubSubBackend::builder(config()).build_consumer().await?);
    }
    Ok((producer, consumers))
}

/// It gives no lease beyond that of the subscription, and acknowledges one by one.
async fn receive_omniqueue(consumer: &mut GcpPubSubConsumer, mut left: usize, most: usize) -> Outcome {
    while left > 0 {
        let deliveries = consumer.receive_all(left.min(most), WAIT).await?;
        if deliveries.is_empty() {
            return Err("messages are missing".into());
        }
        left -= deliveries.len();
        for delivery in deliveries {
            let text: Option<String> = delivery.payload_serde_json()?;
            if text.map(|text| text.len() + 2) != Some(super::BYTES) {
                return Err("a message is not what was sent".into());
            }
            delivery.ack().await.map_err(|(error, _)| error)?;
        }
    }
    Ok(())
}

fn rates(count: usize, sent: Duration, received: Duration) -> [f64; 2] {
    [sent, received].map(|time| count as f64 / time.as_secs_f64())
}

/// How many messages this receiver is to have.
fn share(count: usize, receiver: usize) -> usize {
    count / RECEIVERS + usize::from(receiver < count % RECEIVERS)
}

/// As a worker does: what came together is settled together.
async fn receive(queue: &Queue<String>, mut left: usize) -> Outcome {
    while left > 0 {
        let deliveries = queue.receive(left, WAIT, LEASE).await?;
        if deliveries.is_empty() {
            return Err("messages are missing".into());
        }
        left -= deliveries.len();
        let mut settlements = Vec::with_capacity(deliveries.len());
        for delivery in &deliveries {
            if delivery.value()?.len() + 2 != super::BYTES {
                return Err("a message is not what was sent".into());
            }
            settlements.push(Settlement::new(delivery.receipt().clone(), Verdict::Ack));
        }
        for settled in queue.port().settle(settlements).await {
            settled?;
        }
    }
    Ok(())
}

async fn pull(raw: &Pubsub, mut left: usize, most: usize) -> Outcome {
    while left > 0 {
        let messages = raw.pull(i32::try_from(left.min(most))?).await?;
        left -= messages.len();
        let mut ids = Vec::with_capacity(messages.len());
        for message in messages {
            let body = message.message.ok_or("a message without a body")?.data;
            if serde_json::from_slice::<String>(&body)?.len() + 2 != super::BYTES {
                return Err("a message is not what was sent".into());
            }
            ids.push(message.ack_id);
        }
        raw.keep(ids.clone(), i32::try_from(LEASE.as_secs())?).await?;
        raw.acknowledge(ids).await?;
    }
    Ok(())
}
