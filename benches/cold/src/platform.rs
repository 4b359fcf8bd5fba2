//! What the platforms say to a program by its environment, and where its services are.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use skyport_measure::Outcome;

/// Names and values.
pub(crate) type Variables = Vec<(&'static str, String)>;

/// Who starts the program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Platform {
    CloudRun,
    AzureFunctions,
}

/// A key that signs tokens: that of the tests, which opens nothing.
const KEY: &[u8] = include_bytes!("../../../adapters/cloud-run/src/oidc/tests/own.pk8");

const ACCOUNT: &str = "bench";
const SAS: &str = "sv=2024-11-04&ss=bqt&srt=sco&sp=rwdlacup&se=2099-01-01T00:00:00Z&spr=https,http&sig=AAAA";

impl Platform {
    /// What it says to every program. Cloud Run's listens on all addresses, were it not told otherwise here.
    pub(crate) fn variables(self, port: u16) -> Variables {
        let port = port.to_string();
        match self {
            Self::CloudRun => vec![
                ("PORT", port),
                ("HOST", "127.0.0.1".to_owned()),
                ("K_SERVICE", "shop".to_owned()),
                ("K_REVISION", "shop-00001".to_owned()),
                ("K_CONFIGURATION", "shop".to_owned()),
            ],
            Self::AzureFunctions => {
                vec![
                    ("FUNCTIONS_CUSTOMHANDLER_PORT", port),
                    ("FUNCTIONS_WORKER_RUNTIME", "custom".to_owned()),
                ]
            }
        }
    }

    /// The cloud's own services, with credentials that need nobody to be asked for: a service account's key, which is put into
    /// `folder`, or a shared access signature.
    pub(crate) fn real(self, folder: &Path) -> Outcome<Variables> {
        match self {
            Self::CloudRun => {
                let file = folder.join("credentials.json");
                let key = format!(
                    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                    STANDARD.encode(KEY)
                );
                let credentials = json!({
                    "type": "service_account",
                    "project_id": ACCOUNT,
                    "private_key_id": "1",
                    "private_key": key,
                    "client_email": "bench@bench.iam.gserviceaccount.com",
                });
                fs::write(&file, credentials.to_string())?;
                let file = file.to_str().ok_or("a folder whose name is no text")?.to_owned();
                Ok(vec![
                    ("GOOGLE_CLOUD_PROJECT", ACCOUNT.to_owned()),
                    ("GOOGLE_APPLICATION_CREDENTIALS", file),
                ])
            }
            Self::AzureFunctions => Ok(account()),
        }
    }

    /// The services that answer there, without TLS.
    pub(crate) fn at(self, services: SocketAddr) -> Variables {
        let host = services.to_string();
        match self {
            Self::CloudRun => vec![
                ("GOOGLE_CLOUD_PROJECT", ACCOUNT.to_owned()),
                ("STORAGE_EMULATOR_HOST", host.clone()),
                ("PUBSUB_EMULATOR_HOST", host.clone()),
                ("FIRESTORE_EMULATOR_HOST", host),
            ],
            Self::AzureFunctions => {
                let at = |service| format!("http://{host}/{service}");
                let (blob, queue, table) = (at("blob"), at("queue"), at("table"));
                let ours = format!(
                    "AccountName={ACCOUNT};BlobEndpoint={blob};QueueEndpoint={queue};TableEndpoint={table};SharedAccessSignature={SAS}"
                );
                let mut variables = account();
                variables.push(("AZURE_STORAGE_CONNECTION_STRING", ours));
                variables.push(("STORAGE_ENDPOINTS", at("{service}")));
                variables
            }
        }
    }
}

fn account() -> Variables {
    vec![("AZURE_STORAGE_ACCOUNT", ACCOUNT.to_owned()), ("AZURE_STORAGE_SAS_TOKEN", SAS.to_owned())]
}
