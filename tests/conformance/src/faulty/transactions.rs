//! Transactions in a storm: all or nothing, once.

use futures_util::future::join_all;
use skyport_core::kv::Table;
use skyport_core::{BoxError, ErrorKind, Result};

use super::stage::{Fate, Stage, assert_enough, assert_told, faulty_cases};
use crate::Outcome;
use crate::case::CaseResult;

faulty_cases![transfers_keep_the_sum_and_each_is_made_once_or_nobody_knows];

const ACCOUNTS: usize = 4;
const WORKERS: usize = 4;
const TRANSFERS: usize = 12;
const FUNDS: i64 = 100;

/// One from an account to another.
#[derive(Clone, Debug)]
struct Transfer {
    /// Under which it is noted, in the same transaction.
    name: String,
    from: usize,
    to: usize,
    fate: Fate,
}

fn account(number: usize) -> (&'static str, String) {
    ("p", format!("account {number}"))
}

async fn transfers_keep_the_sum_and_each_is_made_once_or_nobody_knows(stage: Stage) -> CaseResult {
    let table: Table<i64> = stage.table().await?;
    stage.line.calm();
    for number in 0..ACCOUNTS {
        table.put(account(number), &FUNDS).await?;
    }
    stage.line.unleash();
    let made = join_all((0..WORKERS).map(|worker| transfers(&table, worker))).await;
    let made: Vec<Transfer> = made.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    stage.line.calm();
    assert_enough(made.iter().map(|transfer| transfer.fate));
    let mut expected = [FUNDS; ACCOUNTS];
    for transfer in &made {
        let noted = table.get(("p", &*transfer.name)).await?.is_some();
        let right = transfer.fate == Fate::Unknown || noted == (transfer.fate == Fate::Done);
        assert!(right, "{transfer:?} is noted: {noted}");
        if noted {
            expected[transfer.from] -= 1;
            expected[transfer.to] += 1;
        }
    }
    for (number, expected) in expected.into_iter().enumerate() {
        let there = table.get(account(number)).await?.ok_or("an account is gone")?.into_value();
        assert_eq!(there, expected, "of account {number}, after {made:?}");
    }
    Ok(Outcome::Passed)
}

async fn transfers(table: &Table<i64>, worker: usize) -> Result<Vec<Transfer>, BoxError> {
    let mut made = Vec::new();
    for n in 0..TRANSFERS {
        let (from, to) = ((worker + n) % ACCOUNTS, (worker + 2 * n + 1) % ACCOUNTS);
        if from == to {
            continue;
        }
        let mut read = table.get_many([account(from), account(to)]).await.into_iter();
        let (Some(Ok(source)), Some(Ok(target))) = (read.next(), read.next()) else { continue };
        let (source, target) = (source.ok_or("an account is gone")?, target.ok_or("an account is gone")?);
        let name = format!("transfer {worker}.{n}");
        let transferred = table
            .transact()
            .put(account(from), &(source.value - 1))
            .if_version(source.version())
            .put(account(to), &(target.value + 1))
            .if_version(target.version())
            .put(("p", &*name), &1)
            .if_absent()
            .await;
        if let Err(error) = &transferred {
            // The name is this call's own: that it exists already would be its own doing.
            assert_told(error, &[ErrorKind::PreconditionFailed, ErrorKind::Conflict]);
        }
        let fate = Fate::of(&transferred, &[ErrorKind::PreconditionFailed, ErrorKind::Conflict]);
        made.push(Transfer { name, from, to, fate });
    }
    Ok(made)
}
