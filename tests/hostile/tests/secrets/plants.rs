//! The secrets, and the forms in which one might come out.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A key in PEM that opens nothing.
pub(crate) const PEM: &str = include_str!("../../../gcs/src/test-only-key.pem");

/// All that is planted.
pub(crate) struct Plants {
    pub(crate) aws_key: String,
    pub(crate) aws_session: String,
    pub(crate) azure_key: String,
    pub(crate) azure_sas: String,
    pub(crate) client_secret: String,
    pub(crate) bearer: String,
    pub(crate) password: String,
    pub(crate) cookie: String,
    pub(crate) query: String,
    pub(crate) body: String,
    pub(crate) attribute: String,
    pub(crate) stored: String,
    pub(crate) message: String,
    forms: Vec<(&'static str, String)>,
}

/// Bytes that look like a key, the same each time.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn key(seed: u64, length: usize) -> String {
    STANDARD.encode(bytes(seed, length))
}

fn token(seed: u64, length: usize) -> String {
    let part = |seed| URL_SAFE_NO_PAD.encode(bytes(seed, length));
    format!("eyJhbGciOiJSUzI1NiJ9.{}.{}", part(seed), part(seed + 1))
}

impl Plants {
    pub(crate) fn new() -> Self {
        let mut plants = Self {
            aws_key: key(1, 30),
            aws_session: key(2, 210),
            azure_key: key(3, 64),
            azure_sas: key(4, 32),
            client_secret: format!("8Q~{}", URL_SAFE_NO_PAD.encode(bytes(5, 27))),
            bearer: token(6, 120),
            password: "pl4nted-passw0rd".to_owned(),
            cookie: "pl4nted-c00kie-of-a-client".to_owned(),
            query: "pl4nted-value-of-a-query".to_owned(),
            body: "pl4nted body of a request".to_owned(),
            attribute: "pl4nted value of an attribute".to_owned(),
            stored: "pl4nted value of an item".to_owned(),
            message: "pl4nted body of a message".to_owned(),
            forms: Vec::new(),
        };
        let named = [
            ("AWS's secret key", plants.aws_key.clone()),
            ("AWS's session token", plants.aws_session.clone()),
            ("Azure's account key", plants.azure_key.clone()),
            ("the signature of a SAS", plants.azure_sas.clone()),
            ("a client's secret", plants.client_secret.clone()),
            ("a bearer token", plants.bearer.clone()),
            ("a password in a URL", plants.password.clone()),
            ("a cookie", plants.cookie.clone()),
            ("a query's value", plants.query.clone()),
            ("a request's body", plants.body.clone()),
            ("an attribute", plants.attribute.clone()),
            ("a stored value", plants.stored.clone()),
            ("a message's body", plants.message.clone()),
        ];
        for (name, secret) in named {
            plants.plant(name, &secret);
        }
        // Its lines: it may be quoted with its ends of line written in several ways.
        for line in PEM.lines().filter(|line| line.len() > 40) {
            plants.plant("a private key", line);
        }
        plants
    }

    /// One more secret, that is known only once something runs.
    fn plant(&mut self, name: &'static str, secret: &str) {
        let hex = |upper: bool| {
            secret
                .bytes()
                .map(|b| if upper { format!("{b:02X}") } else { format!("{b:02x}") })
                .collect::<String>()
        };
        let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let mut forms = vec![secret.to_owned(), hex(true), hex(false), percent.to_lowercase(), percent];
        // In Base64 behind one, two or no other byte, without what hangs on its neighbours.
        for before in 0..3_usize {
            let padded = [vec![b':'; before], secret.as_bytes().to_vec()].concat();
            for encoded in [STANDARD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
                let inner = encoded.trim_end_matches('=');
                let inner = &inner[4.min(inner.len())..inner.len().saturating_sub(4)];
                forms.push(inner.to_owned());
            }
        }
        if let Ok(raw) = STANDARD.decode(secret) {
            forms.push(raw.iter().map(|b| format!("{b:02x}")).collect());
        }
        // A good part of one is one, too.
        if secret.len() >= 40 {
            forms.push(secret[secret.len() / 2..].to_owned());
            forms.push(secret[..secret.len() / 2].to_owned());
        }
        forms.sort();
        forms.dedup();
        self.forms.extend(forms.into_iter().map(|form| (name, form)));
    }

    /// The names of those that a text has in it, each with where it stands.
    pub(crate) fn found_in<'p>(&'p self, text: &'p str) -> impl Iterator<Item = (&'static str, usize)> + 'p {
        self.forms.iter().filter_map(move |(name, form)| Some((*name, text.find(form)?)))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.forms.iter().map(|(name, form)| (*name, &**form))
    }

    pub(crate) fn forms(&self) -> usize {
        self.forms.len()
    }

    /// How many secrets there are, the lines of a key being one.
    pub(crate) fn count(&self) -> usize {
        let mut names: Vec<&str> = self.forms.iter().map(|(name, _)| *name).collect();
        names.dedup();
        names.len()
    }

    /// Every credential, as somebody would quote them who knows them.
    pub(crate) fn quoted(&self) -> String {
        [
            &self.aws_key,
            &self.aws_session,
            &self.azure_key,
            &self.azure_sas,
            &self.client_secret,
            &self.bearer,
        ]
        .map(String::as_str)
        .join(" , ")
    }

    pub(crate) fn sas(&self) -> String {
        format!(
            "sv=2026-02-06&ss=bqt&srt=sco&sp=rwdl&sig={}",
            utf8_percent_encode(&self.azure_sas, NON_ALPHANUMERIC)
        )
    }

    pub(crate) fn connection_string(&self) -> String {
        format!(
            "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={};EndpointSuffix=core.windows.net",
            self.azure_key
        )
    }
}
