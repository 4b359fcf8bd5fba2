//! The file of Application Default Credentials: where it is, and what it says of itself. Its secrets are read by Google's library alone.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The longest file of credentials, in bytes.
const LONGEST: u64 = 64 << 10;

/// Where the file is in whose directory it is.
const WELL_KNOWN: &str = "gcloud/application_default_credentials.json";

/// What a file of credentials says that is no secret.
#[derive(Debug, Default, Deserialize)]
pub(super) struct About {
    project_id: Option<String>,
    quota_project_id: Option<String>,
    #[serde(default, rename = "type")]
    kind: String,
    #[cfg(feature = "blob")]
    service_account_impersonation_url: Option<String>,
}

impl About {
    pub(super) fn project(self) -> Option<String> {
        self.project_id.or(self.quota_project_id).filter(|project| !project.is_empty())
    }

    /// Whether it holds the key of a service account, which signs without any I/O.
    pub(super) fn has_key(&self) -> bool {
        self.kind == "service_account"
    }

    /// The account that is impersonated: `..serviceAccounts/name@project.iam.gserviceaccount.com:generateAccessToken`.
    #[cfg(feature = "blob")]
    pub(super) fn impersonated(&self) -> Option<&str> {
        let url = self.service_account_impersonation_url.as_deref()?;
        url.rsplit('/').next()?.strip_suffix(":generateAccessToken")
    }
}

/// The file, where there is one, or where the environment says that there is; else only the metadata server has credentials.
pub(super) fn path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("GOOGLE_APPLICATION_CREDENTIALS") {
        return Some(path.into());
    }
    let folder = if cfg!(windows) {
        PathBuf::from(std::env::var_os("APPDATA")?)
    } else {
        std::env::home_dir()?.join(".config")
    };
    // One that may not be looked at is there.
    Some(folder.join(WELL_KNOWN)).filter(|path| path.try_exists().unwrap_or(true))
}

/// What the file says. Whether it is any good is for Google's library to say, where its credentials are used.
pub(super) fn about(path: &Path) -> Option<About> {
    if std::fs::metadata(path).ok()?.len() > LONGEST {
        return None;
    }
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

#[cfg(all(test, feature = "blob"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_the_account_that_it_impersonates() {
        let about = |url: Option<&str>| About {
            service_account_impersonation_url: url.map(str::to_owned),
            ..About::default()
        };
        let url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken";
        assert_eq!(about(Some(url)).impersonated(), Some("a@p.iam.gserviceaccount.com"));
        for other in [None, Some(""), Some("https://iamcredentials.googleapis.com/a@p:other")] {
            assert_eq!(about(other).impersonated(), None);
        }
    }
}
