//! The search, in a world whose network and tools are a test's own.

use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Output};
use std::sync::Mutex;

use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{AsyncRawResponse, Body};
use azure_core::time::OffsetDateTime;

use super::super::Tokens;
use super::*;

/// What a server answers to a URL: a status and a body, or nothing at all.
type Answer = fn(&str) -> Option<(u16, String)>;

/// Stands for an answer that never comes.
const NEVER: u16 = 0;

/// The network: who was asked what, with which `metadata`, and what was sent.
#[derive(Debug)]
struct Network {
    answer: Answer,
    asked: Mutex<Vec<(String, String, String)>>,
}

#[async_trait::async_trait]
impl HttpClient for Network {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let url = request.url().to_string();
        let metadata = request.headers().get_optional_str(&HeaderName::from_static("metadata"));
        let body = match request.body() {
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Body::SeekableStream(_) => "a stream".to_owned(),
        };
        let asked = (url.clone(), metadata.unwrap_or_default().to_owned(), body);
        self.asked.lock().expect("no panic").push(asked);
        let answer = (self.answer)(&url);
        if matches!(answer, Some((NEVER, _))) {
            std::future::pending::<()>().await;
        }
        let Some((status, body)) = answer else {
            let kind = azure_core::error::ErrorKind::Connection;
            return Err(azure_core::Error::with_message(kind, "nobody is there"));
        };
        Ok(AsyncRawResponse::from_bytes(status.into(), Headers::new(), body))
    }
}

impl Network {
    fn urls(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").iter().map(|(url, ..)| url.clone()).collect()
    }
}

/// The tools: what each prints, or that it is not there, or that it never ends.
#[derive(Debug)]
struct Tools {
    says: Option<String>,
    hangs: bool,
    run: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl Executor for Tools {
    async fn run(&self, _: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let line = args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ");
        self.run.lock().expect("no panic").push(line);
        if self.hangs {
            std::future::pending::<()>().await;
        }
        match &self.says {
            Some(says) => Ok(Output {
                status: ExitStatus::default(),
                stdout: says.clone().into_bytes(),
                stderr: Vec::new(),
            }),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

struct World {
    tokens: Tokens,
    network: Arc<Network>,
    tools: Arc<Tools>,
}

fn world(whom: Whom, variable: Variable, answer: Answer, says: Option<String>, hangs: bool) -> World {
    let network = Arc::new(Network { answer, asked: Mutex::default() });
    let tools = Arc::new(Tools { says, hangs, run: Mutex::default() });
    let mut chain = Chain::new(whom, Arc::clone(&network) as Arc<dyn HttpClient>, variable);
    chain.executor = Arc::clone(&tools) as Arc<dyn Executor>;
    World { tokens: Tokens::found(chain), network, tools }
}

fn usual(variable: Variable, answer: Answer) -> World {
    world(Whom::Environment, variable, answer, None, false)
}

async fn failed(world: &World) -> Error {
    let error = world.tokens.get().await.expect_err("no token");
    assert!(!error.is_ambiguous());
    for text in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!text.contains("TOPSECRET"), "{text}");
    }
    error
}

fn in_an_hour() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp() + 3600
}

const TENANT: &str = "11111111-1111-1111-1111-111111111111";

fn of_secret(name: &str) -> Option<String> {
    let value = match name {
        "AZURE_TENANT_ID" => TENANT,
        "AZURE_CLIENT_ID" => "the-client",
        "AZURE_CLIENT_SECRET" => "TOPSECRET",
        _ => return None,
    };
    Some(value.to_owned())
}

fn by_entra(_: &str) -> Option<(u16, String)> {
    let body =
        r#"{"token_type":"Bearer","expires_in":3600,"ext_expires_in":3600,"access_token":"the-token"}"#;
    Some((200, body.to_owned()))
}

fn by_machine(url: &str) -> Option<(u16, String)> {
    if !url.contains("api-version") {
        return Some((400, String::new()));
    }
    let ends = in_an_hour();
    let body = format!(
        r#"{{"access_token":"the-token","expires_on":"{ends}","token_type":"Bearer","resource":"https://storage.azure.com"}}"#
    );
    Some((200, body))
}

fn by_az() -> String {
    format!(r#"{{"accessToken":"of-az","expires_on":{},"tokenType":"Bearer"}}"#, in_an_hour())
}

#[tokio::test]
async fn where_nobody_is_the_error_says_who_was_looked_for_and_what_to_do() {
    let world = usual(|_| None, |_| None);
    let error = failed(&world).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unauthenticated, false));
    for part in [
        "a client secret (AZURE_TENANT_ID is not set)",
        "a workload identity (AZURE_TENANT_ID is not set)",
        "a managed identity (IDENTITY_ENDPOINT is not set, and this is no machine of Azure's)",
        "`az` (it gave none)",
        "`azd` (it gave none)",
        "az login",
        "AZURE_STORAGE_CONNECTION_STRING",
    ] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert_eq!(world.network.urls(), [MACHINE]);
    assert_eq!(world.tools.run.lock().expect("no panic").len(), 2);
}

