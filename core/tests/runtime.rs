//! Queues, blob events and schedules at work, over the fakes and in their time.

// Helpers of tests are outside of test functions, too.
#![allow(clippy::expect_used)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use skyport_core::app::{
    App, Context, Declaration, HandlerError, HandlerResult, Message, Opener, Ref, Resource, ResourceOptions,
    Resources,
};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::BlobStore;
use skyport_core::event::{BlobEvent, ScheduleEvent};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::runtime::{Triggers, TriggersConfig};
use skyport_core::{Clock, ErrorKind, Outcome, Result, Shutdown};
use skyport_memory::{Fault, Memory, Operation};

/// 20:15:30 on a Monday.
const NOW: u64 = 1_795_464_930;
/// The next 03:00.
const THREE: u64 = 1_795_489_200;
const DAY: u64 = 86_400;

/// Opens resources in memory, and creates them when asked.
struct Fakes(Memory);

fn url(name: &str) -> ResourceUrl {
    ResourceUrl::new("memory", name)
}

impl Opener for Fakes {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>> {
        self.0.bucket(&url(&declaration.name))
    }
    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        self.0.queue(&url(&declaration.name), settings)
    }
    fn table(&self, declaration: &Declaration, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        self.0.table(&url(&declaration.name), settings)
    }
}

struct Bench {
    files: Bucket,
    jobs: Queue<u64>,
    seen: Arc<Mutex<Vec<String>>>,
}

const FILES: Ref<Bench, Bucket> = Ref::new("files", |bench| &bench.files);
const JOBS: Ref<Bench, Queue<u64>> = Ref::new("jobs", |bench| &bench.jobs);

impl Resources for Bench {
    fn declarations() -> Result<Vec<Declaration>> {
        let options = ResourceOptions::new;
        Ok(vec![
            Declaration::new("files", <Bucket as Resource>::kind(options())?),
            Declaration::new("jobs", <Queue<u64> as Resource>::kind(options())?),
        ])
    }

    fn open(opener: &dyn Opener) -> Result<Self> {
        let [files, jobs] = &Self::declarations()?[..] else { unreachable!("two are declared") };
        Ok(Self {
            files: Resource::open(opener, files)?,
            jobs: Resource::open(opener, jobs)?,
            seen: Arc::default(),
        })
    }
}

impl Bench {
    fn note(&self, what: impl Into<String>) {
        self.seen.lock().expect("no panic").push(what.into());
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").clone()
    }
}

/// Takes as many seconds as it says.
async fn job(message: Message<u64>, cx: Context<Bench>) -> HandlerResult {
    tokio::time::sleep(Duration::from_secs(*message)).await;
    cx.note(format!("job {}", *message));
    Ok(())
}

