//! A page of a listing, from XML.
//!
//! Read event by event rather than into types: so a name keeps the white space that it begins or ends with, and what is not asked for takes no
//! memory.

use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use skyport_core::Result;
use skyport_core::blob::port::{Etag, ListEntry};

use super::meta::{self, malformed};
use super::walk::Batch;

/// Where the elements stand, from the root's depth of 1.
const MARKER_DEPTH: u32 = 2;
const ENTRY_DEPTH: u32 = 3;
const NAME_DEPTH: u32 = 4;
const PROPERTY_DEPTH: u32 = 5;

/// The text that is being read.
#[derive(Clone, Copy)]
enum Field {
    /// Percent-encoded, where it has letters that XML has not.
    Name {
        encoded: bool,
    },
    Size,
    Etag,
    Modified,
    Marker,
}

/// What is known so far of an entry.
#[derive(Default)]
struct Entry {
    is_directory: bool,
    name: Option<String>,
    size: Option<u64>,
    etag: Option<Etag>,
    modified: Option<std::time::SystemTime>,
}

impl Entry {
    fn finish(self) -> Option<ListEntry> {
        let key = self.name?.into();
        if self.is_directory {
            return Some(ListEntry::Directory(key));
        }
        Some(ListEntry::Object { key, size: self.size?, etag: self.etag?, modified: self.modified? })
    }
}

