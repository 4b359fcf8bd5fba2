//! From the start of the program until it is ready.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use skyport_functions_host::{Handler, Host, Options, Worker};
use tokio::net::TcpSocket;

use crate::handler::{Script, folder, queue};

#[tokio::test]
async fn a_program_is_ready_when_it_answers_anything() {
    // Bound, and not yet listening.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let worker = Worker::at(socket.local_addr().expect("an address"));
    assert!(worker.ready(Duration::from_millis(100)).await.is_err());
    let waiting = tokio::spawn(async move { worker.ready(Duration::from_secs(10)).await });
    let listener = socket.listen(16).expect("it listens");
    // It answers 404.
    tokio::spawn(Script::new([]).serve(listener));
    waiting.await.expect("no panic").expect("it is ready");
}

#[tokio::test]
async fn a_program_that_ends_or_is_not_there_stops_the_start() {
    let folder = folder(&json!({}), &[]);
    for (program, said) in [("/bin/false", "ended before"), ("no-such-program", "does not start")] {
        let mut options = Options::new(folder.path());
        options.handler = Handler::Program(PathBuf::from(program));
        let error = Host::start(options).await.expect_err("it does not start").to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn the_program_is_told_where_to_listen() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&json!({}), &[]);
    let handler = folder.path().join("handler");
    let lines = "#!/bin/sh\nenv > seen\nexec sleep 60\n";
    std::fs::write(&handler, lines).expect("written");
    std::fs::set_permissions(&handler, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let mut options = Options::new(folder.path());
    options.settings.insert("MY_SETTING".to_owned(), "mine".to_owned());
    options.initialization = Duration::from_secs(1);
    assert!(Host::start(options).await.expect_err("it never listens").to_string().contains("GET /"));
    let seen = std::fs::read_to_string(folder.path().join("seen")).expect("it ran there");
    let of = |name: &str| {
        seen.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap_or_default().to_owned()
    };
    assert!(of("FUNCTIONS_CUSTOMHANDLER_PORT").parse::<u16>().is_ok());
    assert_eq!(of("FUNCTIONS_CUSTOMHANDLER_PORT"), of("FUNCTIONS_HTTPWORKER_PORT"));
    assert_eq!((of("FUNCTIONS_WORKER_RUNTIME"), of("MY_SETTING")), ("Custom".to_owned(), "mine".to_owned()));
    assert_eq!(of("FUNCTIONS_APP_ROOT_PATH"), folder.path().display().to_string());
}

#[tokio::test]
async fn a_queue_without_a_connection_stops_the_start() {
    let folder = folder(&json!({}), &[("job", queue())]);
    let mut options = Options::new(folder.path());
    options.handler = Handler::At(Script::new([]).listen().await);
    let missing = Host::start(options.clone()).await.expect_err("it does not start").to_string();
    assert!(missing.contains("`Data`") && missing.contains("`jobs`"), "{missing}");
    // There is one, and the queue is not.
    for setting in ["Data", "AzureWebJobsData", "Data__accountName"] {
        let mut options = options.clone();
        options.settings.insert(setting.to_owned(), "x".to_owned());
        let refused = Host::start(options).await.expect_err("it does not start").to_string();
        assert!(refused.contains("connection to the queue `jobs`"), "{refused}");
    }
}
