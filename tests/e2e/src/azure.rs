//! An example on Azurite: behind a stand-in of the host of Azure Functions, made and described by the program itself and called by the host; and as a server
//! on any machine. Event Grid is stood in for, too.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha2::Sha256;
use skyport::{Body, Token};
use skyport_functions_host::queue::storage::Storage;
use skyport_functions_host::{BlobChanged, Handler, Host, Options};
use tokio::task::JoinHandle;

use crate::client::Http;
use crate::place::Kind;
use crate::process::{Example, Running};
use crate::{Data, program};

/// The connection string of Azurite; `cargo xtask test` starts it.
const AZURITE: &str = "SKYPORT_EMULATOR_AZURITE";

/// Between two looks of Event Grid at a container, and two attempts to deliver.
const PAUSE: Duration = Duration::from_millis(50);

/// The queues into which Event Grid delivers are named after this.
const TOLD: &str = "told";

/// The account of Azurite's, and in it an application's resources under names of their own.
#[derive(Clone, Debug)]
pub struct Account {
    http: Http,
    connection: String,
    parts: BTreeMap<String, String>,
    sas: String,
    name: String,
    folder: Arc<Data>,
}

impl Account {
    /// The account, and names that nobody else has.
    ///
    /// # Panics
    /// Where the emulator does not run.
    #[must_use]
    pub fn new() -> Self {
        let connection = std::env::var(AZURITE).unwrap_or_else(|_| {
            panic!("{AZURITE} is not set: `cargo xtask test` starts the emulator, `cargo xtask emulators` for tests by hand")
        });
        let parts = connection.split(';').filter_map(|part| part.split_once('='));
        let parts: BTreeMap<_, _> = parts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self {
            http: Http::new(),
            sas: sas(&parts["AccountName"], &parts["AccountKey"]),
            connection,
            parts,
            name: format!("e2e{:08x}", Token::new().to_bits() >> 96),
            folder: Arc::new(Data::new()),
        }
    }

    /// The name of a container or a queue of this test's.
    #[must_use]
    pub fn named(&self, resource: &str) -> String {
        format!("{}-{resource}", self.name)
    }