#[tokio::test]
async fn a_client_secret_is_exchanged_once_for_many_callers() {
    let world = usual(of_secret, by_entra);
    let all = futures_util::future::join_all((0..20).map(|_| world.tokens.get())).await;
    assert!(all.into_iter().all(|token| token.expect("a token").token.secret() == "the-token"));
    let asked = world.network.asked.lock().expect("no panic").clone();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"));
    assert!(asked[0].2.contains("scope=https%3A%2F%2Fstorage.azure.com%2F.default"), "{}", asked[0].2);
    assert!(asked[0].2.contains("client_secret=TOPSECRET"));
}

#[tokio::test]
async fn another_cloud_has_another_authority_and_one_without_tls_is_refused() {
    let there = usual(
        |name| {
            if name == "AZURE_AUTHORITY_HOST" {
                Some("https://login.chinacloudapi.cn".to_owned())
            } else {
                of_secret(name)
            }
        },
        by_entra,
    );
    there.tokens.get().await.expect("a token");
    assert!(there.network.urls()[0].starts_with("https://login.chinacloudapi.cn/"));
    let plain = usual(
        |name| {
            if name == "AZURE_AUTHORITY_HOST" {
                Some("http://login.example".to_owned())
            } else {
                of_secret(name)
            }
        },
        |_| None,
    );
    let error = failed(&plain).await;
    assert!(error.message().contains("AZURE_AUTHORITY_HOST cannot be used"), "{error}");
    assert_eq!(plain.network.urls(), [MACHINE], "the secret was not sent");
}

