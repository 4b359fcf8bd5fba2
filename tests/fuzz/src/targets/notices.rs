//! A bucket's events, as each cloud writes them.

use std::time::UNIX_EPOCH;

use skyport_aws_wire::s3;
use skyport_azure_wire::event_grid;
use skyport_core::clock::rfc3339;
use skyport_core::event::BlobEvent;
use skyport_core::queue::port::Attributes;
use skyport_gcp_wire::message::PubsubMessage;
use skyport_gcp_wire::storage::{self, StorageEvent, Told};

use crate::{sound, text};

/// An event names an object, and is no longer than what told of it allows.
fn event(event: &BlobEvent, input: &[u8]) {
    assert!(!event.key.is_empty() && !event.bucket.is_empty());
    assert!(event.key.len() <= input.len() * 3 && event.bucket.len() <= input.len() * 3);
    serde_json::from_slice::<serde_json::Value>(&event.to_json()).expect("JSON");
}

pub(super) fn s3(input: &[u8]) {
    let text = text::of(input);
    for notice in sound::value(s3::in_text(&text)).flatten().unwrap_or_default() {
        event(&notice.event, input);
    }
    if let Ok(value) = serde_json::from_slice(input) {
        sound::value(s3::in_value(&value));
        assert!(!s3::is_test(&value) || value.is_object());
    }
}

pub(super) fn event_grid(input: &[u8]) {
    let text = text::of(input);
    for told in sound::value(event_grid::in_message(&text)).unwrap_or_default() {
        grid(&told, input);
    }
    for told in sound::value(event_grid::in_text(&text)).unwrap_or_default() {
        if let Some(told) = sound::value(told) {
            grid(&told, input);
        }
    }
}

fn grid(told: &event_grid::Told, input: &[u8]) {
    if let event_grid::Told::Notice(notice) = told {
        event(&notice.event, input);
    }
}

pub(super) fn storage(input: &[u8]) {
    let ([kind, source, subject, time], data) = text::lines(input);
    let told = storage::in_event(&StorageEvent {
        kind: &kind,
        source: &source,
        subject: Some(&*subject).filter(|subject| !subject.is_empty()),
        time: rfc3339(&time),
        data,
    });
    if let Some(Told::Notice(notice)) = sound::value(told) {
        assert!(storage::is_event(&kind));
        event(&notice.event, input);
    }
    let mut message = PubsubMessage::new("1", data.to_vec(), UNIX_EPOCH);
    message.attributes = Attributes::from([
        ("eventType".to_owned(), kind),
        ("bucketId".to_owned(), source),
        ("objectId".to_owned(), subject),
        ("objectGeneration".to_owned(), time),
        ("payloadFormat".to_owned(), "JSON_API_V1".to_owned()),
        ("notificationConfig".to_owned(), "projects/_/buckets/b/notificationConfigs/1".to_owned()),
    ]);
    if let Some(Told::Notice(notice)) = sound::value(storage::in_message(&message)) {
        event(&notice.event, input);
    }
}
