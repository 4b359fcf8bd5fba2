//! Work for several tasks at once.

use std::future::Future;
use std::time::Instant;

use skyport_measure::Outcome;
use tokio::runtime::Runtime;

/// Lets so many tasks do `count` steps in all, each step with its number, one after the other in a task; steps a second.
///
/// # Errors
/// What a step fails with.
pub fn rate<F, Fut>(runtime: &Runtime, tasks: usize, count: usize, step: F) -> Outcome<f64>
where
    F: Fn(usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send,
{
    runtime.block_on(async {
        let began = Instant::now();
        let run = |task: usize| {
            let step = step.clone();
            tokio::spawn(async move {
                for index in (task..count).step_by(tasks) {
                    step(index).await?;
                }
                Outcome::Ok(())
            })
        };
        let running: Vec<_> = (0..tasks).map(run).collect();
        for task in running {
            task.await??;
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    })
}
