//! Frames of HTTP/2, as they are on the wire.

/// What a client says first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A part of a body.
pub const DATA: u8 = 0;
/// The beginning of headers.
pub const HEADERS: u8 = 1;
/// A stream is given up.
pub const RST_STREAM: u8 = 3;
/// What the one side asks of the other.
pub const SETTINGS: u8 = 4;
/// A question that is to be answered.
pub const PING: u8 = 6;
/// The connection is given up.
pub const GOAWAY: u8 = 7;
/// Room for more of a body.
pub const WINDOW_UPDATE: u8 = 8;
/// More headers.
pub const CONTINUATION: u8 = 9;

/// Flag: nothing more comes on this stream.
pub const END_STREAM: u8 = 1;
/// Flag: no more headers come.
pub const END_HEADERS: u8 = 4;

/// A frame of this type.
///
/// # Panics
/// Where the payload is longer than 4 GiB.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame").to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A GET of this path, in HPACK without Huffman.
#[must_use]
pub fn get(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x01, 1, b'x', 0x04];
    block.extend(length(path.len(), 7));
    block.extend(path.as_bytes());
    block
}

/// A number in HPACK, with a prefix of so many bits.
fn length(number: usize, bits: u32) -> Vec<u8> {
    let most = (1_usize << bits) - 1;
    if number < most {
        return vec![number as u8];
    }
    let (mut bytes, mut rest) = (vec![most as u8], number - most);
    while rest >= 128 {
        bytes.push((rest % 128) as u8 | 0x80);
        rest /= 128;
    }
    bytes.push(rest as u8);
    bytes
}

/// A header that the table of the connection does not keep, or keeps.
#[must_use]
pub fn header(kept: bool, name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![if kept { 0x40 } else { 0x00 }];
    for text in [name, value] {
        block.extend(length(text.len(), 7));
        block.extend(text.as_bytes());
    }
    block
}
