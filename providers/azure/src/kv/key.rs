//! Keys as Table Storage takes them: any UTF-8 of up to 255 bytes, in its order, within 512 letters that Azure takes everywhere.
//!
//! Azure orders keys by their UTF-16, which is not the order of UTF-8, and refuses `/ \ # ?` and control characters; `%`, `'` and `"`
//! fail in some of its URLs. So a key is written in letters that no URL, filter or batch has to escape, and that Azure orders as
//! they are numbered in ASCII:
//!
//! | bytes | written |
//! |---|---|
//! | `0` to `9`, `A` to `Z`, `a` to `z`, `-` | as they are |
//! | U+0000 to `,` | `!` and one of `0` to `V` for control characters, `_` for a space, `a` to `l` for the rest |
//! | `.` and `/` | `..` and `._` |
//! | `:` to `@` | `::`, then `:A` to `:F` |
//! | `[` to U+0060 | `_A` to `_D`, `__` for `_` itself, `_a` |
//! | `{` to U+007F | `~0` to `~4` |
//! | all else | `~` and a letter for the first byte, then one of `-`, `0` to `z` for each that follows |
//!
//! No byte takes more than two letters, none is the beginning of another, and all stand in the order of the bytes: so do
//! the keys. What people mostly name things by can be read as it is.
//!
//! A RowKey begins with a mark: [`ITEM`] for an item, [`MIRROR`] for the key-only row by which it is found backwards. That one has
//! its letters exchanged, the first of them for the last, and an end that is greater than all of them.

use skyport_core::Result;

use super::entity::foreign;

/// A partition that no key is written as, since `_` and this letter stand for nothing: for what a table says of itself.
pub(super) const NO_PARTITION: &str = "_table";

/// Before the sort key of every item.
pub(super) const ITEM: char = ':';
/// The first RowKey that an item can have.
pub(super) const FIRST_ITEM: &str = ":";
/// What is greater than every RowKey of an item, and less than all others.
pub(super) const AFTER_ITEMS: &str = ";";
/// Before the mirrored sort key of every item of a table with a reverse index.
pub(super) const MIRROR: char = '~';
/// At the end of what is mirrored.
const MIRROR_END: u8 = b'~';

/// The letters that keys are written with, in order.
const LETTERS: &[u8; 68] = b"!-.0123456789:ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
/// What each of them is in a mirror, in order; all are less than its end.
const MIRRORED: &[u8; 68] = b"!-.0123456789:;ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
/// What a byte is written with that follows another in a character.
const FOLLOWING: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
/// The second letters of U+0000 to `,`.
const LOW: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV_abcdefghijkl";
/// The second letters of `:` to `@`.
const COLON: &[u8; 7] = b":ABCDEF";
/// The second letters of `[` to U+0060.
const LINE: &[u8; 6] = b"ABCD_a";
/// The second letters of `{` to U+007F, and of the first bytes of longer characters.
const HIGH: &[u8; 56] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrs";

/// The first bytes of longer characters begin here.
const LONGER: u8 = 0xc2;
/// How many characters of one byte come before them in [`HIGH`].
const SHORT_HIGH: u8 = 0x80 - b'{';

/// A partition as it is stored.
pub(super) fn partition(text: &str) -> String {
    let mut stored = String::with_capacity(text.len() + 8);
    encode(text, &mut stored);
    stored
}

/// The RowKey of an item.
pub(super) fn item(sort: &str) -> String {
    let mut stored = String::with_capacity(sort.len() + 8);
    stored.push(ITEM);
    encode(sort, &mut stored);
    stored
}

/// The RowKey of an item's mirror.
pub(super) fn mirror(sort: &str) -> String {
    let mut stored = String::with_capacity(sort.len() + 8);
    encode(sort, &mut stored);
    let exchanged = stored.bytes().filter_map(|letter| {
        let at = LETTERS.binary_search(&letter).ok()?;
        MIRRORED.get(MIRRORED.len() - 1 - at).copied()
    });
    let mut mirrored = String::with_capacity(stored.len() + 2);
    mirrored.push(MIRROR);
    mirrored.extend(exchanged.chain([MIRROR_END]).map(char::from));
    mirrored
}

