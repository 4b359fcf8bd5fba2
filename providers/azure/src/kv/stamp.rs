//! Versions of items: the attempt that wrote it, when it expires, and the etag that Azure compares.

use std::fmt::Write as _;

use skyport_core::kv::port::RawVersion;
use skyport_core::kv::stored::is_live;

/// No etag of Azure's comes near.
const LONGEST: usize = 128;

/// How Azure writes the time of an entity's last write as its etag.
const BEFORE: &str = "W/\"datetime'";
const AFTER: &str = "'\"";

/// What Azure compares: another with every write of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Etag(String);

impl Etag {
    /// From what Azure told, in a header or an entity, or what a version names; `None` for what cannot be sent.
    pub(super) fn read(text: &str) -> Option<Self> {
        let sendable =
            text.len() <= LONGEST && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let time = text.strip_prefix(BEFORE).and_then(|text| text.strip_suffix(AFTER)).unwrap_or(text);
        // A header escapes what an entity may not.
        sendable.then(|| Self(time.replace("%3A", ":").replace("%3a", ":")))
    }

    /// Of a row that is not there yet: never sent.
    pub(super) fn of_nothing() -> Self {
        Self("0".to_owned())
    }

    /// As it stands in versions.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is sent to be compared.
    pub(super) fn header(&self) -> String {
        if self.0.contains('"') {
            return self.0.clone();
        }
        format!("{BEFORE}{}{AFTER}", self.0.replace(':', "%3A"))
    }
}

/// What a version tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) etag: Etag,
    /// In milliseconds.
    pub(super) expires: Option<u64>,
}

impl Stamp {
    /// The version of what the attempt `write` left.
    pub(super) fn version(&self, write: &str) -> RawVersion {
        let mut text = format!("{write}.");
        if let Some(expires) = self.expires {
            let _ = write!(text, "{expires:x}");
        }
        text.push('.');
        text.push_str(self.etag.as_str());
        RawVersion::new(text)
    }

    /// From a version; `None` for one that no item has.
    pub(super) fn of(version: &RawVersion) -> Option<Self> {
        let mut parts = version.as_str().splitn(3, '.').skip(1);
        let expires = match parts.next()? {
            "" => None,
            digits => Some(u64::from_str_radix(digits, 16).ok()?),
        };
        Some(Self { etag: Etag::read(parts.next()?)?, expires })
    }

    pub(super) fn is_live(&self, now: u64) -> bool {
        is_live(self.expires, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_the_same_in_a_header_an_entity_and_a_version() {
        let header = "W/\"datetime'2026-11-26T19%3A20%3A08.1234567Z'\"";
        let read = Etag::read(header).expect("Azure's");
        assert_eq!(read.as_str(), "2026-11-26T19:20:08.1234567Z");
        assert_eq!(Etag::read("W/\"datetime'2026-11-26T19:20:08.1234567Z'\""), Some(read.clone()));
        assert_eq!(read.header(), header);
        for expires in [None, Some(0x1a2b)] {
            let stamp = Stamp { etag: read.clone(), expires };
            assert_eq!(Stamp::of(&stamp.version("0123")), Some(stamp));
        }
        assert_eq!(Etag::read("\"0x8D\"").expect("another form").header(), "\"0x8D\"");
    }

    #[test]
    fn what_is_no_version_of_an_item_is_none() {
        for text in
            ["", "1", "a.b", "a..", "a.x.1", "a..x\r\nDELETE /", "a.. ", &format!("a..{}", "1".repeat(200))]
        {
            assert_eq!(Stamp::of(&RawVersion::new(text)), None, "{text}");
        }
    }
}
