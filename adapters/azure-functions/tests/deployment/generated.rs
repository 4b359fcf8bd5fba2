//! The files, and what the host makes of them.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use skyport_azure_functions::metadata::{Deployment, File, HTTP_FUNCTION, HttpForm};
use skyport_core::app::{
    App, Context, Declaration, HandlerResult, Manifest, Message, Opener, Ref, Resource, ResourceOptions,
    Resources,
};
use skyport_core::blob::Bucket;
use skyport_core::event::{BlobEvent, ScheduleEvent};
use skyport_core::http::{Request, Response, route};
use skyport_core::queue::Queue;
use skyport_core::schedule::Schedule;
use skyport_core::{Error, Result};
use skyport_functions_host::{Cron, Deployed, Form, Function, Trigger};

use crate::schema::faults;

/// What an application stores of which nothing is opened.
pub(crate) struct Store {
    bucket: Bucket,
    jobs: Queue<String>,
    mails: Queue<String>,
}

pub(crate) const BUCKET: Ref<Store, Bucket> = Ref::new("bucket", |store| &store.bucket);
pub(crate) const JOBS: Ref<Store, Queue<String>> = Ref::new("jobs", |store| &store.jobs);
pub(crate) const MAILS: Ref<Store, Queue<String>> = Ref::new("mails", |store| &store.mails);

impl Resources for Store {
    fn declarations() -> Result<Vec<Declaration>> {
        let queue =
            |attempts| <Queue<String> as Resource>::kind(ResourceOptions::new().max_attempts(attempts));
        Ok(vec![
            Declaration::new("bucket", Bucket::kind(ResourceOptions::new())?),
            Declaration::new("jobs", queue(3)?),
            Declaration::new("mails", queue(12)?),
            // Nobody listens to it.
            Declaration::new("unheard", queue(90)?),
        ])
    }

    fn open(_: &dyn Opener) -> Result<Self> {
        Err(Error::internal("nothing is opened here"))
    }
}

pub(crate) async fn answer(_: Request, _: Context<Store>) -> HandlerResult<Response> {
    Ok(Response::text("fine"))
}

pub(crate) async fn message(_: Message<String>, _: Context<Store>) -> HandlerResult {
    Ok(())
}

pub(crate) async fn blob(_: BlobEvent, _: Context<Store>) -> HandlerResult {
    Ok(())
}

async fn schedule(_: ScheduleEvent, _: Context<Store>) -> HandlerResult {
    Ok(())
}

fn manifest() -> Manifest {
    let app = App::new("shop")
        .http("list", route::get("/items"), answer)
        .http("show", route::get("/items/{id}"), answer)
        .on_message("job", JOBS, message)
        .on_message("send_mail-2", MAILS, message)
        .on_blob_created("picture", BUCKET, blob)
        .on_schedule("sweep", "*/20 3,4 * * 1-5", schedule);
    app.manifest().expect("it is whole")
}

fn deployment() -> Deployment {
    Deployment::new("handler").queue("jobs", "shop-jobs").queue("mails", "shop-mails")
}

fn schema(name: &str) -> Value {
    let text = match name {
        "host.json" => include_str!("../schemas/host.json"),
        _ => include_str!("../schemas/function.json"),
    };
    // It stands there with a mark of the byte order, or without.
    serde_json::from_str(text.trim_start_matches('\u{feff}')).expect("JSON")
}

fn found<'f>(files: &'f [File], path: &str) -> &'f Value {
    &files.iter().find(|file| file.path == path).expect(path).content
}

#[test]
fn every_file_is_valid_by_its_published_schema() {
    let mut all = Vec::new();
    for http in [HttpForm::Proxied, HttpForm::Forwarded, HttpForm::Wrapped] {
        let mut deployment = deployment();
        deployment.http = http;
        deployment.function_timeout = (http == HttpForm::Wrapped).then(|| Duration::from_secs(600));
        deployment.arguments = vec!["--serve".to_owned()];
        all.extend(deployment.files(&manifest()).expect("it can be deployed"));
    }
    assert_eq!(all.len(), 3 * 6);
    for file in all {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        assert_eq!(faults(&schema(name), &file.content), [""; 0], "{}", file.path);
    }
    // The schemas hold something: what nobody knows is wrong.
    let mut host = deployment().files(&manifest()).expect("it can be deployed").remove(0).content;
    host["extensions"]["queues"]["maxAttempts"] = 5.into();
    assert!(!faults(&schema("host.json"), &host).is_empty());
    let function =
        json!({"bindings": [{"type": "timerTrigger", "name": "t", "direction": "out", "schedule": 5}]});
    assert!(!faults(&schema("function.json"), &function).is_empty());
}

