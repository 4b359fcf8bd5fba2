//! More than the server takes at once. Handlers are held by the test, so that nothing depends on time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use skyport_core::Body;
use skyport_core::app::{App, Context, HandlerResult, Invocation, Resources};
use skyport_core::http::{Request, Response, route};
use skyport_server::{Intercept, Intercepted, Server, ServerConfig};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::support::{Client, Nothing, Running, body, config, run, status};

/// An application whose requests to `/held` wait until the test lets them go.
struct Held {
    begun: Arc<Semaphore>,
    go: Arc<Semaphore>,
    server: Running,
}

async fn start(config: ServerConfig) -> Held {
    let (begun, go, functions) = held();
    Held { begun, go, server: run(functions.config(config)).await }
}

fn held() -> (Arc<Semaphore>, Arc<Semaphore>, Server) {
    let (begun, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let held = {
        let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
        move |request: Request, _: Context<()>| {
            let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
            async move { hold(request, &begun, &go).await }
        }
    };
    let app = App::new("web").http("held", route::post("/held"), held);
    let (functions, _) = app.bind(&Nothing).expect("a sound application");
    (begun, go, Server::new(Arc::new(functions)))
}

async fn serve<R: Resources>(app: App<R>, config: ServerConfig) -> Running {
    let (functions, _) = app.bind(&Nothing).expect("a sound application");
    run(Server::new(Arc::new(functions)).config(config)).await
}

async fn hold(request: Request, begun: &Semaphore, go: &Semaphore) -> HandlerResult<String> {
    let bytes = request.bytes().await?;
    begun.add_permits(1);
    go.acquire().await?.forget();
    Ok(format!("{} bytes", bytes.len()))
}

fn at_most(requests: usize, connections: usize) -> ServerConfig {
    let mut config = config();
    (config.max_requests, config.max_connections) = (requests, connections);
    config
}

impl Held {
    /// Sends a request and waits until its handler has it.
    async fn begin(&self) -> Client {
        let mut client = self.server.connect().await;
        client.send("POST /held HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody").await;
        self.begun.acquire().await.expect("open").forget();
        client
    }
}

/// Nothing is asked again and again for longer.
const LONG: Duration = Duration::from_secs(60);

const REFUSED: &str = "\"status\":503,\"detail\":";

#[tokio::test]
async fn a_request_that_is_one_too_many_gets_a_503_at_once_and_the_others_are_served() {
    let held = start(at_most(2, 100)).await;
    let mut served = [held.begin().await, held.begin().await];

    // Of its body nothing is sent, and nothing is waited for.
    let mut third = held.server.connect().await;
    third.send("POST /held HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n").await;
    let refused = third.read_until("try again later\"}").await;
    assert_eq!(status(&refused), 503, "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(refused.contains("\r\ncontent-type: application/problem+json\r\n"), "{refused}");
    assert!(refused.contains(REFUSED), "{refused}");

    // Whether the server is well is told always, on the same connection as what was refused.
    let mut fourth = held.server.connect().await;
    fourth.send("POST /held HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(status(&fourth.read_until("try again later\"}").await), 503);
    fourth.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(status(&fourth.read_until("\r\n\r\nok").await), 200);

    held.go.add_permits(2);
    for client in &mut served {
        assert_eq!(status(&client.read_until("4 bytes").await), 200);
    }
    // There is room again, for a connection that was refused, too.
    held.go.add_permits(1);
    fourth.send("POST /held HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nnow").await;
    assert_eq!(status(&fourth.read_until("3 bytes").await), 200);
    held.server.stop().await;
}

/// A platform that brings its calls to `/call`, and a message that waits until the test lets it go.
#[derive(Debug)]
struct Platform {
    begun: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

#[async_trait]
impl Intercept for Platform {
    async fn intercept(&self, mut request: Request, _: &mut Invocation) -> Intercepted {
        if !self.is_platforms(&request) {
            return Intercepted::Passed(request);
        }
        let sent = request.take_body().collect(100).await.expect("small");
        if &*sent == b"wait" {
            self.begun.add_permits(1);
            self.go.acquire().await.expect("open").forget();
        }
        Intercepted::Answered(Response::ok(sent))
    }

