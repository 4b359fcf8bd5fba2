//! OpenDAL's file system, with whole objects moved to their place as the others do. It waits for the disk at the end of every file, and
//! has no setting against it.

use std::path::Path;

use bytes::Bytes;
use opendal::Operator;
use opendal::services::Fs;
use skyport_measure::Outcome;

use super::Objects;

/// OpenDAL, through its operator.
#[derive(Clone, Debug)]
pub struct OpenDal(pub Operator);

impl OpenDal {
    /// In this folder.
    ///
    /// # Errors
    /// What OpenDAL says.
    pub fn new(folder: &Path) -> Outcome<Self> {
        let text = |path: &Path| path.to_str().map(str::to_owned).ok_or("the folder's path is no text");
        let (root, parts) = (text(&folder.join("objects"))?, text(&folder.join("parts"))?);
        Ok(Self(Operator::new(Fs::default().root(&root).atomic_write_dir(&parts))?))
    }
}

impl Objects for OpenDal {
    async fn put(&self, key: String, body: Bytes) -> Outcome {
        self.0.write(&key, body).await?;
        Ok(())
    }

    async fn get(&self, key: String) -> Outcome<usize> {
        Ok(self.0.read(&key).await?.to_bytes().len())
    }
}
