//! Attributes, at their limits and over.

use bytes::Bytes;
use skyport_core::ErrorKind;
use skyport_core::queue::Attributes;

use super::{LONG, bodies, expect_nothing, kind_of, next};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    attributes_at_the_limit_survive,
    attributes_over_the_limit_are_refused,
    names_outside_the_rules_are_refused,
    an_attribute_set_twice_has_the_last_value,
];

async fn attributes_at_the_limit_survive(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let mut sent = Attributes::new();
    let values = [
        String::new(),
        "x".repeat(256),
        "ü☺".repeat(51),
        "\"quoted\", 'twice'; {json: 1}".into(),
        "line\r\nbreak\ttab".into(),
        " spaces ".into(),
        "%41%00&a=b+c".into(),
        "plain".into(),
    ];
    for (n, value) in values.into_iter().enumerate() {
        let mut name = format!("A{n}_-");
        name.extend(std::iter::repeat_n('z', 64 - name.len()));
        sent.insert(name, value);
    }
    let mut sending = queue.send(&Bytes::from_static(b"body"));
    for (name, value) in &sent {
        sending = sending.attribute(name, value);
    }
    sending.await?;
    let delivery = next(&queue, LONG).await?;
    assert_eq!(delivery.attributes(), &sent);
    delivery.ack().await?;
    Ok(Outcome::Passed)
}

async fn attributes_over_the_limit_are_refused(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let body = Bytes::from_static(b"body");
    let limits = queue.limits();
    assert!(limits.attributes >= 8 && limits.attribute_bytes >= 256);
    let mut many = queue.send(&body);
    for n in 0..=limits.attributes {
        many = many.attribute(format!("a{n}"), "");
    }
    assert_eq!(kind_of(many.await), Some(ErrorKind::TooLarge));
    let long = queue.send(&body).attribute("a", "x".repeat(limits.attribute_bytes + 1));
    assert_eq!(kind_of(long.await), Some(ErrorKind::TooLarge));
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn names_outside_the_rules_are_refused(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let long = "x".repeat(65);
    let names = [
        "",
        "1",
        "_a",
        "-a",
        "a.b",
        "a b",
        "ä",
        "a\n",
        "aws-x",
        "AWSx",
        "Amazon",
        "googclient",
        "skyport",
        "Skyport1",
        &long,
    ];
    for name in names {
        let sending = queue.send(&Bytes::new()).attribute(name, "value");
        assert_eq!(kind_of(sending.await), Some(ErrorKind::InvalidArgument), "{name:?}");
    }
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn an_attribute_set_twice_has_the_last_value(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let sending = queue.send(&Bytes::new()).attribute("a", "1").attribute("a", "2");
    sending.await?;
    let delivery = next(&queue, LONG).await?;
    assert_eq!(delivery.attributes().get("a").map(String::as_str), Some("2"));
    delivery.ack().await?;
    Ok(Outcome::Passed)
}
