//! The three calls of a queue's life on Microsoft's client. A body stands in base64, as Azure's own libraries send it.

use std::time::Duration;

use azure_storage_queue::QueueClient;
use azure_storage_queue::models::{QueueClientReceiveMessagesOptions, QueueMessage, ReceivedMessage};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use skyport_measure::Outcome;

/// Sends one.
///
/// # Errors
/// What the service says.
pub async fn send(queue: &QueueClient, body: &[u8]) -> Outcome {
    let message = QueueMessage { message_text: Some(STANDARD.encode(body)) };
    let sent = queue.send_message(message.try_into()?, None).await?.into_model()?;
    let id = sent.items.unwrap_or_default().pop().and_then(|sent| sent.message_id);
    id.map(drop).ok_or_else(|| "no id".into())
}

/// Receives up to `most`, each with its body.
///
/// # Errors
/// What the service says.
pub async fn receive(
    queue: &QueueClient,
    most: usize,
    lease: Duration,
) -> Outcome<Vec<(ReceivedMessage, Vec<u8>)>> {
    let options = QueueClientReceiveMessagesOptions {
        number_of_messages: Some(i32::try_from(most)?),
        visibility_timeout: Some(i32::try_from(lease.as_secs())?),
        ..QueueClientReceiveMessagesOptions::default()
    };
    let came = queue.receive_messages(Some(options)).await?.into_model()?.items.unwrap_or_default();
    let read = |message: ReceivedMessage| {
        let body = STANDARD.decode(message.message_text.as_deref().unwrap_or_default())?;
        Ok((message, body))
    };
    came.into_iter().map(read).collect()
}

/// Deletes one that was received.
///
/// # Errors
/// What the service says.
pub async fn ack(queue: &QueueClient, received: &ReceivedMessage) -> Outcome {
    let id = received.message_id.as_deref().ok_or("no id")?;
    let receipt = received.pop_receipt.as_deref().ok_or("no receipt")?;
    Ok(queue.delete_message(id, receipt, None).await.map(drop)?)
}
