//! Prefixes, ranges, limits and tokens of queries.

use std::ops::Bound;

use futures_util::TryStreamExt;
use skyport_core::kv::{Query, Table};
use skyport_core::{ErrorKind, Json, Result, Support};

use super::{Texts, refused, text, texts, texts_to_be_read_backwards};
use crate::case::{CaseResult, Context, Outcome, cases};
use crate::inert::Inert;

cases![
    an_empty_partition_has_no_items,
    a_prefix_ends_where_it_should,
    a_range_keeps_its_ends,
    prefix_and_range_together_give_what_is_in_both,
    a_range_that_holds_nothing_is_empty,
    a_limit_ends_a_query,
    a_page_goes_on_at_its_token,
    a_token_of_another_query_is_refused,
    a_token_survives_a_write_before_its_place,
    backwards_within_a_range,
    backwards_is_refused_where_it_cannot_be,
];

async fn filled(cx: &Context, sorts: &[&str]) -> Result<Texts> {
    let table = texts(cx).await?;
    for sort in sorts {
        table.put(("p", sort), &text(sort)).await?;
    }
    Ok(table)
}

async fn sorts(query: Query<String, Json>) -> Result<Vec<String>> {
    let entries = query.collect().await?;
    Ok(entries.into_iter().map(|entry| entry.key.sort.to_string()).collect())
}

async fn an_empty_partition_has_no_items(cx: Context) -> CaseResult {
    let table = filled(&cx, &["a"]).await?;
    let page = table.query("other").page().await?;
    assert!(page.entries.is_empty() && page.next.is_none());
    Ok(Outcome::Passed)
}

async fn a_prefix_ends_where_it_should(cx: Context) -> CaseResult {
    let full = "z".repeat(255);
    let all = [
        "",
        "a",
        "a\u{7f}",
        "a\u{7f}x",
        "a\u{80}",
        "ab",
        "b",
        "\u{d7ff}",
        "\u{d7ff}x",
        "\u{e000}",
        "\u{ffff}",
        "\u{ffff}x",
        "\u{10000}",
        "\u{10ffff}",
        "\u{10ffff}\u{10ffff}",
        &full,
    ];
    let table = filled(&cx, &all).await?;
    for prefix in ["", "a", "a\u{7f}", "\u{d7ff}", "\u{ffff}", "\u{10ffff}", "c", &full] {
        let mut expected: Vec<&str> = all.iter().copied().filter(|sort| sort.starts_with(prefix)).collect();
        expected.sort_unstable();
        assert_eq!(sorts(table.query("p").prefix(prefix)).await?, expected, "{prefix:?}");
    }
    Ok(Outcome::Passed)
}

async fn a_range_keeps_its_ends(cx: Context) -> CaseResult {
    let table = filled(&cx, &["", "a", "aa", "b", "c"]).await?;
    let query = || table.query("p");
    assert_eq!(sorts(query().range("a".."b")).await?, ["a", "aa"]);
    assert_eq!(sorts(query().range("a"..="b")).await?, ["a", "aa", "b"]);
    assert_eq!(sorts(query().range("aa"..)).await?, ["aa", "b", "c"]);
    assert_eq!(sorts(query().range(.."a")).await?, [""]);
    assert_eq!(sorts(query().range(..="")).await?, [""]);
    assert_eq!(sorts(query().range((Bound::Excluded("a"), Bound::Excluded("c")))).await?, ["aa", "b"]);
    assert_eq!(sorts(query().range((Bound::Excluded(""), Bound::Unbounded))).await?, ["a", "aa", "b", "c"]);
    Ok(Outcome::Passed)
}

async fn prefix_and_range_together_give_what_is_in_both(cx: Context) -> CaseResult {
    let table = filled(&cx, &["a/1", "a/2", "a/3", "b/1"]).await?;
    let both = table.query("p").prefix("a/").range("a/2"..);
    assert_eq!(sorts(both).await?, ["a/2", "a/3"]);
    let none = table.query("p").prefix("a/").range("b"..);
    assert_eq!(sorts(none).await?, [""; 0]);
    Ok(Outcome::Passed)
}

async fn a_range_that_holds_nothing_is_empty(cx: Context) -> CaseResult {
    let table = filled(&cx, &["a", "b", "c"]).await?;
    assert_eq!(sorts(table.query("p").range("c".."a")).await?, [""; 0]);
    assert_eq!(sorts(table.query("p").range("b".."b")).await?, [""; 0]);
    let both = (Bound::Excluded("b"), Bound::Excluded("b"));
    assert_eq!(sorts(table.query("p").range(both)).await?, [""; 0]);
    Ok(Outcome::Passed)
}

