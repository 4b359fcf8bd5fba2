//! The whole of it: a folder, a program, a port for requests, and listeners.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::fault::{Fault, Result};
use crate::front::Front;
use crate::invoker::{Called, Invoker};
use crate::metadata::{Deployed, Function, Trigger};
use crate::payload;
use crate::process::Program;
use crate::queue::{LEASE, Listener, NoQueues, Queues};
use crate::time::offset;
use crate::worker::Worker;

/// How late a timer goes off that is on time.
const LATE: Duration = Duration::from_millis(12);

/// What can be chosen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The folder that is deployed.
    pub folder: PathBuf,
    /// The program.
    pub handler: Handler,
    /// The application's settings, which are the program's environment, beside this process's own.
    pub settings: BTreeMap<String, String>,
    /// Where its queues are.
    pub queues: Arc<dyn Queues>,
    /// For how long a message is taken; [`LEASE`] by default.
    pub lease: Duration,
    /// Where requests are taken on 127.0.0.1; 0, the default, is any free port.
    pub port: u16,
    /// How long the program may take to be ready; 30 s by default.
    pub initialization: Duration,
    /// The longest pause before a call is repeated that has failed, whatever its `function.json` says: for tests.
    pub longest_pause: Duration,
    /// Whether events of Event Grid are handed over as objects, rather than as texts.
    pub event_objects: bool,
}

/// The program.
#[derive(Clone, Debug)]
pub enum Handler {
    /// The one that `host.json` names.
    Deployed,
    /// This one, in the place of what `host.json` names.
    Program(PathBuf),
    /// It listens there already.
    At(SocketAddr),
}

impl Options {
    /// A folder with its own program.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            handler: Handler::Deployed,
            settings: BTreeMap::new(),
            queues: Arc::new(NoQueues),
            lease: LEASE,
            port: 0,
            initialization: Duration::from_secs(30),
            longest_pause: Duration::MAX,
            event_objects: false,
        }
    }

    /// Whether a connection is in the settings, or in this process's environment.
    ///
    /// From `IConfigurationExtensions.cs` (`GetWebJobsConnectionStringSection`) of azure-webjobs-sdk: with the prefix `AzureWebJobs` first, then as it is, then among the
    /// connection strings. Behind two underscores stand its parts.
    fn has_connection(&self, name: &str) -> bool {
        let names = [format!("AzureWebJobs{name}"), name.to_owned(), format!("ConnectionStrings__{name}")];
        let is_its = |setting: &str| {
            names.iter().any(|name| {
                setting
                    .strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with("__"))
            })
        };
        let own = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        self.settings.keys().any(|setting| is_its(setting)) || own.into_iter().any(|setting| is_its(&setting))
    }
}

/// A host that runs.
#[derive(Debug)]
pub struct Host {
    deployed: Arc<Deployed>,
    invoker: Invoker,
    address: SocketAddr,
    event_objects: bool,
    longest_pause: Duration,
    stop: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
    program: Arc<Mutex<Option<Program>>>,
}

impl Host {
    /// Starts the program, waits until it is ready, and begins to listen.
    ///
    /// # Errors
    /// Where the host would not start.
    pub async fn start(options: Options) -> Result<Self> {
        let deployed = Arc::new(Deployed::read(&options.folder)?);
        let mut program = match &options.handler {
            Handler::At(_) => None,
            Handler::Program(path) => Some((path.clone(), &[][..])),
            Handler::Deployed => {
                Some((PathBuf::from(&deployed.host.executable), &deployed.host.arguments[..]))
            }
        }
        .map(|(path, arguments)| Program::start(&path, arguments, &options.folder, &options.settings))
        .transpose()?;
        let worker = Worker::at(match (&program, &options.handler) {
            (Some(program), _) => program.address,
            (None, Handler::At(address)) => *address,
            (None, _) => return Err(Fault::new("there is no program")),
        });
        match &mut program {
            None => worker.ready(options.initialization).await?,
            Some(program) => tokio::select! {
                ready = worker.ready(options.initialization) => ready?,
                ended = program.exited() => return Err(Fault::new(format!("the program ended before it was ready: {}", ended?))),
            },
        }
        let invoker = Invoker::new(worker.clone(), deployed.host.function_timeout);
        let program = Arc::new(Mutex::new(program));
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for function in &deployed.functions {
            if let Some(listener) = listener(function, &deployed, &options, &invoker, &stopped)? {
                tasks.spawn(listener.run());
            }
        }
        let front = Front::bind(options.port, Arc::clone(&deployed), worker, invoker.clone()).await?;
        let address = front.address();
        tasks.spawn(front.run(stopped.clone()));
        tasks.spawn(end_overdue(invoker.clone(), Arc::clone(&program), stopped));
        Ok(Self {
            deployed,
            invoker,
            address,
            event_objects: options.event_objects,
            longest_pause: options.longest_pause,
            stop,
            tasks: Mutex::new(tasks),
            program,
        })
    }

    /// Where it takes requests: `127.0.0.1:40123`
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was started with.
    #[must_use]
    pub fn deployed(&self) -> &Deployed {
        &self.deployed
    }

    /// The calls with data so far; of very many the last ones.
    #[must_use]
    pub fn calls(&self) -> Vec<Called> {
        self.invoker.calls()
    }

