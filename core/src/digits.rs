//! Numbers as text, eight hexadecimal digits at once, for what is written and read with every message.

/// A number in eight digits.
#[inline]
pub(crate) fn spell(number: u32) -> [u8; 8] {
    // Each step doubles the room of its pieces, until each digit has a byte.
    let mut digits = u64::from(number);
    digits = (digits | digits << 16) & 0x0000_ffff_0000_ffff;
    digits = (digits | digits << 8) & 0x00ff_00ff_00ff_00ff;
    digits = (digits | digits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // One in each byte that is a letter: those lie so much further on.
    let letters = (digits + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    (digits + 0x3030_3030_3030_3030 + letters * u64::from(b'a' - b'0' - 10)).to_be_bytes()
}

/// What [`spell`] wrote; `None` for anything else.
#[inline]
pub(crate) fn read(text: [u8; 8]) -> Option<u32> {
    let digits = u64::from_be_bytes(text);
    let letters = digits >> 6 & 0x0101_0101_0101_0101;
    let mut number = (digits & 0x0f0f_0f0f_0f0f_0f0f).wrapping_add(letters * 9);
    number = (number | number >> 4) & 0x00ff_00ff_00ff_00ff;
    number = (number | number >> 8) & 0x0000_ffff_0000_ffff;
    let number = (number | number >> 16) as u32;
    (spell(number) == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelled_is_formatted_and_reads_back() {
        for number in [0, 9, 10, 0x1234_5678, 0x9abc_def0, 0xf0f0_f0f0, u32::MAX] {
            assert_eq!(spell(number), format!("{number:08x}").as_bytes());
            assert_eq!(read(spell(number)), Some(number));
        }
        for nonsense in
            [b"0000000g", b"0000000A", b"0000-001", b"\0\0\0\0\0\0\0\0", b"\xff\xff\xff\xff\xff\xff\xff\xff"]
        {
            assert_eq!(read(*nonsense), None, "{nonsense:?}");
        }
    }
}
