//! The files that hold blobs' bytes.
//!
//! A file is written under `tmp/`, moved to `blobs/<xx>/<id>` when it is whole, and only then named by the index. Its
//! bytes never change after that. Whoever writes one holds a lock on it until the index names it: the lock ends with the
//! process, so that the collector knows what a killed process left from what a living one still writes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use skyport_core::Token;

use crate::config::Durability;

/// Where content files lie.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    folder: PathBuf,
    durability: Durability,
}

impl Contents {
    pub(crate) fn new(folder: &Path, durability: Durability) -> Self {
        Self { folder: folder.to_owned(), durability }
    }

    /// The folder of files that are being written.
    pub(crate) fn drafts(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    /// The folder of files that are whole.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.folder.join("blobs")
    }

    /// Where the content `id` lies. `None` for what is no id: somebody else may have written the index, and no path in it leads out of
    /// the folder.
    pub(crate) fn path(&self, id: &str) -> Option<PathBuf> {
        id.parse::<Token>().is_ok().then(|| self.own_path(id))
    }

    /// Where a content lies whose id was drawn here.
    fn own_path(&self, id: &str) -> PathBuf {
        self.blobs().join(id.get(..2).unwrap_or("xx")).join(id)
    }

    /// Begins a new content.
    pub(crate) fn draft(&self) -> io::Result<Draft> {
        loop {
            let id = Token::new().to_string();
            let path = self.drafts().join(&id);
            let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            let draft = Draft { id, path, file, kept: false };
            if let Some(draft) = draft.hold()? {
                return Ok(draft);
            }
        }
    }

    /// Moves a whole draft to where the index may name it.
    pub(crate) fn place(&self, draft: &mut Draft) -> io::Result<()> {
        let target = self.own_path(&draft.id);
        if self.durability == Durability::Full {
            draft.file.sync_all()?;
        }
        self.in_folder(&target, || fs::rename(&draft.path, &target))?;
        draft.path = target;
        self.settle(&draft.path)
    }

    /// The same bytes under a new id, without copying them where the file system can.
    pub(crate) fn copy(&self, source: &str) -> io::Result<Draft> {
        let from = self.path(source).ok_or(ErrorKind::NotFound)?;
        loop {
            let id = Token::new().to_string();
            let path = self.own_path(&id);
            // By its old name: the new one may be collected until it is held.
            let file = File::open(&from)?;
            match self.in_folder(&path, || fs::hard_link(&from, &path)) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(error),
                Err(_) => return self.copy_bytes(&from),
            }
            let draft = Draft { id, path, file, kept: false };
            if let Some(draft) = draft.hold()? {
                self.settle(&draft.path)?;
                return Ok(draft);
            }
        }
    }

    fn copy_bytes(&self, from: &Path) -> io::Result<Draft> {
        let mut draft = self.draft()?;
        io::copy(&mut File::open(from)?, &mut draft.file)?;
        self.place(&mut draft)?;
        Ok(draft)
    }

    /// With full durability, waits until the folders themselves are on the disk.
    pub(crate) fn settle_folders(&self) -> io::Result<()> {
        for folder in [self.blobs(), self.folder.clone()] {
            self.settle(&folder)?;
        }
        Ok(())
    }

    /// With full durability, waits until a new name in a folder is on the disk.
    fn settle(&self, path: &Path) -> io::Result<()> {
        let Some(folder) = path.parent() else { return Ok(()) };
        if self.durability != Durability::Full || cfg!(not(unix)) {
            return Ok(());
        }
        // The parent of a relative name of one part is nameless.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()
    }

    /// Does something in a folder, and makes the folder first where it is missing and that is what failed.
    fn in_folder(&self, target: &Path, act: impl Fn() -> io::Result<()>) -> io::Result<()> {
        match act() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if let Some(folder) = target.parent() {
                    fs::create_dir_all(folder)?;
                    self.settle(folder)?;
                }
                act()
            }
            other => other,
        }
    }
}

/// A content that the index does not name yet. Dropped, its file goes.
#[derive(Debug)]
pub(crate) struct Draft {
    id: String,
    path: PathBuf,
    file: File,
    kept: bool,
}

impl Draft {
    /// Marks the file as somebody's who lives; none where it was collected before. File systems that know no locks leave
    /// that to the file's age.
    fn hold(self) -> io::Result<Option<Self>> {
        match self.file.lock_shared() {
            Err(error) if error.kind() != ErrorKind::Unsupported => Err(error),
            // A collector removes a file only while it has the lock alone.
            _ => Ok(fs::exists(&self.path)?.then_some(self)),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Writes at an offset.
    pub(crate) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)
    }

    /// Cuts off what lies past `size`.
    pub(crate) fn cut(&mut self, size: u64) -> io::Result<()> {
        self.file.set_len(size)
    }

    /// The index names it now: the file stays.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, "a content file that is not needed stays until it is collected");
        }
    }
}
