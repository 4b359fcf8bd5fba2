//! A row as Table Storage tells it, read from JSON as it stands there: what is needed of it, by name, and nothing else.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use skyport_core::Result;
use skyport_core::inline_text::InlineText;

use super::entity::{PARTS, foreign};

/// What a property is.
#[derive(Clone, Debug, Default)]
pub(super) enum Value<'a> {
    /// It is not there, or `null`, as what was asked for and is not there.
    #[default]
    None,
    /// A text as it stands in the answer.
    There(&'a str),
    /// One that stands there otherwise: an etag, whose quotation marks are escaped, needs no allocation.
    Own(InlineText<48>),
    Number(i64),
    /// Nothing that Skyport writes.
    Other,
}

impl Value<'_> {
    pub(super) fn text(&self) -> Result<Option<&str>> {
        match self {
            Self::None => Ok(None),
            Self::There(text) => Ok(Some(text)),
            Self::Own(text) => Ok(Some(text.as_str())),
            Self::Number(_) | Self::Other => Err(foreign("a property of it is of another type")),
        }
    }

    pub(super) fn number(&self) -> Result<Option<i64>> {
        let wrong = || foreign("a number in it is none");
        match self {
            Self::None => Ok(None),
            // As others write small ones.
            Self::Number(number) => Ok(Some(*number)),
            Self::Other => Err(wrong()),
            Self::There(_) | Self::Own(_) => self.text()?.map(str::parse).transpose().map_err(|_| wrong()),
        }
    }

    pub(super) fn millis(&self) -> Result<Option<u64>> {
        let millis = self.number()?.map(u64::try_from).transpose();
        millis.map_err(|_| foreign("a time in it is none"))
    }

    fn into_owned(self) -> Value<'static> {
        match self {
            Self::None => Value::None,
            Self::There(text) => Value::Own(InlineText::new(text)),
            Self::Own(text) => Value::Own(text),
            Self::Number(number) => Value::Number(number),
            Self::Other => Value::Other,
        }
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(OfValue)
    }
}

struct OfValue;

impl<'de> Visitor<'de> for OfValue {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Self::Value, E> {
        Ok(Value::There(text))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
        Ok(Value::Own(InlineText::new(text)))
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Self::Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Value::Other, Value::Number))
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
        Ok(Value::None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

/// The properties of a row that Skyport knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Row<'a> {
    pub(super) partition: Value<'a>,
    pub(super) row: Value<'a>,
    pub(super) timestamp: Value<'a>,
    pub(super) etag: Value<'a>,
    pub(super) write: Value<'a>,
    pub(super) expires: Value<'a>,
    pub(super) put_at: Value<'a>,
    pub(super) slots: Value<'a>,
    pub(super) named: Value<'a>,
    pub(super) items: Value<'a>,
    pub(super) counter: Value<'a>,
    /// The first part of its value.
    pub(super) value: Value<'a>,
    /// The others, in any order.
    pub(super) more: Vec<(usize, Value<'a>)>,
}

impl<'a> Row<'a> {
    /// # Errors
    /// Where it is none.
    pub(super) fn read(json: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    /// Its RowKey.
    pub(super) fn row(&self) -> Result<&str> {
        self.row.text()?.ok_or_else(|| foreign("it has no key"))
    }

    /// Its PartitionKey.
    pub(super) fn partition(&self) -> Result<&str> {
        self.partition.text()?.ok_or_else(|| foreign("it has no key"))
    }

    /// The value of an item.
    pub(super) fn value(&self) -> Result<Bytes> {
        if let Some(number) = self.counter.number()? {
            return Ok(Bytes::from(number.to_string()));
        }
        let part = |at: usize| match at {
            0 => Some(&self.value),
            _ => self.more.iter().find(|(place, _)| *place == at).map(|(_, part)| part),
        };
        let wrong = || foreign("it has no value of Skyport's");
        let mut texts: [&str; PARTS] = [""; PARTS];
        let (mut length, mut parts) = (0, 0);
        for (at, place) in texts.iter_mut().enumerate() {
            *place = match part(at) {
                Some(part @ (Value::There(_) | Value::Own(_))) => part.text()?.unwrap_or_default(),
                Some(Value::None) | None if at > 0 => break,
                _ => return Err(wrong()),
            };
            length += decoded(place);
            parts = at + 1;
        }
        // As long as it is to be, so that it is not copied to be shared.
        let mut value = vec![0; length];
        let mut end = 0;
        for text in texts.iter().take(parts) {
            let place = value.get_mut(end..).unwrap_or_default();
            end += STANDARD
                .decode_slice(text, place)
                .map_err(|error| foreign("its value is no base64").with_source(error))?;
        }
        value.truncate(end);
        Ok(value.into())
    }

    /// As it may be kept when the answer is gone.
    pub(super) fn into_owned(self) -> Row<'static> {
        Row {
            partition: self.partition.into_owned(),
            row: self.row.into_owned(),
            timestamp: self.timestamp.into_owned(),
            etag: self.etag.into_owned(),
            write: self.write.into_owned(),
            expires: self.expires.into_owned(),
            put_at: self.put_at.into_owned(),
            slots: self.slots.into_owned(),
            named: self.named.into_owned(),
            items: self.items.into_owned(),
            counter: self.counter.into_owned(),
            value: self.value.into_owned(),
            more: self.more.into_iter().map(|(at, part)| (at, part.into_owned())).collect(),
        }
    }

    /// Where the property of a name belongs: the names are those of [`entity`](super::entity).
    fn place(&mut self, name: &str) -> Option<&mut Value<'a>> {
        Some(match name.as_bytes() {
            b"v0" => &mut self.value,
            b"w" => &mut self.write,
            b"exp" => &mut self.expires,
            b"b" => &mut self.put_at,
            b"c" => &mut self.counter,
            b"i" => &mut self.slots,
            b"g" => &mut self.named,
            b"n" => &mut self.items,
            b"PartitionKey" => &mut self.partition,
            b"RowKey" => &mut self.row,
            b"Timestamp" => &mut self.timestamp,
            b"odata.etag" => &mut self.etag,
            _ => {
                let digits = name.strip_prefix('v').filter(|digits| !digits.starts_with(['0', '+']))?;
                let at = digits.parse().ok().filter(|at| (1..PARTS).contains(at))?;
                self.more.retain(|(place, _)| *place != at);
                self.more.push((at, Value::None));
                &mut self.more.last_mut()?.1
            }
        })
    }
}

