use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;
use skyport_core::app::{
    App, Batch, Context as Cx, Declaration, HandlerError, HandlerResult, Message, Opener, Outcomes, Ref,
    Resource, ResourceOptions, Resources,
};
use skyport_core::blob::Bucket;
use skyport_core::event::BlobEvent;
use skyport_core::http::{Request, route};
use skyport_core::layers::{ClaimCheck, Layer, Prefix};
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, OutMessage, QueueSettings, RawDelivery, ReceiveOptions};
use skyport_core::queue::{Queue, wire};
use skyport_core::{Raw, Result};
use skyport_memory::Memory;

use super::*;
use crate::LambdaConfig;

mod events;
mod hostile;
mod messages;

/// What the functions work with.
struct Bench {
    photos: Bucket,
    jobs: Queue<String, Raw>,
    ordered: Queue<String, Raw>,
    calls: Mutex<Vec<String>>,
}

const PHOTOS: Ref<Bench, Bucket> = Ref::new("photos", |bench| &bench.photos);
const JOBS: Ref<Bench, Queue<String, Raw>> = Ref::new("jobs", |bench| &bench.jobs);
const ORDERED: Ref<Bench, Queue<String, Raw>> = Ref::new("ordered", |bench| &bench.ordered);

fn declared(name: &'static str) -> Result<Declaration> {
    Ok(match name {
        "photos" => Declaration::new(name, Bucket::kind(ResourceOptions::new())?),
        _ => {
            let options = ResourceOptions::new().ordered(name == "ordered");
            Declaration::new(name, <Queue<String, Raw> as Resource>::kind(options)?)
        }
    })
}

impl Resources for Bench {
    fn declarations() -> Result<Vec<Declaration>> {
        ["photos", "jobs", "ordered"].into_iter().map(declared).collect()
    }

    fn open(opener: &dyn Opener) -> Result<Self> {
        Ok(Self {
            photos: Resource::open(opener, &declared("photos")?)?,
            jobs: Resource::open(opener, &declared("jobs")?)?,
            ordered: Resource::open(opener, &declared("ordered")?)?,
            calls: Mutex::default(),
        })
    }
}

impl Bench {
    fn note(&self, what: impl Into<String>) {
        self.calls.lock().expect("sound").push(what.into());
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().expect("sound"))
    }
}

/// Does as the text says.
fn act(text: &str) -> HandlerResult {
    match text {
        _ if text.contains("fail") => Err("not now".into()),
        _ if text.contains("fatal") => Err(HandlerError::fatal("never")),
        _ => Ok(()),
    }
}

async fn job(message: Message<String>, cx: Cx<Bench>) -> HandlerResult {
    let attributes: Vec<String> =
        message.attributes().iter().map(|(name, value)| format!("{name}={value}")).collect();
    cx.note(format!(
        "{}#{}{}",
        message.value().chars().take(9).collect::<String>(),
        message.attempt(),
        attributes.join(",")
    ));
    act(message.value())
}

async fn batch(batch: Batch<String>, cx: Cx<Bench>) -> HandlerResult<Outcomes> {
    let cx = &cx;
    Ok(batch
        .each(1, |message| async move {
            cx.note(message.value().as_str());
            act(message.value())
        })
        .await)
}

async fn blob(event: BlobEvent, cx: Cx<Bench>) -> HandlerResult {
    cx.note(format!("{:?} {} {:?}", event.change, event.key, cx.invocation().attempt));
    act(&event.key)
}

async fn tick(event: ScheduleEvent, cx: Cx<Bench>) -> HandlerResult {
    let seconds = event.scheduled.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    cx.note(format!("{} {seconds}", cx.invocation().function));
    act(if seconds == 60 {
        "fail"
    } else if seconds == 120 {
        "fatal"
    } else {
        ""
    })
}

async fn hello(_: Request, cx: Cx<Bench>) -> HandlerResult<String> {
    Ok(cx.invocation().id.clone())
}

/// The application on the fakes, with large bodies of jobs in the bucket.
struct Stage {
    served: Served,
    bench: Arc<Bench>,
    memory: Memory,
}

/// Under this prefix lie the objects, as the platform knows them.
const UNDER: &str = "team/app/";

struct Fakes<'m>(&'m Memory);

impl Opener for Fakes<'_> {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn skyport_core::blob::port::BlobStore>> {
        let bucket = self.0.bucket(&ResourceUrl::new("memory", &*declaration.name))?;
        Ok(Prefix::new(UNDER)?.blob(bucket))
    }

    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        let queue = self.0.queue(&ResourceUrl::new("memory", &*declaration.name), settings)?;
        let claims = self.0.bucket(&ResourceUrl::new("memory", "photos"))?;
        Ok(ClaimCheck::new(claims, 1_000).queue(queue))
    }

    fn table(
        &self,
        declaration: &Declaration,
        settings: &TableSettings,
    ) -> Result<Arc<dyn skyport_core::kv::port::KeyValueStore>> {
        self.0.table(&ResourceUrl::new("memory", &*declaration.name), settings)
    }
}

impl Stage {
    async fn set(change: impl FnOnce(&mut LambdaConfig)) -> Self {
        let memory = Memory::new();
        for declaration in Bench::declarations().expect("sound") {
            memory
                .create(&ResourceUrl::new("memory", &*declaration.name), &declaration.kind)
                .await
                .expect("created");
        }
        let app = App::new("bench")
            .http("hello", route::get("/hello"), hello)
            .on_message("job", JOBS, job)
            .on_batch("ordered", ORDERED.batch_size(2), batch)
            .on_blob_created("created", PHOTOS, blob)
            .on_blob_deleted("deleted", PHOTOS, blob)
            .on_schedule("sweep", "*/5 * * * *", tick)
            .on_schedule("report", "0 3 * * *", tick);
        let (functions, bench) = app.bind(&Fakes(&memory)).expect("binds");
        let mut config = LambdaConfig::default();
        change(&mut config);
        let served = Served::new(Arc::new(functions), config).expect("serves");
        Self { served, bench, memory }
    }

    async fn answer(&self, event: Value) -> Answer {
        let mut context = Context::default();
        context.request_id = "8476a536".to_owned();
        let in_a_minute = std::time::SystemTime::now() + Duration::from_secs(60);
        context.deadline = skyport_core::clock::to_millis(in_a_minute);
        answer(&self.served, &context, event.to_string().as_bytes()).await
    }

    async fn done(&self, event: Value) -> Value {
        match self.answer(event).await {
            Answer::Whole(json) => serde_json::from_slice(&json).expect("JSON"),
            other => panic!("{other:?}"),
        }
    }

    async fn failed(&self, event: Value) -> String {
        match self.answer(event).await {
            Answer::Failed(failure) => failure.message().to_owned(),
            other => panic!("{other:?}"),
        }
    }
}
