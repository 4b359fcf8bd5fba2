//! What the host does to the process, and what it sees of it.

use std::future::Future;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use skyport_azure_functions::metadata::Deployment;
use skyport_functions_host::{Handler, Host, Options};

use super::HANDLER;
use super::application::app;
use super::support::client;
use super::support::single::Single;

type Case = fn() -> Pin<Box<dyn Future<Output = ()>>>;

pub(crate) const ALL: [(&str, Case); 7] = [
    ("the_host_starts_it_in_its_folder_and_calls_it", || Box::pin(calls())),
    ("what_runs_when_it_is_told_to_end_may_finish", || Box::pin(finishes())),
    ("what_takes_too_long_comes_again_and_the_process_has_ended_in_time", || Box::pin(ends_in_time())),
    ("what_takes_longer_than_the_host_waits_is_ended_here_before_the_host_ends_the_process", || {
        Box::pin(in_the_hosts_time())
    }),
    ("a_process_that_the_host_has_ended_is_started_anew", || Box::pin(starts_anew())),
    ("the_host_ends_it_at_once_when_nothing_runs", || Box::pin(ends_at_once())),
    ("a_port_that_is_none_ends_it_with_a_word_to_whoever_deployed_it", || Box::pin(no_port())),
];

/// The host over this program, with a message of so many milliseconds of work.
async fn start(work: Option<&str>, settings: &[(&str, &str)]) -> (Host, Single) {
    let (host, queue, _) = start_within(None, work, settings).await;
    (host, queue)
}

/// As [`start`], with a time for each call, and with the folder, in which the program may be started anew.
async fn start_within(
    seconds: Option<u64>,
    work: Option<&str>,
    settings: &[(&str, &str)],
) -> (Host, Single, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut deployment = Deployment::new("handler").queue("jobs", "bench-jobs");
    deployment.function_timeout = seconds.map(Duration::from_secs);
    deployment.write(&app().manifest().expect("it is whole"), folder.path()).expect("it is written");
    let queue = work.map_or_else(Single::nothing, |millis| Single::of(millis, 1));
    let mut options = Options::new(folder.path());
    options.handler = Handler::Program(std::env::current_exe().expect("this program's path"));
    options.queues = Arc::new(queue.clone());
    options.settings.insert(deployment.connection.clone(), "AccountName=fakes".to_owned());
    options.settings.insert(HANDLER.to_owned(), "1".to_owned());
    options.settings.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    (Host::start(options).await.expect("the host starts"), queue, folder)
}

async fn get(host: &Host, path: &str) -> (u16, Bytes) {
    let request = http::Request::get(path).body(Bytes::new()).expect("a request");
    let response = client::send(host.address(), request).await.expect("a response");
    (response.status().as_u16(), response.into_body())
}

/// Waits until the process is at work.
async fn at_work(host: &Host) {
    while get(host, "/begun").await.1 != "1" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn calls() {
    let (host, queue) = start(Some("0"), &[]).await;
    assert_eq!(get(&host, "/").await, (200, Bytes::from_static(b"hello")));
    assert_eq!(get(&host, "/nowhere").await.0, 404);
    assert_eq!(queue.done().await, ["deleted"]);
    host.stop().await.expect("it stops");
}

async fn finishes() {
    let (host, queue) = start(Some("1500"), &[]).await;
    at_work(&host).await;
    host.terminate(Duration::from_secs(10)).await.expect("it ends well");
    assert_eq!(queue.done().await, ["deleted"]);
}

async fn ends_in_time() {
    let (host, queue) = start(Some("60000"), &[("SKYPORT_GRACE", "500ms")]).await;
    at_work(&host).await;
    host.terminate(Duration::from_secs(10)).await.expect("it ends well");
    assert_eq!(queue.done().await, ["again"]);
}

async fn in_the_hosts_time() {
    let (host, queue, _folder) = start_within(Some(4), Some("60000"), &[]).await;
    at_work(&host).await;
    assert_eq!(queue.done().await, ["again"]);
    // It is the same process, which has begun once.
    assert_eq!(get(&host, "/begun").await.1, "1");
    host.stop().await.expect("it stops");
}

async fn starts_anew() {
    // The program believes that it has longer than it has.
    let longer = ("AzureFunctionsJobHost__functionTimeout", "00:10:00");
    let (host, queue, _folder) = start_within(Some(3), Some("60000"), &[longer]).await;
    at_work(&host).await;
    assert_eq!(queue.done().await, ["again"]);
    while get(&host, "/begun").await != (200, Bytes::from_static(b"0")) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    host.stop().await.expect("it stops");
}

async fn ends_at_once() {
    let (host, _) = start(None, &[]).await;
    let begun = Instant::now();
    host.stop().await.expect("it stops");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

async fn no_port() {
    let program = std::env::current_exe().expect("this program's path");
    let ended = Command::new(program)
        .env(HANDLER, "1")
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", "eighty")
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("FUNCTIONS_CUSTOMHANDLER_PORT"), "{said}");
}
