//! Bodies that break off, or stand still for a while.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use skyport_core::blob::port::GetResult;
use skyport_core::{Body, Error, ErrorKind, Result};

use super::effect::Effect;
use super::rule::Site;
use super::{Faults, Operation};

impl Faults {
    /// Lets a read of an object meet its faults, and those that are in its body.
    pub(crate) fn read<'c, A>(&'c self, resource: &'c str, read: A) -> BoxFuture<'c, Result<GetResult>>
    where
        A: FnOnce() -> Result<GetResult> + Send + 'c,
    {
        let site = Site { operation: Operation::BlobGet, resource, items: 1, ordered: false };
        async move {
            let fate = self.before(&site).await?;
            let result = read();
            self.after(&site, fate).await?;
            if let Some(lost) = fate.lost(resource) {
                return Err(lost);
            }
            match result? {
                GetResult::Found { meta, range, body } if range.0 < range.1 => {
                    let effects = self.answer(&site, fate.call);
                    let body = effects.into_iter().fold(body, |body, effect| self.spoil(body, range, effect));
                    Ok(GetResult::Found { meta, range, body })
                }
                other => Ok(other),
            }
        }
        .boxed()
    }

    fn spoil(&self, body: Body, (start, end): (u64, u64), effect: Effect) -> Body {
        let length = end - start;
        let after = |percent: u32| length * u64::from(percent) / 100;
        let (fault, left) = match effect {
            // Before its last byte: after it nobody would see.
            Effect::BreakOff { percent } => (Spoilt::Broken, after(percent).min(length - 1)),
            Effect::Stall { percent, by } => (Spoilt::Slow(self.clone(), by), after(percent).min(length - 1)),
            _ => return body,
        };
        let reading = Reading { body, left, fault: Some(fault), rest: None };
        let chunks = stream::try_unfold(reading, |mut reading| async move {
            let chunk = reading.next().await?;
            Ok::<_, Error>(chunk.map(|chunk| (chunk, reading)))
        });
        Body::from_stream(chunks).with_len(length)
    }
}

/// What happens to a body on its way.
enum Spoilt {
    Broken,
    Slow(Faults, Duration),
}

/// A body that is read up to its fault, and past it.
struct Reading {
    body: Body,
    /// So many bytes come before the fault.
    left: u64,
    fault: Option<Spoilt>,
    /// What of a chunk comes after the fault.
    rest: Option<Bytes>,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.left == 0 {
            match self.fault.take() {
                Some(Spoilt::Broken) => return Err(broken()),
                Some(Spoilt::Slow(faults, by)) => faults.pause(by).await,
                None => {}
            }
        }
        if let Some(rest) = self.rest.take() {
            return Ok(Some(rest));
        }
        let Some(mut chunk) = self.body.next().await.transpose()? else { return Ok(None) };
        if self.fault.is_some() {
            // It fits: a chunk lies in memory.
            let here = (self.left.min(chunk.len() as u64)) as usize;
            let rest = chunk.split_off(here);
            self.rest = (!rest.is_empty()).then_some(rest);
            self.left -= here as u64;
        }
        Ok(Some(chunk))
    }
}

fn broken() -> Error {
    Error::new(ErrorKind::Unavailable, "an injected fault broke the body off")
        .with_provider(crate::provision::NAME)
}
