//! A server of Table Storage over a real socket: what it was asked, what it holds, and what goes wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use skyport_azure::{Azure, AzureConfig};
use skyport_core::kv::port::{Key, KeyValueStore};
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::retry::RetryPolicy;
pub(crate) use skyport_stub::{Answer, Asked, answer};

use crate::rows::Rows;

/// Any key of an account.
const KEY: &str = "c2VjcmV0";

/// A request's body as text.
pub(crate) fn text(asked: &Asked) -> String {
    String::from_utf8_lossy(&asked.body).into_owned()
}

/// What becomes of a request.
pub(crate) enum Fate {
    /// It is done and answered.
    Done,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It never arrives.
    Lost,
    /// Something else is answered.
    Answered(Response<Bytes>),
    /// It is done, and never answered, while the connection stays open.
    AnswerHeld,
    /// It never gets anywhere, while the connection stays open.
    Held,
    /// The body of this again and again.
    Endless(Response<Bytes>),
}

type Fates = dyn Fn(&Asked, usize) -> Fate + Send + Sync;

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) endpoint: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    pub(crate) rows: Arc<Mutex<Rows>>,
    fates: Arc<Mutex<Arc<Fates>>>,
}

impl Server {
    /// One at which nothing goes wrong, with the table `tbl`.
    pub(crate) async fn start() -> Self {
        let fates: Arc<Fates> = Arc::new(|_, _| Fate::Done);
        let rows = Arc::new(Mutex::new(Rows::with_table("tbl")));
        let mut server =
            Self { endpoint: String::new(), asked: Arc::default(), rows, fates: Arc::new(Mutex::new(fates)) };
        let own = server.clone();
        let (url, _) = skyport_stub::served(move |asked, _| own.serve(asked)).await;
        server.endpoint = format!("{url}/acct");
        server
    }

    fn serve(&self, asked: &Asked) -> Answer {
        let target = percent_encoding::percent_decode_str(&asked.target).decode_utf8_lossy().into_owned();
        let asked = Asked { target, ..asked.clone() };
        let fates = Arc::clone(&self.fates.lock().unwrap());
        let number = {
            let mut all = self.asked.lock().unwrap();
            all.push(asked.clone());
            all.len() - 1
        };
        match fates(&asked, number) {
            Fate::Done => self.rows.lock().unwrap().answer(&asked).into(),
            Fate::AnswerLost => {
                let _ = self.rows.lock().unwrap().answer(&asked);
                Answer::Lost
            }
            Fate::AnswerHeld => {
                let _ = self.rows.lock().unwrap().answer(&asked);
                Answer::Silent
            }
            Fate::Lost => Answer::Lost,
            Fate::Held => Answer::Silent,
            Fate::Answered(answer) => answer.into(),
            Fate::Endless(answer) => Answer::Endless(answer),
        }
    }

    /// From now on what the function says becomes of each request; it is told how many there were since.
    pub(crate) fn fate(&self, fate: impl Fn(&Asked, usize) -> Fate + Send + Sync + 'static) {
        let before = self.asked.lock().unwrap().len();
        *self.fates.lock().unwrap() = Arc::new(move |asked, number| fate(asked, number - before));
    }

    /// From now on this becomes of the first so many requests that write, and nothing of the others.
    pub(crate) fn lose_writes(&self, count: usize, applied: bool) {
        let left = Mutex::new(count);
        self.fate(move |asked, _| {
            let mut left = left.lock().unwrap();
            if asked.method == Method::GET || *left == 0 {
                return Fate::Done;
            }
            *left -= 1;
            if applied { Fate::AnswerLost } else { Fate::Lost }
        });
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked since the last time.
    pub(crate) fn take(&self) -> Vec<Asked> {
        let taken = std::mem::take(&mut *self.asked.lock().unwrap());
        self.fate(|_, _| Fate::Done);
        taken
    }

    pub(crate) fn provider(&self) -> Azure {
        provider(&self.endpoint)
    }

    /// The table `tbl`, without a layer around it.
    pub(crate) fn bare(&self, reverse_index: bool) -> Arc<dyn KeyValueStore> {
        let mut settings = TableSettings::default();
        settings.reverse_index = reverse_index;
        self.provider().table(&ResourceUrl::new("aztable", "tbl"), &settings).expect("opens")
    }

    /// The table `tbl` behind core's retries, with short pauses.
    pub(crate) fn retried(&self, reverse_index: bool) -> Arc<dyn KeyValueStore> {
        let mut policy = RetryPolicy::default();
        policy.base = Duration::from_millis(1);
        policy.max_delay = Duration::from_millis(5);
        Retry::new(policy).table(self.bare(reverse_index))
    }
}

pub(crate) fn provider(endpoint: &str) -> Azure {
    let mut config = AzureConfig::default();
    config.account = Some("acct".to_owned());
    config.account_key = Some(KEY.to_owned());
    config.table_endpoint = Some(endpoint.to_owned());
    Azure::with(config)
}

pub(crate) fn key(sort: &str) -> Key {
    Key::new("p", sort)
}

/// A refusal, as Table Storage writes it.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let text = serde_json::json!({
        "odata.error": { "code": code, "message": { "lang": "en-US", "value": message } },
    });
    answer(status, text.to_string())
}
