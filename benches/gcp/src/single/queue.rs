//! A queue: one message of 1 KiB. A receive is a pull and the call that gives the lease; by hand likewise.

use std::cell::RefCell;
use std::time::Duration;

use gcloud_sdk::google::pubsub::v1::ReceivedMessage;
use skyport_core::queue::{Delivery, Queue};
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{BYTES, expect, metrics, nothing, side};
use crate::place::{Place, unique};
use crate::raw::pubsub::Pubsub;

const RAW: &str = "gcloud-sdk";
const LEASE: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_secs(10);

/// What is sent, as JSON.
fn text() -> String {
    "x".repeat(BYTES - 2)
}

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    let (plan, name, by_hand, text) = (group.plan(), unique("single"), unique("by-hand"), &text());
    let (queue, raw): (&Queue<String>, _) = (&place.queue(&name)?, &Pubsub::new(place, &by_hand)?);
    runtime.block_on(async {
        place.create("pubsub", &name).await?;
        place.create("pubsub", &by_hand).await
    })?;
    let send = async || {
        queue.send(text).await?;
        Outcome::Ok(())
    };
    let publish = async || expect(raw.publish(vec![serde_json::to_vec(text)?]).await?, 1);
    // What a round of sends leaves behind is of no account: it is drained before the next contest.
    let ours = side("skyport", plan, runtime, nothing, async |()| send().await);
    let theirs = side(RAW, plan, runtime, nothing, async |()| publish().await);
    group.contest("single/queue/send", metrics(), plan, ours, vec![theirs])?;
    runtime.block_on(drain(queue, raw))?;

    let (received, pulled) = (RefCell::new(None), RefCell::new(None));
    let receive = async || Outcome::Ok(received.replace(Some(receive(queue).await?)));
    let pull = async || Outcome::Ok(pulled.replace(Some(pull(raw).await?)));
    let settle = async || match received.take() {
        Some(delivery) => Ok(delivery.ack().await?),
        None => Outcome::Ok(()),
    };
    let acknowledge = async || match pulled.take() {
        Some(message) => raw.acknowledge(vec![message.ack_id]).await,
        None => Ok(()),
    };
    let sent = async || {
        settle().await?;
        send().await
    };
    let published = async || {
        acknowledge().await?;
        publish().await
    };
    let ours = side("skyport", plan, runtime, sent, async |()| receive().await.map(drop));
    let theirs = side(RAW, plan, runtime, published, async |()| pull().await.map(drop));
    group.contest("single/queue/receive", metrics(), plan, ours, vec![theirs])?;

    let ready = async || {
        sent().await?;
        receive().await.map(drop)
    };
    let ready_by_hand = async || {
        published().await?;
        pull().await.map(drop)
    };
    let ours = side("skyport", plan, runtime, ready, async |()| settle().await);
    let theirs = side(RAW, plan, runtime, ready_by_hand, async |()| acknowledge().await);
    group.contest("single/queue/ack", metrics(), plan, ours, vec![theirs])
}

async fn receive(queue: &Queue<String>) -> Outcome<Delivery<String>> {
    let delivery = queue.receive(1, WAIT, LEASE).await?.pop().ok_or("no message came")?;
    expect(delivery.value()?.len(), BYTES - 2)?;
    Ok(delivery)
}

async fn pull(raw: &Pubsub) -> Outcome<ReceivedMessage> {
    let message = raw.pull(1).await?.pop().ok_or("no message came")?;
    raw.keep(vec![message.ack_id.clone()], LEASE.as_secs() as i32).await?;
    let body = message.message.as_ref().map(|message| serde_json::from_slice::<String>(&message.data));
    expect(body.transpose()?.map(|text| text.len()), Some(BYTES - 2))?;
    Ok(message)
}

/// Takes what is left in both.
async fn drain(queue: &Queue<String>, raw: &Pubsub) -> Outcome {
    loop {
        let left = queue.receive(10, Duration::from_secs(1), LEASE).await?;
        if left.is_empty() {
            break;
        }
        for delivery in left {
            delivery.ack().await?;
        }
    }
    // A pull waits for a minute and a half where there is nothing.
    while let Ok(left) = tokio::time::timeout(Duration::from_secs(1), raw.pull(1_000)).await {
        let ids: Vec<String> = left?.into_iter().map(|message| message.ack_id).collect();
        if !ids.is_empty() {
            raw.acknowledge(ids).await?;
        }
    }
    Ok(())
}
