//! `cargo bench`: the in-memory provider beside its peers, as tables in Markdown. `cargo bench -- queues` and
//! `cargo bench -- blobs` measure only those.

use skyport_benches::measure::Table;
use skyport_benches::{Outcome, blobs, queues};
use tokio::runtime::{Builder, Runtime};

fn main() -> Outcome {
    // Cargo adds options of its own.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |what| only.as_deref().is_none_or(|only| only == what);
    let one = Builder::new_current_thread().enable_time().build()?;
    let two = Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
    if wanted("blobs") {
        println!("{}\n", blob_table(&one, &two)?.render());
    }
    if wanted("queues") {
        println!("{}", queue_table(&one)?.render());
    }
    Ok(())
}

fn blob_table(one: &Runtime, two: &Runtime) -> Outcome<Table> {
    let mut table = Table::default();
    table.add("floor", both(one, two, || Ok(blobs::Floor::default()))?);
    table.add("Skyport, port", both(one, two, || one.block_on(blobs::Port::new()))?);
    table.add("Skyport, handle", both(one, two, || one.block_on(blobs::Handle::new()))?);
    table.add("object_store", both(one, two, || Ok(blobs::InMemory::default()))?);
    table.add("OpenDAL", both(one, two, blobs::OpenDal::new)?);
    Ok(table)
}

fn queue_table(one: &Runtime) -> Outcome<Table> {
    let mut table = Table::default();
    table.add("floor", queues::measure(one, queues::Floor::default())?);
    let port = one.block_on(queues::Port::new())?;
    table.add("Skyport, port", queues::measure(one, port)?);
    let omniqueue = one.block_on(queues::OmniQueue::new())?;
    table.add("omniqueue", queues::measure(one, omniqueue)?);
    Ok(table)
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
