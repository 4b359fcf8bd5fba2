//! A queue: a message of 1 KiB of text.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName as Told};
use skyport_core::codec::Raw;
use skyport_core::queue::{Delivery, Queue};
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{expect, metrics, side};
use crate::place::{Place, unique};

/// How long a received message is kept from others.
const LEASE: Duration = Duration::from_secs(60);

/// Both sides' queues: each has one of its own, so that neither receives what the other sent.
struct Sides {
    ours: Queue<String, Raw>,
    raw: aws_sdk_sqs::Client,
    url: String,
    body: String,
    /// Of the raw side's traces.
    next: Cell<u64>,
}

/// The attribute in which a message carries its trace.
pub const TRACE: &str = "skyport";

/// A trace, as ours sends it.
///
/// # Errors
/// Where the SDK takes none.
pub fn traced(number: u64) -> Result<MessageAttributeValue, BuildError> {
    let trace = format!("{{\"t\":\"00-{number:032x}-{number:016x}-01\"}}");
    MessageAttributeValue::builder().data_type("String").string_value(trace).build()
}

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    let sides = runtime.block_on(Sides::new(place))?;
    send(group, runtime, &sides)?;
    receive(group, runtime, &sides)?;
    acknowledge(group, runtime, &sides)
}

fn send(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    // What the last operation sent is taken away again, so that no queue grows.
    let ours =
        side("skyport", plan, runtime, async || sides.empty_ours().await, async |()| sides.send_ours().await);
    let raw = side(
        "aws-sdk-sqs",
        plan,
        runtime,
        async || sides.empty_raw().await,
        async |()| sides.send_raw().await,
    );
    group.contest("single/queue/send", metrics(), plan, ours, vec![raw])?;
    runtime.block_on(async {
        sides.empty_ours().await?;
        sides.empty_raw().await
    })
}

fn receive(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let (held, held_raw) = (RefCell::default(), RefCell::default());
    let sent_ours = async || {
        if let Some(delivery) = held.take() {
            sides.ack_ours(delivery).await?;
        }
        sides.send_ours().await
    };
    let receive_ours = async |()| {
        held.replace(Some(sides.receive_ours().await?));
        Ok(())
    };
    let sent_raw = async || {
        if let Some(handle) = held_raw.take() {
            sides.ack_raw(handle).await?;
        }
        sides.send_raw().await
    };
    let receive_raw = async |()| {
        held_raw.replace(Some(sides.receive_raw().await?));
        Ok(())
    };
    let ours = side("skyport", plan, runtime, sent_ours, receive_ours);
    let raw = side("aws-sdk-sqs", plan, runtime, sent_raw, receive_raw);
    group.contest("single/queue/receive", metrics(), plan, ours, vec![raw])?;
    runtime.block_on(async {
        if let Some(delivery) = held.take() {
            sides.ack_ours(delivery).await?;
        }
        match held_raw.take() {
            Some(handle) => sides.ack_raw(handle).await,
            None => Ok(()),
        }
    })
}

fn acknowledge(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let received_ours = async || {
        sides.send_ours().await?;
        sides.receive_ours().await
    };
    let received_raw = async || {
        sides.send_raw().await?;
        sides.receive_raw().await
    };
    let ours = side("skyport", plan, runtime, received_ours, async |delivery| sides.ack_ours(delivery).await);
    let raw = side("aws-sdk-sqs", plan, runtime, received_raw, async |handle| sides.ack_raw(handle).await);
    group.contest("single/queue/ack", metrics(), plan, ours, vec![raw])
}

impl Sides {
    async fn new(place: &Place) -> Outcome<Self> {
        let (name, name_raw) = (unique("single"), unique("single-raw"));
        place.create("sqs", &name).await?;
        place.create("sqs", &name_raw).await?;
        let raw = aws_sdk_sqs::Client::new(&place.raw().await);
        let url = raw.get_queue_url().queue_name(name_raw).send().await?.queue_url;
        let url = url.ok_or("the queue has no URL")?;
        Ok(Self { ours: place.queue(&name)?, raw, url, body: "x".repeat(1_024), next: Cell::new(0) })
    }

    async fn send_ours(&self) -> Outcome {
        self.ours.send(&self.body).await?;
        Ok(())
    }

    async fn send_raw(&self) -> Outcome {
        self.next.set(self.next.get() + 1);
        let send = self.raw.send_message().queue_url(&self.url).message_body(&self.body);
        let sent = send.message_attributes(TRACE, traced(self.next.get())?).send().await?;
        expect(sent.message_id().is_some(), true)
    }

    async fn receive_ours(&self) -> Outcome<Delivery<String, Raw>> {
        let delivery = self.ours.receive(1, Duration::ZERO, LEASE).await?.pop().ok_or("no message")?;
        expect(delivery.value()?.len(), self.body.len())?;
        Ok(delivery)
    }

    /// As whoever wants to know how often a message came, and what stands beside its body, asks for it.
    async fn receive_raw(&self) -> Outcome<String> {
        let received = self
            .raw
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(1)
            .wait_time_seconds(0)
            .visibility_timeout(LEASE.as_secs() as i32)
            .message_system_attribute_names(Told::ApproximateReceiveCount)
            .message_system_attribute_names(Told::SentTimestamp)
            .message_system_attribute_names(Told::MessageGroupId)
            .message_system_attribute_names(Told::DeadLetterQueueSourceArn)
            .message_attribute_names("All")
            .send()
            .await?;
        let message = received.messages.unwrap_or_default().pop().ok_or("no message")?;
        let attempts = message.attributes().and_then(|told| told.get(&Told::ApproximateReceiveCount));
        expect(attempts.map(String::as_str), Some("1"))?;
        expect(message.body.unwrap_or_default().len(), self.body.len())?;
        Ok(message.receipt_handle.ok_or("no handle")?)
    }

    async fn ack_ours(&self, delivery: Delivery<String, Raw>) -> Outcome {
        Ok(delivery.ack().await.map_err(skyport_core::Error::from)?)
    }

    async fn ack_raw(&self, handle: String) -> Outcome {
        self.raw.delete_message().queue_url(&self.url).receipt_handle(handle).send().await?;
        Ok(())
    }

    async fn empty_ours(&self) -> Outcome {
        while let Some(delivery) = self.ours.receive(1, Duration::ZERO, LEASE).await?.pop() {
            self.ack_ours(delivery).await?;
        }
        Ok(())
    }

    async fn empty_raw(&self) -> Outcome {
        loop {
            let received =
                self.raw.receive_message().queue_url(&self.url).wait_time_seconds(0).send().await?;
            let Some(message) = received.messages.unwrap_or_default().pop() else { return Ok(()) };
            self.ack_raw(message.receipt_handle.unwrap_or_default()).await?;
        }
    }
}
