//! Many at once.

use futures_util::future::join_all;

use super::bucket;
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    twenty_writers_and_readers_of_one_object_see_whole_contents,
    twenty_writers_of_different_objects_lose_nothing,
];

async fn twenty_writers_and_readers_of_one_object_see_whole_contents(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", vec![0_u8; 10_000]).await?;
    let writers = (1..=20_u8).map(|number| {
        let bucket = bucket.clone();
        tokio::spawn(async move {
            let length = 10_000 + usize::from(number);
            // A rival may be in the way of an unconditional write too.
            while let Err(error) = bucket.put("k", vec![number; length]).await {
                assert!(error.is_retryable(), "{error}");
            }
        })
    });
    let readers = (0..20).map(|_| {
        let bucket = bucket.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                let bytes = bucket.get("k").bytes().await.expect("it is always there");
                assert!(bytes.iter().all(|byte| *byte == bytes[0]), "mixed contents");
                assert_eq!(bytes.len(), 10_000 + usize::from(bytes[0]));
            }
        })
    });
    for ended in join_all(writers.chain(readers)).await {
        ended?;
    }
    Ok(Outcome::Passed)
}

async fn twenty_writers_of_different_objects_lose_nothing(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let writers = (0..20).map(|number| {
        let bucket = bucket.clone();
        tokio::spawn(async move {
            for round in 0..5 {
                bucket.put(&format!("{number:02}/{round}"), format!("{number} {round}")).await?;
            }
            skyport_core::Result::<_>::Ok(())
        })
    });
    for ended in join_all(writers).await {
        ended??;
    }
    assert_eq!(bucket.list().collect(1_000).await?.len(), 100);
    assert_eq!(bucket.get("07/3").text().await?, "7 3");
    Ok(Outcome::Passed)
}
