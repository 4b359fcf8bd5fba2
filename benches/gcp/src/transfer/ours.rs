//! Through `Bucket`.

use futures_util::{StreamExt, stream};
use skyport_core::body::Body;
use skyport_measure::Outcome;

use super::{Way, pieces};
use crate::place::Place;

pub(super) async fn transfer(endpoint: &str, way: Way, size: u64) -> Outcome<u64> {
    let bucket = Place::of_storage(endpoint).bucket("b")?;
    if way == Way::Up {
        bucket.put("k", Body::from_stream(stream::iter(pieces(size).map(Ok::<_, std::io::Error>)))).await?;
        return Ok(size);
    }
    let (mut body, mut bytes) = (bucket.get("k").await?.into_body(), 0);
    while let Some(chunk) = body.next().await {
        bytes += chunk?.len() as u64;
    }
    Ok(bytes)
}
