//! Requests that are no events, and those that only look like some.

use futures_util::stream;

use super::*;

/// A body that must not be read.
fn untouched() -> Body {
    Body::from_stream(stream::once(async { Err::<Bytes, _>(Error::internal("somebody read it")) }))
}

async fn is_passed_on_unread(stage: &Stage, request: Request) -> bool {
    match stage.intercept(request).await {
        Intercepted::Passed(request) => {
            let read = request.into_body().collect(1_000).await;
            read.expect_err("a stream that fails").message() == "somebody read it"
        }
        Intercepted::Answered(response) => panic!("answered: {response:?}"),
    }
}

#[tokio::test]
async fn requests_for_routes_go_there_as_streams() {
    let stage = Stage::set(|_| {}).await;
    let json = [("content-type", "application/json")];
    assert!(is_passed_on_unread(&stage, request("/own/a", &json, untouched())).await);
    assert!(
        is_passed_on_unread(&stage, request("/own/a", &[("content-type", "image/png")], untouched())).await
    );
    // Without a route it will be a 404, whatever is in it.
    assert!(is_passed_on_unread(&stage, request("/nowhere", &[], untouched())).await);
    let get =
        http::Request::get("/own/a").header("ce-specversion", "1.0").body(untouched()).expect("a request");
    assert!(is_passed_on_unread(&stage, get.into()).await);
}

#[tokio::test]
async fn json_without_a_route_is_passed_on_whole_where_it_is_no_push() {
    let stage = Stage::set(|_| {}).await;
    let other = json!({"message": "hello"});
    assert_eq!(stage.passed(post("/nowhere", &other)).await, other.to_string());
}

#[tokio::test]
async fn a_push_is_not_looked_for_where_the_application_has_a_route_unless_it_is_told_so() {
    let plain = Stage::set(|_| {}).await;
    let push = wrapped("jobs", "hello", 1, &json!({}));
    assert_eq!(plain.passed(post("/own/a", &push)).await, push.to_string());
    assert!(plain.bench.calls().is_empty());
    let told = Stage::set(|config| config.events_path = Some("/own/a".to_owned())).await;
    assert_eq!(told.status(post("/own/a", &push)).await, 204);
    assert_eq!(told.bench.calls(), ["hello#1"]);
    // Other JSON there is the route's, and so is what is too long for a push.
    let other = json!({"message": "hello"});
    assert_eq!(told.passed(post("/own/a", &other)).await, other.to_string());
    let length = (LARGEST_BODY + 1).to_string();
    let long = [("content-type", "application/json"), ("content-length", length.as_str())];
    assert!(is_passed_on_unread(&told, request("/own/a", &long, untouched())).await);
}

#[tokio::test]
async fn what_no_function_is_for_is_the_routes_and_arrives_whole() {
    let stage = Stage::set(|_| {}).await;
    let own =
        json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "com.example.order"}).to_string();
    let structured = [("content-type", "application/cloudevents+json")];
    assert_eq!(stage.passed(request("/own/a", &structured, own.clone())).await, own);
    // Also where it is an event of some version that we do not read.
    assert_eq!(stage.passed(request("/own/a", &structured, "{}")).await, "{}");
    let binary = |kind| [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", kind)];
    assert!(is_passed_on_unread(&stage, request("/own/a", &binary("com.example.order"), untouched())).await);
    // Of a topic whose queue is nobody's here: that is known only once it is read.
    let published = binary("google.cloud.pubsub.topic.v1.messagePublished");
    let data = wrapped("nobodys", "hello", 1, &json!({})).to_string();
    match stage.intercept(request("/own/a", &published, data.clone())).await {
        Intercepted::Passed(request) => {
            assert!(request.fidelity().buffered);
            assert_eq!(request.header("ce-id"), Some("1"));
            assert_eq!(request.text().await.expect("whole"), data);
        }
        Intercepted::Answered(response) => panic!("{response:?}"),
    }
}

#[tokio::test]
async fn a_deployment_of_requests_takes_no_events_and_one_of_events_no_requests() {
    let requests = Stage::set(|config| config.signature = Signature::Http).await;
    let event = [("content-type", "application/cloudevents+json")];
    assert!(is_passed_on_unread(&requests, request("/", &event, untouched())).await);
    assert!(is_passed_on_unread(&requests, post("/", &json!({})).take_over(untouched())).await);
    let events = Stage::set(|config| config.signature = Signature::CloudEvent).await;
    assert_eq!(events.status(push("jobs", "hello", 1)).await, 204);
    let (status, told) = events.answer(request("/own/a", &[], "hello")).await;
    assert!(status == 400 && told.contains("takes events"), "{told}");
}

trait TakeOver {
    fn take_over(self, body: Body) -> Request;
}

impl TakeOver for Request {
    fn take_over(self, body: Body) -> Request {
        http::Request::from(self).map(|_| body).into()
    }
}

#[tokio::test]
async fn googles_trace_enters_with_every_request() {
    let stage = Stage::set(|_| {}).await;
    let trace = [("x-cloud-trace-context", "4bf92f3577b34da6a3ce929d0e0e4736/1;o=1")];
    let mut invocation = Invocation::default();
    let passed = stage.front.intercept(request("/own/a", &trace, ""), &mut invocation).await;
    assert!(matches!(passed, Intercepted::Passed(_)));
    assert_eq!(invocation.trace.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
}
