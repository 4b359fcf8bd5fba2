//! A process is killed while it writes, again and again: all that it had answered is there.
//!
//! This binary is both: with a folder as its argument after `write` it is the process that writes.

#![allow(clippy::expect_used)] // All of this is a test.
#![allow(clippy::print_stdout)] // The process that writes tells the other so.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use skyport_core::Result;
use skyport_core::blob::port::{GetOptions, GetResult, PutOptions};
use skyport_core::kv::port::{Key, Write};
use skyport_core::queue::port::{MessageQueue, OutMessage, ReceiveOptions, Settlement, Verdict};

mod common;

use common::open;

const ROUNDS: usize = 6;

/// Larger than what is read in one go, and different for each name.
fn content(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(100_000).collect()
}

/// Writes until it is killed, and says what was answered.
async fn write(folder: &Path, round: &str) -> Result<()> {
    let resources = open(folder).await?;
    for index in 0.. {
        let name = format!("{round}-{index}");
        resources.bucket.put(&name, content(&name).into(), PutOptions::default()).await?;
        println!("blob {name}");
        resources.queue.send(vec![OutMessage::new(name.clone())]).await.remove(0)?;
        println!("message {name}");
        resources.table.write(Write::put(Key::new("p", &*name), "1".into())).await?;
        println!("item {name}");
        if std::io::stdout().flush().is_err() {
            break;
        }
    }
    Ok(())
}

/// Starts the writer, kills it after a while, and gives back what it said.
fn kill_one(folder: &Path, round: usize) -> Vec<String> {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.arg("write").arg(folder).arg(round.to_string()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("a process");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut said = Vec::new();
    // Killed at another place each time: what is still in the pipe was answered, too.
    for line in lines.map_while(std::result::Result::ok) {
        said.push(line);
        if said.len() == 40 + round * 7 {
            child.kill().expect("killed");
        }
    }
    let status = child.wait().expect("ended");
    assert!(!status.success(), "it was killed: {status}");
    // A last line that was cut off is no answer.
    said.retain(|line| line.split(' ').nth(1).is_some());
    said
}

async fn bodies(queue: &dyn MessageQueue) -> Result<Vec<Vec<u8>>> {
    let mut bodies = Vec::new();
    loop {
        let received =
            queue.receive(ReceiveOptions::new(10, Duration::ZERO, Duration::from_secs(60))).await?;
        if received.is_empty() {
            return Ok(bodies);
        }
        bodies.extend(received.iter().map(|delivery| delivery.body.to_vec()));
        let done = received.into_iter().map(|delivery| Settlement::new(delivery.receipt, Verdict::Ack));
        for settled in queue.settle(done.collect()).await {
            settled?;
        }
    }
}

async fn check(folder: &Path, said: &[String]) -> Result<()> {
    let resources = open(folder).await?;
    let messages = bodies(&*resources.queue).await?;
    let events = bodies(&*resources.events).await?;
    for line in said {
        let (kind, name) = line.split_once(' ').expect("a line");
        match kind {
            "blob" => {
                let found = resources.bucket.get(name, GetOptions::default()).await?;
                let GetResult::Found { body, .. } = found else { panic!("{name}: {found:?}") };
                assert!(body.collect(1 << 20).await? == content(name), "{name} is whole");
                let told = format!("\"key\":\"{name}\"");
                assert!(
                    events.iter().any(|event| String::from_utf8_lossy(event).contains(&told)),
                    "{name} was told"
                );
            }
            "message" => assert!(messages.iter().any(|body| body == name.as_bytes()), "{name} was sent"),
            _ => assert!(resources.table.get(&Key::new("p", name)).await?.is_some(), "{name} is a row"),
        }
    }
    Ok(())
}

fn killed_processes_lose_nothing_that_they_answered(runtime: &tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut said = Vec::new();
    for round in 0..ROUNDS {
        said.extend(kill_one(folder.path(), round));
    }
    runtime.block_on(check(folder.path(), &said)).expect("all is there");
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "write") {
        return runtime.block_on(write(Path::new(&arguments[2]), &arguments[3]));
    }
    let killed = libtest_mimic::Trial::test("killed_processes_lose_nothing_that_they_answered", move || {
        killed_processes_lose_nothing_that_they_answered(&runtime);
        Ok(())
    });
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), vec![killed]).exit()
}
