//! Uploads in one request: the bytes alone, or with what is said of them; and the start of those in many.

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};

use crate::checksum::Checksums;
use crate::conditions::Conditions;
use crate::error::{Failure, Result};
use crate::exchange::{Reply, Request, object};
use crate::object::{self, Properties};
use crate::session;
use crate::store::{Draft, Store};

/// `/upload/storage/v1/b/<bucket>/o`
pub(crate) fn upload(store: &mut Store, request: &Request, bucket: &str) -> Result<Reply> {
    if request.parameter("upload_id").is_some() {
        return session::go_on(store, request);
    }
    if request.method != Method::POST {
        return Err(Failure::no_such_call());
    }
    match request.parameter("uploadType") {
        Some("media") => media(store, request, bucket),
        Some("multipart") => multipart(store, request, bucket),
        Some("resumable") => session::begin(store, request, bucket),
        Some(other) => Err(Failure::invalid(format!("Invalid value for uploadType: {other}"))),
        None => Err(Failure::required("uploadType")),
    }
}

fn media(store: &mut Store, request: &Request, bucket: &str) -> Result<Reply> {
    let wanted = Wanted::of(request, bucket, &Map::new())?;
    let said = request.header("content-type").map(|value| value.into_owned());
    wanted.finish(store, request.body.clone(), said)
}

fn multipart(store: &mut Store, request: &Request, bucket: &str) -> Result<Reply> {
    if request.media_type() != "multipart/related" {
        return Err(bad("Multipart upload requires the Content-Type multipart/related."));
    }
    let said = request.header("content-type").unwrap_or_default().into_owned();
    let boundary = boundary(&said).ok_or_else(|| bad("Missing multipart boundary."))?;
    let [resource, content] =
        parts(&request.body, boundary).ok_or_else(|| bad("Malformed multipart body."))?;
    let is_json = resource.content_type.as_deref().is_some_and(|said| {
        said.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        return Err(bad("The first part of a multipart upload must be application/json."));
    }
    let wanted = Wanted::of(request, bucket, &object(&resource.body)?)?;
    wanted.finish(store, content.body, content.content_type)
}

fn bad(message: &str) -> Failure {
    Failure::new(400, "badContent", "InvalidArgument", message)
}

/// An object that is to be, but for its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) bucket: String,
    pub(crate) name: String,
    pub(crate) properties: Properties,
    pub(crate) conditions: Conditions,
    md5: Option<String>,
    crc32c: Option<String>,
}

impl Wanted {
    /// Of a query, and a resource that may say more. The conditions must hold already.
    pub(crate) fn of(request: &Request, bucket: &str, resource: &Map<String, Value>) -> Result<Self> {
        let text = |field: &str| match resource.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Failure::invalid(format!("Invalid value for: {field}"))),
        };
        let name = match request.parameter("name") {
            Some(name) => Some(name.to_owned()),
            None => text("name")?,
        };
        let name = name.ok_or_else(|| Failure::required("name"))?;
        object::check_name(&name)?;
        if text("bucket")?.is_some_and(|named| named != bucket) {
            return Err(Failure::invalid("The bucket in the metadata is not the one in the URL."));
        }
        let mut properties = Properties::of(resource)?;
        if let Some(encoding) = request.parameter("contentEncoding") {
            properties.content_encoding = Some(encoding.to_owned());
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            name,
            properties,
            conditions: Conditions::of(request)?,
            md5: text("md5Hash")?,
            crc32c: text("crc32c")?,
        })
    }

    /// Whether it could be written now.
    pub(crate) fn check(&self, store: &Store) -> Result<()> {
        self.conditions.for_write(store.bucket(&self.bucket)?.live(&self.name))
    }

    /// Says of what type the bytes are, where the upload itself does.
    pub(crate) fn typed(&mut self, said: Option<String>) -> Result<()> {
        let Some(said) = said.filter(|said| !said.is_empty()) else { return Ok(()) };
        match &self.properties.content_type {
            Some(known) if *known != said => {
                let message = format!(
                    "Content-Type specified in the upload ({said}) does not match Content-Type specified in metadata ({known})."
                );
                Err(Failure::invalid(message))
            }
            _ => {
                self.properties.content_type = Some(said);
                Ok(())
            }
        }
    }

    /// Writes it, and answers with its resource.
    pub(crate) fn finish(mut self, store: &mut Store, content: Bytes, said: Option<String>) -> Result<Reply> {
        self.typed(said)?;
        if self.md5.is_some() || self.crc32c.is_some() {
            let found = Checksums::of(&content);
            let wrong = self.md5.is_some_and(|md5| md5 != found.md5)
                || self.crc32c.is_some_and(|crc32c| crc32c != found.crc32c);
            if wrong {
                return Err(Failure::invalid("The checksum does not match that of the data."));
            }
        }
        let Self { bucket, name, properties, conditions, .. } = self;
        let object = store.put(Draft { bucket, name, content, properties }, &conditions)?;
        Ok(Reply::json(&object.resource(&store.url)))
    }
}

