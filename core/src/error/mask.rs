//! What looks like a credential is not told: a service, or a proxy before it, may quote in its refusal what it was sent.

use std::borrow::Cow;

/// What stands in a credential's place.
const MASKED: &str = "***";

/// From so many bytes on the look of a piece of a word says whether it is of a credential.
const TELLING: usize = 256;

/// What a credential follows, by `=` or `:`. Longer names may end in one: `x-amz-security-token`, `X-Amz-Signature`.
const MARKS: [&str; 13] = [
    "sig",
    "signature",
    "token",
    "accountkey",
    "api_key",
    "api-key",
    "password",
    "private_key",
    "secret",
    "secret_key",
    "assertion",
    "cookie",
    "sharedaccesssignature",
];

/// Names that prose has before a colon, too: `unexpected token: ..`, `invalid_token: The ..`.
const OF_PROSE: [&str; 3] = ["token", "assertion", "secret"];

/// With these before them, they are names of faults.
const OF_FAULTS: [&str; 4] = ["invalid_", "expired_", "missing_", "unexpected_"];

/// Ways to say who one is. After each comes a space, and then the credential.
const SCHEMES: [&str; 4] = ["bearer", "basic", "sharedkey", "sharedkeylite"];

/// A word of prose after such a way is shorter than this, or has small letters alone.
const LONGEST_WORD: usize = 12;

/// Keys and tokens in Base64 are at least as long as this; what is written in hexadecimal digits is longer.
const LONG: (usize, usize) = (36, 64);

/// A text as it may be shown: credentials masked, and of no more than `longest` bytes (and `..` where it is cut).
pub(super) fn shown<'t>(text: impl Into<Cow<'t, str>>, longest: usize) -> Cow<'t, str> {
    let text = text.into();
    if text.len() > longest {
        return Cow::Owned(format!("{}..", masked(Cow::Borrowed(cut(&text, longest)))));
    }
    masked(text)
}

/// The first bytes of a name or a key, as they may be quoted, and whether that is all of it.
pub(super) fn head(text: &str, longest: usize) -> (&str, bool) {
    let mut end = longest.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (&text[..end], end == text.len())
}

fn masked(text: Cow<'_, str>) -> Cow<'_, str> {
    let secrets = secrets(&text);
    if secrets.is_empty() {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    let mut told = 0;
    for (start, end) in secrets {
        shown.push_str(&text[told..start]);
        shown.push_str(MASKED);
        told = end;
    }
    shown.push_str(&text[told..]);
    Cow::Owned(shown)
}

fn cut(text: &str, longest: usize) -> &str {
    let (head, _) = head(text, longest);
    // Half of a credential is one, too, and may be too short to be known for one.
    let kept = head.trim_end_matches(is_of_secret);
    let is_telling = head.len() - kept.len() >= TELLING;
    if is_telling && secrets(head).last().is_none_or(|(_, end)| *end <= kept.len()) { head } else { kept }
}

/// Where credentials stand, in order.
fn secrets(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    // What the word before says of this one.
    let mut after = After::Nothing;
    while let Some((start, end)) = next_word(text, at) {
        at = end;
        let word = &text[start..end];
        let before = std::mem::replace(&mut after, After::Nothing);
        let credential = match (before, pem(text, start, end)) {
            (After::Line, _) => Some((start, line_end(text, start))),
            (After::Mark | After::Scheme, Some((_, end))) => Some((start, end)),
            (_, Some(key)) => Some(key),
            (After::Mark, None) => Some(value(text, start)),
            (After::Scheme, None) => is_no_prose(text, start),
            (After::Colon, None) => is_no_word(text, start),
            (After::Nothing, None) => None,
        };
        let credential = credential
            .or_else(|| assigned(text, start, end))
            .or_else(|| is_long_secret(word).then_some((start, end)));
        match credential {
            Some((start, end)) => {
                found.push((start, end));
                at = end;
            }
            None => after = After::of(word, &text[end..]),
        }
    }
    found
}

/// What a word says of the next one.
#[derive(Clone, Copy)]
enum After {
    Nothing,
    /// It is a credential.
    Mark,
    /// It and all that follows in its line are.
    Line,
    /// It is one, unless it is a word of prose.
    Scheme,
    /// It is one, unless it is a word of prose or a sign: after a name that prose has before a colon, too.
    Colon,
}

impl After {
    fn of(word: &str, rest: &str) -> Self {
        let (name, ends) = word.strip_suffix('=').map_or((word, false), |name| (name, true));
        // `"secret": "x"`, `secret='x'`, and the same inside of a text that is quoted once more.
        let told = || rest.trim_start_matches(['"', '\'', '\\', ' ']).starts_with([':', '=']);
        if is_mark(name) && (ends || told()) {
            let is_header = rest.starts_with(':') && !ends;
            if is_header && ends_in(name, "cookie") {
                Self::Line
            } else if is_header && is_of_prose(name) {
                Self::Colon
            } else {
                Self::Mark
            }
        } else if rest.starts_with(' ') && SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme)) {
            Self::Scheme
        } else {
            Self::Nothing
        }
    }
}