async fn a_limit_ends_a_query(cx: Context) -> CaseResult {
    let table = filled(&cx, &["a", "b", "c", "d", "e"]).await?;
    assert_eq!(sorts(table.query("p").limit(3).page_size(2)).await?, ["a", "b", "c"]);
    assert_eq!(sorts(table.query("p").limit(9)).await?.len(), 5);
    let streamed: Vec<_> = table.query("p").limit(3).page_size(1).stream().try_collect().await?;
    assert_eq!(streamed.len(), 3);
    let page = table.query("p").limit(2).page().await?;
    assert_eq!(page.entries.len(), 2);
    Ok(Outcome::Passed)
}

async fn a_page_goes_on_at_its_token(cx: Context) -> CaseResult {
    let all = ["a", "b", "c", "d", "e"];
    let table = filled(&cx, &all).await?;
    let (mut found, mut token) = (Vec::new(), None);
    for pages in 0.. {
        assert!(pages < 20, "the pages do not end");
        let query = table.query("p").page_size(2);
        let query = match token {
            Some(token) => query.token(token),
            None => query,
        };
        let page = query.page().await?;
        assert!(page.entries.len() <= 2);
        found.extend(page.entries.into_iter().map(|entry| entry.value));
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(found, all);
    Ok(Outcome::Passed)
}

async fn a_token_of_another_query_is_refused(cx: Context) -> CaseResult {
    let table = filled(&cx, &["a", "b", "c"]).await?;
    let page = table.query("p").page_size(1).page().await?;
    let token = page.next.ok_or("there is a second page")?;
    let others = [
        table.query("q").token(&*token),
        table.query("p").prefix("b").token(&*token),
        table.query("p").range("a"..).token(&*token),
        table.query("p").token("nonsense"),
        table.query("p").token(""),
        table.query("p").token("é".repeat(9_000)),
        table.query("p").token(format!("{}x", &token[..token.len() - 1])),
    ];
    let count = others.len();
    for (number, query) in others.into_iter().enumerate() {
        // A place that was tampered with may be a place: then it is one of this query.
        match query.page().await {
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{number}: {error}"),
            Ok(_) => assert_eq!(number, count - 1, "a foreign token was taken"),
        }
    }
    Ok(Outcome::Passed)
}

async fn a_token_survives_a_write_before_its_place(cx: Context) -> CaseResult {
    let table = filled(&cx, &["b", "c", "d"]).await?;
    let page = table.query("p").page_size(1).page().await?;
    let token = page.next.ok_or("there is a second page")?;
    table.put(("p", "a"), &text("new")).await?;
    table.delete(("p", "b")).await?;
    let rest = table.query("p").token(token).collect().await?;
    let rest: Vec<&str> = rest.iter().map(|entry| &*entry.key.sort).collect();
    assert_eq!(rest, ["c", "d"]);
    Ok(Outcome::Passed)
}

async fn backwards_within_a_range(cx: Context) -> CaseResult {
    let table = texts_to_be_read_backwards(&cx).await?;
    for sort in ["a/1", "a/2", "a/3", "b"] {
        table.put(("p", sort), &text(sort)).await?;
    }
    if !table.info().capabilities.reverse.is_supported() {
        return Ok(Outcome::Skipped("queries do not run backwards"));
    }
    let newest = table.query("p").prefix("a/").reverse().limit(2);
    assert_eq!(sorts(newest).await?, ["a/3", "a/2"]);
    let page = table.query("p").reverse().page_size(1).page().await?;
    let token = page.next.ok_or("there is a second page")?;
    let forwards = table.query("p").token(&*token).page().await;
    refused(forwards, ErrorKind::InvalidArgument);
    assert_eq!(sorts(table.query("p").reverse().token(token)).await?, ["a/3", "a/2", "a/1"]);
    Ok(Outcome::Passed)
}

async fn backwards_is_refused_where_it_cannot_be(cx: Context) -> CaseResult {
    let port = cx.table().await?;
    let cannot = Inert::like(port.info(), |info| info.capabilities.reverse = Support::Unsupported("tried"));
    let table: Table<u32> = Table::new(cannot);
    refused(table.query("p").reverse().page().await, ErrorKind::Unsupported);
    refused(table.query("p").reverse().collect().await, ErrorKind::Unsupported);
    Ok(Outcome::Passed)
}
