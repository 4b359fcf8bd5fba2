//! Keys of any UTF-8, and their order.

use super::{text, texts, value};
use crate::case::{CaseResult, Context, Outcome, cases};
use futures_util::TryStreamExt;

cases![
    any_utf8_is_a_sort_key,
    any_utf8_is_a_partition,
    partitions_do_not_see_each_other,
    items_are_in_the_order_of_their_utf8,
    backwards_is_the_exact_reverse,
];

/// What some store or other forbids, folds, splits at or sorts otherwise.
fn weird() -> Vec<String> {
    let mut keys: Vec<String> = [
        "a",
        "A",
        "aa",
        "b",
        "/",
        "//",
        "a/b",
        "/a",
        "a/",
        "#",
        "?",
        "%",
        "%2F",
        "\\",
        ".",
        "..",
        "__x__",
        "__",
        " ",
        " a",
        "a ",
        "\t",
        "\n",
        "\0",
        "a\0",
        "a\0b",
        "\u{1}",
        "\u{7f}",
        "\u{80}",
        "\u{9f}",
        "é",
        "e\u{301}",
        "ß",
        "ſ",
        "\u{7ff}",
        "\u{800}",
        "\u{d7ff}",
        "\u{e000}",
        "\u{fffd}",
        "\u{ffff}",
        "\u{10000}",
        "😀",
        "\u{10ffff}",
        "'",
        "\"",
        "''",
        ";",
        "$",
        "*",
        "_",
        "-",
        "~",
        "0",
        "10",
        "9",
        "null",
        "true",
    ]
    .map(text)
    .into();
    keys.push("x".repeat(255));
    keys.push("\0".repeat(255));
    keys.push("\u{10ffff}".repeat(63));
    keys.push(format!("{}é", "y".repeat(253)));
    keys.push("/".repeat(255));
    keys
}

async fn any_utf8_is_a_sort_key(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let mut keys = weird();
    keys.push(String::new());
    for result in table.put_many(keys.iter().map(|sort| (("p", sort), sort))).await {
        result?;
    }
    for sort in &keys {
        assert_eq!(value(&table, ("p", sort)).await?.as_ref(), Some(sort), "{sort:?}");
    }
    assert_eq!(table.query("p").collect().await?.len(), keys.len());
    for sort in &keys {
        table.delete(("p", sort)).await?;
        assert_eq!(value(&table, ("p", sort)).await?, None, "{sort:?}");
    }
    Ok(Outcome::Passed)
}

async fn any_utf8_is_a_partition(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let keys = weird();
    for partition in &keys {
        table.put((partition, "s"), partition).if_absent().await?;
    }
    for partition in &keys {
        let found = table.query(partition).collect().await?;
        assert_eq!(found.len(), 1, "{partition:?}");
        assert_eq!(&found[0].value, partition);
        assert_eq!(&*found[0].key.partition, partition);
    }
    Ok(Outcome::Passed)
}

async fn partitions_do_not_see_each_other(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    for (partition, sort) in [("a", "bc"), ("ab", "c"), ("abc", ""), ("a/b", "c"), ("a", "b/c")] {
        let whole = format!("{partition}|{sort}");
        table.put((partition, sort), &whole).if_absent().await?;
    }
    for (partition, count) in [("a", 2), ("ab", 1), ("abc", 1), ("a/b", 1), ("b", 0)] {
        assert_eq!(table.query(partition).collect().await?.len(), count, "{partition}");
    }
    assert_eq!(value(&table, ("ab", "c")).await?, Some(text("ab|c")));
    Ok(Outcome::Passed)
}

async fn items_are_in_the_order_of_their_utf8(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let mut keys = weird();
    keys.push(String::new());
    for result in table.put_many(keys.iter().map(|sort| (("p", sort), sort))).await {
        result?;
    }
    keys.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    for page_size in [1, 7, 100] {
        let stream = table.query("p").page_size(page_size).stream();
        let found: Vec<String> = stream.map_ok(|entry| entry.key.sort.to_string()).try_collect().await?;
        assert_eq!(found, keys, "by pages of {page_size}");
    }
    Ok(Outcome::Passed)
}

async fn backwards_is_the_exact_reverse(cx: Context) -> CaseResult {
    let table = super::texts_to_be_read_backwards(&cx).await?;
    if !table.info().capabilities.reverse.is_supported() {
        return Ok(Outcome::Skipped("queries do not run backwards"));
    }
    let mut keys = weird();
    for result in table.put_many(keys.iter().map(|sort| (("p", sort), sort))).await {
        result?;
    }
    keys.sort_by(|a, b| b.as_bytes().cmp(a.as_bytes()));
    for page_size in [1, 100] {
        let stream = table.query("p").reverse().page_size(page_size).stream();
        let found: Vec<String> = stream.map_ok(|entry| entry.key.sort.to_string()).try_collect().await?;
        assert_eq!(found, keys, "by pages of {page_size}");
    }
    Ok(Outcome::Passed)
}
