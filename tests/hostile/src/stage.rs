//! One application, behind each adapter that speaks HTTP by itself, on the files of a temporary folder.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use skyport_azure_functions::{AzureFunctions, AzureFunctionsConfig};
use skyport_cloud_run::{CloudRun, CloudRunConfig};
use skyport_core::app::{App, Context, Declaration, Functions, HandlerResult, Opener};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::BlobStore;
use skyport_core::event::ScheduleEvent;
use skyport_core::http::{Request, Response, route};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Result, Shutdown};
use skyport_local::{Local, LocalConfig};
use skyport_server::{Bound, Server, ServerConfig};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// The largest body that the route `/seen` takes.
const LIMIT: u64 = 1_000;

/// A request that reached its handler, and its whole body; or that this broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Method and path, as they were sent.
    pub line: String,
    /// The body; `None` where it did not come whole.
    pub body: Option<Vec<u8>>,
}

/// The application behind one adapter, on a free port.
///
/// | route | what it does |
/// |---|---|
/// | any `/seen/{*rest}` | notes the request, and its body up to 1,000 bytes |
/// | GET `/one/{name}`, GET `/rest/{*rest}` | says what it was given, quoted |
/// | GET `/query` | says the parameter `name`, quoted |
/// | PUT, GET, DELETE `/files/{*rest}` | an object of the bucket `files` |
#[derive(Debug)]
pub struct Stage {
    /// The adapter's name.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    /// The bucket of the files.
    pub files: Bucket,
    seen: Arc<Mutex<Vec<Seen>>>,
    shutdown: Shutdown,
    task: JoinHandle<Result<()>>,
    folder: TempDir,
}

impl Stage {
    /// One behind each adapter.
    pub async fn each() -> [Self; 3] {
        [Self::server().await, Self::cloud_run().await, Self::azure_functions().await]
    }

    /// Behind the server adapter.
    pub async fn server() -> Self {
        Self::set("server", async |functions, endpoint, shutdown| {
            let server = Server::new(functions).config(config()).endpoint(endpoint);
            server.shutdown(shutdown).signals(false).bind().await
        })
        .await
    }

    /// Behind the Cloud Run adapter.
    pub async fn cloud_run() -> Self {
        Self::set("cloud-run", async |functions, endpoint, shutdown| {
            let mut cloud_run = CloudRunConfig::default();
            cloud_run.server = config();
            let service = CloudRun::new(functions).config(cloud_run).endpoint(endpoint);
            service.shutdown(shutdown).signals(false).bind().await
        })
        .await
    }

    /// Behind the Azure Functions adapter.
    pub async fn azure_functions() -> Self {
        Self::set("azure-functions", async |functions, endpoint, shutdown| {
            let mut functions_config = AzureFunctionsConfig::default();
            functions_config.server = config();
            let handler = AzureFunctions::new(functions).config(functions_config).endpoint(endpoint);
            handler.shutdown(shutdown).signals(false).bind().await
        })
        .await
    }

    async fn set<F, Fut>(name: &'static str, bind: F) -> Self
    where
        F: FnOnce(Arc<Functions>, Arc<dyn Endpoint>, Shutdown) -> Fut,
        Fut: Future<Output = Result<Bound>>,
    {
        let folder = TempDir::new().expect("a temporary folder");
        // What lies beside the data is not to be reached.
        std::fs::write(folder.path().join("outside.txt"), OUTSIDE).expect("a file");
        let local = Local::new(LocalConfig::new(folder.path().join("data")));
        let url = ResourceUrl::new("local", "files");
        local.create(&url, &ResourceKind::Bucket).await.expect("a bucket");
        let files = Bucket::new(local.bucket(&url).expect("opens"));
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (functions, _) = application(&files, &seen).bind(&Nothing).expect("a sound application");
        let endpoint = local.endpoint().expect("local signs URLs");
        let shutdown = Shutdown::new();
        let bound = bind(Arc::new(functions), endpoint, shutdown.clone()).await.expect("binds");
        let address = bound.local_addr();
        let address = SocketAddr::from(([127, 0, 0, 1], address.port()));
        Self { name, address, files, seen, shutdown, task: tokio::spawn(bound.run()), folder }
    }

    /// The requests that were noted since the last time this was asked.
    ///
    /// # Panics
    /// Where noting one panicked.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().expect("unpoisoned"))
    }

