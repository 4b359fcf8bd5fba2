//! Services that refuse, and quote in their refusals all that they were sent, and all that they know besides.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use bytes::Bytes;
use http::Response;
use serde_json::json;
use skyport_aws::Aws;
use skyport_azure::Azure;
use skyport_core::blob::Bucket;
use skyport_core::kv::Table;
use skyport_core::layers::{Layer, Trace};
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::QueueSettings;
use skyport_gcp::Gcp;
use skyport_stub::{Answer, Asked, served};

use crate::configured::{aws, azure, gcp, shown};
use crate::plants::Plants;

/// Gives no token, and says too much about it.
#[derive(Debug)]
pub(crate) struct Talkative(pub(crate) String);

#[async_trait::async_trait]
impl TokenCredential for Talkative {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let text = format!("client_secret={} was refused", self.0);
        Err(azure_core::Error::with_message(azure_core::error::ErrorKind::Credential, text))
    }
}

/// How a service fails.
#[derive(Clone, Copy, Debug)]
enum Mood {
    /// This status, and a refusal in the form of this number.
    Refuses(u16, usize),
    /// A success that is none.
    Nonsense,
    Breaks,
    Cuts,
}

/// Forms of refusals: all clouds', so that each reads one of them.
const FORMS: usize = 4;

fn refusal(form: usize, echo: &str) -> String {
    let xml = echo.replace('&', "&amp;").replace('<', "&lt;");
    match form {
        0 => format!("<Error><Code>AccessDenied</Code><Message>{xml}</Message><StringToSign>{xml}</StringToSign></Error>"),
        1 => format!("<Error><Code>{xml}</Code><Message>no</Message></Error>"),
        2 => json!({
            "__type": "com.amazonaws#AccessDeniedException", "message": echo, "Message": echo,
            "error": {"code": 403, "message": echo, "errors": [{"reason": "forbidden", "message": echo}]},
            "odata.error": {"code": "AuthorizationFailure", "message": {"lang": "en", "value": echo}},
        })
        .to_string(),
        _ => json!({
            "__type": echo, "code": echo, "error": {"code": echo, "message": "no", "errors": [{"reason": echo}]},
            "odata.error": {"code": echo, "message": {"value": "no"}},
        })
        .to_string(),
    }
}

fn answered(mood: Mood, asked: &Asked, known: &str) -> Answer {
    let headers: Vec<String> = asked
        .headers
        .iter()
        // A refusal that quotes what users store is told on: by its look, data are like other words.
        .filter(|(name, _)| !name.as_str().contains("-meta-"))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let echo = format!("{} {} {known}", asked.line(), headers.join(" "));
    let answer = |status: u16, body: String| {
        let code = if matches!(mood, Mood::Refuses(_, 0 | 2)) { "AuthenticationFailed" } else { known };
        let builder = Response::builder()
            .status(status)
            .header("x-ms-request-id", known)
            .header("x-amzn-requestid", known);
        let builder =
            builder.header("x-ms-error-code", code).header("x-amzn-query-error", format!("{known};Sender"));
        builder.body(Bytes::from(body)).expect("an answer")
    };
    match mood {
        Mood::Refuses(status, form) => Answer::Whole(answer(status, refusal(form, &echo))),
        Mood::Nonsense => Answer::Whole(answer(200, echo)),
        Mood::Breaks => Answer::Lost,
        Mood::Cuts => {
            let mut cut = answer(200, echo);
            cut.headers_mut().insert("content-length", "999999".parse().expect("a header"));
            Answer::Cut(cut)
        }
    }
}

/// All of it.
pub(crate) async fn all(plants: &Plants) -> Vec<String> {
    let mut said = Vec::new();
    let mut moods: Vec<Mood> = vec![Mood::Nonsense, Mood::Breaks, Mood::Cuts];
    for status in [400, 401, 403, 404, 409, 412, 429, 500, 503] {
        moods.extend((0..FORMS).map(|form| Mood::Refuses(status, form)));
    }
    for mood in moods {
        let known = plants.quoted();
        let (url, _) = served(move |asked, _| answered(mood, asked, &known)).await;
        said.extend(asked_of_all(plants, &url).await);
    }
    // Nobody is there; and somebody who does not speak TLS.
    said.extend(asked_of_all(plants, "http://127.0.0.1:1").await);
    let known = plants.quoted();
    let (url, _) = served(move |asked, _| answered(Mood::Nonsense, asked, &known)).await;
    let https = url.replace("http://", "https://");
    said.extend(asked_of(&Gcp::with(gcp(&https)), ["gs", "pubsub", "firestore"], plants).await);
    let talkative =
        azure(|config| config.credential = Some(Arc::new(Talkative(plants.client_secret.clone()))));
    said.extend(asked_of(&Azure::with(talkative), ["azblob", "azqueue", "aztable"], plants).await);
    said
}

async fn asked_of_all(plants: &Plants, url: &str) -> Vec<String> {
    let by_key = azure(|config| {
        config.account_key = Some(plants.azure_key.clone());
        config.blob_endpoint = Some(url.to_owned());
        config.queue_endpoint = Some(url.to_owned());
        config.table_endpoint = Some(url.to_owned());
    });
    let mut by_sas = by_key.clone();
    by_sas.account_key = None;
    by_sas.sas = Some(plants.sas());
    let azures = ["azblob", "azqueue", "aztable"];
    let mut said = asked_of(&Aws::with(aws(plants, url)), ["s3", "sqs", "dynamodb"], plants).await;
    said.extend(asked_of(&Azure::with(by_key), azures, plants).await);
    said.extend(asked_of(&Azure::with(by_sas), azures, plants).await);
    said
}

/// What became of a call, in all forms in which it is shown.
fn told<T: Debug>(outcome: skyport_core::Result<T>, said: &mut Vec<String>) {
    if let Err(error) = outcome {
        said.push(error.to_string());
        said.push(error.message().to_owned());
        said.extend(shown(&error));
    }
}

async fn asked_of(provider: &dyn Provider, schemes: [&str; 3], plants: &Plants) -> Vec<String> {
    let [bucket, queue, table] = schemes.map(|scheme| ResourceUrl::new(scheme, "visible"));
    let trace = Trace::new();
    let bucket = Bucket::new(trace.blob(provider.bucket(&bucket).expect("opens")));
    let queue: Queue<String> =
        Queue::new(trace.queue(provider.queue(&queue, &QueueSettings::default()).expect("opens")));
    let table: Table<String> =
        Table::new(trace.table(provider.table(&table, &TableSettings::default()).expect("opens")));
    let mut said = Vec::new();
    for thing in [&bucket as &dyn Debug, &queue, &table] {
        said.extend(shown(thing));
    }
    told(
        bucket.put("visible-key", plants.stored.clone()).metadata("who", &plants.attribute).await,
        &mut said,
    );
    told(bucket.get("visible-key").bytes().await, &mut said);
    told(bucket.head("visible-key").await, &mut said);
    told(bucket.list().page().await, &mut said);
    told(bucket.delete("visible-key").await, &mut said);
    told(bucket.sign_get("visible-key", Duration::from_secs(60)).await, &mut said);
    told(queue.send(&plants.message).attribute("who", &plants.attribute).await, &mut said);
    told(queue.receive(1, Duration::ZERO, Duration::from_secs(60)).await, &mut said);
    told(table.put(("visible", "key"), &plants.stored).await, &mut said);
    told(table.get(("visible", "key")).await, &mut said);
    told(table.increment(("visible", "count"), 1).await, &mut said);
    said
}
