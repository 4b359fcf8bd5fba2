//! What an application promises, whatever it runs on: on fakes, in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::routing;
use skyport::TraceContext;
use skyport::app::{Event, Next, Reply};
use skyport::memory::{Fault, Memory, Operation};
use skyport::prelude::*;
use skyport::testing::start;

#[derive(Resources)]
struct Shop {
    files: Bucket,
    #[resource(max_attempts = 3)]
    orders: Queue<u32>,
    #[resource(ordered, name = "steps")]
    ordered: Queue<String>,
    totals: Table<i64>,
    #[state]
    calls: Arc<AtomicU32>,
    #[state(init = greeting)]
    greeting: String,
}

fn greeting() -> skyport::Result<String> {
    Ok("hello".to_owned())
}

async fn send(request: Request, cx: Context<Shop>) -> Result<StatusCode> {
    cx.orders.send(&request.json().await?).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn book(order: Message<u32>, cx: Context<Shop>) -> Result<()> {
    cx.calls.fetch_add(1, Ordering::Relaxed);
    match *order {
        1 => Err("not now")?,
        2 => Err(HandlerError::fatal("never")),
        3 => panic!("oh"),
        4 => std::future::pending().await,
        number => {
            cx.totals.increment("sum", i64::from(number)).await?;
            Ok(())
        }
    }
}

fn shop() -> App<Shop> {
    App::new("shop").http("send", route::post("/orders"), send).on_message(
        "book",
        Shop::ORDERS.timeout(Duration::from_secs(30)),
        book,
    )
}

#[tokio::test(start_paused = true)]
async fn a_message_ends_as_its_handler_says() {
    let test = start(shop()).await;
    for number in [1, 2, 3, 4, 5] {
        test.post("/orders", "").json(&number).await.assert_status(202);
    }
    test.settle().await;
    let mut letters: Vec<(u32, u32, String)> = Vec::new();
    for letter in test.dead_letters(Shop::ORDERS).await {
        let reason = letter.reason().expect("a reason").to_owned();
        letters.push((letter.value().expect("a number"), letter.attempt(), reason));
    }
    letters.sort();
    let reasons: Vec<(u32, &str)> =
        letters.iter().map(|(number, _, reason)| (*number, reason.as_str())).collect();
    assert_eq!(reasons, [(1, "attempts"), (2, "never"), (3, "attempts"), (4, "attempts")]);
    // Three attempts of each that is to come again, one of the others.
    assert_eq!(test.resources().calls.load(Ordering::Relaxed), 3 * 3 + 2);
    let sum = test.resources().totals.get("sum").await.expect("answers").expect("there");
    assert_eq!(sum.value, 5);
}

#[tokio::test(start_paused = true)]
async fn bad_input_gets_its_status_and_the_process_lives() {
    async fn wild(request: Request, _: Context<Shop>) -> Result<Response> {
        match request.path_param::<String>("how")?.as_str() {
            "panic" => panic!("a secret"),
            "never" => std::future::pending().await,
            "backend" => Err(skyport::Error::new(skyport::ErrorKind::Throttled, "a secret"))?,
            _ => Err("a secret")?,
        }
    }
    let app = shop().http("wild", route::get("/wild/{how}").timeout(Duration::from_secs(5)), wild).http(
        "small",
        route::put("/small").body_limit(4).accepts(["text/plain"]),
        send,
    );
    let test = start(app).await;
    for (path, status) in [("panic", 500), ("never", 504), ("backend", 503), ("else", 500)] {
        let response = test.get(&format!("/wild/{path}")).await.assert_status(status);
        assert!(!response.text().contains("secret"), "{}", response.text());
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
    }
    test.get("/nowhere").await.assert_status(404);
    let refused = test.delete("/orders").await.assert_status(405);
    assert_eq!(refused.header("allow"), Some("POST"));
    test.post("/orders", "{").await.assert_status(400);
    test.post("/orders", "1").header("content-type", "text/csv").await.assert_status(415);
    test.put("/small", "12345").await.assert_status(413);
    test.put("/small", "1").header("content-type", "image/png").await.assert_status(415);
    test.post("/orders", "7").await.assert_status(202);
}

#[tokio::test(start_paused = true)]
async fn malformed_messages_go_to_the_dead_letters_with_the_reason() {
    let test = start(shop()).await;
    let orders = Queue::<String, skyport::Raw>::new(Arc::clone(test.resources().orders.port()));
    orders.send(&"no number".to_owned()).await.expect("sent");
    test.post("/orders", "8").await.assert_status(202);
    test.settle().await;
    let letters = test.dead_letters(Shop::ORDERS).await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason().expect("a reason").contains("JSON"));
    assert_eq!(test.resources().calls.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_gives_back_only_what_failed() {
    async fn book_all(batch: Batch<u32>, cx: Context<Shop>) -> Result<Outcomes> {
        Ok(batch.each(4, |order| book(order, cx.clone())).await)
    }
    let app = App::new("shop").on_batch("book", Shop::ORDERS.batch_size(10), book_all);
    let test = start(app).await;
    test.resources().orders.send_all([&5, &1, &6, &2, &7]).await.into_iter().for_each(|sent| {
        sent.expect("sent");
    });
    test.settle().await;
    let sum = test.resources().totals.get("sum").await.expect("answers").expect("there");
    assert_eq!(sum.value, 18);
    assert_eq!(test.dead_letters(Shop::ORDERS).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_worked_off_in_order_also_behind_a_failure() {
    async fn step(step: Message<String>, cx: Context<Shop>) -> Result<()> {
        let first = step.as_str() == "1" && cx.calls.fetch_add(1, Ordering::Relaxed) == 0;
        if first {
            Err("once")?;
        }
        let key = format!("{:03}", cx.calls.fetch_add(1, Ordering::Relaxed));
        cx.files.put(&key, step.into_value()).await?;
        Ok(())
    }
    let test = start(App::new("shop").on_message("step", Shop::ORDERED, step)).await;
    for number in 1..=5 {
        test.resources().ordered.send(&number.to_string()).group("one").await.expect("sent");
    }
    test.settle().await;
    let mut seen = String::new();
    for entry in test.resources().files.list().page().await.expect("listed").entries {
        seen += &test.resources().files.get(entry.key()).text().await.expect("read");
    }
    assert_eq!(seen, "12345");
}

#[tokio::test(start_paused = true)]
async fn a_trace_goes_through_the_queue() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    async fn note(_: Message<u32>, cx: Context<Shop>) -> Result<()> {
        let trace = &cx.invocation().trace;
        assert_eq!(TraceContext::current().map(|current| current.trace_id()), Some(trace.trace_id()));
        cx.files.put("trace", trace.traceparent()).await?;
        Ok(())
    }
    let app =
        App::new("shop").http("send", route::post("/orders"), send).on_message("note", Shop::ORDERS, note);
    let test = start(app).await;
    test.post("/orders", "1").header("traceparent", PARENT).await.assert_status(202);
    test.settle().await;
    let seen = test.resources().files.get("trace").text().await.expect("noted");
    assert_eq!(seen[..36], PARENT[..36], "the same trace");
    assert_ne!(seen, PARENT, "another position in it");
}

#[tokio::test(start_paused = true)]
async fn middleware_and_layers_stand_around_functions_in_the_order_they_were_put() {
    fn noting(name: &'static str) -> impl Fn(Event, Context<Shop>, Next<Shop>) -> NoteFuture + Clone {
        move |event, cx, next| {
            Box::pin(async move {
                let before = cx.calls.fetch_add(1, Ordering::Relaxed);
                let reply = next.run(event, cx).await?;
                Ok(match reply {
                    Reply::Http(response) => {
                        Reply::Http(response.with_header("seen", format!("{name}{before}")))
                    }
                    other => other,
                })
            })
        }
    }
    type NoteFuture = std::pin::Pin<Box<dyn Future<Output = Result<Reply>> + Send>>;
    async fn fail(_: Request, _: Context<Shop>) -> Result<Response> {
        Err(HandlerError::status(StatusCode::IM_A_TEAPOT, "short and stout"))
    }
    let app = shop()
        .http("fail", route::get("/fail"), fail)
        .wrap(noting("inner"))
        .layer(tower_layer::layer_fn(Tagged))
        .wrap(noting("outer"));
    let test = start(app).await;
    let response = test.post("/orders", "9").await.assert_status(202);
    let seen: Vec<_> =
        response.headers().get_all("seen").iter().map(|value| value.to_str().expect("text")).collect();
    assert_eq!(seen, ["inner1", "outer0"]);
    assert_eq!(response.header("tagged"), Some("yes"));
    // What a handler says of its error survives a layer that only knows std errors.
    test.get("/fail").await.assert_status(418);
}

/// A tower service that adds a header, and passes errors on as they come.
#[derive(Clone)]
struct Tagged<S>(S);

impl<S, B> tower_service::Service<http::Request<skyport::Body>> for Tagged<S>
where
    S: tower_service::Service<http::Request<skyport::Body>, Response = http::Response<B>>,
    S::Future: Send + 'static,
{
    type Response = http::Response<B>;
    type Error = S::Error;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = std::result::Result<http::Response<B>, S::Error>> + Send>>;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::result::Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<skyport::Body>) -> Self::Future {
        let response = self.0.call(request);
        Box::pin(async move {
            let mut response = response.await?;
            response.headers_mut().insert("tagged", http::HeaderValue::from_static("yes"));
            Ok(response)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_axum_router_is_mounted_beside_functions_and_finds_the_context() {
    async fn greet(request: axum::extract::Request) -> String {
        let cx = request.extensions().get::<Context<Shop>>().expect("the context").clone();
        format!("{} from {}", cx.greeting, request.uri().path())
    }
    async fn echo(body: axum::body::Bytes) -> axum::body::Bytes {
        body
    }
    let router =
        axum::Router::new().route("/api/greet", routing::get(greet)).route("/api/echo", routing::post(echo));
    let test = start(shop().mount("api", "/api", router)).await;
    assert_eq!(test.get("/api/greet").await.assert_status(200).text(), "hello from /api/greet");
    assert_eq!(test.post("/api/echo", "again").await.assert_status(200).text(), "again");
    test.get("/api/none").await.assert_status(404);
    test.post("/orders", "5").await.assert_status(202);
}

#[test]
fn everything_wrong_with_an_application_is_told_together() {
    async fn tick(_: ScheduleEvent, _: Context<Shop>) -> Result<()> {
        Ok(())
    }
    let module = App::new("module").http("send", route::post("/other"), send);
    let app = shop()
        .on_schedule("often", "* * * *", tick)
        .http("same", route::post("/orders"), send)
        .http("bad name", route::get("/x"), send)
        .merge(module);
    let error = app.manifest().expect_err("faults");
    for part in [
        "`often`: a schedule has five fields",
        "`POST /orders` is there twice",
        "`bad name`",
        "two functions are called `send`",
    ] {
        assert!(error.message().contains(part), "{part} in {error}");
    }
}

#[test]
fn the_manifest_tells_functions_triggers_and_resources() {
    let manifest = serde_json::to_value(shop().manifest().expect("no faults")).expect("serialises");
    let expected = serde_json::json!({
        "application": "shop",
        "functions": [
            {"name": "send", "trigger": {"type": "http", "method": "POST", "path": "/orders", "body_limit": 20 << 20}},
            {"name": "book", "trigger": {"type": "queue", "queue": "orders"}, "timeout_ms": 30_000},
        ],
        "resources": [
            {"name": "files", "kind": "bucket"},
            {"name": "orders", "kind": "queue", "max_attempts": 3, "ordered": false, "foreign": "text"},
            {"name": "steps", "kind": "queue", "max_attempts": 5, "ordered": true, "foreign": "text"},
            {"name": "totals", "kind": "table", "reverse_index": false},
        ],
    });
    assert_eq!(manifest, expected);
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_a_plain_function_that_a_test_can_call() {
    let test = start(App::<Shop>::new("shop")).await;
    let resources = Shop {
        files: test.resources().files.clone(),
        orders: test.resources().orders.clone(),
        ordered: test.resources().ordered.clone(),
        totals: test.resources().totals.clone(),
        calls: Arc::default(),
        greeting: String::new(),
    };
    let cx = Context::of(resources);
    book(Message::new(11), cx.clone()).await.expect("booked");
    assert!(book(Message::new(2), cx.clone()).await.expect_err("fatal").is_fatal());
    assert_eq!(cx.totals.get("sum").await.expect("answers").expect("there").value, 11);
    assert_eq!(size_of_val(&cx), 2 * size_of::<usize>());
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_down_is_a_503_and_loses_nothing() {
    let memory = Memory::new();
    let test = start(shop()).on(memory.clone()).await;
    memory.faults().inject(Operation::QueueSend, Fault::refuse(skyport::ErrorKind::Unavailable).times(1));
    test.post("/orders", "5").await.assert_status(503);
    test.post("/orders", "5").await.assert_status(202);
    test.settle().await;
    assert_eq!(test.resources().totals.get("sum").await.expect("answers").expect("there").value, 5);
}

#[tokio::test(start_paused = true)]
async fn schedules_fire_at_their_instants() {
    async fn tick(event: ScheduleEvent, cx: Context<Shop>) -> Result<()> {
        let seconds = event.scheduled.duration_since(std::time::UNIX_EPOCH)?.as_secs();
        cx.files.put(&seconds.to_string(), "").await?;
        Ok(())
    }
    let test = start(App::new("shop").on_schedule("tick", "*/10 * * * *", tick)).await;
    test.advance(Duration::from_secs(3_600)).await;
    let page = test.resources().files.list().page().await.expect("listed");
    assert_eq!(page.entries.len(), 6);
    assert!(page.entries.iter().all(|entry| entry.key().parse::<u64>().expect("seconds") % 600 == 0));
}
