//! Leases: one holder at a time where clocks keep time, and one effect for each fence where they do not.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use skyport::BoxError;
use skyport::prelude::*;
use skyport::testing::{Chaos, Simulation, Test};
use skyport_conformance::history::tolerate;
use skyport_core::kv::Update;
use skyport_core::layers::{Layer, Retry};
use skyport_core::lease::Lease;
use tokio::time::Instant;

use super::{of_client, steady};

#[derive(Resources)]
struct Shop {
    locks: Table<u64>,
    /// Every fence that has had its effect, in order.
    register: Table<Vec<u64>>,
}

fn app() -> App<Shop> {
    App::new("shop")
}

const TTL: Duration = Duration::from_secs(10);

/// What the workers saw.
#[derive(Debug, Default)]
struct Seen {
    /// Of each lease: its fence, and when it was asked for and given.
    granted: Vec<(u64, Instant, Instant)>,
    /// When work went on under a lease.
    worked: Vec<(u64, Instant, Instant)>,
    /// Fences whose effect was answered Ok.
    effects: Vec<u64>,
}

/// Notes when the work ended, however it did.
struct Working {
    seen: Rc<RefCell<Seen>>,
    fence: u64,
    began: Instant,
}

impl Drop for Working {
    fn drop(&mut self) {
        self.seen.borrow_mut().worked.push((self.fence, self.began, Instant::now()));
    }
}

/// Four workers want the same lease again and again; each does its effect with its fence, and refuses to come after a greater one.
async fn workers(test: &Test<Shop>, seed: u64) -> Rc<RefCell<Seen>> {
    let seen: Rc<RefCell<Seen>> = Rc::default();
    let retry = Retry::default();
    let shop = test.resources();
    let locks: Table<u64> = Table::new(retry.table(Arc::clone(shop.locks.port())));
    let register: Table<Vec<u64>> = Table::new(retry.table(Arc::clone(shop.register.port())));
    let workers = (0..4).map(async |name| {
        let mut random = fastrand::Rng::with_seed(of_client(seed, name));
        for _ in 0..5 {
            let work = work(&locks, &register, &mut random, &seen);
            if let Ok(worked) = test.memory().invocation(&[], work).await {
                tolerate(worked).expect("nothing but what a worker has to expect");
            }
        }
    });
    join_all(workers).await;
    seen
}

async fn work(
    locks: &Table<u64>,
    register: &Table<Vec<u64>>,
    random: &mut fastrand::Rng,
    seen: &Rc<RefCell<Seen>>,
) -> skyport::Result<()> {
    let asked = Instant::now();
    let mut lease = Lease::wait_for(locks, "job", TTL, Duration::from_secs(60)).await?;
    let fence = lease.fence();
    seen.borrow_mut().granted.push((fence, asked, Instant::now()));
    // At times longer than the lease: it is renewed meanwhile.
    let takes = Duration::from_millis(random.u64(0..25_000));
    let held = lease
        .hold(async {
            let _working = Working { seen: Rc::clone(seen), fence, began: Instant::now() };
            tokio::time::sleep(takes).await;
            effect(register, fence).await
        })
        .await;
    if held?? {
        seen.borrow_mut().effects.push(fence);
    }
    if random.bool() { lease.release().await } else { Ok(()) }
}

/// Whether it was done: not where a greater fence was there.
async fn effect(register: &Table<Vec<u64>>, fence: u64) -> skyport::Result<bool> {
    let mut done = false;
    let updated = register.update("all", |fences| {
        let mut fences = fences.unwrap_or_default();
        done = fences.last().is_none_or(|last| *last < fence);
        if !done {
            return Ok(Update::Keep);
        }
        fences.push(fence);
        Ok(Update::Put(fences))
    });
    updated.await?;
    Ok(done)
}

async fn fences_only_grow(_: &Shop, seen: &Rc<RefCell<Seen>>) -> Result<(), BoxError> {
    let granted = seen.borrow().granted.clone();
    for (place, (fence, asked, _)) in granted.iter().enumerate() {
        for (other, _, given) in &granted[..place] {
            if fence == other {
                return Err(format!("fence {fence} was given twice: {granted:?}").into());
            }
            if given < asked && fence < other {
                return Err(format!("fence {fence} came after {other}: {granted:?}").into());
            }
        }
    }
    Ok(())
}

async fn each_fence_has_its_effect_once(shop: &Shop, seen: &Rc<RefCell<Seen>>) -> Result<(), BoxError> {
    let there = shop.register.get("all").await?.map(|entry| entry.into_value()).unwrap_or_default();
    if !there.is_sorted_by(|before, after| before < after) {
        return Err(format!("an effect came twice, or after one of a greater fence: {there:?}").into());
    }
    let seen = seen.borrow();
    let done: BTreeSet<u64> = seen.effects.iter().copied().collect();
    if let Some(lost) = done.iter().find(|fence| !there.contains(fence)) {
        return Err(format!("the effect of fence {lost} is gone: {there:?}").into());
    }
    let granted: BTreeSet<u64> = seen.granted.iter().map(|(fence, ..)| *fence).collect();
    match there.iter().find(|fence| !granted.contains(fence)) {
        Some(forged) => Err(format!("nobody held fence {forged}").into()),
        None => Ok(()),
    }
}

async fn one_holder_at_a_time(_: &Shop, seen: &Rc<RefCell<Seen>>) -> Result<(), BoxError> {
    let mut worked = seen.borrow().worked.clone();
    worked.sort_by_key(|(_, began, _)| *began);
    for pair in worked.windows(2) {
        let [(one, _, ended), (other, began, _)] = pair else { continue };
        if began < ended {
            return Err(format!("the holders of fences {one} and {other} worked at once: {worked:?}").into());
        }
    }
    // A simulation in which nobody worked tells nothing.
    if worked.is_empty() { Err("nobody worked".into()) } else { Ok(()) }
}

#[test]
fn each_fence_has_its_effect_once_even_where_clocks_jump() {
    let simulation = Simulation::new("fences", app).seeds(30).chaos(Chaos::seeded).drive(workers);
    let report = simulation.check(fences_only_grow).check(each_fence_has_its_effect_once).run();
    skyport_figures::record("simulation::fences", &report.to_string());
}

#[test]
fn a_lease_has_one_holder_at_a_time_where_clocks_keep_time() {
    let simulation = Simulation::new("leases", app).seeds(30).chaos(steady).drive(workers);
    let simulation = simulation.check(fences_only_grow).check(each_fence_has_its_effect_once);
    let report = simulation.check(one_holder_at_a_time).run();
    skyport_figures::record("simulation::leases", &report.to_string());
}
