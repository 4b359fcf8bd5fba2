//! Who calls with a token, and how long a token may take to come.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::time::OffsetDateTime;
use skyport_core::{Error, ErrorKind, Result};
use tokio::time::timeout;

use super::kept::{Freshness, Kept};
use crate::provision::NAME;
pub(super) use chain::Chain;

mod chain;
mod failure;
mod kind;
mod tools;

/// What a token of Azure Storage is asked for.
const SCOPE: &str = "https://storage.azure.com/.default";

/// How long a token may take. Azure's own library tries for more than a minute.
const PATIENCE: Duration = Duration::from_secs(6);

/// A token is renewed so long before its end, as Azure's own library does.
const EARLY: Duration = Duration::from_secs(300);

/// One that ends so soon is not sent any more.
const LATE: Duration = Duration::from_secs(10);

/// Whom the environment names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::config) enum Whom {
    /// The first that it names.
    Environment,
    /// A managed identity: one that was assigned by a user, with this client id, or the system's.
    Managed {
        /// Of whom a user assigned.
        client: Option<String>,
    },
}

/// The tokens of one identity. Nothing is looked up before the first is asked for.
pub(crate) struct Tokens {
    source: Source,
    kept: Kept<AccessToken>,
}

enum Source {
    /// Whom the code names.
    Given(Arc<dyn TokenCredential>),
    /// Whom the environment names.
    Found(Box<Chain>),
}

impl Tokens {
    /// Those of a credential.
    pub(super) fn given(credential: Arc<dyn TokenCredential>) -> Self {
        Self { source: Source::Given(credential), kept: Kept::new() }
    }

    /// Those of whoever the environment names.
    pub(super) fn found(chain: Chain) -> Self {
        Self { source: Source::Found(Box::new(chain)), kept: Kept::new() }
    }

    /// A token that is good for a while.
    pub(crate) async fn get(&self) -> Result<AccessToken> {
        self.kept.get(freshness, self.fetch()).await
    }

    /// Azure did not take this one: the next is another. What a credential of the code's own keeps is its own affair.
    pub(crate) fn forget(&self, refused: &AccessToken) {
        let was_kept = self.kept.forget(|kept| kept.token == refused.token);
        if let Source::Found(chain) = &self.source
            && was_kept
        {
            chain.forget();
        }
    }

    async fn fetch(&self) -> Result<AccessToken> {
        let token = match &self.source {
            Source::Given(credential) => one(&**credential, failure::of).await?,
            Source::Found(chain) => chain.token().await?,
        };
        if freshness(&token) == Freshness::Spent {
            let text =
                "the token that Azure's credentials gave has ended already: is this machine's clock right?";
            return Err(Error::new(ErrorKind::Unauthenticated, text).with_provider(NAME));
        }
        Ok(token)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

fn freshness(token: &AccessToken) -> Freshness {
    let left = token.expires_on - OffsetDateTime::now_utc();
    if left > EARLY {
        Freshness::Fresh
    } else if left > LATE {
        Freshness::Stale
    } else {
        Freshness::Spent
    }
}

/// A token of one credential, in time.
async fn one(credential: &dyn TokenCredential, told: fn(azure_core::Error) -> Error) -> Result<AccessToken> {
    let asked = timeout(PATIENCE, credential.get_token(&[SCOPE], None)).await;
    asked.map_err(|_| failure::not_in_time())?.map_err(told)
}
