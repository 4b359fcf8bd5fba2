//! Which messages run beside each other and which one after the other.

use std::collections::HashMap;

use crate::queue::LeaseTimer;
use crate::queue::port::RawDelivery;

/// A message that is held, and for how long.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) raw: RawDelivery,
    pub(super) lease: LeaseTimer,
}

/// Splits what was received into at most `most` units; each runs beside the others, its batches one after the other. On an
/// ordered queue a group is never in two of them.
pub(super) fn units(received: Vec<Held>, ordered: bool, batch: usize, most: usize) -> Vec<Vec<Held>> {
    let mut units: Vec<Vec<Held>> = Vec::new();
    let mut unit_of: HashMap<String, usize> = HashMap::new();
    for held in received {
        let group = held.raw.group.clone().filter(|_| ordered);
        let known = group.as_ref().and_then(|group| unit_of.get(group).copied());
        let index = known.unwrap_or_else(|| place(&mut units, batch, most));
        if let Some(group) = group {
            unit_of.insert(group, index);
        }
        units[index].push(held);
    }
    units
}

/// Where a message that is bound to none goes: a batch that has begun is filled up, then a new one begins.
fn place(units: &mut Vec<Vec<Held>>, batch: usize, most: usize) -> usize {
    let last = units.len().saturating_sub(1);
    if units.last().is_some_and(|unit| unit.len() < batch) {
        return last;
    }
    if units.len() < most.max(1) {
        units.push(Vec::new());
        return units.len() - 1;
    }
    // All are begun: the one with the least to do.
    let shortest = units.iter().enumerate().min_by_key(|(_, unit)| unit.len());
    shortest.map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::Clock;
    use crate::queue::Receipt;

    fn split(groups: &[&str], ordered: bool, batch: usize, most: usize) -> Vec<Vec<String>> {
        let received = groups.iter().enumerate().map(|(n, group)| {
            let mut raw =
                RawDelivery::new(format!("{group}{n}"), "", Receipt::new("r"), SystemTime::UNIX_EPOCH);
            raw.group = Some((*group).to_owned()).filter(|group| !group.is_empty());
            let lease = LeaseTimer::start(Clock::system(), Duration::from_secs(1));
            Held { raw, lease }
        });
        let names = |unit: Vec<Held>| unit.into_iter().map(|held| held.raw.id.into()).collect();
        units(received.collect(), ordered, batch, most).into_iter().map(names).collect()
    }

    #[tokio::test]
    async fn without_order_batches_are_filled() {
        assert_eq!(split(&["", "", ""], false, 2, 5), [vec!["0", "1"], vec!["2"]]);
        assert_eq!(split(&["", ""], false, 1, 5), [["0"], ["1"]]);
    }

    #[tokio::test]
    async fn a_group_stays_together_and_in_order() {
        let units = split(&["a", "b", "a", "", "a"], true, 1, 5);
        assert_eq!(units, [vec!["a0", "a2", "a4"], vec!["b1"], vec!["3"]]);
        let crowded = split(&["a", "b", "c", "b"], true, 2, 2);
        assert_eq!(crowded, [vec!["a0", "b1", "b3"], vec!["c2"]]);
    }
}
