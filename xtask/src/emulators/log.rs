//! What an emulator says: kept for people, and read for what it tells.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::Result;

/// Logs are kept for so long.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// So much of the end of a log is shown.
const LINES: usize = 20;

/// A file to which one emulator writes.
#[derive(Debug)]
pub(super) struct Log(pub(super) PathBuf);

impl Log {
    /// A place for a log, and no old ones beside it.
    pub(super) fn new(logs: &Path, name: &str) -> Result<Self> {
        fs::create_dir_all(logs)?;
        for entry in fs::read_dir(logs)? {
            let entry = entry?;
            let removed = entry.metadata().and_then(|found| {
                let age = SystemTime::now().duration_since(found.modified()?);
                if age.is_ok_and(|age| age > KEPT) { fs::remove_file(entry.path()) } else { Ok(()) }
            });
            // Another run may have removed it.
            if let Err(error) = removed
                && error.kind() != ErrorKind::NotFound
            {
                return Err(error.into());
            }
        }
        Ok(Self(logs.join(name)))
    }

    /// The file, made anew.
    pub(super) fn create(&self) -> io::Result<File> {
        File::create(&self.0)
    }

    /// What stands after each of these words, to the end of its line; `None` until the last of these lines is whole.
    pub(super) fn after(&self, words: &[&str]) -> Result<Option<Vec<String>>> {
        let bytes = fs::read(&self.0)?;
        let text = String::from_utf8_lossy(&bytes);
        let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let rest = |words: &&str| whole.clone().find_map(|line| line.split_once(words));
        Ok(words.iter().map(|words| Some(rest(words)?.1.trim().to_owned())).collect())
    }

    /// Its last lines, and where they are.
    pub(super) fn end(&self) -> String {
        let text = match fs::read(&self.0) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => error.to_string(),
        };
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(LINES)..].join("\n  ");
        format!("The end of {}:\n  {end}", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_today_are_kept() {
        let logs = std::env::temp_dir().join(format!("xtask-logs-{}", std::process::id()));
        let first = Log::new(&logs, "a.log").unwrap();
        fs::write(&first.0, "x").unwrap();
        let old = Log::new(&logs, "b.log").unwrap().create().unwrap();
        old.set_modified(SystemTime::now() - 2 * KEPT).unwrap();
        Log::new(&logs, "c.log").unwrap();
        assert!(first.0.is_file());
        assert!(!logs.join("b.log").exists());
        fs::remove_dir_all(logs).unwrap();
    }

    #[test]
    fn what_is_said_is_read_once_all_of_it_stands_there() {
        let log = Log(std::env::temp_dir().join(format!("xtask-said-{}.log", std::process::id())));
        let said = |text: &str| {
            fs::write(&log.0, text).unwrap();
            log.after(&["A is at ", "B is at "]).unwrap()
        };
        assert_eq!(said(""), None);
        assert_eq!(said("B is at http://x:1\n"), None);
        assert_eq!(said("B is at http://x:1\nA is at http://x:2"), None);
        let whole = said("B is at http://x:1\nso A is at http://x:23\r\nA is at http://late\n").unwrap();
        assert_eq!(whole, ["http://x:23", "http://x:1"]);
        fs::remove_file(&log.0).unwrap();
        assert!(log.after(&[]).is_err());
    }
}