/// The next run of characters that credentials are written in.
fn next_word(text: &str, at: usize) -> Option<(usize, usize)> {
    let start = at + text[at..].find(is_of_secret)?;
    let length = text[start..].find(|c: char| !is_of_secret(c)).unwrap_or(text.len() - start);
    Some((start, start + length))
}

/// Base64 of both kinds, percent encodings, and what joins the parts of a token.
fn is_of_secret(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=_-.~%".contains(c)
}

/// Where a value ends that may have any letters.
fn value_end(text: &str, start: usize) -> usize {
    let ends = |c: char| c.is_whitespace() || "\"'\\<>,;&)".contains(c);
    text[start..].find(ends).map_or(text.len(), |length| start + length)
}

fn line_end(text: &str, start: usize) -> usize {
    text[start..].find(['\r', '\n']).map_or(text.len(), |length| start + length)
}

/// A value that is neither a word nor a sign of a language.
fn is_no_word(text: &str, start: usize) -> Option<(usize, usize)> {
    is_no_prose(text, start).or_else(|| {
        let end = value_end(text, start);
        text[start..end].contains(|c: char| c.is_ascii_digit()).then_some((start, end))
    })
}

fn is_no_prose(text: &str, start: usize) -> Option<(usize, usize)> {
    let end = value_end(text, start);
    let word = &text[start..end];
    let is_prose = word.len() < LONGEST_WORD || word.bytes().all(|byte| byte.is_ascii_lowercase());
    (!is_prose).then_some((start, end))
}

/// The value of `sig=value`, which may have other letters than the word, and begin with one: it stands behind `sig=`, in quotes or not.
fn assigned(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let (name, _) = text[start..end].split_once('=')?;
    if !is_mark(name) {
        return None;
    }
    let rest = &text[start + name.len() + 1..];
    let (start, end) = value(text, text.len() - rest.trim_start_matches(['"', '\'', '\\']).len());
    (start < end).then_some((start, end))
}

/// A value that begins here: a key in PEM has blanks.
fn value(text: &str, start: usize) -> (usize, usize) {
    let end = value_end(text, start);
    (start, pem(text, start, end).map_or(end, |(_, end)| end))
}

/// Whether a name is a mark, or ends in one.
fn is_mark(name: &str) -> bool {
    MARKS.iter().any(|mark| ends_in(name, mark))
}

fn ends_in(name: &str, mark: &str) -> bool {
    let at = name.len().checked_sub(mark.len());
    at.and_then(|at| Some((name.get(..at)?, name.get(at..)?))).is_some_and(|(before, end)| {
        (before.is_empty() || before.ends_with(['-', '_', '.', '/'])) && end.eq_ignore_ascii_case(mark)
    })
}

fn is_of_prose(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = OF_FAULTS.iter().find_map(|fault| name.strip_prefix(fault)).unwrap_or(&name);
    OF_PROSE.contains(&name)
}

