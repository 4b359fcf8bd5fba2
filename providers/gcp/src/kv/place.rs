//! Where a table lies, by its URL; and where in it an item does: `{collection}/{partition}/{collection}_items/{sort}`.
//!
//! The two ids of collections are the same for all items of a table, since a time to live and the exemptions from indexes hang on
//! them.

use std::fmt::Write;

use bytes::Bytes;
use skyport_core::kv::port::Key;
use skyport_core::provider::ResourceUrl;
use skyport_core::{Error, Result};

use crate::provision::NAME;

/// The database of whoever names none.
const DEFAULT_DATABASE: &str = "(default)";

/// The longest id of a database.
const DATABASE_BYTES: usize = 63;

/// The longest name of a collection: Firestore's 1,500 bytes would leave a document's whole name too little room.
const COLLECTION_BYTES: usize = 500;

/// Before every id of a document, so that none is empty, `.`, `..`, reserved, or that of the marker.
const MARK: char = '=';

/// What the name of a partition's collection of items ends with.
const ITEMS: &str = "_items";

/// The document that stands for the table itself: Firestore has no tables.
const MARKER: &str = "skyport";

/// What a URL says of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The project; `None` for that of the connection.
    pub(crate) project: Option<String>,
    pub(crate) database: String,
    pub(crate) collection: String,
}

impl Place {
    /// From `firestore://project/collection` or `firestore://collection`, each with or without `database`.
    pub(crate) fn of(url: &ResourceUrl) -> Result<Self> {
        let (of_path, collection) = match url.name().split_once('/') {
            Some((project, collection)) => (Some(project), collection),
            None => (None, url.name()),
        };
        let of_parameter = url.parameter("project");
        if let (Some(one), Some(other)) = (of_path, of_parameter)
            && one != other
        {
            let text = format!(
                "the URL names two projects, `{one}` and `{other}`: leave out the parameter `project`"
            );
            return Err(invalid(text));
        }
        let project = of_path.or(of_parameter);
        if let Some(project) = project {
            check_project(project)?;
        }
        let database = url.parameter("database").unwrap_or(DEFAULT_DATABASE);
        check_database(database)?;
        check_collection(collection)?;
        Ok(Self {
            project: project.map(str::to_owned),
            database: database.to_owned(),
            collection: collection.to_owned(),
        })
    }
}

fn check_project(project: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | ':' | '.');
    if project.is_empty() || project.len() > 128 || !project.chars().all(fits) {
        let text = "a project of Google's has lower-case letters, digits and hyphens: use `firestore://project/collection`";
        return Err(invalid(text));
    }
    Ok(())
}

fn check_database(database: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let named = !database.is_empty() && database.len() <= DATABASE_BYTES && database.chars().all(fits);
    if named || database == DEFAULT_DATABASE {
        return Ok(());
    }
    let text = format!(
        "a database of Firestore is `{DEFAULT_DATABASE}`, or has lower-case letters, digits and hyphens, {DATABASE_BYTES} at most"
    );
    Err(invalid(text))
}

fn check_collection(collection: &str) -> Result<()> {
    let reserved = collection.starts_with("__") && collection.ends_with("__");
    let one_segment = !collection.contains('/') && !matches!(collection, "" | "." | "..");
    if one_segment
        && !reserved
        && collection.len() <= COLLECTION_BYTES
        && !collection.contains(char::is_control)
    {
        return Ok(());
    }
    let text = format!(
        "a collection of Firestore has 1 to {COLLECTION_BYTES} bytes without `/` and control characters, and is not `.`, `..` or `__..__`"
    );
    Err(invalid(text))
}

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::invalid(text).with_provider(NAME)
}

/// The full names of a table's documents.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// `projects/{project}/databases/{database}`, as a text and as it is sent.
    database: String,
    sent: Bytes,
    collection: String,
}

impl Names {
    pub(crate) fn new(project: &str, place: &Place) -> Self {
        let database = format!("projects/{project}/databases/{}", place.database);
        let sent = Bytes::from_owner(database.clone());
        Self { database, sent, collection: place.collection.clone() }
    }

    /// What Firestore calls the database.
    pub(crate) fn database_name(&self) -> &str {
        &self.database
    }

    /// The same, as requests have it.
    pub(crate) fn database(&self) -> Bytes {
        self.sent.clone()
    }

    /// Where all documents are.
    pub(crate) fn root(&self) -> String {
        format!("{}/documents", self.database)
    }

    /// The id of the collection whose documents stand for partitions.
    pub(crate) fn partitions(&self) -> &str {
        &self.collection
    }

    /// The id of every partition's collection of items.
    pub(crate) fn items(&self) -> String {
        format!("{}{ITEMS}", self.collection)
    }

    /// The document that is there as long as the table is.
    pub(crate) fn marker(&self) -> String {
        format!("{}/documents/{}/{MARKER}", self.database, self.collection)
    }

