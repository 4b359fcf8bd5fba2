//! The rules of the house that no compiler knows.
//!
//! A line that must break one says so, there or on the line above: `// tidy: allow(cloud-name): the contract reserves it`.

mod house;
mod scan;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::workspace::Workspace;
use scan::Scanned;

/// A rule that was broken, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Breach {
    path: String,
    line: usize,
    rule: &'static str,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.what)
    }
}

/// A file of the project, read.
#[derive(Debug)]
struct File {
    /// From the root, with `/`.
    path: String,
    text: String,
    /// For Rust only.
    rust: Option<Scanned>,
}

impl File {
    fn new(path: &str, text: String) -> Self {
        Self { rust: path.ends_with(".rs").then(|| Scanned::new(&text)), path: path.to_owned(), text }
    }

    fn breach(&self, line: usize, rule: &'static str, what: impl Into<String>) -> Breach {
        Breach { path: self.path.clone(), line, rule, what: what.into() }
    }

    /// The number of the first line that contains this; 1 where none does.
    fn line_of(&self, part: &str) -> usize {
        self.text.lines().position(|line| line.contains(part)).map_or(1, |index| index + 1)
    }
}

/// As a step of `cargo xtask check`.
pub(crate) fn step(workspace: &Workspace) -> Result<Vec<String>> {
    let files = read(&workspace.root)?;
    println!("{} files", files.len());
    let mut breaches: Vec<Breach> = files.iter().flat_map(words::breaches).collect();
    breaches.extend(house::breaches(workspace, &files));
    breaches.sort();
    breaches.dedup();
    Ok(breaches.iter().map(Breach::to_string).collect())
}

/// All text files of the project, but for what is built or stored there.
fn read(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !["target", ".git", ".skyport"].iter().any(|skipped| name == *skipped) {
                    folders.push(path);
                }
                continue;
            }
            // A linked worktree has a file here, with a path of its machine.
            if name == ".git" || !entry.file_type()?.is_file() {
                continue;
            }
            // What is no UTF-8 is a picture.
            if let Ok(text) = String::from_utf8(std::fs::read(&path)?) {
                let path = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
                files.push(File::new(&path, text));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
