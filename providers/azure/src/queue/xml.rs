//! Messages as Queue Storage writes them in XML, and the one that is sent.
//!
//! Read event by event rather than into types: a text keeps the white space that it begins or ends with, and what is not needed takes no memory.

use std::borrow::Cow;
use std::time::SystemTime;

use quick_xml::Reader;
use quick_xml::escape::partial_escape;
use quick_xml::events::{BytesRef, Event};
use skyport_core::Result;
use skyport_core::clock::http_date;

use crate::error::unreadable;

/// Where the elements stand, from the root's depth of 1.
const MESSAGE_DEPTH: u32 = 2;
const FIELD_DEPTH: u32 = 3;

/// What is told of a message; what is missing is empty.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) pop_receipt: String,
    pub(super) text: String,
    pub(super) inserted: Option<SystemTime>,
    pub(super) dequeue_count: Option<u64>,
}

/// The text that is being read.
#[derive(Clone, Copy)]
enum Field {
    Id,
    PopReceipt,
    Text,
    Inserted,
    DequeueCount,
}

/// The body of a call that sends a text.
pub(super) fn written(text: &str) -> String {
    const BEFORE: &str = "<QueueMessage><MessageText>";
    const AFTER: &str = "</MessageText></QueueMessage>";
    let text = partial_escape(text);
    // As long as it is to be, so that it is not copied to be shared.
    let mut written = String::with_capacity(BEFORE.len() + text.len() + AFTER.len());
    written.extend([BEFORE, &*text, AFTER]);
    written
}

/// The messages of an answer.
///
/// # Errors
/// `Malformed` where it is something else.
pub(super) fn read(xml: &[u8]) -> Result<Vec<Message>> {
    let mut reader = Reader::from_reader(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut list = List::default();
    loop {
        match reader.read_event().map_err(|_| unreadable())? {
            Event::Start(start) => list.begin(start.name().as_ref()),
            Event::Text(text) => list.add(&text.decode().map_err(|_| unreadable())?),
            Event::CData(text) => list.add(&text.decode().map_err(|_| unreadable())?),
            Event::GeneralRef(reference) => list.refer(&reference)?,
            Event::End(_) => list.end()?,
            Event::Eof => break,
            _ => {}
        }
    }
    if list.depth == 0 && list.is_one { Ok(list.messages) } else { Err(unreadable()) }
}

/// A list that is being read.
#[derive(Default)]
struct List {
    messages: Vec<Message>,
    depth: u32,
    is_one: bool,
    field: Option<Field>,
    text: String,
}

impl List {
    fn begin(&mut self, name: &[u8]) {
        self.depth += 1;
        self.field = None;
        match (self.depth, name) {
            (1, b"QueueMessagesList") => self.is_one = true,
            (MESSAGE_DEPTH, b"QueueMessage") => self.messages.push(Message::default()),
            (FIELD_DEPTH, name) if !self.messages.is_empty() => {
                self.text.clear();
                self.field = match name {
                    b"MessageId" => Some(Field::Id),
                    b"PopReceipt" => Some(Field::PopReceipt),
                    b"MessageText" => Some(Field::Text),
                    b"InsertionTime" => Some(Field::Inserted),
                    b"DequeueCount" => Some(Field::DequeueCount),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        if self.field.is_some() {
            self.text.push_str(&with_line_feeds(text));
        }
    }

    fn refer(&mut self, reference: &BytesRef<'_>) -> Result<()> {
        let letter = match reference.resolve_char_ref().map_err(|_| unreadable())? {
            Some(letter) => letter,
            None => match &*reference.decode().map_err(|_| unreadable())? {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => return Err(unreadable()),
            },
        };
        if self.field.is_some() {
            self.text.push(letter);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.depth = self.depth.checked_sub(1).ok_or_else(unreadable)?;
        let Some((field, message)) = self.field.take().zip(self.messages.last_mut()) else { return Ok(()) };
        let text = &mut self.text;
        match field {
            Field::Id => message.id = std::mem::take(text),
            Field::PopReceipt => message.pop_receipt = std::mem::take(text),
            Field::Text => message.text = std::mem::take(text),
            // A time of long ago is as good as none.
            Field::Inserted => message.inserted = http_date(text.trim()),
            Field::DequeueCount => {
                let count: i64 = text.trim().parse().map_err(|_| unreadable())?;
                message.dequeue_count = u64::try_from(count).ok();
            }
        }
        Ok(())
    }
}

/// XML's line ends are line feeds, however they were written.
fn with_line_feeds(text: &str) -> Cow<'_, str> {
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n").into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use skyport_core::ErrorKind;

    use super::*;

    fn list(messages: &str) -> String {
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessagesList>{messages}</QueueMessagesList>")
    }

    #[test]
    fn each_message_is_read_with_what_is_told_of_it() {
        let whole = "<QueueMessage><MessageId>1</MessageId><InsertionTime>Thu, 01 Jan 1970 00:00:07 GMT</InsertionTime>\
                     <PopReceipt>a+/&#61;</PopReceipt><DequeueCount>3</DequeueCount>\
                     <MessageText> a &lt;b&gt; &amp;\r\nc </MessageText><Other>x</Other></QueueMessage>";
        let read = read(list(&format!("{whole}<QueueMessage><MessageText/></QueueMessage>")).as_bytes())
            .expect("a list");
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].id.as_str(), read[0].pop_receipt.as_str()), ("1", "a+/="));
        assert_eq!(read[0].text, " a <b> &\nc ");
        assert_eq!(
            (read[0].dequeue_count, read[0].inserted),
            (Some(3), http_date("Thu, 01 Jan 1970 00:00:07 GMT"))
        );
        assert_eq!((read[1].text.as_str(), read[1].dequeue_count, read[1].inserted), ("", None, None));
    }

    #[test]
    fn what_is_no_list_is_malformed() {
        let uncounted = list("<QueueMessage><DequeueCount>x</DequeueCount></QueueMessage>");
        for text in [
            "",
            "{}",
            "<QueueMessagesList>",
            "<Error/>",
            &list("<QueueMessage>"),
            &list("&nbsp;"),
            &uncounted,
        ] {
            assert_eq!(read(text.as_bytes()).expect_err(text).kind(), ErrorKind::Malformed, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_that_is_sent_comes_back(text in "[ -~\u{e9}\n\t]{0,40}") {
            let read = read(list(&written(&text).replacen("<QueueMessage>", "<QueueMessage><MessageId>i</MessageId>", 1)).as_bytes());
            prop_assert_eq!(&read.expect("a list")[0].text, &text);
        }

        #[test]
        fn whatever_arrives_harms_nothing(bytes in any::<Vec<u8>>(), at in 0..60_usize) {
            let mut xml = list("<QueueMessage><MessageId>1</MessageId></QueueMessage>").into_bytes();
            xml.splice(at..at, bytes);
            let _ = read(&xml);
        }
    }
}
