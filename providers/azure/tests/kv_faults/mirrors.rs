//! Queries that run backwards, by mirrors.

use skyport_core::kv::port::{Bound, Increment, ItemCondition, KeyValueStore, QueryOptions, Write};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::{Error, ErrorKind};

use crate::server::{Fate, Server, key};

/// The sort keys from the last to the first, by pages of that size.
async fn backwards(table: &dyn KeyValueStore, size: usize) -> Result<Vec<String>, Error> {
    let mut options = QueryOptions::new("p", size);
    options.reverse = true;
    read_all(table, options).await
}

async fn read_all(table: &dyn KeyValueStore, mut options: QueryOptions) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    loop {
        let page = table.query(options.clone()).await?;
        assert!(page.items.len() <= options.page_size);
        all.extend(page.items.iter().map(|item| item.key.sort.to_string()));
        match page.next {
            None => return Ok(all),
            next => options.token = next,
        }
    }
}

async fn fill(table: &dyn KeyValueStore, sorts: &[&str]) {
    for sort in sorts {
        table.write(Write::put(key(sort), "1".into())).await.expect("put");
    }
}

#[tokio::test]
async fn backwards_is_the_reverse_of_forwards_within_any_range_and_page() {
    let server = Server::start().await;
    server.rows.lock().unwrap().page = 2;
    server.rows.lock().unwrap().empty_pages = true;
    let table = server.bare(true);
    let sorts = ["", "a", "a/1", "a/2", "ab", "b", "é", "\u{ffff}", "\u{10000}"];
    fill(&*table, &sorts).await;
    for size in [1, 2, 3, 100] {
        for (start, end) in [
            (Bound::Unbounded, Bound::Unbounded),
            (Bound::Included("a"), Bound::Excluded("b")),
            (Bound::Excluded("a"), Bound::Included("b")),
            (Bound::Included("é"), Bound::Unbounded),
            (Bound::Unbounded, Bound::Excluded("")),
        ] {
            let mut options = QueryOptions::new("p", size);
            (options.start, options.end) = (start.map(Into::into), end.map(Into::into));
            let mut forwards = read_all(&*table, options.clone()).await.expect("reads");
            options.reverse = true;
            forwards.reverse();
            assert_eq!(
                read_all(&*table, options).await.expect("reads"),
                forwards,
                "{start:?} {end:?} {size}"
            );
        }
    }
}

#[tokio::test]
async fn a_mirror_comes_and_goes_with_its_item() {
    let server = Server::start().await;
    let table = server.bare(true);
    fill(&*table, &["a", "b", "c"]).await;
    table.increment(Increment::new(key("n"), 1, table.info().clock.now())).await.expect("counted");
    assert_eq!(backwards(&*table, 10).await.expect("reads"), ["n", "c", "b", "a"]);
    table.write(Write::delete(key("b"))).await.expect("deleted");
    table.write(Write::delete(key("never was"))).await.expect("nothing to do");
    table.transact(vec![Write::delete(key("a")), Write::put(key("d"), "1".into())]).await.expect("applied");
    assert_eq!(backwards(&*table, 10).await.expect("reads"), ["n", "d", "c"]);
    assert_eq!(server.rows.lock().unwrap().names().len(), 6);
    // Each went in one request.
    let batches = server.asked().iter().filter(|asked| asked.target.contains("$batch")).count();
    assert!(batches >= 6, "{batches}");
}

#[tokio::test]
async fn a_mirror_without_an_item_is_passed_over_and_taken_away() {
    let server = Server::start().await;
    let table = server.bare(true);
    fill(&*table, &["a", "b"]).await;
    server.rows.lock().unwrap().remove(":b");
    assert_eq!(backwards(&*table, 10).await.expect("reads"), ["a"]);
    assert_eq!(server.rows.lock().unwrap().names().len(), 2);
}

#[tokio::test]
async fn what_was_written_before_there_was_an_index_gets_its_mirrors_when_the_table_is_made_with_one() {
    let server = Server::start().await;
    fill(&*server.bare(false), &["a", "b", "c"]).await;
    let table = server.bare(true);
    // A deletion and an overwrite of what has none.
    table.write(Write::delete(key("b"))).await.expect("deleted");
    fill(&*table, &["c"]).await;
    let mut settings = TableSettings::default();
    settings.reverse_index = true;
    let url = ResourceUrl::new("aztable", "tbl");
    server.provider().create(&url, &ResourceKind::Table(settings)).await.expect("made");
    assert_eq!(backwards(&*table, 10).await.expect("reads"), ["c", "a"]);
}

