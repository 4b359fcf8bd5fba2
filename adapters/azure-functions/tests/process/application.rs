//! The application, and the process that it is.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use skyport_azure_functions::AzureFunctionsConfig;
use skyport_core::Result;
use skyport_core::app::{
    App, Context, Declaration, Functions, HandlerResult, Message, Opener, Ref, Resource, ResourceOptions,
    Resources,
};
use skyport_core::http::{Request, route};
use skyport_core::queue::Queue;

use crate::support::azure::Azure;

pub(crate) struct Bench {
    jobs: Queue<u64>,
    begun: AtomicUsize,
}

const JOBS: Ref<Bench, Queue<u64>> = Ref::new("jobs", |bench| &bench.jobs);

fn jobs() -> Result<Declaration> {
    Ok(Declaration::new("jobs", <Queue<u64> as Resource>::kind(ResourceOptions::new())?))
}

impl Resources for Bench {
    fn declarations() -> Result<Vec<Declaration>> {
        Ok(vec![jobs()?])
    }

    fn open(opener: &dyn Opener) -> Result<Self> {
        Ok(Self { jobs: Resource::open(opener, &jobs()?)?, begun: AtomicUsize::new(0) })
    }
}

/// Works for so many milliseconds.
async fn work(message: Message<u64>, cx: Context<Bench>) -> HandlerResult {
    cx.begun.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(*message)).await;
    Ok(())
}

async fn hello(_: Request, _: Context<Bench>) -> HandlerResult<&'static str> {
    Ok("hello")
}

/// How many have begun to work.
async fn begun(_: Request, cx: Context<Bench>) -> HandlerResult<String> {
    Ok(cx.begun.load(Ordering::SeqCst).to_string())
}

pub(crate) fn app() -> App<Bench> {
    App::new("bench")
        .http("hello", route::get("/"), hello)
        .http("begun", route::get("/begun"), begun)
        .on_message("work", JOBS, work)
}

pub(crate) fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match runtime.block_on(serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whether anybody reads it does not matter.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<()> {
    let (functions, _): (Functions, _) = app().bind(&Azure::new())?;
    let config = AzureFunctionsConfig::from_env(|name| std::env::var(name).ok())?;
    skyport_azure_functions::run(Arc::new(functions), config).await
}