/// Where a private key in PEM stands that begins in this word; to the end of the text, where it has none.
fn pem(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    const BEGIN: &str = "-----BEGIN";
    const END: &str = "-----END";
    let start = start + text[start..end].find(BEGIN)?;
    let inside = start + BEGIN.len();
    let Some(end) = text[inside..].find(END) else { return Some((start, text.len())) };
    let after = inside + end + END.len();
    Some((start, text[after..].find("-----").map_or(text.len(), |at| after + at + "-----".len())))
}

/// Whether a word is a key or a token by its look: long, and of letters that follow no language. Names of resources, however long, have
/// words in them. UUIDs and digests are no credentials: what has hexadecimal digits alone does not count.
fn is_long_secret(word: &str) -> bool {
    if word.len() < LONG.0 {
        return false;
    }
    let runs = word.split(|c: char| !c.is_ascii_alphanumeric());
    let runs: Vec<&str> = runs.filter(|run| !run.bytes().all(|byte| byte.is_ascii_hexdigit())).collect();
    let word = runs.join("/");
    if word.len() < LONG.0 {
        return false;
    }
    let class = |byte: u8| match byte {
        b'A'..=b'Z' => 1_u8,
        b'a'..=b'z' => 2,
        b'0'..=b'9' => 3,
        _ => 0,
    };
    let (mut seen, mut turns, mut last) = ([false; 4], 0, 0);
    for class in word.bytes().map(class) {
        seen[usize::from(class)] = true;
        turns += usize::from(class != last && class != 0 && last != 0);
        last = class;
    }
    let percent = turns * 100 / word.len();
    let [_, upper, lower, digit] = seen;
    (upper && lower && digit && percent >= 36) || (word.len() >= LONG.1 && digit && percent >= 35)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    /// Made for this test: they open nothing.
    const KEY: &str = "wJ4lrX7Utn9FEM1K7MD3ENGb2PxRf1CYz8q0EXmPLe";
    const ACCOUNT_KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im93biJ9.eyJhdWQiOiJodHRwczovL2JlbmNoIn0.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4tMTIz";

    const LONGEST: usize = 2_048;

    fn told(text: &str) -> String {
        shown(text, LONGEST).into_owned()
    }

    #[test]
    fn credentials_are_masked_however_they_are_quoted() {
        for (text, expected) in [
            (format!("the key {KEY} is wrong"), "the key *** is wrong"),
            (format!("Authorization: Bearer {TOKEN}"), "Authorization: Bearer ***"),
            ("Basic dXNlcjpwYXNzd29yZA==, says the proxy".to_owned(), "Basic ***, says the proxy"),
            (format!("AccountName=a;AccountKey={ACCOUNT_KEY};"), "AccountName=a;AccountKey=***;"),
            ("https://h/c/b?sv=1&sig=ab%2Fcd%3D&se=2".to_owned(), "https://h/c/b?sv=1&sig=***&se=2"),
            ("password=p@ssw0rd, or not".to_owned(), "password=***, or not"),
            ("token=a:b".to_owned(), "token=***"),
            ("password=@b:c d".to_owned(), "password=*** d"),
            ("password='@b', secret= c".to_owned(), "password='***', secret= ***"),
            ("private_key=-----BEGIN KEY-----\nAB\n-----END KEY-----, x".to_owned(), "private_key=***, x"),
            ("X-Amz-Signature=00ff&X-Amz-Date=1".to_owned(), "X-Amz-Signature=***&X-Amz-Date=1"),
            ("x-amz-security-token: short".to_owned(), "x-amz-security-token: ***"),
            (r#"{"client_secret": "pw:x"}"#.to_owned(), r#"{"client_secret": "***"}"#),
            (r#"{\"access_token\":\"ya29\"}"#.to_owned(), r#"{\"access_token\":\"***\"}"#),
            ("SharedKey account:abcdefg=".to_owned(), "SharedKey ***"),
            (
                r#"{"private_key": "-----BEGIN PRIVATE KEY-----\nAB\n-----END PRIVATE KEY-----\n", "x": 1}"#
                    .to_owned(),
                r#"{"private_key": "***\n", "x": 1}"#,
            ),
            ("-----BEGIN RSA PRIVATE KEY-----\nAB".to_owned(), "***"),
            ("key--x-----BEGIN RSA PRIVATE KEY-----\nAB".to_owned(), "key--x***"),
            ("Cookie: a=1; b=secret\nHost: x".to_owned(), "Cookie: ***\nHost: x"),
            ("set-cookie: b=\"secret\"; c=more".to_owned(), "set-cookie: ***"),
            ("token: hunter2 is wrong".to_owned(), "token: *** is wrong"),
            ("secret: correctHorseBattery".to_owned(), "secret: ***"),
            ("client_secret: short".to_owned(), "client_secret: ***"),
        ] {
            assert_eq!(told(text.as_str()), expected, "{text}");
        }
    }

    #[test]
    fn what_people_need_is_left() {
        for text in [
            "AccessDenied: User: urn:cloud:iam::123456789012:assumed-role/PhotosStack-PhotosFunctionRole-1A2B3C4D5E6F/photos is not \
             authorized to perform: store:PutObject on resource: \"urn:cloud:store:::photos/2026/11/26/IMG_2041.jpeg\"",
            "projects/my-project-1/databases/(default)/documents/skyport-tables/photos/items",
            "the request 6f1f7ae8-1c9b-4a8a-9d4e-1f1b0f9f1d11 failed",
            "The signature is wrong, and so is the secret",
            "sig is no word",
            "Syntax error; token: \"=\", near: \"= 1\"",
            "invalid_token: The access token expired",
            "invalid_token: expired",
            "unexpected token: `}` at line 1",
            "secret: not found",
            "a basic error of a bearer token, with basic authentication",
            "urn:cloud:keys:eu-central-1:123456789012:key/6f1f7ae8-1c9b-4a8a-9d4e-1f1b0f9f1d11",
            "",
            "größer als erlaubt ☺",
        ] {
            assert_eq!(told(text), text);
        }
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2_000 {
            let (id, other) = (uuid(&mut random), uuid(&mut random));
            let digest: String =
                std::iter::repeat_with(|| format!("{:02x}", random.u8(..))).take(32).collect();
            for text in [
                format!("the object {id}/{other}.jpg is not there"),
                format!("users/{id}/{other}"),
                format!("{}.jpeg", id.to_uppercase()),
                format!("it has sha256:{digest}, and not {}", digest.to_uppercase()),
                format!("cas/{digest}/{digest}.bin"),
            ] {
                assert_eq!(told(&text), text);
            }
        }
    }

    fn uuid(random: &mut fastrand::Rng) -> String {
        let id = format!("{:032x}", random.u128(..));
        [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-")
    }

    #[test]
    fn a_long_text_is_cut_and_no_part_of_a_credential_is_left_at_its_end() {
        let long = format!("{}{}", "ü ".repeat((LONGEST - 40) / 3), TOKEN.repeat(3));
        let told = told(&long);
        assert!(told.len() <= LONGEST + 2 && told.ends_with(".."), "{told}");
        assert!(!told.contains("eyJ"), "{told}");
        assert_eq!(shown(TOKEN.repeat(30), LONGEST), "..");
        // Of one long key its head is told.
        assert_eq!(shown("x/".repeat(LONGEST), LONGEST), format!("{}..", "x/".repeat(LONGEST / 2)));
    }

    #[test]
    fn random_keys_are_known_by_their_look() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut missed = 0;
        for _ in 0..2_000 {
            let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(48).collect();
            for text in [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                missed += usize::from(told(&format!("it was {text}, and")) != "it was ***, and");
            }
        }
        // The look is the last net: what was sent as a credential has its mark besides.
        assert!(missed <= 80, "{missed} of 4000");
    }
}