#[tokio::test]
async fn mirrors_are_made_once_page_by_page_and_anew_where_the_table_was_without_them_meanwhile() {
    let server = Server::start().await;
    let sorts = ["a", "b", "c", "d", "e", "f", "g"];
    fill(&*server.bare(false), &sorts).await;
    server.rows.lock().unwrap().page = 2;
    server.rows.lock().unwrap().empty_pages = true;
    server.take();
    let kind = |reverse_index| {
        let mut settings = TableSettings::default();
        settings.reverse_index = reverse_index;
        ResourceKind::Table(settings)
    };
    let (azure, url) = (server.provider(), ResourceUrl::new("aztable", "tbl"));
    let listings = |server: &Server| {
        let lines = server.take().into_iter().map(|asked| asked.target);
        lines.filter(|line| line.contains("tbl()")).collect::<Vec<_>>()
    };
    // One answer is lost: that one alone is asked for again.
    let lost = std::sync::Mutex::new(true);
    server.fate(move |asked, _| {
        let lost = asked.target.contains("NextRowKey=*:e") && std::mem::take(&mut *lost.lock().unwrap());
        if lost { Fate::AnswerLost } else { Fate::Done }
    });
    azure.create(&url, &kind(true)).await.expect("made");
    let asked = listings(&server);
    assert_eq!(asked.iter().filter(|line| line.contains("NextRowKey=*:e")).count(), 2);
    assert_eq!(asked.iter().filter(|line| !line.contains("NextRowKey")).count(), 1);
    azure.create(&url, &kind(true)).await.expect("there");
    assert!(listings(&server).is_empty(), "it is known that all have theirs");
    // Nobody sees the row by which it is known.
    let table = server.bare(true);
    assert_eq!(read_all(&*table, QueryOptions::new("p", 10)).await.expect("reads"), sorts);
    assert_eq!(backwards(&*table, 10).await.expect("reads").len(), 7);
    assert_eq!(table.sweep().await.expect("swept"), 0);
    assert_eq!(server.rows.lock().unwrap().names().len(), 15);
    // Where the table is declared without, others are written.
    azure.create(&url, &kind(false)).await.expect("there");
    fill(&*server.bare(false), &["h"]).await;
    azure.create(&url, &kind(true)).await.expect("there");
    assert_eq!(backwards(&*table, 10).await.expect("reads").len(), 8);
}

fn hundred() -> Vec<Write> {
    (0..100)
        .map(|number| {
            let mut write = Write::put(key(&format!("{number:03}")), "1".into());
            write.condition = ItemCondition::IfAbsent;
            write
        })
        .collect()
}

#[tokio::test]
async fn a_hundred_items_with_mirrors_are_one_transaction() {
    let server = Server::start().await;
    let table = server.bare(true);
    let versions = table.transact(hundred()).await.expect("applied");
    assert!(versions.iter().all(Option::is_some));
    assert_eq!(server.rows.lock().unwrap().names().len(), 200, "an item and a mirror each, and no note");
    assert_eq!(backwards(&*table, 7).await.expect("reads").len(), 100);
    let error = table.transact(hundred()).await.expect_err("they are there");
    assert_eq!((error.kind(), error.item()), (ErrorKind::AlreadyExists, Some(0)));
    assert_eq!(server.rows.lock().unwrap().names().len(), 200, "no note of what was refused");
}

#[tokio::test]
async fn items_whose_mirrors_were_never_made_are_found_all_the_same_and_get_them_by_a_sweep() {
    let server = Server::start().await;
    let table = server.bare(true);
    fill(&*table, &["0005", "zzz"]).await;
    // The writer ends after the second request: the note and the items are there.
    server.fate(move |_, number| if number < 2 { Fate::Done } else { Fate::Lost });
    table.transact(hundred()).await.expect("applied");
    server.take();
    assert_eq!(server.rows.lock().unwrap().names().len(), 105);
    for size in [1, 9, 200] {
        let all = backwards(&*table, size).await.expect("reads");
        let mut expected: Vec<String> = (0..100).map(|number| format!("{number:03}")).collect();
        expected.extend(["0005".to_owned(), "zzz".to_owned()]);
        expected.sort();
        expected.reverse();
        assert_eq!(all, expected, "by pages of {size}");
    }
    // A note that is still young is left to its writer.
    assert_eq!(table.sweep().await.expect("swept"), 0);
    assert_eq!(server.rows.lock().unwrap().names().len(), 105);
    server.rows.lock().unwrap().set("@", "exp", 1);
    assert_eq!(table.sweep().await.expect("swept"), 0, "a note is no item");
    assert_eq!(server.rows.lock().unwrap().names().len(), 204, "an item and a mirror each, and no note");
    assert_eq!(backwards(&*table, 200).await.expect("reads").len(), 102);
}