    fn is_platforms(&self, request: &Request) -> bool {
        request.path() == "/call"
    }
}

#[tokio::test]
async fn a_platforms_calls_have_places_of_their_own_and_no_more_than_clients_have() {
    let (called, calls) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (begun, go, server) = held();
    let platform = Platform { begun: Arc::clone(&called), go: Arc::clone(&calls) };
    let server = server.config(at_most(1, 100)).intercept(Arc::new(platform));
    let held = Held { begun, go, server: run(server).await };
    let call = |body: &str| {
        let length = body.len();
        format!(
            "POST /call HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let mut client = held.begin().await;
    let other = "POST /held HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(status(&held.server.exchange(other).await), 503);
    let answer = held.server.exchange(&call("a message")).await;
    assert_eq!((status(&answer), body(&answer)), (200, "a message"));

    // Whoever can look like the platform holds no more than so many places either, and takes none of the clients'.
    let mut waiting = loop {
        let mut waiting = held.server.connect().await;
        waiting.send(&call("wait")).await;
        // Only the server knows when the place is free again.
        tokio::select! {
            permit = called.acquire() => {
                permit.expect("open").forget();
                break waiting;
            }
            refused = waiting.read_to_end() => assert_eq!(status(&refused), 503, "{refused}"),
        }
    };
    assert_eq!(status(&held.server.exchange(&call("a message")).await), 503);
    held.go.add_permits(2);
    assert_eq!(status(&client.read_until("4 bytes").await), 200);
    drop(client);
    while status(&held.server.exchange(other).await) != 200 {}
    calls.add_permits(1);
    assert_eq!(status(&waiting.read_to_end().await), 200);
    held.server.stop().await;
}

#[tokio::test]
async fn what_was_sent_along_with_a_request_that_is_refused_does_not_lose_its_answer() {
    let held = start(at_most(1, 100)).await;
    let mut served = held.begin().await;
    let mut client = held.server.connect().await;
    let head = "POST /held HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n";
    client.send(&format!("{head}{}", "x".repeat(3_000_000))).await;
    assert_eq!(status(&client.read_until("try again later\"}").await), 503);
    held.go.add_permits(1);
    served.read_until("4 bytes").await;
    held.server.stop().await;
}

#[tokio::test]
async fn a_refused_request_that_goes_on_and_on_is_cut_off() {
    let held = start(at_most(1, 100)).await;
    let mut served = held.begin().await;
    let mut client = held.server.connect().await;
    client.send("POST /held HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000000\r\n\r\n").await;
    assert_eq!(status(&client.read_until("try again later\"}").await), 503);
    // More than is thrown away and than sockets hold, and less than is read of a request that was taken.
    let (piece, mut sent) = (vec![b'x'; 64 << 10], 0);
    while sent < 48 << 20 && client.0.write_all(&piece).await.is_ok() {
        sent += piece.len();
    }
    assert!(sent < 48 << 20, "{sent} bytes were taken");
    held.go.add_permits(1);
    served.read_until("4 bytes").await;
    held.server.stop().await;
}

#[tokio::test]
async fn a_place_is_taken_until_the_response_is_out() {
    const SIZE: usize = 32 << 20;
    let large = async |_: Request, _: Context<()>| -> HandlerResult<Response> {
        let piece = bytes::Bytes::from(vec![b'x'; 64 << 10]);
        let pieces = std::iter::repeat_n(piece, SIZE >> 16).map(Ok::<_, std::io::Error>);
        Ok(Response::ok(Body::from_stream(futures_util::stream::iter(pieces)).with_len(SIZE as u64)))
    };
    let app = App::<()>::new("web").http("large", route::get("/large"), large);
    let server = serve(app, at_most(1, 100)).await;
    let mut slow = server.connect().await;
    slow.send("GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    // More than sockets hold: as long as nobody reads, it is not out.
    slow.read_until("\r\n\r\n").await;
    assert_eq!(status(&server.get("/large").await), 503);
    let rest = slow.read_to_end().await;
    assert!(rest.len() > SIZE - (1 << 20), "{} bytes", rest.len());
    assert_eq!(body(&server.get("/large").await).len(), SIZE);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_gives_up_gives_its_place_back() {
    let held = start(at_most(1, 100)).await;
    let mut gone = held.server.connect().await;
    gone.send("POST /held HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbo").await;
    // In work, but not whole. Answered 503 until the server has seen that it is gone.
    drop(gone);
    held.go.add_permits(1);
    let request = "POST /held HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody";
    let answered = async {
        loop {
            let answer = held.server.exchange(request).await;
            if status(&answer) == 200 {
                break;
            }
            assert_eq!(status(&answer), 503, "{answer}");
        }
    };
    timeout(LONG, answered).await.expect("its place is given back");
    held.server.stop().await;
}

#[tokio::test]
async fn a_connection_that_is_one_too_many_is_told_so_and_closed() {
    let held = start(at_most(100, 2)).await;
    let (mut first, _second) = (held.begin().await, held.begin().await);
    let mut third = held.server.connect().await;
    third.send("POST /held HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody").await;
    let refused = third.read_to_end().await;
    assert_eq!(status(&refused), 503, "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n") && refused.contains(REFUSED), "{refused}");
    assert!(refused.contains("\r\nconnection: close\r\n"), "{refused}");

    // Over HTTP/2 likewise: the answer to what is asked already, or word that nothing is to be asked here.
    let tcp = tokio::net::TcpStream::connect(held.server.address).await.expect("connects");
    let (mut send, connection) = hyper::client::conn::http2::handshake(
        hyper_util::rt::TokioExecutor::new(),
        hyper_util::rt::TokioIo::new(tcp),
    )
    .await
    .expect("HTTP/2");
    let driving = tokio::spawn(connection);
    let request = http::Request::post(format!("http://{}/held", held.server.address));
    match send
        .send_request(request.body(http_body_util::Empty::<bytes::Bytes>::new()).expect("a request"))
        .await
    {
        Ok(response) => {
            assert_eq!(
                (response.status().as_u16(), &response.headers()["retry-after"]),
                (503, &"1".parse().expect("sound"))
            );
        }
        Err(refused) => assert!(!refused.is_timeout(), "{refused:?}"),
    }
    drop(send);
    // The server ends it.
    timeout(LONG, driving).await.expect("closed").expect("no panic").ok();

    // Once one has gone, there is room for another: only the server knows when it has noticed.
    held.go.add_permits(3);
    first.read_until("4 bytes").await;
    drop(first);
    let request = "POST /held HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody";
    let answered = async { while status(&held.server.exchange(request).await) != 200 {} };
    timeout(LONG, answered).await.expect("there is room again");
    held.server.stop().await;
}

#[tokio::test]
async fn more_than_can_be_told_are_closed_and_nobody_is_left_waiting() {
    let held = start(at_most(100, 1)).await;
    let mut first = held.begin().await;
    // They say nothing, so that each takes one of the places of those who are told.
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(held.server.connect().await);
    }
    let mut beyond = held.server.connect().await;
    beyond.closed().await;
    held.go.add_permits(1);
    assert_eq!(status(&first.read_until("4 bytes").await), 200);
    held.server.stop().await;
}
