//! Many who write at once: what a write takes of all the time.

use std::sync::Arc;

use skyport_measure::{Group, Outcome, Point};

use super::{curve, flat, point};
use crate::load::rate;
use crate::ours;
use crate::queues::BODY;
use crate::stage::Stage;
use crate::tables::{VALUE, key};

const WRITERS: [usize; 5] = [1, 4, 16, 64, 256];

/// Adds the curve.
///
/// # Errors
/// What fails while it is measured.
pub fn measure(group: &mut Group) -> Outcome {
    if !group.wants("writers") {
        return Ok(());
    }
    let steps = group.plan().pick(4_096, 512);
    let stage = Stage::new()?;
    let runtime = &stage.runtime;
    let table = Arc::new(runtime.block_on(ours::table(&stage.folder("table")?))?);
    let queue = Arc::new(runtime.block_on(ours::queue(&stage.folder("queue")?))?);
    let put = |writers| {
        let table = Arc::clone(&table);
        let put = move |item| {
            let table = Arc::clone(&table);
            async move {
                table.put(key(item), &VALUE).await?;
                Ok(())
            }
        };
        rate(runtime, writers, steps, put).map(|_| ())
    };
    let send = |writers| {
        let queue = Arc::clone(&queue);
        let send = move |_| {
            let queue = Arc::clone(&queue);
            async move {
                queue.send(&BODY).await?;
                Ok(())
            }
        };
        rate(runtime, writers, steps, send).map(|_| ())
    };
    let points = |run: &dyn Fn(usize) -> Outcome| -> Outcome<Vec<Point>> {
        WRITERS.iter().map(|&writers| point(writers, steps, || run(writers))).collect()
    };
    group.curve(curve(
        "writers",
        "Writing at once (local)",
        "tasks that write",
        "us a write, all together",
        "flat or falling: what waits is committed together",
        1.25,
        vec![flat("put of an item", points(&put)?), flat("send of a message", points(&send)?)],
    ));
    Ok(())
}
