//! Inputs out of inputs, the same for the same seed.

use fastrand::Rng;

/// The longest input that is made.
const LONGEST: usize = 64 << 10;

/// What breaks readers, and what they look for.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\"",
    b"\\",
    b"'",
    b"/",
    b"..",
    b"%",
    b"%00",
    b"%2F",
    b"%zz",
    b"%C3",
    b"+",
    b"-",
    b"-1",
    b"0",
    b"1",
    b"255",
    b"256",
    b"65536",
    b"2147483648",
    b"4294967296",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551615",
    b"18446744073709551616",
    b"1e300",
    b"-0.0",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"[[{}]]",
    b"\"\"",
    b"\"\\u0000\"",
    b"\"\\ud800\"",
    b"\xff",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"\xe2\x80\xa8",
    b"\xee\x80\x80",
    b"=",
    b"==",
    b"&",
    b"?",
    b"#",
    b";",
    b":",
    b",",
    b"*",
    b"{",
    b"}",
    b"[",
    b"]",
    b"<",
    b">",
    b"&#0;",
    b"&#x10FFFF;",
    b"<![CDATA[",
    b"skyport",
    b"skyport1:",
    b"c2t5cG9ydDE6",
    b"1970-01-01T00:00:00Z",
    b"9999-12-31T23:59:60Z",
    b"chunked",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 99999999999\r\n",
    b"bytes=-1",
    b"bytes=0-18446744073709551615",
];

/// One input made of another of the corpus.
#[must_use]
pub fn mutate(input: &[u8], corpus: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..random.usize(1..=4) {
        step(&mut bytes, corpus, random);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn step(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Rng) {
    let at = random.usize(..=bytes.len());
    // A short stretch mostly, and now and then a long one.
    let reach = if random.u8(..8) == 0 { bytes.len() } else { 16 };
    let end = bytes.len().min(at + random.usize(..=reach));
    match random.u8(..9) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.u8(..8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.u8(..);
            }
        }
        2 => drop(bytes.drain(at..end)),
        3 => {
            let copy = bytes[at..end].to_vec();
            let to = random.usize(..=bytes.len());
            bytes.splice(to..to, copy);
        }
        4 => {
            let word = WORDS[random.usize(..WORDS.len())];
            bytes.splice(at..at, word.iter().copied());
        }
        5 => {
            let word = WORDS[random.usize(..WORDS.len())];
            bytes.splice(at..end, word.iter().copied());
        }
        6 => bytes.truncate(at),
        // Something many times over: depth, length, repetition.
        7 => {
            let copy = bytes[at..end].repeat(random.usize(..64));
            bytes.splice(at..at, copy);
        }
        _ => {
            let Some(other) = corpus.get(random.usize(..corpus.len().max(1))) else { return };
            let from = random.usize(..=other.len());
            let to = from + random.usize(..=other.len() - from);
            bytes.splice(at..end, other[from..to].iter().copied());
        }
    }
    bytes.truncate(LONGEST);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_inputs_and_another_one_others() {
        let corpus = [b"{\"a\":[1,2,3]}".to_vec(), b"GET /x".to_vec()];
        let made = |seed| {
            let mut random = Rng::with_seed(seed);
            (0..200).map(|_| mutate(&corpus[0], &corpus, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        assert!(made(1).iter().all(|input| input.len() <= LONGEST));
    }

    #[test]
    fn nothing_is_a_beginning_too() {
        let mut random = Rng::with_seed(7);
        let longest = (0..500).map(|_| mutate(&[], &[], &mut random).len()).max();
        assert!(longest > Some(0));
    }
}