    /// A program of one queue, `jobs`, whose resources are in this account, and the host that calls it. Nobody tells it of blobs.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn deploy_worker(&self, name: &str, program: &std::path::Path) -> Deployed {
        let worker = || {
            Example::program(name, program)
                .variable("SKYPORT_PROVIDER", "azure")
                .variable("AZURE_STORAGE_CONNECTION_STRING", &self.connection)
                .variable("SKYPORT_JOBS", &format!("azqueue://{}", self.named("jobs")))
        };
        worker().variable("SKYPORT_COMMAND", "provision").run().await.assert_code(0);
        let folder = self.folder.path().join("worker");
        let command = format!("azure-functions {}", folder.display());
        worker().variable("SKYPORT_COMMAND", &command).run().await.assert_code(0);
        let port = unused_port().to_string();
        let program = worker().variable("FUNCTIONS_CUSTOMHANDLER_PORT", &port).start().await;
        let host = self.host(folder, &program).await;
        Deployed { program, host, events: tokio::spawn(async {}) }
    }

    async fn host(&self, folder: PathBuf, program: &Running) -> Arc<Host> {
        let mut options = Options::new(folder);
        options.handler = Handler::At(program.address);
        options.settings.insert("AzureWebJobsStorage".to_owned(), self.connection.clone());
        options.queues = Arc::new(Storage::connect(&self.connection).expect("Azurite's connection string"));
        Arc::new(Host::start(options).await.expect("the host takes it"))
    }

    /// A program on a machine of its developer's, whose resources are in this account.
    pub fn program(&self, name: &str, path: &std::path::Path, resources: &[(&str, Kind)]) -> Example {
        let program = Example::program(name, path)
            .variable("SKYPORT_PROVIDER", "azure")
            .variable("AZURE_STORAGE_CONNECTION_STRING", &self.connection);
        resources.iter().fold(program, |program, (resource, kind)| {
            let named = self.named(resource);
            let url = match kind {
                Kind::Bucket => format!("azblob://{named}"),
                Kind::Watched => format!("azblob://{named}?events={}", self.named(TOLD)),
                Kind::Queue => format!("azqueue://{named}"),
                Kind::Table => format!("aztable://{}{resource}", self.name),
            };
            program.variable(&format!("SKYPORT_{}", resource.to_uppercase()), &url)
        })
    }

    /// Event Grid delivers what becomes of a bucket's objects into the queues of a server's functions.
    #[must_use]
    pub fn tell_queues(&self, bucket: &str) -> JoinHandle<()> {
        let told = Destination::Queues(self.named(TOLD));
        tokio::spawn(event_grid(self.clone(), self.named(bucket), told))
    }

    /// The photos as a program on a machine of their developer's, whose resources are in this account.
    fn photos(&self) -> Example {
        Example::program("photos", &program::example("photos"))
            .variable("SKYPORT_PROVIDER", "azure")
            .variable("AZURE_STORAGE_CONNECTION_STRING", &self.connection)
            .variable("SKYPORT_ORIGINALS", &format!("azblob://{}", self.named("originals")))
            .variable("SKYPORT_THUMBNAILS", &format!("azblob://{}", self.named("thumbnails")))
            .variable("SKYPORT_RESIZE", &format!("azqueue://{}", self.named("resize")))
            .variable("SKYPORT_CATALOGUE", &format!("aztable://{}catalogue", self.name))
    }

    /// Deploys the photos: what they declare is made, what they are called by is written for the host, and the host calls them.
    ///
    /// # Panics
    /// Where one of that fails.
    pub async fn deploy(&self) -> Deployed {
        self.photos().variable("SKYPORT_COMMAND", "provision").run().await.assert_code(0);
        let folder = self.package().await;
        let port = unused_port().to_string();
        let program = self.photos().variable("FUNCTIONS_CUSTOMHANDLER_PORT", &port).start().await;
        let host = self.host(folder, &program).await;
        let told = Destination::Functions(Arc::clone(&host));
        let events = tokio::spawn(event_grid(self.clone(), self.named("originals"), told));
        Deployed { program, host, events }
    }

    /// Starts the photos as a server, where Event Grid delivers into the queues of its functions. What they declare is made first.
    ///
    /// # Panics
    /// Where one of that fails.
    pub async fn serve(&self) -> Served {
        let told = format!("azblob://{}?events={}", self.named("originals"), self.named(TOLD));
        let photos = || self.photos().variable("SKYPORT_ORIGINALS", &told);
        photos().variable("SKYPORT_COMMAND", "provision").run().await.assert_code(0);
        let program = photos().variable("SKYPORT_RUNTIME", "server").start().await;
        Served { program, events: self.tell_queues("originals") }
    }

    /// The folder that is deployed, as the program writes it.
    async fn package(&self) -> PathBuf {
        let folder = self.folder.path().join("package");
        let command = format!("azure-functions {}", folder.display());
        self.photos().variable("SKYPORT_COMMAND", &command).run().await.assert_code(0);
        folder
    }

    /// How many messages somebody could receive from a queue, up to 32. They stay.
    ///
    /// # Panics
    /// Where the emulator refuses.
    pub async fn waiting(&self, queue: &str) -> usize {
        let url = self.url("QueueEndpoint", &format!("{queue}/messages"), "peekonly=true&numofmessages=32");
        let peeked = self.http.get(&url).await.assert_status(200);
        peeked.text().matches("<QueueMessage>").count()
    }

    /// Puts a message into a queue, as another program would: its text as it stands there.
    ///
    /// # Panics
    /// Where the emulator refuses.
    pub async fn send(&self, queue: &str, text: &str) {
        let storage = Storage::connect(&self.connection).expect("Azurite's connection string");
        storage.queue(queue).send(text).await.expect("sent");
    }

    /// Puts a blob into a container, as another program would.
    ///
    /// # Panics
    /// Where the emulator refuses.
    pub async fn upload(&self, container: &str, name: &str, bytes: impl Into<Body>) {
        let put = Request::builder()
            .method(Method::PUT)
            .uri(self.url("BlobEndpoint", &format!("{container}/{name}"), ""))
            .header("x-ms-blob-type", "BlockBlob")
            .body(bytes.into());
        self.http.send(put.expect("a request")).await.assert_status(201);
    }

    /// The blobs of a container.
    async fn blobs(&self, container: &str) -> BTreeMap<String, Blob> {
        let url = self.url("BlobEndpoint", container, "restype=container&comp=list");
        let listed = self.http.get(&url).await.assert_status(200);
        let blob = |xml: &str| {
            let of = |tag: &str| {
                let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
                rest.split_once(&format!("</{tag}>")).map(|(text, _)| text.to_owned())
            };
            let size = of("Content-Length")?.parse().ok()?;
            Some((of("Name")?, Blob { etag: of("Etag")?, size }))
        };
        let blobs = listed.text().split("<Blob>").skip(1);
        blobs.map(|xml| blob(xml).expect("a name, an etag and a size")).collect()
    }

    fn url(&self, endpoint: &str, path: &str, query: &str) -> String {
        format!("{}/{path}?{query}&{}", self.parts[endpoint], self.sas)
    }
}

