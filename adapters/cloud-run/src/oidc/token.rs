//! One token: read, its signature checked, and then what it claims.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Fault;
use super::keys::Key;
use crate::config::PushIdentity;

/// The longest token, and the longest id of a key, in bytes.
const LONGEST: (usize, usize) = (8_192, 256);

/// How far the clocks of Google and of this machine may be apart.
const SKEW: Duration = Duration::from_secs(30);

/// Who makes such tokens.
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// What Cloud Run puts in a signature's place once it has checked it.
const REMOVED: &str = "SIGNATURE_REMOVED_BY_GOOGLE";

/// A token whose signature is not checked yet: nothing that it claims counts.
pub(super) struct Token<'t> {
    /// The id of the key that it says it is signed with.
    pub(super) key: String,
    signed: &'t str,
    signature: Vec<u8>,
    claims: &'t str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

/// What a token claims whose signature was right.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    #[serde(default)]
    iat: u64,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
}

impl<'t> Token<'t> {
    pub(super) fn read(text: &'t str) -> Result<Self, Fault> {
        const MALFORMED: Fault = Fault::Unknown("its token is malformed");
        if text.len() > LONGEST.0 {
            return Err(MALFORMED);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(MALFORMED)?;
        let (head, claims) = signed.split_once('.').ok_or(MALFORMED)?;
        if signature == REMOVED {
            return Err(Fault::Unknown(
                "Cloud Run has checked its token already, and taken the signature away: take SKYPORT_PUSH_AUDIENCE away, too",
            ));
        }
        let header: Header = part(head).ok_or(MALFORMED)?;
        // The one algorithm that Google signs them with: a token does not choose how it is checked.
        if header.alg != "RS256" || header.crit.is_some() {
            return Err(Fault::Unknown("its token is not signed by RS256"));
        }
        if header.kid.is_empty() || header.kid.len() > LONGEST.1 {
            return Err(MALFORMED);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| MALFORMED)?;
        Ok(Self { key: header.kid, signed, signature, claims })
    }

    /// What it claims, if this key signed it.
    pub(super) fn verified(&self, key: &Key) -> Result<Claims, Fault> {
        if !key.signed(self.signed.as_bytes(), &self.signature) {
            return Err(Fault::Unknown("its token's signature is wrong"));
        }
        part(self.claims).ok_or(Fault::Unknown("its token does not claim what Google's do"))
    }
}

impl Claims {
    /// Whether it is good now, and of and for whom it should be.
    pub(super) fn check(&self, identity: &PushIdentity, now: SystemTime) -> Result<(), Fault> {
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (late, early) = (now.saturating_sub(SKEW.as_secs()), now.saturating_add(SKEW.as_secs()));
        if !ISSUERS.contains(&self.iss.as_str()) {
            return Err(Fault::Unknown("its token is not Google's"));
        }
        if self.exp <= late {
            return Err(Fault::Unknown("its token has expired"));
        }
        if self.nbf > early || self.iat > early {
            return Err(Fault::Unknown("its token is of the future"));
        }
        if !identity.audiences.contains(&self.aud) {
            return Err(Fault::Other("its token is made out for another audience"));
        }
        match &identity.account {
            Some(account) if self.email.as_ref() != Some(account) || !self.email_verified => {
                Err(Fault::Other("its token is made out to another account"))
            }
            _ => Ok(()),
        }
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    // Serde would take a list for a struct, too.
    if bytes.first() == Some(&b'{') { serde_json::from_slice(&bytes).ok() } else { None }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("key", &self.key).finish_non_exhaustive()
    }
}
