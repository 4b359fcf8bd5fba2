//! Keys of tables, as clouds take them.

use percent_encoding::percent_decode_str;
use skyport_azure::fuzzing::kv::{item, mirror, partition, sort_of_item, sort_of_mirror, table_name};
use skyport_core::kv::port::Key;
use skyport_core::provider::ResourceUrl;
use skyport_gcp::fuzzing::document;

use crate::{sound, text};

/// The longest key of the contract, which is 512 letters on Azure.
const KEY_BYTES: usize = 255;

/// What is written comes back; two keys stand in the order of their bytes, and mirrors in the other; what others wrote is refused, or
/// is what we would have written.
pub(super) fn cloud_keys(input: &[u8]) {
    let ([one], rest) = text::lines(input);
    let other = text::of(rest);
    for key in [&one, &other] {
        let stored = item(key);
        assert_eq!(&sort_of_item(&stored).expect("our own"), key);
        assert_eq!(&sort_of_mirror(&mirror(key)).expect("our own"), key);
        if key.len() <= KEY_BYTES {
            assert!(stored.len() <= 512 && mirror(key).len() <= 512 && partition(key).len() <= 512);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "!-.:;_~".contains(c);
        assert!(stored.chars().chain(mirror(key).chars()).all(plain), "{stored}");
        if let Some(sort) = sound::value(sort_of_item(key)) {
            assert_eq!(&item(&sort), key);
        }
        if let Some(sort) = sound::value(sort_of_mirror(key)) {
            assert_eq!(&mirror(&sort), key);
        }
        if let Some(table) = sound::value(table_name(key)) {
            assert!(
                (3..=63).contains(&table.len()) && table.bytes().all(|byte| byte.is_ascii_alphanumeric())
            );
        }
        firestore(key);
    }
    let order = one.cmp(&other);
    // As Azure compares: by UTF-16.
    let utf16 = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    assert_eq!(utf16(&partition(&one)).cmp(&utf16(&partition(&other))), order);
    assert_eq!(utf16(&item(&one)).cmp(&utf16(&item(&other))), order);
    assert_eq!(utf16(&mirror(&one)).cmp(&utf16(&mirror(&other))), order.reverse());
}

/// The ids of a document say what its key is, and are such as Firestore takes.
fn firestore(key: &str) {
    let url = ResourceUrl::new("firestore", "photos");
    let name = document(&url, &Key::new(key, key)).expect("a name");
    let ids: Vec<&str> = name.split('/').skip(5).collect();
    let [_, of_partition, _, of_sort] = ids[..] else { panic!("{name}") };
    for id in [of_partition, of_sort] {
        assert!(id.starts_with('=') && !id.contains(|c: char| c.is_ascii_control()));
        assert_eq!(percent_decode_str(&id[1..]).decode_utf8().expect("a text"), key);
    }
    // A URL that names no table is refused.
    sound::value(document(&ResourceUrl::new("firestore", key), &Key::new("p", "s")));
    sound::value(document(&url.with_parameter("database", key), &Key::new("p", "s")));
}
