//! How a provider comes by what its port offers: from its service, by its own doing, or not at all.

use std::borrow::Cow;
use std::fmt;

use crate::{Error, Result};

/// How a provider comes by a capability. The text beside it says in a few words by what, or why not; it may be empty.
///
/// What the contract promises is the same whether it is native or built: a built one may cost another request.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Support {
    /// The service itself keeps the promise.
    Native(&'static str),
    /// The provider keeps it, with what the service has.
    Built(&'static str),
    /// Nobody does: such a call fails with `Unsupported`, before any I/O.
    Unsupported(&'static str),
}

impl Support {
    /// Whether it can be used.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        !matches!(self, Self::Unsupported(_))
    }

    /// By what, or why not; empty where that was not said.
    #[must_use]
    pub const fn note(self) -> &'static str {
        match self {
            Self::Native(note) | Self::Built(note) | Self::Unsupported(note) => note,
        }
    }

    /// One word, as tables show it: `native`, `built` or `Unsupported`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native(_) => "native",
            Self::Built(_) => "built",
            Self::Unsupported(_) => "Unsupported",
        }
    }

    /// Refuses what cannot be used, in words that say what to do instead, and with the provider's own why.
    pub(crate) fn demand(self, refusal: impl Into<Cow<'static, str>>) -> Result<()> {
        match self {
            Self::Unsupported("") => Err(Error::unsupported(refusal)),
            Self::Unsupported(why) => Err(Error::unsupported(format!("{} ({why})", refusal.into()))),
            Self::Native(_) | Self::Built(_) => Ok(()),
        }
    }
}

/// Built: who does not say that it is native does not boast.
impl Default for Support {
    fn default() -> Self {
        Self::Built("")
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self.note() {
            "" => Ok(()),
            note => write!(f, ": {note}"),
        }
    }
}

/// A capability as a row of a table.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Its field: `sign`.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub what: &'static str,
    /// The contract promises it on every provider: it is never [`Support::Unsupported`].
    pub promised: bool,
    /// How this provider comes by it.
    pub support: Support,
}

/// The capabilities of a port: a field for each, whose documentation is also its row in tables. Those under `everywhere` the contract
/// demands of every provider.
macro_rules! capabilities {
    (
        $(#[$meta:meta])*
        pub struct $name:ident;
        everywhere { $(#[doc = $promise:literal] $promised:ident,)* }
        where_told { $(#[doc = $offer:literal] $offered:ident,)* }
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = $promise] pub $promised: $crate::support::Support,)*
            $(#[doc = $offer] pub $offered: $crate::support::Support,)*
        }

        impl $name {
            /// Each as a row, those first that the contract promises everywhere.
            pub fn all(&self) -> impl Iterator<Item = $crate::support::Capability> + use<> {
                [
                    $($crate::support::Capability {
                        name: stringify!($promised),
                        what: $promise.trim_ascii(),
                        promised: true,
                        support: self.$promised,
                    },)*
                    $($crate::support::Capability {
                        name: stringify!($offered),
                        what: $offer.trim_ascii(),
                        promised: false,
                        support: self.$offered,
                    },)*
                ]
                .into_iter()
            }

            /// What the contract promises everywhere and this has not; nothing, where the contract is kept.
            pub fn lacking(&self) -> impl Iterator<Item = &'static str> + use<> {
                self.all().filter(|row| row.promised && !row.support.is_supported()).map(|row| row.name)
            }
        }
    };
}

pub(crate) use capabilities;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::port::BlobCapabilities;
    use crate::error::ErrorKind;

    #[test]
    fn only_what_is_unsupported_is_refused_and_the_reason_is_told() {
        assert_eq!(Support::Native("").demand("no").map_err(|error| error.kind()), Ok(()));
        assert_eq!(Support::default().demand("no").map_err(|error| error.kind()), Ok(()));
        let told = |why| {
            let error = Support::Unsupported(why).demand("do something else").expect_err("unsupported");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            error.message().to_owned()
        };
        assert_eq!(told(""), "do something else");
        assert_eq!(told("it cannot count"), "do something else (it cannot count)");
    }

    #[test]
    fn a_support_reads_as_a_word_and_its_reason() {
        assert_eq!(Support::Native("etags").to_string(), "native: etags");
        assert_eq!(Support::default().to_string(), "built");
    }

    #[test]
    fn every_field_is_a_row_with_what_it_says() {
        let sign = Support::Unsupported("no key");
        let capabilities = BlobCapabilities { sign, ..BlobCapabilities::default() };
        let rows: Vec<Capability> = capabilities.all().collect();
        assert!(rows.first().is_some_and(|row| row.promised));
        let sign = rows.iter().find(|row| row.name == "sign").expect("a row");
        assert_eq!((sign.promised, sign.support), (false, Support::Unsupported("no key")));
        assert!(rows.iter().all(|row| !row.what.is_empty() && row.what.trim() == row.what));
    }

    #[test]
    fn only_what_is_promised_everywhere_can_be_lacking() {
        let none = Support::Unsupported("");
        let capabilities = BlobCapabilities { sign: none, ..BlobCapabilities::default() };
        assert_eq!(capabilities.lacking().count(), 0);
        let capabilities = BlobCapabilities { copy: none, ..capabilities };
        assert_eq!(capabilities.lacking().collect::<Vec<_>>(), ["copy"]);
    }
}
