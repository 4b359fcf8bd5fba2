//! Tables made, removed and missing.

use skyport_azure::{Azure, AzureConfig};
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Increment, ItemCondition, QueryOptions, Write};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};

use crate::server::{Fate, Server, key, provider, refusal, text};

fn kind() -> ResourceKind {
    ResourceKind::Table(TableSettings::default())
}

#[tokio::test]
async fn a_table_is_made_under_a_name_that_azure_takes_and_removed_by_its_own() {
    let server = Server::start().await;
    let (azure, url) = (server.provider(), ResourceUrl::new("aztable", "photos-catalogue"));
    for _ in 0..2 {
        azure.create(&url, &kind()).await.expect("made, or there");
    }
    let table = azure.table(&url, &TableSettings::default()).expect("opens");
    table.write(Write::put(key("a"), "1".into())).await.expect("put");
    assert_eq!(table.info().resource, "photos-catalogue");
    for _ in 0..2 {
        azure.remove(&url, &kind()).await.expect("removed, or gone");
    }
    let lines: Vec<String> = server.take().iter().map(crate::server::Asked::line).collect();
    assert!(
        lines.contains(&"PUT /acct/photosqzdcatalogue(PartitionKey='p',RowKey=':a')".to_owned()),
        "{lines:?}"
    );
    assert!(lines.contains(&"DELETE /acct/Tables('photosqzdcatalogue')".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn the_name_of_a_table_that_is_being_cleared_away_is_waited_for() {
    let server = Server::start().await;
    server.fate(|_, number| match number {
        0..2 => Fate::Answered(refusal(409, "TableBeingDeleted", "Wait.")),
        _ => Fate::Done,
    });
    server.provider().create(&ResourceUrl::new("aztable", "fresh"), &kind()).await.expect("made");
    assert_eq!(server.take().len(), 3);
}

#[tokio::test]
async fn a_missing_table_is_not_found_at_first_use_whatever_code_azure_gives_it() {
    let server = Server::start().await;
    let table = server
        .provider()
        .table(&ResourceUrl::new("aztable", "nowhere"), &TableSettings::default())
        .expect("opens");
    assert!(server.take().is_empty(), "opening does no I/O");
    for as_missing_row in [false, true] {
        if as_missing_row {
            // As a point read of some versions says.
            server.fate(|asked, _| match asked.target.contains("(PartitionKey") {
                true => Fate::Answered(refusal(404, "ResourceNotFound", "What?")),
                false => Fate::Done,
            });
        }
        let mut create = Write::put(key("a"), "1".into());
        create.condition = ItemCondition::IfAbsent;
        let pair = vec![Write::put(key("a"), "1".into()), Write::put(key("b"), "1".into())];
        let now = table.info().clock.now();
        let results = [
            table.get(&key("a")).await.err(),
            table.get_many(vec![key("a")]).await.remove(0).err(),
            table.write(Write::put(key("a"), "1".into())).await.err(),
            table.write(create).await.err(),
            table.write(Write::delete(key("a"))).await.err(),
            table.write_many(vec![Write::put(key("a"), "1".into())]).await.remove(0).err(),
            table.transact(pair).await.err(),
            table.increment(Increment::new(key("a"), 1, now)).await.err(),
            table.query(QueryOptions::new("p", 5)).await.err(),
            table.sweep().await.err(),
        ];
        for (number, error) in results.into_iter().enumerate() {
            assert_eq!(
                error.map(|error| error.kind()),
                Some(ErrorKind::NotFound),
                "{number} {as_missing_row}"
            );
        }
    }
}

#[tokio::test]
async fn a_table_that_was_seen_is_not_looked_for_again() {
    let server = Server::start().await;
    let table = server.bare(false);
    for _ in 0..2 {
        assert!(table.get(&key("nobody")).await.expect("reads").is_none());
    }
    let looks = server.take().iter().filter(|asked| asked.target.contains("tbl()")).count();
    assert_eq!(looks, 1);
}

#[tokio::test]
async fn a_signature_in_the_url_is_on_every_request_and_in_none_of_a_transactions_own() {
    let server = Server::start().await;
    server.fate(|_, _| Fate::Answered(refusal(403, "AuthorizationFailure", "No.")));
    let mut config = AzureConfig::default();
    config.account = Some("acct".to_owned());
    config.sas = Some("sv=2020-12-06&sig=c2VjcmV0".to_owned());
    config.table_endpoint = Some(server.endpoint.clone());
    let table = Azure::with(config)
        .table(&ResourceUrl::new("aztable", "tbl"), &TableSettings::default())
        .expect("opens");
    let pair = vec![Write::put(key("a"), "1".into()), Write::put(key("b"), "1".into())];
    for error in [table.transact(pair).await.err(), table.query(QueryOptions::new("p", 5)).await.err()] {
        let error = error.expect("forbidden");
        assert!(!format!("{error:?}").contains("c2VjcmV0"), "{error:?}");
    }
    for asked in server.take() {
        assert!(asked.target.contains("?sv=2020-12-06&sig=c2VjcmV0"), "{}", asked.target);
        assert!(!text(&asked).contains("c2VjcmV0"), "{}", text(&asked));
    }
}

#[tokio::test]
async fn a_service_that_does_not_sort_is_refused_before_anything_is_sent() {
    let azure = provider("https://acct.table.cosmos.azure.com");
    let url = ResourceUrl::new("aztable", "tbl");
    let opened = azure.table(&url, &TableSettings::default()).map(drop);
    let error = opened.expect_err("Cosmos DB");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(azure.create(&url, &kind()).await.expect_err("Cosmos DB").kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_connection_that_nobody_takes_is_told_at_once() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}/acct", listener.local_addr().expect("an address"));
    drop(listener);
    let table = provider(&endpoint)
        .table(&ResourceUrl::new("aztable", "tbl"), &TableSettings::default())
        .expect("opens");
    let begun = std::time::Instant::now();
    let error = table.write(Write::put(key("a"), "1".into())).await.expect_err("nobody");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Unavailable, false));
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
}
