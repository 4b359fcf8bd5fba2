//! What was decided of the types that users meet, each as code that would not compile or would fail otherwise.

use std::cell::Cell;
use std::rc::Rc;

use skyport::blob::Bucket;
use skyport::prelude::*;
use skyport::testing::start;
use skyport::{Error, ErrorKind};

#[derive(Resources)]
struct Shop {
    files: Bucket,
    numbers: Queue<Cell<u32>>,
    totals: Table<Cell<u32>>,
}

fn send_and_sync<T: Send + Sync>() {}

fn send<F: Future + Send>(future: F) -> F {
    future
}

#[test]
fn handles_are_send_and_sync_whatever_they_hold() {
    send_and_sync::<Queue<Rc<u8>>>();
    send_and_sync::<Table<Rc<u8>>>();
    send_and_sync::<Bucket>();
    send_and_sync::<Context<Shop>>();
    send_and_sync::<App<Shop>>();
    send_and_sync::<skyport::queue::Delivery<Rc<u8>>>();
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_encoded_at_once_and_not_held_while_it_travels() {
    let test = start(App::<Shop>::new("shop")).await;
    let Shop { numbers, totals, files } = test.resources();
    // Not Sync: a reference to it in the future would keep that from being Send.
    let value = Cell::new(7);
    let sending = numbers.send(&value);
    let putting = totals.put("sum", &value);
    value.set(8);
    send(sending.into_future()).await.expect("sent");
    send(putting.into_future()).await.expect("put");
    assert_eq!(totals.get("sum").await.expect("answers").expect("there").value.get(), 7);
    send(files.put("a", "1").into_future()).await.expect("put");
    send(files.get("a").into_future()).await.expect("got");
    let received = numbers.receive(1, std::time::Duration::ZERO, std::time::Duration::from_secs(1)).await;
    assert_eq!(received.expect("received")[0].value().expect("a number").get(), 7);
}

#[test]
fn a_context_is_two_pointers_whatever_the_application_holds() {
    assert_eq!(size_of::<Context<[u64; 100]>>(), 2 * size_of::<usize>());
}

#[test]
fn requests_and_responses_are_those_of_the_crate_http_and_back() {
    let request = http::Request::builder().uri("/a%2Fb?c").header("x", "y").extension(7_u8);
    let request: Request = request.body(skyport::Body::from("text")).expect("sound").into();
    assert_eq!(request.path(), "/a%2Fb");
    let request: http::Request<skyport::Body> = request.into();
    assert_eq!((request.headers()["x"].as_bytes(), request.extensions().get::<u8>()), (&b"y"[..], Some(&7)));
    let response = http::Response::builder().status(418).header("x", "y").body(skyport::Body::empty());
    let response: Response = response.expect("sound").into();
    assert_eq!(response.status(), 418);
    let response: http::Response<skyport::Body> = response.with_header("x", "z").into();
    assert_eq!(response.headers().get_all("x").iter().count(), 2);
}

#[test]
fn a_kind_survives_question_marks_through_foreign_errors() {
    fn io() -> std::io::Result<()> {
        Err(Error::new(ErrorKind::Throttled, "slow down"))?
    }
    fn boxed() -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(io()?)
    }
    fn handler() -> Result<()> {
        Ok(boxed()?)
    }
    let error = handler().expect_err("throttled");
    assert_eq!(error.port_error().map(Error::kind), Some(ErrorKind::Throttled));
    assert!(!error.is_fatal(), "a question mark says: again");
}