impl Default for Account {
    fn default() -> Self {
        Self::new()
    }
}

/// The photos, called by a host.
#[derive(Debug)]
pub struct Deployed {
    /// The program itself, which nobody but the host calls.
    pub program: Running,
    /// The host.
    pub host: Arc<Host>,
    events: JoinHandle<()>,
}

impl Deployed {
    /// Where clients call it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.host.address())
    }

    /// Ends all of it in order.
    ///
    /// # Panics
    /// Where it does not end well.
    pub async fn stop(self) {
        self.events.abort();
        self.host.stop().await.expect("the host drains");
        self.program.stop().await;
    }
}

/// The photos as a server.
#[derive(Debug)]
pub struct Served {
    /// The program, which everybody may call.
    pub program: Running,
    events: JoinHandle<()>,
}

impl Served {
    /// Ends all of it in order.
    pub async fn stop(self) {
        self.events.abort();
        self.program.stop().await;
    }
}

/// Where Event Grid's subscriptions deliver.
enum Destination {
    /// They call the functions.
    Functions(Arc<Host>),
    /// Into the queues of the functions, whose names begin so.
    Queues(String),
}

impl Destination {
    /// Whether it was taken.
    async fn deliver(&self, account: &Account, function: &str, event: &Value) -> bool {
        match self {
            Self::Functions(host) => host.event(function, event).await.is_ok(),
            Self::Queues(prefix) => {
                let queue = format!("{prefix}-photos-{function}");
                let storage = Storage::connect(&account.connection).expect("Azurite's connection string");
                storage.queue(&queue).send(&STANDARD.encode(event.to_string())).await.is_ok()
            }
        }
    }
}

/// Event Grid with the two subscriptions of the photos' deployment: it tells of each change, until the function has taken it.
async fn event_grid(account: Account, container: String, told: Destination) {
    let changed = |name: &str, created: Option<u64>| {
        let mut changed = BlobChanged::new(&account.parts["AccountName"], &container, name);
        changed.created = created;
        changed.event()
    };
    let mut known: BTreeMap<String, Blob> = BTreeMap::new();
    loop {
        let blobs = account.blobs(&container).await;
        let created = blobs.iter().filter(|(name, blob)| known.get(*name) != Some(*blob));
        let created = created.map(|(name, blob)| ("added", changed(name, Some(blob.size))));
        let deleted = known.keys().filter(|name| !blobs.contains_key(*name));
        let deleted = deleted.map(|name| ("removed", changed(name, None)));
        for (function, event) in created.chain(deleted) {
            while !told.deliver(&account, function, &event).await {
                tokio::time::sleep(PAUSE).await;
            }
        }
        known = blobs;
        // The emulator tells nobody of changes: it has to be asked.
        tokio::time::sleep(PAUSE).await;
    }
}

/// What a listing tells of a blob.
#[derive(Debug, PartialEq, Eq)]
struct Blob {
    etag: String,
    size: u64,
}

/// A shared access signature of the account for all that these tests do, as Azure's documentation writes it.
fn sas(account: &str, key: &str) -> String {
    let (permissions, services, types) = ("rwdlacup", "bq", "sco");
    let (end, version) = ("2099-01-01T00:00:00Z", "2021-12-02");
    let signed = format!("{account}\n{permissions}\n{services}\n{types}\n\n{end}\n\n\n{version}\n\n");
    let key = STANDARD.decode(key).expect("a key in base64");
    let mut hmac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    hmac.update(signed.as_bytes());
    let signature = STANDARD.encode(hmac.finalize().into_bytes());
    let signature = utf8_percent_encode(&signature, NON_ALPHANUMERIC);
    format!("sv={version}&ss={services}&srt={types}&sp={permissions}&se={end}&sig={signature}")
}

/// As the host chooses one.
fn unused_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
