//! One call past its faults.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use skyport_core::{Clock, Error, ErrorKind, Result};

use super::effect::{Effect, Which, lost, refused, timed_out};
use super::rule::Site;
use super::{Faults, crash};

/// What is still to become of a call that is carried out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fate {
    pub(super) call: u64,
    delay: Duration,
    crashes: bool,
    times_out: Option<Duration>,
    loses: Option<(ErrorKind, Which)>,
    refuses: Option<(ErrorKind, Option<Duration>, Which)>,
}

/// Carries out a call of a port, past its faults where there are any. Of a call without them nothing is boxed, and what it brings
/// is not moved.
macro_rules! call {
    ($faults:expr, $operation:ident, $resource:expr, $apply:expr) => {{
        let apply = $apply;
        if $faults.are_armed() {
            let operation = $crate::faults::Operation::$operation;
            return $faults.call(operation, $resource, apply).await;
        }
        apply()
    }};
}

/// As [`call`], for a call about several things with a result each.
macro_rules! call_each {
    ($faults:expr, $operation:ident, $resource:expr, $items:expr, $apply:expr) => {{
        let (items, apply) = ($items, $apply);
        if $faults.are_armed() {
            let site = $crate::faults::Site {
                operation: $crate::faults::Operation::$operation,
                resource: $resource,
                items: items.len(),
                ordered: false,
            };
            return $faults.call_each(site, items, apply).await;
        }
        apply(items)
    }};
}

pub(crate) use {call, call_each};

impl Faults {
    /// A call with one result.
    pub(crate) fn call<'c, T, A>(
        &'c self,
        operation: super::Operation,
        resource: &'c str,
        apply: A,
    ) -> BoxFuture<'c, Result<T>>
    where
        T: Send + 'c,
        A: FnOnce() -> Result<T> + Send + 'c,
    {
        let site = Site { operation, resource, items: 1, ordered: false };
        async move {
            let fate = self.before(&site).await?;
            let result = apply();
            self.after(&site, fate).await?;
            match fate.loses {
                Some((kind, _)) => Err(lost(kind, resource)),
                None => result,
            }
        }
        .boxed()
    }

    /// A call about several things: some may be refused, or their answers lost.
    pub(crate) fn call_each<'c, I, T, A>(
        &'c self,
        site: Site<'c>,
        items: Vec<I>,
        apply: A,
    ) -> BoxFuture<'c, Vec<Result<T>>>
    where
        I: Send + 'c,
        T: Send + 'c,
        A: FnOnce(Vec<I>) -> Vec<Result<T>> + Send + 'c,
    {
        async move {
            let count = items.len();
            let fate = match self.before(&site).await {
                Ok(fate) => fate,
                Err(error) => return error.of_each(count),
            };
            let results = apply_some(&site, fate, items, apply);
            if let Err(error) = self.after(&site, fate).await {
                return error.of_each(count);
            }
            let lose = |(index, result)| match fate.loses {
                Some((kind, some)) if site.strikes(some, index) => Err(lost(kind, site.resource)),
                _ => result,
            };
            results.into_iter().enumerate().map(lose).collect()
        }
        .boxed()
    }

    /// Lets a call meet what strikes it before it is carried out.
    pub(super) async fn before(&self, site: &Site<'_>) -> Result<Fate> {
        crash::alive().await;
        let drawn = self.begin(site);
        let mut fate = Fate { call: drawn.call, delay: drawn.delays.1, ..Fate::default() };
        let slow = drawn.effects.iter().filter_map(|effect| match effect {
            Effect::Slow(by) => Some(*by),
            _ => None,
        });
        self.pause(slow.fold(drawn.delays.0, Duration::saturating_add)).await;
        for effect in drawn.effects {
            match effect {
                Effect::Refuse { kind, retry_after, some } if site.is_one_of(some) => {
                    return Err(refused(kind, retry_after, site.resource));
                }
                Effect::Refuse { kind, retry_after, some } => fate.refuses = Some((kind, retry_after, some)),
                Effect::Lose { kind, some } => fate.loses = Some((kind, some)),
                Effect::TimeOut { after, applied: false } => {
                    self.pause(after).await;
                    return Err(timed_out(site.resource));
                }
                Effect::TimeOut { after, applied: true } => fate.times_out = Some(after),
                Effect::Crash { applied: false } => crash::crash().await,
                Effect::Crash { applied: true } => fate.crashes = true,
                Effect::Jump { millis } => Clock::jump(millis),
                _ => {}
            }
        }
        Ok(fate)
    }

    /// Lets a call that was carried out meet what strikes it before its answer is seen.
    pub(super) async fn after(&self, site: &Site<'_>, fate: Fate) -> Result<()> {
        if fate.crashes {
            crash::crash().await;
        }
        if let Some(after) = fate.times_out {
            self.pause(after).await;
            return Err(timed_out(site.resource));
        }
        self.pause(fate.delay).await;
        // One that ran beside it may have crashed the invocation meanwhile.
        crash::alive().await;
        Ok(())
    }
}

impl Fate {
    /// The error in the place of the whole answer, where that is lost.
    pub(super) fn lost(&self, resource: &str) -> Option<Error> {
        self.loses.map(|(kind, _)| lost(kind, resource))
    }
}

impl Site<'_> {
    /// Whether all of the call is struck.
    fn is_one_of(&self, some: Which) -> bool {
        some == Which::ALL || self.items <= 1
    }

    /// Whether the thing at `index` is struck. What must stay in order is struck from one on to the last.
    fn strikes(&self, some: Which, index: usize) -> bool {
        if self.ordered { index >= some.tail(self.items) } else { some.holds(index, self.items) }
    }
}

/// Carries out what is not refused.
fn apply_some<I, T>(
    site: &Site<'_>,
    fate: Fate,
    items: Vec<I>,
    apply: impl FnOnce(Vec<I>) -> Vec<Result<T>>,
) -> Vec<Result<T>> {
    let Some((kind, retry_after, some)) = fate.refuses else { return apply(items) };
    let count = items.len();
    let taken = items.into_iter().enumerate().filter(|(index, _)| !site.strikes(some, *index));
    let mut results = apply(taken.map(|(_, item)| item).collect()).into_iter();
    let refused = || Err(refused(kind, retry_after, site.resource));
    let result = |index| {
        if site.strikes(some, index) { refused() } else { results.next().unwrap_or_else(refused) }
    };
    (0..count).map(result).collect()
}
