//! Signed URLs: a key in each data folder, and the endpoint that serves what was signed with it.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use skyport_core::blob::port::BlobStore;
use skyport_core::blob::signed::{SignedEndpoint, UrlSigner, prefix};
use skyport_core::provider::Endpoint;
use skyport_core::{Body, Error, Token};

use crate::blob::LocalBucket;
use crate::engine::Engine;
use crate::error::{Fault, NAME};
use crate::folders::Folders;

/// The name of the key's file in the data folder.
const KEY: &str = "signing.key";

const KEY_BYTES: usize = 32;

/// The folder's signer; its key is made by whoever comes first.
pub(crate) fn signer(folder: &Path, drafts: &Path, base_url: &str) -> Result<UrlSigner, Fault> {
    let file = folder.join(KEY);
    let found = match fs::read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_key(&file, &drafts.join(Token::new().to_string()))?;
            fs::read(&file)?
        }
        other => other?,
    };
    let secret: [u8; KEY_BYTES] = found.try_into().map_err(|_| {
        let message = format!(
            "`{}` is no key of {KEY_BYTES} bytes; restore it, or remove it to make a new one: URLs signed so far \
             then stop to work",
            file.display()
        );
        Error::new(skyport_core::ErrorKind::Malformed, message).with_provider(NAME)
    })?;
    Ok(UrlSigner::new(NAME, secret, base_url))
}

/// Writes a whole key aside and then names it, unless another process was first: nobody reads half a key.
fn make_key(file: &Path, aside: &Path) -> Result<(), Fault> {
    let mut secret = [0; KEY_BYTES];
    getrandom::fill(&mut secret)
        .map_err(|error| Error::internal("the system gives no randomness for a key").with_source(error))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let named = write_key(&options, aside, &secret).and_then(|()| fs::hard_link(aside, file));
    fs::remove_file(aside)?;
    match named {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => Ok(other?),
    }
}

fn write_key(options: &OpenOptions, aside: &Path, secret: &[u8]) -> io::Result<()> {
    let mut file = options.open(aside)?;
    file.write_all(secret)?;
    file.sync_all()
}

/// Serves the signed URLs of all folders of a provider, each with its own key.
pub(crate) struct LocalEndpoint {
    folders: Arc<Folders>,
    prefix: String,
}

impl LocalEndpoint {
    pub(crate) fn new(folders: Arc<Folders>) -> Self {
        Self { folders, prefix: prefix(NAME) }
    }

    /// The bucket in a signed URL's path, as it was signed.
    fn signed_bucket(&self, path: &str) -> String {
        let bucket = path.strip_prefix(&self.prefix).and_then(|rest| rest.split('/').next());
        percent_decode_str(bucket.unwrap_or_default()).decode_utf8_lossy().into_owned()
    }
}

impl fmt::Debug for LocalEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEndpoint").finish_non_exhaustive()
    }
}

#[async_trait]
impl Endpoint for LocalEndpoint {
    fn prefix(&self) -> &str {
        &self.prefix
    }

    async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let signed = self.signed_bucket(request.uri().path());
        let engine = self.folders.of_signed(&signed);
        match engine.signer().await {
            Ok(signer) => {
                let bucket = move |signed: &str| -> skyport_core::Result<Arc<dyn BlobStore>> {
                    let name = engine.unsigned_name(signed);
                    Ok(Arc::new(LocalBucket::new(Arc::clone(&engine), name)))
                };
                SignedEndpoint::new(signer, bucket).serve(request).await
            }
            Err(error) => {
                tracing::error!(%error, "a signed URL cannot be served");
                let mut response =
                    Response::new(Body::from("the data folder cannot be opened; the log says why"));
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                response
            }
        }
    }
}

impl Engine {
    /// How a bucket of this folder is named in signed URLs.
    pub(crate) fn signed_name(&self, name: &str) -> String {
        format!("{}{name}", self.mark())
    }

    fn unsigned_name<'n>(&self, signed: &'n str) -> &'n str {
        signed.strip_prefix(self.mark()).unwrap_or(signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_is_made_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let sign = || signer(folder.path(), folder.path(), "http://h").map(drop);
        sign().expect("a new key");
        let key = fs::read(folder.path().join(KEY)).expect("a key");
        sign().expect("the same key");
        assert_eq!(fs::read(folder.path().join(KEY)).expect("a key"), key);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left aside");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path().join(KEY)).expect("a key").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // Another that was first wins.
        make_key(&folder.path().join(KEY), &folder.path().join("aside")).expect("lost the race");
        assert_eq!(fs::read(folder.path().join(KEY)).expect("a key"), key);
    }

    #[test]
    fn a_key_that_was_cut_short_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(KEY), "short").expect("written");
        let refused = signer(folder.path(), folder.path(), "http://h").map(drop).expect_err("no key");
        let error = refused.at(folder.path());
        assert!(error.message().contains(KEY), "{error}");
    }
}