#[test]
fn host_json_says_how_the_program_is_called() {
    let files = deployment().files(&manifest()).expect("it can be deployed");
    let expected = json!({
        "version": "2.0",
        "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
        "extensions": {
            "http": {"routePrefix": ""},
            // The largest of those that somebody listens to.
            "queues": {"messageEncoding": "none", "maxDequeueCount": 12, "visibilityTimeout": "00:00:30"},
        },
        "customHandler": {"description": {"defaultExecutablePath": "handler"}, "enableProxyingHttpRequest": true},
    });
    assert_eq!(found(&files, "host.json"), &expected);
    let trigger = &found(&files, "send_mail-2/function.json")["bindings"][0];
    let expected = json!({"name": "message", "type": "queueTrigger", "direction": "in", "queueName": "shop-mails", "connection": "AzureWebJobsStorage"});
    assert_eq!(trigger, &expected);
    assert_eq!(found(&files, "sweep/function.json")["retry"]["maxRetryCount"], 4);
    assert!(found(&files, "job/function.json").get("retry").is_none(), "the host has none for queues");
    assert_eq!(
        found(&files, "sweep/function.json")["bindings"][0]["schedule"],
        "0 0,20,40 3,4 * * 1,2,3,4,5"
    );
}

#[test]
fn the_host_reads_what_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    deployment().write(&manifest(), folder.path()).expect("it is written");
    let deployed = Deployed::read(folder.path()).expect("the host starts");
    assert_eq!((deployed.host.form, deployed.host.route_prefix.as_str()), (Form::Proxied, ""));
    let queues = deployed.host.queues;
    assert!(!queues.base64);
    assert_eq!((queues.max_dequeue_count, queues.visibility_timeout), (12, Duration::from_secs(30)));
    let names: Vec<&str> = deployed.functions.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(names, [HTTP_FUNCTION, "job", "picture", "send_mail-2", "sweep"]);
    let trigger = |name: &str| &deployed.function(name).expect(name).trigger;
    assert!(
        matches!(trigger("job"), Trigger::Queue { queue, connection } if queue == "shop-jobs" && connection == "AzureWebJobsStorage")
    );
    assert!(matches!(trigger("picture"), Trigger::EventGrid));
    assert!(matches!(trigger("sweep"), Trigger::Timer(_)));
    let retry = deployed.function("sweep").and_then(|sweep| sweep.retry).expect("it is repeated");
    let (least, most) = (Duration::from_secs(5), Duration::from_secs(300));
    assert_eq!((retry.count, retry.least, retry.most), (4, least, most));
    let Trigger::Http { route, methods, anonymous } = trigger(HTTP_FUNCTION) else {
        panic!("it takes requests")
    };
    assert!(*anonymous && methods.as_ref().is_some_and(|methods| methods.contains(&"OPTIONS".to_owned())));
    for path in ["", "items", "items/7", "a/b c/"] {
        assert!(route.matches(path).is_some(), "{path}");
    }
}

#[test]
fn a_timer_goes_off_when_the_schedule_comes() {
    for text in [
        "* * * * *",
        "*/20 3,4 * * 1-5",
        "0 0 29 2 *",
        "5 0 1,15 * *",
        "59 23 31 12 *",
        "30 6 * 1-3 0,6",
        "7 */5 * * *",
    ] {
        let ours: Schedule = text.parse().expect("a schedule");
        let manifest =
            App::<()>::new("tick")
                .on_schedule("tick", text, |_: ScheduleEvent, _: Context<()>| async { Ok(()) });
        let files = Deployment::new("handler").files(&manifest.manifest().expect("whole")).expect("deployed");
        let function =
            Function::parse("tick", found(&files, "tick/function.json")).expect("the host takes it");
        let Trigger::Timer(theirs) = function.trigger else { panic!("it is a timer") };
        let mut time = UNIX_EPOCH + Duration::from_secs(1_795_489_230);
        for _ in 0..20 {
            let next = ours.next_after(time).expect("it comes");
            assert_eq!(Cron::next_after(&theirs, time), Some(next), "{text}");
            time = next;
        }
    }
}