/// The sort key that an item's RowKey names.
pub(super) fn sort_of_item(row: &str) -> Result<String> {
    let mut sort = String::new();
    sort_of_item_into(row, &mut sort)?;
    Ok(sort)
}

/// As [`sort_of_item`], in the place of what is there.
pub(super) fn sort_of_item_into(row: &str, sort: &mut String) -> Result<()> {
    let mut bytes = std::mem::take(sort).into_bytes();
    bytes.clear();
    let stored = row.strip_prefix(ITEM).ok_or_else(none)?;
    *sort = decode(stored.as_bytes(), bytes).ok_or_else(none)?;
    Ok(())
}

/// The sort key that a mirror's RowKey names.
pub(super) fn sort_of_mirror(row: &str) -> Result<String> {
    let mirrored = row.strip_prefix(MIRROR).and_then(|row| row.strip_suffix(char::from(MIRROR_END)));
    let letters = mirrored.ok_or_else(none)?.bytes().map(|letter| {
        let at = MIRRORED.binary_search(&letter).ok()?;
        LETTERS.get(LETTERS.len() - 1 - at).copied()
    });
    letters.collect::<Option<Vec<u8>>>().and_then(|stored| decode(&stored, Vec::new())).ok_or_else(none)
}

fn none() -> skyport_core::Error {
    foreign("its key is none of Skyport's")
}

fn encode(text: &str, stored: &mut String) {
    let mut push = |letter: &u8| stored.push(char::from(*letter));
    for &byte in text.as_bytes() {
        let (first, second) = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' => (&byte, None),
            0..=b',' => (&b'!', LOW.get(usize::from(byte))),
            b'.' => (&b'.', Some(&b'.')),
            b'/' => (&b'.', Some(&b'_')),
            b':'..=b'@' => (&b':', COLON.get(usize::from(byte - b':'))),
            b'['..=b'`' => (&b'_', LINE.get(usize::from(byte - b'['))),
            b'{'..=0x7f => (&b'~', HIGH.get(usize::from(byte - b'{'))),
            0x80..LONGER => (&FOLLOWING[usize::from(byte & 0x3f)], None),
            LONGER..=0xff => (&b'~', HIGH.get(usize::from(byte - LONGER + SHORT_HIGH))),
        };
        push(first);
        second.into_iter().for_each(&mut push);
    }
}

