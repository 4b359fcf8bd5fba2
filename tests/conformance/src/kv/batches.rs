//! Many items in one call: one result each, in order.

use skyport_core::ErrorKind;
use skyport_core::kv::Table;
use skyport_core::provider::{ResourceKind, TableSettings};

use super::{Texts, refused, text, texts, value};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    many_are_written_read_and_deleted_in_order,
    many_large_values_pass,
    a_wrong_item_fails_alone,
    a_key_that_stands_twice_is_read_twice,
    a_key_that_stands_twice_is_not_written,
    none_is_none,
    a_missing_table_is_not_found_at_first_use,
];

async fn many_are_written_read_and_deleted_in_order(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let items: Vec<((String, String), String)> = (0..250)
        .map(|number| ((format!("p{}", number % 7), format!("{number}")), format!("value {number}")))
        .collect();
    let even = || items.iter().step_by(2);
    let written = table.put_many(even().map(|(key, value)| (key.clone(), value))).await;
    assert_eq!(written.len(), 125);
    let versions = written.into_iter().collect::<Result<Vec<_>, _>>()?;

    let read = table.get_many(items.iter().map(|(key, _)| key.clone())).await;
    assert_eq!(read.len(), 250);
    for (number, result) in read.into_iter().enumerate() {
        let entry = result?;
        if number % 2 == 1 {
            assert!(entry.is_none(), "{number} was never written");
            continue;
        }
        let entry = entry.ok_or("an item is missing")?;
        assert_eq!(entry.value, format!("value {number}"));
        assert_eq!(entry.version(), &versions[number / 2]);
    }

    let deleted = table.delete_many(items.iter().map(|(key, _)| key.clone())).await;
    assert_eq!(deleted.len(), 250);
    for result in deleted {
        result?;
    }
    for result in table.get_many(items.iter().map(|(key, _)| key.clone())).await {
        assert!(result?.is_none());
    }
    Ok(Outcome::Passed)
}

async fn many_large_values_pass(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    // 80 x 256 KiB = 20 MiB, more than one request of any cloud takes.
    let large = "x".repeat(256 << 10);
    let keys: Vec<String> = (0..80).map(|number| number.to_string()).collect();
    for result in table.put_many(keys.iter().map(|sort| (("p", sort), &large))).await {
        result?;
    }
    for result in table.get_many(keys.iter().map(|sort| ("p", sort))).await {
        let entry = result?.ok_or("an item is missing")?;
        assert!(entry.value == large);
    }
    Ok(Outcome::Passed)
}

async fn a_wrong_item_fails_alone(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let huge = "x".repeat(table.info().limits.value_bytes);
    let good = text("good");
    let items = [(("p", "a"), &good), (("", "b"), &good), (("p", "c"), &huge), (("p", "d"), &good)];
    let mut results = table.put_many(items).await.into_iter();
    let mut next = || results.next().ok_or("a result is missing");
    next()??;
    refused(next()?, ErrorKind::InvalidArgument);
    let error = refused(next()?, ErrorKind::TooLarge);
    assert_eq!(error.key(), Some("p c"));
    next()??;
    let mut read = table.get_many([("p", "a"), ("", "b"), ("p", "d")]).await.into_iter();
    let mut next = || read.next().ok_or("a result is missing");
    assert!(next()??.is_some());
    refused(next()?, ErrorKind::InvalidArgument);
    assert!(next()??.is_some());
    Ok(Outcome::Passed)
}

async fn a_key_that_stands_twice_is_read_twice(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    table.put("a", &text("1")).await?;
    let read = table.get_many(["a", "b", "a"]).await;
    let found: Vec<bool> =
        read.into_iter().map(|result| result.map(|entry| entry.is_some())).collect::<Result<_, _>>()?;
    assert_eq!(found, [true, false, true]);
    Ok(Outcome::Passed)
}

async fn a_key_that_stands_twice_is_not_written(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let values = ["1", "2", "3"].map(text);
    let written = table.put_many(["a", "b", "a"].into_iter().zip(&values)).await;
    for (result, good) in written.into_iter().zip([false, true, false]) {
        if good {
            result?;
        } else {
            refused(result, ErrorKind::InvalidArgument);
        }
    }
    assert_eq!(value(&table, "a").await?, None);
    let deleted = table.delete_many(["b", "b"]).await;
    for result in deleted {
        refused(result, ErrorKind::InvalidArgument);
    }
    assert_eq!(value(&table, "b").await?, Some(text("2")));
    Ok(Outcome::Passed)
}

async fn none_is_none(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    assert!(table.put_many(std::iter::empty::<(&str, &String)>()).await.is_empty());
    assert!(table.get_many(std::iter::empty::<&str>()).await.is_empty());
    assert!(table.delete_many(std::iter::empty::<&str>()).await.is_empty());
    Ok(Outcome::Passed)
}

async fn a_missing_table_is_not_found_at_first_use(cx: Context) -> CaseResult {
    let settings = TableSettings::default();
    let url = cx.fresh_url(&ResourceKind::Table(settings.clone()));
    let table: Texts = Table::new(cx.provider().table(&url, &settings)?);
    refused(table.get("a").await, ErrorKind::NotFound);
    refused(table.put("a", &text("1")).await, ErrorKind::NotFound);
    refused(table.put("a", &text("1")).if_absent().await, ErrorKind::NotFound);
    refused(table.delete("a").await, ErrorKind::NotFound);
    refused(table.query("a").page().await, ErrorKind::NotFound);
    refused(table.increment("a", 1).await, ErrorKind::NotFound);
    refused(table.transact().put("a", &text("1")).await, ErrorKind::NotFound);
    for result in table.get_many(["a", "b"]).await {
        refused(result, ErrorKind::NotFound);
    }
    let one = text("1");
    for result in table.put_many([("a", &one), ("b", &one)]).await {
        refused(result, ErrorKind::NotFound);
    }
    Ok(Outcome::Passed)
}