/// How many bytes a text of base64 has, where it is one.
fn decoded(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}

impl<'de> Deserialize<'de> for Row<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(OfRow)
    }
}

struct OfRow;

impl<'de> Visitor<'de> for OfRow {
    type Value = Row<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Row<'de>, A::Error> {
        let mut row = Row::default();
        while let Some(place) = map.next_key_seed(OfName(&mut row))? {
            match place {
                Some(place) => *place = map.next_value()?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(row)
    }
}

/// Where the property belongs whose name comes; nowhere where Skyport does not know it.
struct OfName<'r, 'a>(&'r mut Row<'a>);

impl<'de, 'r, 'a> DeserializeSeed<'de> for OfName<'r, 'a> {
    type Value = Option<&'r mut Value<'a>>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'r, 'a> Visitor<'_> for OfName<'r, 'a> {
    type Value = Option<&'r mut Value<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> std::result::Result<Self::Value, E> {
        Ok(self.0.place(name))
    }
}

/// The rows of an answer, each handed over as it is read; gives how many there are.
pub(super) fn each(json: &[u8], read: impl FnMut(Row<'_>)) -> serde_json::Result<usize> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let rows = OfAnswer(read).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(rows)
}

struct OfAnswer<F>(F);

impl<'de, F: FnMut(Row<'_>)> DeserializeSeed<'de> for OfAnswer<F> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<usize, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Row<'_>)> Visitor<'de> for OfAnswer<F> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of rows")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<usize, A::Error> {
        const ROWS: &str = "value";
        let mut rows = None;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match (&*name, rows) {
                (ROWS, None) => rows = Some(map.next_value_seed(OfRows(&mut self.0))?),
                (ROWS, Some(_)) => return Err(A::Error::duplicate_field(ROWS)),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        rows.ok_or_else(|| A::Error::missing_field(ROWS))
    }
}

struct OfRows<'f, F>(&'f mut F);

impl<'de, F: FnMut(Row<'_>)> DeserializeSeed<'de> for OfRows<'_, F> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Row<'_>)> Visitor<'de> for OfRows<'_, F> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<usize, A::Error> {
        let mut rows = 0;
        while let Some(row) = seq.next_element::<Row<'de>>()? {
            (self.0)(row);
            rows += 1;
        }
        Ok(rows)
    }
}
