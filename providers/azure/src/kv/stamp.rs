//! Versions of items: the attempt that wrote it, when it expires, and the etag that Azure compares.

use skyport_core::inline_text::InlineText;
use skyport_core::kv::port::RawVersion;
use skyport_core::kv::stored::is_live;

/// No etag of Azure's comes near.
const LONGEST: usize = 128;

/// Room for the version of what Skyport has written.
const VERSION: usize = 128;

/// How Azure writes the time of an entity's last write as its etag.
const BEFORE: &str = "W/\"datetime'";
const AFTER: &str = "'\"";

/// The colons of a time in a header.
const COLON: &str = "%3A";

/// What Azure compares: another with every write of an entity. A time needs no allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Etag(InlineText<32>);

impl Etag {
    /// From what Azure told, in a header or an entity, or what a version names; `None` for what cannot be sent.
    pub(super) fn read(text: &str) -> Option<Self> {
        let sendable =
            text.len() <= LONGEST && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let time = text.strip_prefix(BEFORE).and_then(|text| text.strip_suffix(AFTER)).unwrap_or(text);
        if !sendable {
            return None;
        }
        // A header escapes what an entity may not.
        let (mut room, mut end) = ([0; LONGEST], 0);
        let mut put = |part: &str| {
            let place = room.get_mut(end..end + part.len())?;
            place.copy_from_slice(part.as_bytes());
            end += part.len();
            Some(())
        };
        let mut parts = time.split('%');
        put(parts.next()?)?;
        for part in parts {
            let colon = part.get(..2).filter(|digits| digits.eq_ignore_ascii_case("3a"));
            put(if colon.is_some() { ":" } else { "%" })?;
            put(part.get(colon.map_or(0, str::len)..)?)?;
        }
        std::str::from_utf8(room.get(..end)?).ok().map(|time| Self(InlineText::new(time)))
    }

    /// Of a row that is not there yet: never sent.
    pub(super) fn of_nothing() -> Self {
        Self(InlineText::new("0"))
    }

    /// As it stands in versions.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// As it is sent to be compared.
    pub(super) fn header(&self) -> String {
        let own = self.as_str();
        if own.contains('"') {
            return own.to_owned();
        }
        let colons = own.bytes().filter(|byte| *byte == b':').count();
        // As long as it is to be: what has room to spare is copied on its way into a header.
        let length = BEFORE.len() + own.len() + (COLON.len() - 1) * colons + AFTER.len();
        let mut header = String::with_capacity(length);
        header.push_str(BEFORE);
        for (at, part) in own.split(':').enumerate() {
            if at > 0 {
                header.push_str(COLON);
            }
            header.push_str(part);
        }
        header.push_str(AFTER);
        header
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
        let expires = self.expires.map(InlineText::<16>::of_hex);
        let expires = expires.as_ref().map_or("", InlineText::as_str);
        let parts = [write, ".", expires, ".", self.etag.as_str()];
        // Put together in place: a page has a version for each of its items.
        let (mut room, mut end) = ([0; VERSION], 0);
        for part in parts {
            let Some(place) = room.get_mut(end..end + part.len()) else {
                return RawVersion::new(parts.concat());
            };
            place.copy_from_slice(part.as_bytes());
            end += part.len();
        }
        match room.get(..end).map(std::str::from_utf8) {
            Some(Ok(text)) => RawVersion::new(text),
            _ => RawVersion::new(parts.concat()),
        }
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
