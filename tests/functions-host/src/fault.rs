//! What the host would refuse.

use std::fmt;

/// Why the host of Functions would not do it, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

/// What may be refused.
pub type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    /// This went wrong.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// This went wrong, and why.
    pub(crate) fn because(text: &str, error: impl fmt::Display) -> Self {
        Self(format!("{text}: {error}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}