async fn blob(event: BlobEvent, cx: Context<Bench>) -> HandlerResult {
    cx.note(format!("{:?} {}", event.change, event.key));
    Ok(())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

async fn nightly(event: ScheduleEvent, cx: Context<Bench>) -> HandlerResult {
    cx.note(format!("nightly {}", seconds(event.scheduled)));
    Ok(())
}

struct Stage {
    memory: Memory,
    bench: Arc<Bench>,
    triggers: Triggers,
    shutdown: Shutdown,
}

async fn memory() -> Memory {
    let clock = Clock::tokio_from(UNIX_EPOCH + Duration::from_secs(NOW));
    let memory = Memory::builder().clock(clock).build();
    for declaration in Bench::declarations().expect("sound") {
        memory.create(&url(&declaration.name), &declaration.kind).await.expect("creates");
    }
    memory
}

async fn start_on(memory: Memory, app: App<Bench>, config: TriggersConfig) -> Stage {
    let (functions, bench) = app.bind(&Fakes(memory.clone())).expect("sound");
    let shutdown = Shutdown::new();
    let triggers = Triggers::start(Arc::new(functions), config, shutdown.clone()).await.expect("starts");
    Stage { memory, bench, triggers, shutdown }
}

fn config(memory: &Memory) -> TriggersConfig {
    let mut config = TriggersConfig::default();
    config.clock = memory.clock();
    config
}

async fn start(app: App<Bench>) -> Stage {
    let memory = memory().await;
    let config = config(&memory);
    start_on(memory, app, config).await
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn queues_and_buckets_start_their_functions() {
    let app = App::new("bench").on_message("job", JOBS, job).on_blob_created("made", FILES, blob);
    let stage = start(app.on_blob_deleted("gone", FILES, blob)).await;
    // Nothing after the start is missed.
    stage.bench.files.put("a", "1").await.expect("puts");
    stage.bench.files.delete("a").await.expect("deletes");
    stage.bench.jobs.send(&0).await.expect("sends");
    pass(1).await;
    let mut seen = stage.bench.seen();
    seen.sort();
    assert_eq!(seen, ["Created a", "Deleted a", "job 0"]);
    assert_eq!(stage.triggers.queues().len(), 3);
    for queue in stage.triggers.queues() {
        assert_eq!(queue.depth().await.expect("tells").total(), 0);
    }
    assert!(stage.memory.faults().struck() == 0);
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_counted_until_it_has_ended() {
    let stage = start(App::new("bench").on_message("job", JOBS.concurrency(2), job)).await;
    for length in [10, 20, 30] {
        stage.bench.jobs.send(&length).await.expect("sends");
    }
    pass(1).await;
    assert_eq!(stage.triggers.running(), 2, "no more than the trigger says");
    stage.triggers.idle().await;
    assert_eq!(stage.triggers.running(), 0);
    pass(60).await;
    assert_eq!(stage.bench.seen().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_missing_bucket_is_told_at_the_start() {
    let memory = memory().await;
    memory.remove(&url("files"), &ResourceKind::Bucket).await.expect("removes");
    let app = App::new("bench").on_blob_created("made", FILES, blob);
    let (functions, _) = app.bind(&Fakes(memory)).expect("sound");
    let started = Triggers::start(Arc::new(functions), TriggersConfig::default(), Shutdown::new()).await;
    assert_eq!(started.expect_err("no such bucket").kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_fires_at_its_instants_and_names_them() {
    let stage = start(App::new("bench").on_schedule("nightly", "0 3 * * *", nightly)).await;
    pass(THREE - NOW - 2).await;
    assert_eq!(stage.bench.seen(), Vec::<String>::new());
    pass(3).await;
    assert_eq!(stage.bench.seen(), [format!("nightly {THREE}")]);
    pass(DAY).await;
    assert_eq!(stage.bench.seen()[1..], [format!("nightly {}", THREE + DAY)]);
}

#[tokio::test(start_paused = true)]
async fn an_instant_that_passes_while_a_call_runs_comes_late_and_once() {
    async fn slow(event: ScheduleEvent, cx: Context<Bench>) -> HandlerResult {
        cx.note(((seconds(event.scheduled) - NOW) / 60).to_string());
        pass(200).await;
        Ok(())
    }
    let stage = start(App::new("bench").on_schedule("slow", "* * * * *", slow)).await;
    // Minutes 1, 2 and 3 pass during the first call, which began at 0:30: of them the last comes late.
    pass(30 + 430).await;
    assert_eq!(stage.bench.seen(), ["0", "3", "6"]);
}

#[tokio::test(start_paused = true)]
async fn a_schedules_call_that_fails_is_repeated_with_growing_pauses() {
    async fn poor(_: ScheduleEvent, cx: Context<Bench>) -> HandlerResult {
        cx.note(cx.invocation().attempt.to_string());
        Err("not now".into())
    }
    async fn lost(_: ScheduleEvent, cx: Context<Bench>) -> HandlerResult {
        cx.note("lost");
        Err(HandlerError::fatal("never"))
    }
    let app = App::new("bench").on_schedule("poor", "0 3 * * *", poor).on_schedule("lost", "0 2 * * *", lost);
    let stage = start(app).await;
    pass(THREE - NOW + 1).await;
    assert_eq!(stage.triggers.running(), 1, "its repetitions count");
    pass(DAY / 2).await;
    assert_eq!(stage.bench.seen(), ["lost", "1", "2", "3", "4", "5"]);
    assert_eq!(stage.triggers.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn of_several_processes_one_fires_an_instant() {
    let memory = memory().await;
    let settings = TableSettings::default();
    memory.create(&url("claims"), &ResourceKind::Table(settings.clone())).await.expect("creates");
    let mut config = config(&memory);
    config.claims = Some(memory.table(&url("claims"), &settings).expect("opens"));
    let app = || App::new("bench").on_schedule("nightly", "0 3 * * *", nightly);
    let one = start_on(memory.clone(), app(), config.clone()).await;
    let other = start_on(memory.clone(), app(), config).await;
    pass(THREE - NOW + 10).await;
    assert_eq!([one.bench.seen(), other.bench.seen()].concat(), [format!("nightly {THREE}")]);

    // A claim whose answer is lost is recognised; where the table is down, both fire.
    memory.faults().inject(Operation::KvWrite, Fault::lose_answer(ErrorKind::Timeout).times(1));
    pass(DAY).await;
    assert_eq!([one.bench.seen(), other.bench.seen()].concat().len(), 2);
    memory.faults().inject(Operation::KvWrite, Fault::refuse(ErrorKind::Unavailable));
    pass(DAY).await;
    assert_eq!([one.bench.seen(), other.bench.seen()].concat().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_can_be_fired_by_hand() {
    let app = App::new("bench").on_schedule("nightly", "0 3 * * *", nightly).on_message("job", JOBS, job);
    let stage = start(app).await;
    let instant = UNIX_EPOCH + Duration::from_secs(7);
    assert_eq!(stage.triggers.fire("nightly", instant).await.expect("runs"), Outcome::Done);
    assert_eq!(stage.bench.seen(), ["nightly 7"]);
    let refused =
        |name: &'static str| async { stage.triggers.fire(name, instant).await.expect_err(name).kind() };
    assert_eq!(refused("nobody").await, ErrorKind::NotFound);
    assert_eq!(refused("job").await, ErrorKind::InvalidArgument);
    stage.shutdown.trigger();
    assert_eq!(refused("nightly").await, ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_what_runs_finish_within_the_grace_period_and_returns_the_rest() {
    async fn endless(_: ScheduleEvent, cx: Context<Bench>) -> HandlerResult {
        cx.note("begun");
        cx.invocation().cancelled().await;
        cx.note("cancelled");
        Ok(())
    }
    let app = App::new("bench").on_message("job", JOBS, job).on_schedule("endless", "* * * * *", endless);
    let stage = start(app).await;
    for length in [35, 250] {
        stage.bench.jobs.send(&length).await.expect("sends");
    }
    pass(31).await;
    stage.shutdown.trigger();
    let begun = tokio::time::Instant::now();
    stage.triggers.join().await;
    assert!(begun.elapsed() < Duration::from_secs(13), "{:?}", begun.elapsed());
    assert_eq!(stage.bench.seen(), ["begun", "job 35", "cancelled"]);
    let depth = stage.bench.jobs.depth().await.expect("tells");
    assert_eq!((depth.total(), depth.in_flight), (1, 0), "{depth:?}");
}