/// The text, in the room of `bytes`.
fn decode(stored: &[u8], mut bytes: Vec<u8>) -> Option<String> {
    bytes.reserve(stored.len());
    let mut letters = stored.iter();
    // So many bytes of a character are still to come.
    let mut following = 0;
    while let Some(letter) = letters.next() {
        if following > 0 {
            following -= 1;
            bytes.push(0x80 | place(FOLLOWING, letter)?);
            continue;
        }
        let mut second = || letters.next();
        bytes.push(match letter {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' => *letter,
            b'!' => place(LOW, second()?)?,
            b'.' => match second()? {
                b'.' => b'.',
                b'_' => b'/',
                _ => return None,
            },
            b':' => b':' + place(COLON, second()?)?,
            b'_' => b'[' + place(LINE, second()?)?,
            b'~' => match place(HIGH, second()?)? {
                short @ ..SHORT_HIGH => b'{' + short,
                long => {
                    let byte = LONGER + (long - SHORT_HIGH);
                    following = match byte {
                        ..0xe0 => 1,
                        0xe0..0xf0 => 2,
                        _ => 3,
                    };
                    byte
                }
            },
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}

fn place(letters: &[u8], letter: &u8) -> Option<u8> {
    letters.binary_search(letter).ok().and_then(|at| u8::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use skyport_core::ErrorKind;

    /// Texts that are likely to have a beginning in common, of letters that are likely to be neighbours.
    fn text() -> impl Strategy<Value = String> {
        let edges = "[-,./09:@A\\[\\\\_`a{|~\u{0}\u{1f} !#%'\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,12}";
        prop_oneof![any::<String>(), edges.prop_map(String::from), "[ab]{0,6}".prop_map(String::from)]
    }

    proptest! {
        #[test]
        fn keys_come_back_and_keep_the_order_of_their_utf8(a in text(), b in text()) {
            let order = a.as_bytes().cmp(b.as_bytes());
            prop_assert_eq!(item(&a).encode_utf16().cmp(item(&b).encode_utf16()), order);
            prop_assert_eq!(partition(&a).encode_utf16().cmp(partition(&b).encode_utf16()), order);
            prop_assert_eq!(mirror(&a).encode_utf16().cmp(mirror(&b).encode_utf16()), order.reverse());
            prop_assert_eq!(sort_of_item(&item(&a)).expect("an item's"), a.as_str());
            prop_assert_eq!(sort_of_mirror(&mirror(&a)).expect("a mirror's"), a.as_str());
        }

        #[test]
        fn every_row_stands_where_its_mark_says(a in text()) {
            prop_assert!(*item(&a) < *AFTER_ITEMS && *mirror(&a) > *AFTER_ITEMS && *item(&a) >= *":");
        }

        #[test]
        fn no_letter_has_to_be_escaped_anywhere(a in text()) {
            for stored in [partition(&a), item(&a), mirror(&a)] {
                prop_assert!(stored.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!:;".contains(&byte)), "{}", stored);
            }
        }

        #[test]
        fn what_others_named_is_refused_and_harms_nothing(row in "\\PC{0,12}|[!-~]{0,12}") {
            if let Ok(sort) = sort_of_item(&row) {
                prop_assert_eq!(item(&sort), row.as_str());
            }
            if let Ok(sort) = sort_of_mirror(&row) {
                prop_assert_eq!(mirror(&sort), row.as_str());
            }
        }
    }

    #[test]
    fn the_letters_stand_in_the_order_of_their_numbers() {
        let tables: [&[u8]; 7] = [LETTERS, MIRRORED, FOLLOWING, LOW, COLON, LINE, HIGH];
        for letters in tables {
            assert!(letters.windows(2).all(|pair| pair[0] < pair[1]));
        }
        assert!(MIRRORED.iter().all(|letter| *letter < MIRROR_END));
        assert!(LETTERS.len() == MIRRORED.len() && FOLLOWING.iter().all(|letter| LETTERS.contains(letter)));
    }

    #[test]
    fn no_key_is_written_as_the_partition_of_none() {
        assert_eq!(decode(NO_PARTITION.as_bytes(), Vec::new()), None);
    }

    #[test]
    fn the_longest_keys_fit() {
        let most = skyport_core::kv::port::TableLimits::default();
        for letter in ["\0", "/", "\u{7f}", "\u{7ff}", "\u{ffff}", "\u{10ffff}"] {
            let longest = letter.repeat(most.sort_bytes / letter.len());
            assert!(
                partition(&longest).len() <= 512
                    && item(&longest).len() <= 512
                    && mirror(&longest).len() <= 512
            );
        }
    }

    #[test]
    fn every_character_comes_back_and_stands_after_the_one_before() {
        let mut last = String::new();
        for character in (char::MIN..=char::MAX).step_by(1) {
            let stored = partition(character.encode_utf8(&mut [0; 4]));
            assert!(stored > last, "{character:?}");
            last = stored;
        }
    }

    #[test]
    fn what_people_name_things_by_can_be_read() {
        assert_eq!(item("550e8400-e29b"), ":550e8400-e29b");
        assert_eq!(item("ada/cat_1.jpg"), ":ada._cat__1..jpg");
        assert_eq!(item(""), ":");
        assert_eq!(mirror(""), "~~");
        assert_eq!(sort_of_item("cat").expect_err("no mark").kind(), ErrorKind::Malformed);
    }
}
