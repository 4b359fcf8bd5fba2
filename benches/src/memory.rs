//! `cargo bench`: the in-memory provider beside its peers, as a table in Markdown.

use skyport_benches::measure::Table;
use skyport_benches::{Outcome, blobs, queues};
use tokio::runtime::{Builder, Runtime};

fn main() -> Outcome {
    let one = Builder::new_current_thread().enable_time().build()?;
    let two = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    let mut table = Table::default();
    table.add("floor", both(&one, &two, || Ok(blobs::Floor::default()))?);
    table.add(
        "Skyport, port",
        both(&one, &two, || one.block_on(blobs::Port::new()))?,
    );
    table.add(
        "object_store",
        both(&one, &two, || Ok(blobs::InMemory::default()))?,
    );
    table.add("OpenDAL", both(&one, &two, blobs::OpenDal::new)?);
    println!("Blobs\n\n{}\n", table.render());

    let mut table = Table::default();
    table.add(
        "Skyport, port",
        queues::measure(&one, one.block_on(queues::Port::new())?)?,
    );
    table.add(
        "omniqueue",
        queues::measure(&one, one.block_on(queues::OmniQueue::new())?)?,
    );
    println!("Queues\n\n{}", table.render());
    Ok(())
}

/// One task on one thread, then eight tasks on two.
fn both<S: blobs::Blobs>(
    one: &Runtime,
    two: &Runtime,
    make: impl Fn() -> Outcome<S>,
) -> Outcome<Vec<(String, f64)>> {
    let mut values = blobs::measure(one, 1, make()?)?;
    values.extend(blobs::measure(two, 8, make()?)?);
    Ok(values)
}