/// What stands on a page of at most so many entries.
///
/// # Errors
/// `Malformed` where it is something else.
pub(super) fn read(xml: &[u8], most: usize) -> Result<Batch> {
    let mut reader = Reader::from_reader(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut page = Page::default();
    loop {
        match reader.read_event().map_err(|_| odd())? {
            Event::Start(start) => page.begin(&start)?,
            Event::Text(text) => page.add(&text.decode().map_err(|_| odd())?),
            Event::CData(text) => page.add(&text.decode().map_err(|_| odd())?),
            Event::GeneralRef(reference) => page.refer(&reference)?,
            Event::End(_) => page.end()?,
            Event::Eof => break,
            _ => {}
        }
        if page.batch.entries.len() > most {
            return Err(malformed("Azure lists more than was asked for"));
        }
    }
    if page.depth == 0 && page.is_listing { Ok(page.batch) } else { Err(odd()) }
}

/// A page that is being read.
#[derive(Default)]
struct Page {
    batch: Batch,
    depth: u32,
    is_listing: bool,
    entry: Option<Entry>,
    field: Option<Field>,
    text: String,
}

impl Page {
    fn begin(&mut self, start: &BytesStart<'_>) -> Result<()> {
        self.depth += 1;
        self.text.clear();
        self.field = match (self.depth, start.name().as_ref()) {
            (1, b"EnumerationResults") => {
                self.is_listing = true;
                None
            }
            (MARKER_DEPTH, b"NextMarker") => Some(Field::Marker),
            (ENTRY_DEPTH, name @ (b"Blob" | b"BlobPrefix")) => {
                self.entry = Some(Entry { is_directory: name == b"BlobPrefix", ..Entry::default() });
                None
            }
            (NAME_DEPTH, b"Name") => {
                let encoded = start.try_get_attribute("Encoded").map_err(|_| odd())?;
                Some(Field::Name { encoded: encoded.is_some_and(|found| &*found.value == b"true") })
            }
            (PROPERTY_DEPTH, b"Content-Length") => Some(Field::Size),
            (PROPERTY_DEPTH, b"Etag") => Some(Field::Etag),
            (PROPERTY_DEPTH, b"Last-Modified") => Some(Field::Modified),
            _ => None,
        };
        Ok(())
    }

    fn add(&mut self, text: &str) {
        if self.field.is_some() {
            self.text.push_str(text);
        }
    }

    fn refer(&mut self, reference: &BytesRef<'_>) -> Result<()> {
        let letter = match reference.resolve_char_ref().map_err(|_| odd())? {
            Some(letter) => letter,
            None => match &*reference.decode().map_err(|_| odd())? {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => return Err(odd()),
            },
        };
        self.add(letter.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if let Some(field) = self.field.take() {
            self.keep(field)?;
        }
        if self.depth == ENTRY_DEPTH
            && let Some(entry) = self.entry.take()
        {
            let untold = || malformed("Azure lists a blob without its name, size, etag or time");
            self.batch.entries.push(entry.finish().ok_or_else(untold)?);
        }
        self.depth = self.depth.checked_sub(1).ok_or_else(odd)?;
        Ok(())
    }

    fn keep(&mut self, field: Field) -> Result<()> {
        let text = std::mem::take(&mut self.text);
        match (field, &mut self.entry) {
            (Field::Marker, _) => self.batch.marker = Some(text).filter(|text| !text.is_empty()),
            (Field::Name { encoded }, Some(entry)) => {
                entry.name = Some(if encoded { decoded(&text)? } else { text });
            }
            (Field::Size, Some(entry)) => entry.size = text.parse().ok(),
            (Field::Etag, Some(entry)) => entry.etag = Some(Etag::new(&text)),
            (Field::Modified, Some(entry)) => entry.modified = meta::time(&text),
            (_, None) => {}
        }
        Ok(())
    }
}

fn decoded(text: &str) -> Result<String> {
    let name = percent_decode_str(text).decode_utf8();
    name.map(std::borrow::Cow::into_owned)
        .map_err(|_| malformed("Azure lists a blob whose name is not UTF-8"))
}

/// The answer itself is not told on: it may be long, and hold anything.
fn odd() -> skyport_core::Error {
    malformed("Azure's listing is not the XML that was asked for")
}

#[cfg(test)]
mod tests {
    use skyport_core::ErrorKind;

    use super::*;

    fn page(entries: &str, marker: &str) -> String {
        format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ContainerName=\"c\"><Prefix>p</Prefix>\
             <Blobs>{entries}</Blobs>{marker}</EnumerationResults>"
        )
    }

    fn blob(name: &str) -> String {
        format!(
            "<Blob>{name}<Properties><Etag>0x8D</Etag><Content-Length>5</Content-Length>\
             <Last-Modified>Wed, 21 Oct 2015 07:28:00 GMT</Last-Modified><AccessTier>Hot</AccessTier></Properties><Metadata>\
             <Name>not the blob's</Name></Metadata></Blob>"
        )
    }

    fn keys(entries: &str) -> Vec<String> {
        let batch = read(page(entries, "").as_bytes(), 10).expect("a page");
        batch.entries.iter().map(|entry| entry.key().to_owned()).collect()
    }

    #[test]
    fn names_come_as_they_are() {
        for (xml, name) in [
            ("<Name>plain/x</Name>", "plain/x"),
            ("<Name> a  </Name>", " a  "),
            ("<Name> </Name>", " "),
            ("<Name>a&amp;b&lt;&#65;&#x1F600;&quot;&apos;&gt;</Name>", "a&b<A\u{1f600}\"'>"),
            ("<Name Encoded=\"true\">a%EF%BF%BE%2F%25</Name>", "a\u{fffe}/%"),
            ("<Name Encoded=\"false\">%41</Name>", "%41"),
            ("<Name><![CDATA[<&>]]></Name>", "<&>"),
        ] {
            assert_eq!(keys(&blob(xml)), [name], "{xml}");
        }
    }

    #[test]
    fn blobs_and_directories_come_among_each_other() {
        let directory = "<BlobPrefix><Name>d/</Name></BlobPrefix>";
        let entries = format!("{}{directory}{}", blob("<Name>a</Name>"), blob("<Name>e</Name>"));
        let batch = read(page(&entries, "<NextMarker>m&amp;m</NextMarker>").as_bytes(), 3).expect("a page");
        let told: Vec<(&str, bool)> =
            batch.entries.iter().map(|entry| (entry.key(), entry.is_directory())).collect();
        assert_eq!(told, [("a", false), ("d/", true), ("e", false)]);
        assert_eq!(batch.marker.as_deref(), Some("m&m"));
        let ListEntry::Object { size, etag, .. } = &batch.entries[0] else { panic!("a blob") };
        assert_eq!((*size, etag.as_str()), (5, "0x8D"));
        let empty = read(page("", "<NextMarker />").as_bytes(), 3).expect("a page");
        assert!(empty.entries.is_empty() && empty.marker.is_none());
    }

    #[test]
    fn what_is_no_listing_is_an_error_that_does_not_show_it() {
        let whole = page(&blob("<Name>secret</Name>"), "");
        let bomb = format!(
            "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">]>{}",
            page(&blob("<Name>&a;</Name>"), "").trim_start_matches('\u{feff}')
        );
        let nameless = page(&blob(""), "");
        let latin = page(&blob("<Name Encoded=\"true\">%ff</Name>"), "");
        let two = page(&blob("<Name>secret</Name>").repeat(2), "");
        for bad in ["", "{}", "<a/>", "</a>", &whole[..whole.len() - 5], &bomb, &nameless, &latin, &two] {
            let error = read(bad.as_bytes(), 1).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::Malformed, "{bad}");
            assert!(!format!("{error:?}").contains("secret"));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic(xml in "(<|>|/|Blob|Name|&|;|EnumerationResults|Blobs| |a){0,40}") {
            let _ = read(xml.as_bytes(), 10);
        }
    }
}
