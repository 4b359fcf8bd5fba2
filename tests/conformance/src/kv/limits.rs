//! Limits, said before anything is sent.

use bytes::Bytes;
use skyport_core::kv::Table;
use skyport_core::{ErrorKind, Json, Raw};

use super::{refused, text, texts, value};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    the_floors_hold,
    what_is_promised_everywhere_is_supported,
    a_value_at_the_limit_is_taken_and_one_byte_more_is_not,
    an_empty_value_is_a_value,
    bytes_come_back_as_they_were,
    keys_outside_their_limits_are_refused,
    a_value_of_another_type_is_malformed,
    pages_and_limits_are_checked,
];

async fn the_floors_hold(cx: Context) -> CaseResult {
    let limits = texts(&cx).await?.info().limits;
    assert!(limits.partition_bytes >= 255 && limits.sort_bytes >= 255);
    assert!(limits.value_bytes >= 384 << 10);
    assert!(limits.transact_items >= 100 && limits.transact_bytes >= 2 << 20);
    Ok(Outcome::Passed)
}

async fn what_is_promised_everywhere_is_supported(cx: Context) -> CaseResult {
    let lacking: Vec<&str> = texts(&cx).await?.info().capabilities.lacking().collect();
    assert_eq!(lacking, [""; 0]);
    Ok(Outcome::Passed)
}

async fn a_value_at_the_limit_is_taken_and_one_byte_more_is_not(cx: Context) -> CaseResult {
    let table: Table<Bytes, Raw> = texts(&cx).await?.with_type();
    let most = table.info().limits.value_bytes;
    let full: Bytes = (0..most).map(|at| at as u8).collect();
    table.put("full", &full).await?;
    let read = table.get("full").await?.ok_or("the item is missing")?;
    assert!(read.value == full);
    assert!(table.query("full").collect().await?[0].value == full);
    let over = Bytes::from(vec![b'x'; most + 1]);
    let error = refused(table.put("over", &over).await, ErrorKind::TooLarge);
    assert!(error.to_string().contains(&most.to_string()), "{error}");
    assert!(table.get("over").await?.is_none());
    Ok(Outcome::Passed)
}

async fn an_empty_value_is_a_value(cx: Context) -> CaseResult {
    let table: Table<Bytes, Raw> = texts(&cx).await?.with_type();
    table.put(("p", "a"), &Bytes::new()).await?;
    assert!(table.get(("p", "a")).await?.ok_or("no item")?.value.is_empty());
    refused(table.put(("p", "a"), &Bytes::new()).if_absent().await, ErrorKind::AlreadyExists);
    Ok(Outcome::Passed)
}

async fn bytes_come_back_as_they_were(cx: Context) -> CaseResult {
    let table: Table<Vec<u8>, Raw> = texts(&cx).await?.with_type();
    let all: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    table.put("a", &all).await?;
    assert_eq!(table.get("a").await?.ok_or("no item")?.value, all);
    Ok(Outcome::Passed)
}

async fn keys_outside_their_limits_are_refused(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let over = "x".repeat(256);
    let wrong = [("", "s"), (over.as_str(), ""), ("p", over.as_str())];
    for (partition, sort) in wrong {
        let key = (partition, sort);
        refused(table.get(key).await, ErrorKind::InvalidArgument);
        refused(table.put(key, &text("x")).await, ErrorKind::InvalidArgument);
        refused(table.delete(key).await, ErrorKind::InvalidArgument);
        refused(table.increment(key, 1).await, ErrorKind::InvalidArgument);
        let transact = table.transact().put(key, &text("x")).await;
        assert_eq!(refused(transact, ErrorKind::InvalidArgument).item(), Some(0));
    }
    refused(table.query("").page().await, ErrorKind::InvalidArgument);
    refused(table.query(&over).page().await, ErrorKind::InvalidArgument);
    refused(table.query("p").prefix(&over).page().await, ErrorKind::InvalidArgument);
    refused(table.query("p").range(..over.as_str()).page().await, ErrorKind::InvalidArgument);
    Ok(Outcome::Passed)
}

async fn a_value_of_another_type_is_malformed(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    table.put(("p", "a"), &text("no number")).await?;
    table.put(("p", "b"), &text("7")).await?;
    let numbers = table.with_type::<u32, Json>();
    let error = refused(numbers.get(("p", "a")).await, ErrorKind::Malformed);
    assert_eq!(error.key(), Some("p a"));
    let mut many = numbers.get_many([("p", "a"), ("p", "none")]).await.into_iter();
    refused(many.next().ok_or("a result is missing")?, ErrorKind::Malformed);
    assert!(many.next().ok_or("a result is missing")??.is_none());
    refused(numbers.query("p").page().await.map(|page| page.entries), ErrorKind::Malformed);
    assert_eq!(value(&table, ("p", "a")).await?, Some(text("no number")));
    Ok(Outcome::Passed)
}

async fn pages_and_limits_are_checked(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let most = table.info().limits.page_items;
    refused(table.query("p").page_size(0).page().await, ErrorKind::InvalidArgument);
    refused(table.query("p").page_size(most + 1).page().await, ErrorKind::InvalidArgument);
    refused(table.query("p").limit(0).page().await, ErrorKind::InvalidArgument);
    table.query("p").page_size(most).page().await?;
    Ok(Outcome::Passed)
}
