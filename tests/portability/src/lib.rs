//! Makes `docs/portability.md`: what the providers declare of themselves in code, as tables.
//!
//! Resources are opened, which does no input or output, and asked for their capabilities and limits. A provider that does not open a
//! kind of resource (`Unsupported`) has no column in the tables of that port.

use std::fmt::Write as _;
use std::path::PathBuf;

use skyport_core::Result;

mod amount;
mod limits;
mod port;
mod providers;
mod table;

use port::{Opened, Port};
use providers::Column;

/// What stands before the tables.
const HEAD: &str = "\
<!-- Made by `cargo xtask portability` of what the providers declare in code (`providers/*/src/support.rs`). Do not edit it. -->

# What is supported where

The promises of [the contract](contract.md) are the same everywhere. This page tells how each provider comes by them:

- **native**: the service itself keeps the promise.
- **built**: the provider keeps it, with what the service has. It may cost another request, or time.
- **Unsupported**: such a call fails with the error of that name, before any I/O; what a function needs and has not is told when the
  application starts.

What stands in bold the contract promises on every provider. In code the same is told by `capabilities()` and `limits()` of a bucket, a queue or
a table. How functions are called, and by what, differs by the runtime: [README](../README.md#what-works-today) has that table.
";

/// The page as the code would have it now.
///
/// # Errors
/// Where a resource cannot be opened for another reason than that the provider has none of its kind.
pub fn page() -> Result<String> {
    let columns = providers::all();
    let mut page = HEAD.to_owned();
    let mut opened = Vec::new();
    for port in Port::ALL {
        let found = port.open(&columns)?;
        let _ = write!(page, "\n## {}\n\n{}", port.title(), table::support(&found));
        let _ = write!(page, "\n{}", limits::table(&found));
        opened.push((port, found));
    }
    for column in &columns {
        page.push_str(&how(column, &opened));
    }
    Ok(page)
}

/// By what a provider comes by it all.
fn how(column: &Column, opened: &[(Port, Vec<Opened>)]) -> String {
    let mut rows = String::new();
    for (port, found) in opened {
        for opened in found.iter().filter(|opened| opened.name == column.name) {
            rows.push_str(&table::notes(*port, opened));
        }
    }
    match rows.as_str() {
        "" => String::new(),
        rows => format!("\n## How: {}\n\n| | | by what, or why not |\n|---|---|---|\n{rows}", column.name),
    }
}

/// Where the page lies in the repository.
#[must_use]
pub fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/portability.md"))
}
