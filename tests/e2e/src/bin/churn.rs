//! Does everything that can be done with a data folder, until it is killed: `churn <folder> <name>`.
//!
//! `try ..` is said before each step and `ok ..` after it, so that whoever kills it knows what was answered and what was under way.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use skyport::blob::Bucket;
use skyport::kv::Table;
use skyport::layers::{Layer, Retry};
use skyport::local::{Local, LocalConfig};
use skyport::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport::queue::Queue;
use skyport::queue::port::QueueSettings;
use skyport::retry::RetryPolicy;
use tokio::io::AsyncWriteExt;

type Done = Result<(), Box<dyn Error + Send + Sync>>;

/// One line in one write: a process that is killed has said all of it or nothing.
fn say(line: &str) -> std::io::Result<()> {
    std::io::stdout().lock().write_all(format!("{line}\n").as_bytes())
}

/// Sends messages, alone and several at once.
async fn send(queue: &Queue<String>, name: &str) -> Done {
    for round in 0_u64.. {
        let ids: Vec<String> = (0..round % 5 + 1).map(|index| format!("{name}-{round}-{index}")).collect();
        ids.iter().try_for_each(|id| say(&format!("try send {id}")))?;
        for (id, sent) in ids.iter().zip(queue.send_all(&ids).await) {
            sent?;
            say(&format!("ok send {id}"))?;
        }
    }
    Ok(())
}

/// Receives messages, and does with each something else. Some are forgotten, and come again.
async fn receive(queue: &Queue<String>) -> Done {
    let mut turn = 0;
    loop {
        for message in queue.receive(4, Duration::from_secs(1), Duration::from_secs(2)).await? {
            let id = message.value()?;
            turn += 1;
            let verb = ["ack", "ack", "retry", "ack", "bury", "forget"][turn % 6];
            say(&format!("try {verb} {id}"))?;
            let settled = match verb {
                "ack" => message.ack().await,
                "retry" => message.retry(Duration::ZERO).await,
                "bury" => message.dead_letter("buried").await,
                _ => continue,
            };
            // A lease may have ended on a slow machine: then it was not settled.
            if settled.is_ok() {
                say(&format!("ok {verb} {id}"))?;
            }
        }
    }
}

/// Counts, and writes pairs that are the same at any time.
async fn count(table: &Table<i64>, name: &str) -> Done {
    for round in 0.. {
        let counter = format!("{}", round % 3);
        say(&format!("try count {counter}"))?;
        table.increment(("counters", counter.as_str()), 1).await?;
        say(&format!("ok count {counter}"))?;
        say(&format!("try pair {round}"))?;
        let (left, right) = (format!("{name}-left"), format!("{name}-right"));
        let both =
            table.transact().put(("pairs", left.as_str()), &round).put(("pairs", right.as_str()), &round);
        both.await?;
        say(&format!("ok pair {round}"))?;
    }
    Ok(())
}

/// Writes the same objects again and again, in parts.
async fn write(bucket: &Bucket, name: &str) -> Done {
    for round in 0.. {
        let (key, line) = (format!("{name}-{}", round % 3), format!("{name} {round}\n"));
        let piece: Vec<u8> = line.bytes().cycle().take(line.len() * 20_000).collect();
        say(&format!("try write {key} {round}"))?;
        let mut writer = bucket.writer(&key).await?;
        for _ in 0..round % 12 + 1 {
            writer.write_all(&piece).await?;
        }
        writer.finish().await?;
        say(&format!("ok write {key} {round}"))?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Done {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err("name the data folder, and this process".into());
    };
    let local = Local::new(LocalConfig::new(folder));
    let (queues, tables) = (QueueSettings::default(), TableSettings::default());
    let url = |name: &str| ResourceUrl::new("local", name);
    local.create(&url("queue"), &ResourceKind::Queue(queues.clone())).await?;
    local.create(&url("table"), &ResourceKind::Table(tables.clone())).await?;
    local.create(&url("bucket"), &ResourceKind::Bucket).await?;
    // As every application has it: the other process may hold the lock for long.
    let retry = Retry::new(RetryPolicy::default());
    let queue = Queue::new(retry.queue(local.queue(&url("queue"), &queues)?));
    let table = Table::new(retry.table(local.table(&url("table"), &tables)?));
    let bucket = Bucket::new(retry.blob(local.bucket(&url("bucket"))?));
    say("begin")?;
    tokio::try_join!(send(&queue, &name), receive(&queue), count(&table, &name), write(&bucket, &name))?;
    Ok(())
}
