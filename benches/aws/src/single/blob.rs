//! A bucket: an object of 1 KiB, and a page of 100 keys.

use std::cell::Cell;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::EncodingType;
use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{expect, metrics, side};
use crate::place::{Place, unique};

static BODY: [u8; 1_024] = [7; 1_024];
const LISTED: usize = 100;

/// Both sides' bucket: one.
struct Sides {
    ours: Bucket,
    raw: Client,
    name: String,
    /// Of the raw side's tokens.
    next: Cell<u128>,
}

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    let sides = runtime.block_on(Sides::new(place))?;
    put(group, runtime, &sides)?;
    get(group, runtime, &sides)?;
    head(group, runtime, &sides)?;
    list(group, runtime, &sides)?;
    delete(group, runtime, &sides)
}

async fn nothing() -> Outcome {
    Ok(())
}

fn put(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let ours = async |()| sides.put_ours("written").await;
    let raw = async |()| {
        sides.next.set(sides.next.get() + 1);
        let put = sides.raw.put_object().bucket(&sides.name).key("written-raw");
        let put = put.content_type("binary/octet-stream").body(ByteStream::from(Bytes::from_static(&BODY)));
        let put = put.metadata("skyport_w", format!("{:032x}", sides.next.get()));
        expect(put.send().await?.e_tag().is_some(), true)
    };
    let ours = side("skyport", plan, runtime, nothing, ours);
    group.contest(
        "single/blob/put",
        metrics(),
        plan,
        ours,
        vec![side("aws-sdk-s3", plan, runtime, nothing, raw)],
    )
}

fn get(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let ours = async |()| expect(sides.ours.get("read").bytes().await?.len(), BODY.len());
    let raw = async |()| {
        let got = sides.raw.get_object().bucket(&sides.name).key("read").send().await?;
        expect(got.body.collect().await?.into_bytes().len(), BODY.len())
    };
    let ours = side("skyport", plan, runtime, nothing, ours);
    group.contest(
        "single/blob/get",
        metrics(),
        plan,
        ours,
        vec![side("aws-sdk-s3", plan, runtime, nothing, raw)],
    )
}

fn head(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let ours = async |()| expect(sides.ours.head("read").await?.size, BODY.len() as u64);
    let raw = async |()| {
        let head = sides.raw.head_object().bucket(&sides.name).key("read").send().await?;
        expect(head.content_length(), Some(BODY.len() as i64))
    };
    let ours = side("skyport", plan, runtime, nothing, ours);
    group.contest(
        "single/blob/head",
        metrics(),
        plan,
        ours,
        vec![side("aws-sdk-s3", plan, runtime, nothing, raw)],
    )
}

fn list(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let ours = async |()| expect(sides.ours.list().prefix("listed/").page().await?.entries.len(), LISTED);
    let raw = async |()| {
        let list = sides.raw.list_objects_v2().bucket(&sides.name).prefix("listed/").max_keys(1_000);
        let page = list.encoding_type(EncodingType::Url).send().await?;
        expect(page.contents().iter().filter(|object| is_plain(object.key())).count(), LISTED)
    };
    let ours = side("skyport", plan, runtime, nothing, ours);
    group.contest(
        "single/blob/list",
        metrics(),
        plan,
        ours,
        vec![side("aws-sdk-s3", plan, runtime, nothing, raw)],
    )
}

fn delete(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let written = async || sides.put_ours("doomed").await;
    let ours = async |()| Ok(sides.ours.delete("doomed").await?);
    let raw = async |()| {
        sides.raw.delete_object().bucket(&sides.name).key("doomed").send().await?;
        Ok(())
    };
    let ours = side("skyport", plan, runtime, written, ours);
    group.contest(
        "single/blob/delete",
        metrics(),
        plan,
        ours,
        vec![side("aws-sdk-s3", plan, runtime, written, raw)],
    )
}

/// Whether a key needs no decoding: here none does.
fn is_plain(key: Option<&str>) -> bool {
    key.is_some_and(|key| !key.contains(['%', '+']))
}

impl Sides {
    async fn new(place: &Place) -> Outcome<Self> {
        let name = unique("single");
        place.create("s3", &name).await?;
        let (ours, raw) = (place.bucket(&name)?, place.raw_s3().await);
        let sides = Self { ours, raw, name, next: Cell::new(0) };
        sides.put_ours("read").await?;
        for at in 0..LISTED {
            sides.put_ours(&format!("listed/{at:03}")).await?;
        }
        Ok(sides)
    }

    async fn put_ours(&self, key: &str) -> Outcome {
        self.ours.put(key, Bytes::from_static(&BODY)).await?;
        Ok(())
    }
}