#[tokio::test]
async fn a_secret_that_is_refused_is_told_by_entras_code_and_nobody_else_is_asked() {
    let world = usual(of_secret, |_| {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215 TOPSECRET","error_codes":[7000215]}"#;
        Some((401, body.to_owned()))
    });
    let error = failed(&world).await;
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.message().contains("401 (AADSTS7000215)"), "{error}");
    assert!(error.message().contains("AZURE_CLIENT_SECRET"), "{error}");
    assert!(world.tools.run.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn an_authority_that_is_down_for_now_is_unavailable() {
    for answer in [(|_| Some((503, "{}".to_owned()))) as Answer, |_| None] {
        let error = failed(&usual(of_secret, answer)).await;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{error}");
    }
}

#[tokio::test]
async fn a_workload_says_who_it_is_by_its_file() {
    fn path() -> PathBuf {
        std::env::temp_dir().join(format!("skyport-federated-{}", std::process::id()))
    }
    fn variable(name: &str) -> Option<String> {
        match name {
            "AZURE_FEDERATED_TOKEN_FILE" => Some(path().display().to_string()),
            "AZURE_CLIENT_SECRET" => None,
            _ => of_secret(name),
        }
    }
    let missing = failed(&usual(variable, |_| None)).await;
    assert!(missing.message().contains("AZURE_FEDERATED_TOKEN_FILE"), "{missing}");
    std::fs::write(path(), "the-assertion").expect("a file");
    let world = usual(variable, by_entra);
    world.tokens.get().await.expect("a token");
    std::fs::remove_file(path()).expect("removed");
    let asked = world.network.asked.lock().expect("no panic").clone();
    assert!(asked[0].2.contains("client_assertion=the-assertion"), "{}", asked[0].2);
}

#[tokio::test]
async fn a_machine_of_azures_gives_the_token_of_the_identity_that_is_meant() {
    let asked_for = |world: &World| {
        let asked = world.network.asked.lock().expect("no panic").clone();
        let (url, metadata, _) = asked.last().cloned().expect("asked");
        assert_eq!(metadata, "true");
        (asked.len(), url)
    };
    let system = usual(|_| None, by_machine);
    assert_eq!(system.tokens.get().await.expect("a token").token.secret(), "the-token");
    let (times, url) = asked_for(&system);
    assert_eq!(times, 2, "looked whether it is there, and asked");
    assert!(url.ends_with("?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com"), "{url}");
    let by_user = usual(|name| (name == "AZURE_CLIENT_ID").then(|| "mine".to_owned()), by_machine);
    by_user.tokens.get().await.expect("a token");
    assert!(asked_for(&by_user).1.ends_with("&client_id=mine"));
    let of_functions = Whom::Managed { client: Some("theirs".to_owned()) };
    let of_functions = world(of_functions, of_secret, by_machine, None, false);
    of_functions.tokens.get().await.expect("a token");
    let (times, url) = asked_for(&of_functions);
    assert!(times == 1 && url.ends_with("&client_id=theirs"), "{url}");
}

#[tokio::test]
async fn a_machine_without_an_identity_leaves_it_to_the_tools_and_one_that_is_down_does_not() {
    let none = |url: &str| Some((400, format!("{{\"error\":\"TOPSECRET {url}\"}}")));
    let world = world(Whom::Environment, |_| None, none, Some(by_az()), false);
    assert_eq!(world.tokens.get().await.expect("a token").token.secret(), "of-az");
    let run = world.tools.run.lock().expect("no panic").clone();
    assert!(run[0].contains("az account get-access-token"), "{run:?}");
    assert!(run[0].contains("https://storage.azure.com/.default"), "{run:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_answer_is_not_waited_for() {
    let begun = tokio::time::Instant::now();
    let down =
        usual(|_| None, |url| Some((if url.contains("api-version") { 500 } else { 400 }, String::new())));
    let error = failed(&down).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let hung = world(Whom::Environment, |_| None, |_| None, Some(String::new()), true);
    let error = failed(&hung).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{error}");
    assert!(begun.elapsed() <= super::super::PATIENCE + SEARCH + PROBE, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_search_is_narrowed_as_for_azures_other_libraries() {
    let narrowed = usual(|name| (name == NARROWED).then(|| "Dev".to_owned()), by_machine);
    failed(&narrowed).await;
    assert!(narrowed.network.urls().is_empty() && narrowed.tools.run.lock().expect("no panic").len() == 2);
    let narrowed = usual(|name| (name == NARROWED).then(|| "prod".to_owned()), |_| None);
    failed(&narrowed).await;
    assert!(narrowed.tools.run.lock().expect("no panic").is_empty());
    let narrowed =
        usual(|name| (name == NARROWED).then(|| "managedidentitycredential".to_owned()), by_machine);
    narrowed.tokens.get().await.expect("a token");
    assert_eq!(narrowed.network.urls().len(), 1, "whoever is named is not looked for first");
    let named = Some("AzureCliCredential".to_owned());
    assert_eq!(named.as_deref(), Some(Kind::Cli.class()));
    let wrong = usual(|name| (name == NARROWED).then(|| "everybody".to_owned()), |_| None);
    let error = failed(&wrong).await;
    assert!(error.message().contains("AzureCliCredential"), "{error}");
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_used() {
    let says = r#"{"accessToken":"of-az","expires_on":1,"tokenType":"Bearer"}"#.to_owned();
    let world = world(Whom::Environment, |_| None, |_| None, Some(says), false);
    let error = failed(&world).await;
    assert!(error.message().contains("clock"), "{error}");
}

#[tokio::test]
async fn after_a_token_was_refused_the_credential_that_keeps_it_is_not_asked_again() {
    let world = usual(of_secret, by_entra);
    let token = world.tokens.get().await.expect("a token");
    world.tokens.get().await.expect("kept");
    assert_eq!(world.network.urls().len(), 1);
    world.tokens.forget(&token);
    world.tokens.get().await.expect("another");
    assert_eq!(world.network.urls().len(), 2, "Entra ID was asked, not the credential's own memory");
}

#[tokio::test(start_paused = true)]
async fn a_machines_service_that_is_away_for_a_moment_is_to_be_asked_again() {
    for answer in [(|_| Some((404, "{}".to_owned()))) as Answer, |_| Some((410, "{}".to_owned()))] {
        let meant = world(Whom::Managed { client: None }, |_| None, answer, None, false);
        let error = failed(&meant).await;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{error}");
        // What other clouds have there answers so, too: whoever has signed in is found.
        let elsewhere = world(Whom::Environment, |_| None, answer, Some(by_az()), false);
        assert_eq!(elsewhere.tokens.get().await.expect("a token").token.secret(), "of-az");
        let nobody = failed(&usual(|_| None, answer)).await;
        assert_eq!(nobody.kind(), ErrorKind::Unavailable, "{nobody}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_did_not_answer_in_time_may_do_so_later() {
    let error = failed(&usual(|_| None, |_| Some((NEVER, String::new())))).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{error}");
    assert!(error.message().contains("nobody did in time"), "{error}");
}
