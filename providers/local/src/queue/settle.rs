//! Settling: what becomes of a delivery, while its lease lasts.

use std::time::Duration;

use rusqlite::{Statement, params};
use skyport_core::Result;
use skyport_core::queue::port::{Receipt, Settlement, Verdict};

use super::receive::read_receipt;
use super::rows::{self, Leased, QueueRow};
use super::send::whole_millis;
use crate::engine::millis;
use crate::error::Fault;
use crate::writer::Job;
use skyport_core::refusal::Refusal;

/// Ends deliveries in one transaction; one result each.
pub(super) fn settle(
    job: &mut Job<'_>,
    name: &str,
    settlements: &[Settlement],
    now: i64,
) -> std::result::Result<Vec<Result<()>>, Fault> {
    let connection = job.connection;
    let queue = rows::find(connection, name)?;
    rows::advance(job, &queue, now)?;
    // Most end so: in one statement.
    let mut acknowledge =
        connection.prepare_cached("DELETE FROM messages WHERE id = ?1 AND queue_id = ?2 AND lease = ?3")?;
    let mut settled = Vec::with_capacity(settlements.len());
    for settlement in settlements {
        settled.push(match settle_one(job, &mut acknowledge, &queue, settlement, now) {
            Ok(()) => Ok(()),
            // A refusal of this delivery alone; a fault of the database fails them all.
            Err(Fault::Ours(refusal)) => Err(refusal),
            Err(fault) => return Err(fault),
        });
    }
    job.after.wake.push(queue.id);
    Ok(settled)
}

fn settle_one(
    job: &mut Job<'_>,
    acknowledge: &mut Statement<'_>,
    queue: &QueueRow,
    settlement: &Settlement,
    now: i64,
) -> std::result::Result<(), Fault> {
    let receipt = &settlement.receipt;
    match &settlement.verdict {
        Verdict::Ack => {
            let (id, lease) = read_receipt(receipt)?;
            let deleted = acknowledge.execute(params![id, queue.id, lease])?;
            if deleted == 0 { Err(Refusal::NotLeased.into()) } else { Ok(()) }
        }
        Verdict::Retry(after) => {
            let due = now.saturating_add(millis(whole_millis(*after)));
            rows::give_back(job, queue, &held(job, queue, receipt)?, due, now)
        }
        Verdict::DeadLetter { reason, .. } => {
            rows::bury(job, queue, held(job, queue, receipt)?.id, reason, now)
        }
        _ => Err(Refusal::UnknownVerdict.into()),
    }
}

/// The message of a receipt whose lease lasts still; leases that are over were ended before.
fn held(job: &Job<'_>, queue: &QueueRow, receipt: &Receipt) -> std::result::Result<Leased, Fault> {
    let (id, lease) = read_receipt(receipt)?;
    let message = rows::leased(job.connection, queue, id)?;
    Ok(message.filter(|message| message.lease == lease).ok_or(Refusal::NotLeased)?)
}

/// Lets a lease end so long from now.
pub(super) fn extend(
    job: &mut Job<'_>,
    name: &str,
    receipt: &Receipt,
    lease: Duration,
    now: i64,
) -> std::result::Result<(), Fault> {
    let queue = rows::find(job.connection, name)?;
    rows::advance(job, &queue, now)?;
    let message = held(job, &queue, receipt)?;
    let until = now.saturating_add(millis(whole_millis(lease)));
    job.connection
        .prepare_cached("UPDATE messages SET visible_at = ?2 WHERE id = ?1")?
        .execute(params![message.id, until])?;
    // It may end sooner than before: who waits has a new time to wake at.
    job.after.wake.push(queue.id);
    job.after.wake.extend(queue.dead);
    Ok(())
}
