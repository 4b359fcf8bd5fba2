//! What holds a secret shows none, and configurations that are wrong are told without what is in them.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use google_cloud_auth::credentials::service_account;
use serde_json::{Value, json};
use skyport_aws::{Aws, AwsConfig};
use skyport_azure::{Azure, AzureConfig};
use skyport_core::blob::port::SignedRequest;
use skyport_core::blob::{Bucket, UrlSigner};
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::port::QueueSettings;
use skyport_gcp::{Gcp, GcpConfig};

use crate::plants::{PEM, Plants};

/// The two forms in which a thing is shown.
pub(crate) fn shown(thing: &dyn Debug) -> [String; 2] {
    [format!("{thing:?}"), format!("{thing:#?}")]
}

pub(crate) fn aws(plants: &Plants, endpoint: &str) -> AwsConfig {
    let mut config = AwsConfig::default();
    config.region = Some("eu-central-1".to_owned());
    config.endpoint = Some(endpoint.to_owned());
    let credentials =
        Credentials::new("AKIDVISIBLE", &plants.aws_key, Some(plants.aws_session.clone()), None, "tests");
    config.credentials = Some(SharedCredentialsProvider::new(credentials));
    config
}

pub(crate) fn azure(change: impl FnOnce(&mut AzureConfig)) -> AzureConfig {
    let mut config = AzureConfig::default();
    config.account = Some("acc".to_owned());
    change(&mut config);
    config
}

pub(crate) fn service_account_key() -> Value {
    json!({
        "type": "service_account", "project_id": "p", "private_key_id": "k1", "private_key": PEM,
        "client_email": "visible@p.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
    })
}

pub(crate) fn gcp(endpoint: &str) -> GcpConfig {
    let mut config = GcpConfig::default();
    config.project = Some("p".to_owned());
    config.storage_endpoint = Some(endpoint.to_owned());
    config.pubsub_endpoint = Some(endpoint.to_owned());
    config.firestore_endpoint = Some(endpoint.to_owned());
    let key = || service_account::Builder::new(service_account_key());
    config.credentials = Some(key().build().expect("credentials"));
    config.signer = Some(key().build_signer().expect("a signer"));
    config
}

/// A URL that the key of a service account signed, as Debug shows it. Google's library takes its cryptography from the process, and credentials
/// begin to work as soon as they are made: whoever signs has seen to it.
pub(crate) async fn signed_by_google_key() -> String {
    let mut config = GcpConfig::default();
    config.project = Some("p".to_owned());
    config.signer =
        Some(service_account::Builder::new(service_account_key()).build_signer().expect("a signer"));
    let bucket = Bucket::new(Gcp::with(config).bucket(&ResourceUrl::new("gs", "visible")).expect("opens"));
    let signed = bucket.sign_get("visible-key", Duration::from_secs(60)).await.expect("signed");
    let (_, signature) = signed.url.split_once("X-Goog-Signature=").expect("a signature");
    let shown = format!("{signed:?} {signed:#?}");
    assert!(!shown.contains(signature), "{shown}");
    shown
}

/// All of it.
pub(crate) fn all(plants: &Plants) -> Vec<String> {
    let mut said = Vec::new();
    let sas = plants.sas();
    let with_user = format!("https://user:{}@acc.blob.core.windows.net", plants.password);
    let in_endpoint = format!("https://acc.blob.core.windows.net/?{sas}");
    let azures = [
        azure(|config| config.account_key = Some(plants.azure_key.clone())),
        azure(|config| config.sas = Some(sas.clone())),
        azure(|config| config.connection_string = Some(plants.connection_string())),
        azure(|config| config.blob_endpoint = Some(with_user.clone())),
        azure(|config| {
            config.account_key = Some(plants.azure_key.clone());
            config.queue_endpoint = Some(in_endpoint.clone());
        }),
    ];
    for config in azures {
        said.extend(shown(&config));
        said.extend(opened(&Azure::with(config), ["azblob", "azqueue", "aztable"]));
    }
    let with_password = format!("http://user:{}@127.0.0.1:1", plants.password);
    for endpoint in ["http://127.0.0.1:1", &with_password] {
        let config = aws(plants, endpoint);
        said.extend(shown(&config));
        said.extend(opened(&Aws::with(config), ["s3", "sqs", "dynamodb"]));
        let config = gcp(endpoint);
        said.extend(shown(&config));
        said.extend(opened(&Gcp::with(config), ["gs", "pubsub", "firestore"]));
    }
    let config = gcp("https://127.0.0.1:1");
    said.extend(shown(&config));
    said.extend(opened(&Gcp::with(config), ["gs", "pubsub", "firestore"]));
    said.extend(shown(&UrlSigner::new("test", [7; 32], "http://localhost")));
    let url = format!("https://h/b/visible-key?X-Amz-Security-Token={}&{sas}", plants.bearer);
    said.extend(shown(&SignedRequest::new(
        http::Method::GET,
        url,
        std::time::UNIX_EPOCH + Duration::from_secs(1),
    )));
    said.extend(wrong(plants));
    said
}

