//! The application whose functions are called: one of each kind, which does as little as it can.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use skyport_core::app::{
    App, Batch, Context, Declaration, Functions, HandlerResult, Message, Opener, Outcomes, Ref, Resource,
    ResourceOptions, Resources,
};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::BlobStore;
use skyport_core::event::{BlobEvent, ScheduleEvent};
use skyport_core::http::{Request, Response, route};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_memory::Memory;

/// What a small GET is answered with.
pub const HELLO: &str = "Hello, world!";

/// A message's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Whose it is.
    pub to: String,
    /// Which it is.
    pub number: u64,
}

/// A bucket and a queue.
#[derive(Debug)]
pub struct Stage {
    files: Bucket,
    letters: Queue<Letter>,
}

const FILES: Ref<Stage, Bucket> = Ref::new("files", |stage| &stage.files);
const LETTERS: Ref<Stage, Queue<Letter>> = Ref::new("letters", |stage| &stage.letters);

fn files() -> skyport_core::Result<Declaration> {
    Ok(Declaration::new("files", Bucket::kind(ResourceOptions::new())?))
}

fn letters() -> skyport_core::Result<Declaration> {
    Ok(Declaration::new("letters", <Queue<Letter> as Resource>::kind(ResourceOptions::new())?))
}

impl Resources for Stage {
    fn declarations() -> skyport_core::Result<Vec<Declaration>> {
        Ok(vec![files()?, letters()?])
    }

    fn open(opener: &dyn Opener) -> skyport_core::Result<Self> {
        Ok(Self { files: Bucket::open(opener, &files()?)?, letters: Queue::open(opener, &letters()?)? })
    }
}

/// Resources are those of the memory provider.
struct Fakes(Memory);

impl Opener for Fakes {
    fn bucket(&self, declaration: &Declaration) -> skyport_core::Result<Arc<dyn BlobStore>> {
        self.0.bucket(&ResourceUrl::new("memory", &*declaration.name))
    }

    fn queue(
        &self,
        declaration: &Declaration,
        settings: &QueueSettings,
    ) -> skyport_core::Result<Arc<dyn MessageQueue>> {
        self.0.queue(&ResourceUrl::new("memory", &*declaration.name), settings)
    }

    fn table(
        &self,
        declaration: &Declaration,
        settings: &TableSettings,
    ) -> skyport_core::Result<Arc<dyn KeyValueStore>> {
        self.0.table(&ResourceUrl::new("memory", &*declaration.name), settings)
    }
}

/// Answers with a few bytes.
pub async fn hello(_: Request, _: Context<Stage>) -> HandlerResult<&'static str> {
    Ok(HELLO)
}

/// Answers with what stands in the path.
pub async fn greet(request: Request, _: Context<Stage>) -> HandlerResult<String> {
    Ok(request.path_param("name")?)
}

/// Answers with what it got.
pub async fn echo(request: Request, _: Context<Stage>) -> HandlerResult<Response> {
    Ok(Response::ok(request.bytes().await?))
}

/// Takes a message.
pub async fn take(letter: Message<Letter>, _: Context<Stage>) -> HandlerResult {
    std::hint::black_box(letter.number);
    Ok(())
}

/// Takes several messages.
pub async fn take_all(letters: Batch<Letter>, _: Context<Stage>) -> HandlerResult<Outcomes> {
    let (letters, mut outcomes) = letters.split();
    for (ticket, letter) in letters {
        std::hint::black_box(letter.number);
        outcomes.resolve(ticket, Ok(()));
    }
    Ok(outcomes)
}

/// Looks at a change of a bucket.
pub async fn changed(event: BlobEvent, _: Context<Stage>) -> HandlerResult {
    std::hint::black_box(event.key);
    Ok(())
}

/// Looks at the time.
pub async fn tick(event: ScheduleEvent, _: Context<Stage>) -> HandlerResult {
    std::hint::black_box(event.scheduled);
    Ok(())
}

/// All of them, bound.
///
/// # Errors
/// Where the application is not sound.
pub fn bound() -> skyport_core::Result<Functions> {
    let app = App::<Stage>::new("stage")
        .http("hello", route::get("/hello"), hello)
        .http("greet", route::get("/hello/{name}"), greet)
        .http("echo", route::post("/echo"), echo)
        .on_message("take", LETTERS, take)
        .on_batch("take-all", LETTERS, take_all)
        .on_blob_created("changed", FILES, changed)
        .on_schedule("tick", "* * * * *", tick);
    Ok(app.bind(&Fakes(Memory::new()))?.0)
}

/// A context for a direct call.
///
/// # Errors
/// Where a resource cannot be opened.
pub fn context() -> skyport_core::Result<Context<Stage>> {
    Ok(Context::of(Stage::open(&Fakes(Memory::new()))?))
}
