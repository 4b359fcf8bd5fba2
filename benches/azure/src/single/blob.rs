//! Objects of 1 KiB: put, get, head, a page of 100, delete.

use azure_storage_blob::BlobContainerClient;
use azure_storage_blob::models::{
    BlobClientDownloadOptions, BlobClientGetPropertiesResultHeaders, BlobContainerClientListBlobsOptions,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use skyport_core::blob::Bucket;
use skyport_measure::{Group, Outcome, Plan};
use tokio::runtime::Runtime;

use super::{BODY, expect, metrics, nothing, side};
use crate::place::{Place, unique};

const RIVAL: &str = "azure_storage_blob";

/// How many objects there are to be listed.
const LISTED: usize = 100;

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    let names = ["put", "get", "head", "list", "delete"];
    if !names.iter().any(|name| group.wants(&format!("one/blob/{name}"))) {
        return Ok(());
    }
    let name = unique("one");
    let (bucket, raw) = (place.bucket(&name)?, place.raw()?.container(place.part("BlobEndpoint")?, &name)?);
    runtime.block_on(async {
        place.create("azblob", &name).await?;
        for number in 0..LISTED {
            bucket.put(&format!("listed/{number:03}"), &BODY).await?;
        }
        Outcome::Ok(())
    })?;
    put(group, runtime, &bucket, &raw)?;
    read(group, runtime, &bucket, &raw)?;
    list(group, runtime, &bucket, &raw)?;
    delete(group, runtime, &bucket, &raw)
}

async fn raw_put(raw: &BlobContainerClient) -> Outcome<bool> {
    let written = raw.blob_client("one").upload(Bytes::from_static(&BODY).into(), None).await?;
    Ok(written.raw_response.headers().get_optional_str(&"etag".into()).is_some())
}

fn put(group: &mut Group, runtime: &Runtime, bucket: &Bucket, raw: &BlobContainerClient) -> Outcome {
    let plan = group.plan();
    let ours = async |()| Ok(!bucket.put("one", &BODY).await?.etag.as_str().is_empty());
    let theirs = async |()| raw_put(raw).await;
    let done = async |tagged| expect(&tagged, &true);
    let ours = side("skyport", plan, runtime, async || Ok(()), ours, done);
    let theirs = side(RIVAL, plan, runtime, async || Ok(()), theirs, done);
    group.contest("one/blob/put", metrics(), plan, ours, vec![theirs])
}

fn read(group: &mut Group, runtime: &Runtime, bucket: &Bucket, raw: &BlobContainerClient) -> Outcome {
    let plan = group.plan();
    runtime.block_on(async { bucket.put("read", &BODY).await })?;
    let ours = async |()| Ok(bucket.get("read").bytes().await?);
    let theirs = async |()| {
        let found = raw.blob_client("read").download(None::<BlobClientDownloadOptions<'_>>).await?;
        Ok(found.body.collect().await?)
    };
    let whole = async |bytes: Bytes| expect(&&bytes[..], &&BODY[..]);
    let ours = side("skyport", plan, runtime, async || Ok(()), ours, whole);
    let theirs = side(RIVAL, plan, runtime, async || Ok(()), theirs, whole);
    group.contest("one/blob/get", metrics(), plan, ours, vec![theirs])?;
    let ours = async |()| Ok(bucket.head("read").await?.size);
    let theirs =
        async |()| Ok(raw.blob_client("read").get_properties(None).await?.content_length()?.unwrap_or(0));
    let sized = async |size| expect(&size, &(BODY.len() as u64));
    let ours = side("skyport", plan, runtime, async || Ok(()), ours, sized);
    let theirs = side(RIVAL, plan, runtime, async || Ok(()), theirs, sized);
    group.contest("one/blob/head", metrics(), plan, ours, vec![theirs])
}

async fn raw_list(raw: &BlobContainerClient) -> Outcome<usize> {
    let options = BlobContainerClientListBlobsOptions {
        maxresults: Some(LISTED as i32),
        prefix: Some("listed/".to_owned()),
        ..BlobContainerClientListBlobsOptions::default()
    };
    let page = raw.list_blobs(Some(options))?.into_pages().try_next().await?.ok_or("no page")?;
    Ok(page.into_model()?.blob_items.len())
}

fn list(group: &mut Group, runtime: &Runtime, bucket: &Bucket, raw: &BlobContainerClient) -> Outcome {
    let plan = group.plan();
    let ours = async |()| Ok(bucket.list().prefix("listed/").page_size(LISTED).page().await?.entries.len());
    let theirs = async |()| raw_list(raw).await;
    let all = async |entries| expect(&entries, &LISTED);
    let ours = side("skyport", plan, runtime, async || Ok(()), ours, all);
    let theirs = side(RIVAL, plan, runtime, async || Ok(()), theirs, all);
    group.contest("one/blob/list", metrics(), plan, ours, vec![theirs])
}

fn delete(group: &mut Group, runtime: &Runtime, bucket: &Bucket, raw: &BlobContainerClient) -> Outcome {
    let plan: Plan = group.plan();
    let there = async || raw_put(raw).await.map(drop);
    let ours = async |()| Ok(bucket.delete("one").await?);
    let theirs = async |()| Ok(raw.blob_client("one").delete(None).await.map(drop)?);
    let ours = side("skyport", plan, runtime, there, ours, nothing);
    let theirs = side(RIVAL, plan, runtime, there, theirs, nothing);
    group.contest("one/blob/delete", metrics(), plan, ours, vec![theirs])
}