    /// The document under which a partition's items lie; it is not there itself.
    pub(crate) fn partition(&self, partition: &str) -> String {
        let mut name = self.below(partition.len());
        push_id(&mut name, partition);
        name
    }

    /// The document of an item.
    pub(crate) fn item(&self, key: &Key) -> String {
        let mut name =
            self.below(key.partition.len() + ITEMS.len() + self.collection.len() + key.sort.len() + 3);
        push_id(&mut name, &key.partition);
        name.push('/');
        name.push_str(&self.collection);
        name.push_str(ITEMS);
        name.push('/');
        push_id(&mut name, &key.sort);
        name
    }

    /// Where partitions are, with room for what is longer by so much: names are made by the thousand.
    fn below(&self, longer: usize) -> String {
        let before = [self.database.as_str(), "/documents/", &self.collection, "/"];
        let room = before.iter().map(|part| part.len()).sum::<usize>() + MARK.len_utf8() + longer;
        let mut name = String::with_capacity(room);
        before.iter().for_each(|part| name.push_str(part));
        name
    }

    /// A field of all items, as the Admin API names it.
    pub(crate) fn field(&self, field: &str) -> String {
        format!("{}/collectionGroups/{}_items/fields/{field}", self.database, self.collection)
    }
}

/// A key as the id of a document: `=`, and then the key, with what Firestore forbids, and what might be refused on the way, in
/// percent encoding. Items are ordered by a field, not by this.
fn push_id(name: &mut String, key: &str) {
    name.push(MARK);
    let mut rest = key;
    let is_forbidden = |byte: u8| byte.is_ascii_control() || matches!(byte, b'/' | b'%');
    while let Some(at) = rest.bytes().position(is_forbidden) {
        let (plain, forbidden) = rest.split_at(at);
        name.push_str(plain);
        // It is of one byte. Into a String this cannot fail.
        let _ = write!(name, "%{:02X}", forbidden.as_bytes()[0]);
        rest = &forbidden[1..];
    }
    name.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use skyport_core::ErrorKind;

    fn place(url: &str) -> Result<Place> {
        Place::of(&url.parse().expect("a URL"))
    }

    #[test]
    fn a_url_names_project_database_and_collection() {
        let told = |url| {
            let Place { project, database, collection } = place(url).expect(url);
            (project.unwrap_or_default(), database, collection)
        };
        let texts = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(told("firestore://things"), texts("", "(default)", "things"));
        assert_eq!(told("firestore://my-project/things"), texts("my-project", "(default)", "things"));
        assert_eq!(told("firestore://p1/Things?database=eu-1&project=p1"), texts("p1", "eu-1", "Things"));
        assert_eq!(
            told("firestore://things?project=example.com:p"),
            texts("example.com:p", "(default)", "things")
        );
    }

    #[test]
    fn a_url_that_contradicts_itself_or_names_what_cannot_be_is_refused() {
        for (url, named) in [
            ("firestore://one/things?project=two", "two projects"),
            ("firestore://One/things", "a project"),
            ("firestore:///things", "a project"),
            ("firestore://p/", "a collection"),
            ("firestore://p/a/b", "a collection"),
            ("firestore://..", "a collection"),
            ("firestore://__x__", "a collection"),
            ("firestore://a%0Ab", "a collection"),
            ("firestore://things?database=Default", "a database"),
            ("firestore://things?database=", "a database"),
        ] {
            let error = place(url).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{url}");
            assert!(error.message().contains(named), "{error}");
        }
    }

    #[test]
    fn every_key_has_a_name_that_firestore_takes() {
        let names = Names::new("p", &place("firestore://things").expect("a place"));
        for key in ["", ".", "..", "__x__", "/", "a/b", "\0", "skyport", "%2F", "\u{10ffff}"] {
            let name = names.item(&Key::new(if key.is_empty() { "p" } else { key }, key));
            let segments: Vec<&str> = name.split('/').collect();
            assert_eq!(segments.len(), 9, "{name}");
            assert!(segments[6].starts_with(MARK) && segments[8].starts_with(MARK), "{name}");
            assert_ne!(names.partition(key), names.marker());
        }
        let longest = names.item(&Key::new("\0".repeat(255), "/".repeat(255)));
        let (all, id) = (longest.len() + COLLECTION_BYTES * 2, longest.rsplit('/').next().map(str::len));
        assert!(id < Some(1_500) && all < 6 << 10, "{id:?} {all}");
    }

    proptest! {
        #[test]
        fn an_id_tells_its_key_and_so_no_two_keys_share_one(key in any::<String>()) {
            let mut id = String::new();
            push_id(&mut id, &key);
            prop_assert!(!id.contains('/'));
            let encoded = id.strip_prefix(MARK).expect("the mark");
            prop_assert_eq!(percent_decode_str(encoded).decode_utf8().expect("UTF-8"), key);
        }
    }
}
