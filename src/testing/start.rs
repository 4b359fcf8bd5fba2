//! Starting an application under test.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use skyport_core::app::{App, Resources};
use skyport_memory::{Chaos, Memory};

use super::Test;

/// Starts an application on fakes, when it is awaited.
///
/// ```
/// # use skyport::prelude::*;
/// # #[derive(Resources)] struct Mail { outbox: Queue<String> }
/// # fn app() -> App<Mail> { App::new("mail") }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use skyport::testing::{Chaos, start};
///
/// let quiet = start(app()).await;
/// let stormy = start(app()).with_chaos(Chaos::seeded(7)).await;
/// # drop((quiet, stormy));
/// # }
/// ```
///
/// # Panics
/// When it is awaited: with everything that is wrong with the application.
pub fn start<R: Resources>(app: App<R>) -> Start<R> {
    Start { app, memory: None, chaos: None }
}

/// What [`start`] is going to start.
#[must_use = "await it"]
pub struct Start<R: Resources> {
    app: App<R>,
    memory: Option<Memory>,
    chaos: Option<Chaos>,
}

impl<R: Resources> Start<R> {
    /// On given fakes: with faults that were injected before, a seed, or what an earlier test application left. New ones by default.
    pub fn on(mut self, memory: Memory) -> Self {
        self.memory = Some(memory);
        self
    }

    /// With faults, from when the application has started; until then its resources are made and opened in peace. Fakes that are
    /// not [given](Self::on) have the seed of the chaos.
    ///
    /// A test that fails then prints the seed and the faults. They are the same each time where the test holds a
    /// [`Determined`](super::Determined) from its head on.
    pub fn with_chaos(mut self, chaos: Chaos) -> Self {
        self.chaos = Some(chaos);
        self
    }
}

impl<R: Resources> IntoFuture for Start<R> {
    type Output = Test<R>;
    type IntoFuture = Pin<Box<dyn Future<Output = Test<R>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { app, memory, chaos } = self;
            let seed = chaos.as_ref().map_or(0, Chaos::seed);
            let memory = memory.unwrap_or_else(|| Memory::builder().seed(seed).build());
            match Test::start(app, memory, chaos).await {
                Ok(test) => test,
                Err(error) => panic!("{error}"),
            }
        })
    }
}

impl<R: Resources> fmt::Debug for Start<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("memory", &self.memory)
            .field("chaos", &self.chaos)
            .finish_non_exhaustive()
    }
}
