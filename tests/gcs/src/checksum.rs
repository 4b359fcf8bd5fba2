//! The checksums that Google keeps of every object, as base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

/// Of the same bytes.
#[derive(Clone, Debug)]
pub(crate) struct Checksums {
    pub(crate) md5: String,
    /// The bytes of the number, most significant first.
    pub(crate) crc32c: String,
    /// What the XML API has for an etag.
    pub(crate) md5_hex: String,
}

impl Checksums {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let md5 = Md5::digest(bytes);
        Self {
            md5: STANDARD.encode(md5),
            crc32c: STANDARD.encode(crc32c(bytes).to_be_bytes()),
            md5_hex: hex(&md5),
        }
    }
}

/// CRC-32 by the polynomial of Castagnoli.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let next = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[(crc as u8 ^ byte) as usize];
    !bytes.iter().fold(!0, next)
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let (mut crc, mut bit) = (index as u32, 0);
        while bit < 8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

/// In lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_that_google_gives() {
        let sums = Checksums::of(b"123456789");
        // The check value of CRC-32C is 0xE3069283.
        assert_eq!(sums.crc32c, STANDARD.encode([0xe3, 0x06, 0x92, 0x83]));
        assert_eq!(Checksums::of(b"").md5_hex, "d41d8cd98f00b204e9800998ecf8427e");
    }
}
