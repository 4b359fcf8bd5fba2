//! A bucket: an object of 1 KiB, and a page of 100 keys.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::EncodingType;
use bytes::Bytes;
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{expect, metrics, side};
use crate::place::{Place, unique};

static BODY: [u8; 1_024] = [7; 1_024];
const LISTED: usize = 100;

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    let (plan, name) = (group.plan(), unique("single"));
    let name = name.as_str();
    let (bucket, raw) = runtime.block_on(async {
        place.create("s3", name).await?;
        let bucket = place.bucket(name)?;
        bucket.put("read", Bytes::from_static(&BODY)).await?;
        for at in 0..LISTED {
            bucket.put(&format!("listed/{at:03}"), Bytes::from_static(&BODY)).await?;
        }
        Outcome::Ok((bucket, place.raw_s3().await))
    })?;
    let (bucket, raw) = (&bucket, &raw);
    let nothing = async || Ok(());
    let put_ours = async |()| {
        bucket.put("written", Bytes::from_static(&BODY)).await?;
        Ok(())
    };
    let put_raw = async |()| {
        let body = ByteStream::from(Bytes::from_static(&BODY));
        let put = raw.put_object().bucket(name).key("written-raw").body(body).send().await?;
        expect(put.e_tag().is_some(), true)
    };
    group.contest(
        "single/blob/put",
        metrics(),
        plan,
        side("skyport", plan, runtime, nothing, put_ours),
        vec![side("aws-sdk-s3", plan, runtime, nothing, put_raw)],
    )?;

    let get_ours = async |()| expect(bucket.get("read").bytes().await?.len(), BODY.len());
    let get_raw = async |()| {
        let got = raw.get_object().bucket(name).key("read").send().await?;
        expect(got.body.collect().await?.into_bytes().len(), BODY.len())
    };
    group.contest(
        "single/blob/get",
        metrics(),
        plan,
        side("skyport", plan, runtime, nothing, get_ours),
        vec![side("aws-sdk-s3", plan, runtime, nothing, get_raw)],
    )?;

    let head_ours = async |()| expect(bucket.head("read").await?.size, BODY.len() as u64);
    let head_raw = async |()| {
        let head = raw.head_object().bucket(name).key("read").send().await?;
        expect(head.content_length(), Some(BODY.len() as i64))
    };
    group.contest(
        "single/blob/head",
        metrics(),
        plan,
        side("skyport", plan, runtime, nothing, head_ours),
        vec![side("aws-sdk-s3", plan, runtime, nothing, head_raw)],
    )?;

    let list_ours = async |()| expect(bucket.list().prefix("listed/").page().await?.entries.len(), LISTED);
    let list_raw = async |()| {
        // As whoever lists what others wrote asks: XML cannot carry every key.
        let list = raw.list_objects_v2().bucket(name).prefix("listed/").encoding_type(EncodingType::Url);
        let page = list.send().await?;
        expect(page.contents().iter().filter(|object| is_plain(object.key())).count(), LISTED)
    };
    group.contest(
        "single/blob/list",
        metrics(),
        plan,
        side("skyport", plan, runtime, nothing, list_ours),
        vec![side("aws-sdk-s3", plan, runtime, nothing, list_raw)],
    )?;

    let written = async || {
        bucket.put("doomed", Bytes::from_static(&BODY)).await?;
        Ok(())
    };
    let delete_ours = async |()| Ok(bucket.delete("doomed").await?);
    let delete_raw = async |()| {
        raw.delete_object().bucket(name).key("doomed").send().await?;
        Ok(())
    };
    group.contest(
        "single/blob/delete",
        metrics(),
        plan,
        side("skyport", plan, runtime, written, delete_ours),
        vec![side("aws-sdk-s3", plan, runtime, written, delete_raw)],
    )
}

/// Whether a key needs no decoding: here none does.
fn is_plain(key: Option<&str>) -> bool {
    key.is_some_and(|key| !key.contains(['%', '+']))
}