/// A provider and what it opens; where it refuses, how.
fn opened(provider: &dyn Provider, schemes: [&str; 3]) -> Vec<String> {
    let mut said = shown(&provider).to_vec();
    let [bucket, queue, table] = schemes.map(|scheme| ResourceUrl::new(scheme, "visible"));
    said.extend(shown(&provider.bucket(&bucket)));
    said.extend(shown(&provider.queue(&queue, &QueueSettings::default())));
    said.extend(shown(&provider.table(&table, &TableSettings::default())));
    said.extend(provider.bucket(&bucket).err().map(|error| error.to_string()));
    said
}

/// Configurations that cannot be.
fn wrong(plants: &Plants) -> Vec<String> {
    let (mut said, key, sas) = (Vec::new(), &plants.azure_key, plants.sas());
    for text in [
        format!("AccountKey={key}"),
        format!("AccountName=acc;AccountKey={key}!;"),
        format!("AccountName=acc;{key}"),
        format!("AccountName=acc;AccountKey={key};AccountKey={key}"),
        format!("AccountName={key};AccountKey=x"),
        format!("AccountName=acc;SharedAccessSignature={sas};BlobEndpoint=nonsense {key}"),
        format!("BlobEndpoint=https://acc.blob.core.windows.net;SharedAccessSignature=?{sas}&sig={key}"),
        format!("{key};;;={sas}"),
        format!("UseDevelopmentStorage=true;AccountKey={key}"),
        sas.clone(),
    ] {
        let config = azure(|config| config.connection_string = Some(text));
        said.extend(opened(&Azure::with(config), ["azblob", "azqueue", "aztable"]));
    }
    for change in [
        azure(|config| config.account_key = Some(format!("{key}%"))),
        azure(|config| config.sas = Some(format!("?{sas}\n"))),
        azure(|config| config.sas = Some(key.clone())),
        azure(|config| config.blob_endpoint = Some(format!("ftp://u:{key}@h/?{sas}"))),
    ] {
        said.extend(opened(&Azure::with(change), ["azblob", "azqueue", "aztable"]));
    }
    for text in [
        format!("s3://b?endpoint=http://u:{}@h&key={}", plants.password, plants.aws_key),
        format!("azblob://c?sas={}", sas.replace('&', "%26")),
        format!("s3://?secret={}", plants.aws_key),
        format!("nothing {}", plants.aws_key),
        format!("s3://b?{}", plants.aws_session),
        format!("gs://b?token={}&token={}", plants.bearer, plants.bearer),
    ] {
        match text.parse::<ResourceUrl>() {
            Err(error) => said.extend(shown(&error)),
            Ok(url) => {
                said.extend(shown(&url));
                said.extend(shown(&Aws::new().bucket(&url).err()));
                said.extend(shown(&Azure::new().bucket(&url).err()));
                said.extend(shown(&Gcp::new().bucket(&url).err()));
            }
        }
    }
    let identity = azure(|config| {
        config.credential = Some(Arc::new(crate::services::Talkative(plants.client_secret.clone())))
    });
    said.extend(shown(&identity));
    said.extend(opened(&Azure::with(identity), ["azblob", "azqueue", "aztable"]));
    said
}