    /// The folder in which the data lie, in `data`, and a file beside them, `outside.txt`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asserts that an ordinary request is served as ever.
    ///
    /// # Panics
    /// Where it is not.
    pub async fn assert_well(&self) {
        let request =
            "POST /seen/well HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\ngood";
        let said = crate::Raw::exchange(self.address, request).await;
        assert_eq!(said.statuses(), [200], "{}: {}", self.name, said.text());
        let noted = Seen { line: "POST /seen/well".to_owned(), body: Some(b"good".to_vec()) };
        // What an attack began may be noted later still.
        let seen = self.take_seen();
        assert!(seen.contains(&noted), "{}: {seen:?}", self.name);
    }

    /// Ends it, in good order.
    ///
    /// # Panics
    /// Where it does not end so.
    pub async fn stop(self) {
        self.shutdown.trigger();
        let ended = tokio::time::timeout(Duration::from_secs(60), self.task).await;
        ended.expect("ends").expect("no panic").expect("no error");
    }
}

/// What the file beside the data has in it.
pub const OUTSIDE: &str = "nobody is to read this";

fn config() -> ServerConfig {
    let mut config = ServerConfig::default();
    config.port = 0;
    // Times are the server's own tests' affair: here a machine may stand still.
    config.grace = Duration::from_secs(30);
    config
}

/// Opens nothing: what the application needs it has already.
struct Nothing;

impl Opener for Nothing {
    fn bucket(&self, _: &Declaration) -> Result<Arc<dyn BlobStore>> {
        Err(Error::unsupported("there are no resources here"))
    }

    fn queue(&self, _: &Declaration, _: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        Err(Error::unsupported("there are no resources here"))
    }

    fn table(&self, _: &Declaration, _: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        Err(Error::unsupported("there are no resources here"))
    }
}

fn application(files: &Bucket, seen: &Arc<Mutex<Vec<Seen>>>) -> App<()> {
    let seen = Arc::clone(seen);
    let note = move |request: Request, _: Context<()>| {
        let seen = Arc::clone(&seen);
        async move { noted(request, &seen).await }
    };
    let (to, of, gone) = (files.clone(), files.clone(), files.clone());
    let put = move |request: Request, _: Context<()>| {
        let files = to.clone();
        async move {
            let key: String = request.path_param("rest")?;
            files.put(&key, request.into_body()).await?;
            HandlerResult::Ok(Response::new(StatusCode::CREATED))
        }
    };
    let get = move |request: Request, _: Context<()>| {
        let files = of.clone();
        async move {
            let key: String = request.path_param("rest")?;
            HandlerResult::Ok(Response::ok(files.get(&key).await?.into_body()))
        }
    };
    let delete = move |request: Request, _: Context<()>| {
        let files = gone.clone();
        async move {
            let key: String = request.path_param("rest")?;
            files.delete(&key).await?;
            HandlerResult::Ok(Response::no_content())
        }
    };
    App::new("stage")
        .http("seen", route::any("/seen/{*rest}").body_limit(LIMIT), note)
        .http("one", route::get("/one/{name}"), async |request: Request, _: Context<()>| {
            HandlerResult::Ok(format!("{:?}", request.path_param::<String>("name")?))
        })
        .http("rest", route::get("/rest/{*rest}"), async |request: Request, _: Context<()>| {
            HandlerResult::Ok(format!("{:?}", request.path_param::<String>("rest")?))
        })
        .http("query", route::get("/query"), async |request: Request, _: Context<()>| {
            HandlerResult::Ok(format!("{:?}", request.query_param::<String>("name")?))
        })
        .http("put", route::put("/files/{*rest}"), put)
        .http("get", route::get("/files/{*rest}"), get)
        .http("delete", route::delete("/files/{*rest}"), delete)
        // Whoever poses as a platform would have this one called.
        .on_schedule("sweep", "0 0 1 1 *", swept)
}

async fn swept(_: ScheduleEvent, _: Context<()>) -> HandlerResult {
    Ok(())
}

async fn noted(request: Request, seen: &Mutex<Vec<Seen>>) -> HandlerResult<&'static str> {
    let line = format!("{} {}", request.method(), request.path());
    let read = request.bytes().await;
    let body = read.as_ref().ok().map(|bytes| bytes.to_vec());
    seen.lock().map_err(|_| Error::internal("poisoned"))?.push(Seen { line, body });
    read?;
    Ok("noted")
}
