//! Pages of a query: what is short, empty, expired, endless, out of order or too much.

use skyport_core::ErrorKind;
use skyport_core::kv::port::{Change, QueryOptions, Write};

use crate::server::{Fate, Server, answer, key};

#[tokio::test]
async fn short_and_empty_pages_are_followed_to_the_end() {
    let server = Server::start().await;
    let table = server.bare(false);
    for number in 0..7 {
        table.write(Write::put(key(&number.to_string()), "1".into())).await.expect("put");
    }
    server.rows.lock().unwrap().page = 2;
    server.rows.lock().unwrap().empty_pages = true;
    let page = table.query(QueryOptions::new("p", 5)).await.expect("reads");
    assert_eq!(page.items.len(), 5);
    let mut options = QueryOptions::new("p", 5);
    options.token = page.next;
    let page = table.query(options).await.expect("reads");
    assert_eq!((page.items.len(), page.next), (2, None));
}

#[tokio::test]
async fn a_small_page_among_much_that_has_expired_is_few_requests() {
    for reverse in [false, true] {
        let server = Server::start().await;
        let table = server.bare(reverse);
        let past = Some(std::time::SystemTime::now() - std::time::Duration::from_secs(1));
        let put = |sort: String, expires| Write::new(key(&sort), Change::Put { value: "1".into(), expires });
        let mut writes: Vec<Write> = (0..600).map(|number| put(format!("m{number:03}"), past)).collect();
        writes.extend([put("a".to_owned(), None), put("z".to_owned(), None)]);
        assert!(table.write_many(writes).await.iter().all(Result::is_ok));
        server.take();
        let mut options = QueryOptions::new("p", 1);
        options.reverse = reverse;
        let (mut found, mut pages) = (Vec::new(), 0);
        loop {
            let page = table.query(options.clone()).await.expect("reads");
            found.extend(page.items.iter().map(|item| item.key.sort.to_string()));
            pages += 1;
            match page.next {
                None => break,
                next => options.token = next,
            }
        }
        assert_eq!(found, if reverse { ["z", "a"] } else { ["a", "z"] });
        let lists = server.take().iter().filter(|asked| asked.target.contains("tbl()")).count();
        assert!(pages < 8 && lists < 40, "{pages} pages, {lists} requests");
    }
}

#[tokio::test]
async fn a_page_ends_after_some_answers_and_the_next_one_goes_on_from_there() {
    let server = Server::start().await;
    let table = server.bare(false);
    let past = Some(std::time::SystemTime::now() - std::time::Duration::from_secs(1));
    for number in 0..50 {
        let change = Change::Put { value: "1".into(), expires: past };
        table.write(Write::new(key(&format!("{number:02}")), change)).await.expect("put");
    }
    table.write(Write::put(key("z"), "1".into())).await.expect("put");
    // Answers are short, however much is asked for.
    server.rows.lock().unwrap().page = 1;
    server.take();
    let (mut options, mut counts) = (QueryOptions::new("p", 1), Vec::new());
    loop {
        let page = table.query(options.clone()).await.expect("reads");
        counts.push((page.items.len(), server.take().len()));
        match page.next {
            None => break,
            next => options.token = next,
        }
    }
    assert_eq!(counts, [(0, 16), (0, 16), (0, 16), (1, 3)]);
}

#[tokio::test]
async fn empty_pages_without_end_are_given_up() {
    let server = Server::start().await;
    let table = server.bare(false);
    let empty = |mark: String| {
        let mut empty = answer(200, "{\"value\":[]}");
        empty.headers_mut().insert("x-ms-continuation-nextpartitionkey", mark.parse().unwrap());
        Fate::Answered(empty)
    };
    server.fate(move |_, number| empty(number.to_string()));
    let error = table.query(QueryOptions::new("p", 5)).await.expect_err("endless");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Unavailable, false));
    server.take();
    server.fate(move |_, _| empty("p".to_owned()));
    for error in [table.query(QueryOptions::new("p", 5)).await.err(), table.sweep().await.err()] {
        let error = error.expect("a circle");
        assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Malformed, false));
    }
    assert_eq!(server.take().len(), 4, "twice the same mark is enough");
}

#[tokio::test]
async fn rows_out_of_order_are_said_to_be_of_another_service() {
    let server = Server::start().await;
    let table = server.bare(false);
    server.fate(|_, _| {
        let row = |row: &str| {
            format!(
                "{{\"RowKey\":\"{row}\",\"Timestamp\":\"2026-11-26T19:20:08.1Z\",\"w\":\"x\",\"v0\":\"\"}}"
            )
        };
        Fate::Answered(answer(200, format!("{{\"value\":[{},{}]}}", row(":b"), row(":a"))))
    });
    let error = table.query(QueryOptions::new("p", 5)).await.expect_err("no order");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.message().contains("order"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_too_much_is_asked_for_in_less() {
    let server = Server::start().await;
    let table = server.bare(false);
    let large = vec![0xff; table.info().limits.value_bytes];
    for number in 0..12 {
        table.write(Write::put(key(&format!("{number:02}")), large.clone().into())).await.expect("put");
    }
    server.take();
    let (mut options, mut found) = (QueryOptions::new("p", 100), 0);
    loop {
        let page = table.query(options.clone()).await.expect("reads");
        found += page.items.len();
        assert!(page.items.len() < 12, "a page has some MiB");
        match page.next {
            None => break,
            next => options.token = next,
        }
    }
    assert_eq!(found, 12);
    let asked = server.take();
    let tops = asked.iter().filter_map(|asked| asked.target.split_once("$top=")?.1.split('&').next());
    let too_many = tops.filter(|top| top.parse::<usize>().expect("a number") > 8).count();
    assert_eq!(too_many, 2, "a hundred and one, twelve, and never again");
}

#[tokio::test]
async fn the_partition_and_its_own_rows_alone_are_asked_for() {
    let server = Server::start().await;
    let table = server.bare(false);
    table.query(QueryOptions::new("a/b", 5)).await.expect("reads");
    let lines: Vec<String> = server.take().iter().map(crate::server::Asked::line).collect();
    assert_eq!(
        lines,
        ["GET /acct/tbl()?$filter=PartitionKey eq 'a._b' and RowKey ge ':' and RowKey lt ';'&$top=6"]
    );
}