/// A part of a multipart body.
struct Part {
    content_type: Option<String>,
    body: Bytes,
}

fn boundary(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    Some(value).filter(|value| (1..=70).contains(&value.len()))
}

/// The two parts; `None` where the body does not hold just these.
fn parts(body: &Bytes, boundary: &str) -> Option<[Part; 2]> {
    let (first, between) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}"));
    let start = if body.starts_with(first.as_bytes()) {
        first.len()
    } else {
        let preamble = format!("\r\n{first}");
        find(body, preamble.as_bytes())? + preamble.len()
    };
    let one = body.slice(start..);
    let end = find(&one, between.as_bytes())?;
    let rest = one.slice(end + between.len()..);
    let two = rest.strip_prefix(b"\r\n").map(|two| rest.slice_ref(two))?;
    let stop = find(&two, between.as_bytes())?;
    two.get(stop + between.len()..)?.starts_with(b"--").then_some(())?;
    Some([part(one.slice(..end))?, part(two.slice(..stop))?])
}

fn part(text: Bytes) -> Option<Part> {
    let end = if text.starts_with(b"\r\n") { 0 } else { find(&text, b"\r\n\r\n")? + 2 };
    let head = std::str::from_utf8(text.get(..end)?).ok()?;
    let headers = head.lines().filter_map(|line| line.split_once(':'));
    let mut types = headers.filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-type"));
    let content_type = types.next().map(|(_, value)| value.trim().to_owned());
    Some(Part { content_type, body: text.slice(end + 2..) })
}

/// Where the needle begins.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(offset) = text.get(from..)?.iter().position(|byte| *byte == first) {
        let at = from + offset;
        if text.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<[(Option<String>, String); 2]> {
        let parts = parts(&Bytes::copy_from_slice(text.as_bytes()), "b")?;
        Some(parts.map(|part| (part.content_type, String::from_utf8(part.body.to_vec()).unwrap())))
    }

    #[test]
    fn two_parts_are_read_as_they_are() {
        let text = "--b\r\ncontent-type: application/json\r\n\r\n{}\r\n--b\r\n\r\nx\r\n-b--\r\n\r\n--b--";
        let [resource, content] = read(text).unwrap();
        assert_eq!(resource, (Some("application/json".to_owned()), "{}".to_owned()));
        assert_eq!(content, (None, "x\r\n-b--\r\n".to_owned()));
    }

    #[test]
    fn what_is_cut_off_or_of_another_form_is_refused() {
        let whole = "--b\r\nA: b\r\n\r\n{}\r\n--b\r\nA: b\r\n\r\nx\r\n--b--";
        assert!(read(whole).is_some());
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_none(), "{end}");
        }
        assert!(read("--b\r\n\r\n{}\r\n--b--").is_none());
    }

    #[test]
    fn a_boundary_may_stand_in_quotes() {
        assert_eq!(boundary("multipart/related; boundary=abc"), Some("abc"));
        assert_eq!(boundary("multipart/related; x=y; Boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("multipart/related"), None);
    }
}