    /// Makes a timer's time come, with the status that the host keeps: its clock is then a little past it.
    ///
    /// From `TimerListener.cs` (`InvokeJobFunction`) of the extension of timers: while a function runs, `Next` is the instant that it was to run at.
    ///
    /// # Errors
    /// Where there is no such timer, or the call has failed.
    pub async fn fire(&self, function: &str, scheduled: SystemTime) -> Result<()> {
        // .NET's default for what has not been yet.
        let status = json!({
            "Last": "0001-01-01T00:00:00",
            "Next": offset(scheduled),
            "LastUpdated": "0001-01-01T00:00:00",
        });
        self.fire_with(function, scheduled + LATE, status, false).await
    }

    /// Makes a timer go off at this time of the host's clock, with this status, which may be null: nothing is kept for schedules of less than
    /// a minute, and where there is no storage. What has failed is repeated as `function.json` says: with the same status, at a later time, and
    /// without a word of which repetition it is, as a custom handler is told of none (`ToHttpScriptInvocationContext`).
    ///
    /// # Errors
    /// Where there is no such timer, or the last call has failed.
    pub async fn fire_with(
        &self,
        function: &str,
        now: SystemTime,
        status: Value,
        past_due: bool,
    ) -> Result<()> {
        let function = self.function(function, |trigger| matches!(trigger, Trigger::Timer(_)))?;
        let begun = Instant::now();
        let (mut repetition, mut at) = (0, now);
        loop {
            let payload = payload::timer(&function.name, &function.binding, at, status.clone(), past_due);
            let called = self.invoker.call(&function.name, &payload, None).await.map(drop);
            repetition += 1;
            match function.retry.filter(|retry| called.is_err() && repetition <= retry.count) {
                None => return called,
                Some(retry) => tokio::time::sleep(retry.pause(repetition).min(self.longest_pause)).await,
            }
            at = now + begun.elapsed();
        }
    }

    /// Hands an event of Event Grid over, once: whoever sends it repeats it where the call has failed.
    ///
    /// From `EventGridExtensionConfigProvider.cs` of the extension of Event Grid.
    ///
    /// # Errors
    /// Where there is no such function, or the call has failed.
    pub async fn event(&self, function: &str, event: &Value) -> Result<()> {
        let function = self.function(function, |trigger| matches!(trigger, Trigger::EventGrid))?;
        let payload = if self.event_objects { payload::event_object } else { payload::event };
        let payload = payload(&function.name, &function.binding, event);
        self.invoker.call(&function.name, &payload, None).await.map(drop)
    }

    /// Takes nothing new, waits for what is under way, and ends the program at once, as the host does.
    ///
    /// # Errors
    /// Where a task broke off.
    pub async fn stop(&self) -> Result<()> {
        self.drain().await?;
        match self.program.lock().await.take() {
            Some(program) => program.kill().await,
            None => Ok(()),
        }
    }

    /// Asks the program to end, as a platform does that stops a container, while the host drains.
    ///
    /// # Errors
    /// Where it does not end in time, or in failure.
    pub async fn terminate(&self, within: Duration) -> Result<()> {
        let program = self.program.lock().await.take();
        self.stop.send_replace(true);
        if let Some(program) = program {
            let status = program.terminate(within).await?;
            if !status.success() {
                return Err(Fault::new(format!("the program ended with {status}")));
            }
        }
        self.drain().await
    }

    async fn drain(&self) -> Result<()> {
        self.stop.send_replace(true);
        let mut tasks = self.tasks.lock().await;
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| Fault::because("a task broke off", error))?;
        }
        Ok(())
    }

    fn function(&self, name: &str, of: impl Fn(&Trigger) -> bool) -> Result<&Function> {
        let function = self.deployed.function(name).filter(|function| of(&function.trigger));
        function.ok_or_else(|| Fault::new(format!("there is no function `{name}` of that kind")))
    }
}

/// Ends the program, with all that it runs, where a call has taken longer than it may, and starts it anew. One that was not started here is not
/// ended.
async fn end_overdue(
    invoker: Invoker,
    program: Arc<Mutex<Option<Program>>>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            () = invoker.overdue() => {}
        }
        if let Some(program) = &mut *program.lock().await
            && let Err(error) = program.restart().await
        {
            tracing::error!(%error, "the program took too long");
        }
    }
}

fn listener(
    function: &Function,
    deployed: &Deployed,
    options: &Options,
    invoker: &Invoker,
    stop: &watch::Receiver<bool>,
) -> Result<Option<Listener>> {
    let Trigger::Queue { queue, connection } = &function.trigger else { return Ok(None) };
    if !options.has_connection(connection) {
        return Err(Fault::new(format!(
            "function `{}`: there is no setting `{connection}` for its queue `{queue}`",
            function.name
        )));
    }
    Ok(Some(Listener {
        function: function.name.clone(),
        binding: function.binding.clone(),
        source: options.queues.open(queue, connection)?,
        has_poison: !queue.ends_with("-poison"),
        options: deployed.host.queues,
        lease: options.lease,
        invoker: invoker.clone(),
        stop: stop.clone(),
    }))
}

/// A free port is chosen on this address.
pub(crate) const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
