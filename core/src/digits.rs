//! Numbers as text, eight hexadecimal digits at once, for what is written and read with every message.

/// The eight digits of a number, one in each byte.
#[inline]
fn spread(number: u32) -> u64 {
    // Each step doubles the room of its pieces, until each digit has a byte.
    let mut digits = u64::from(number);
    digits = (digits | digits << 16) & 0x0000_ffff_0000_ffff;
    digits = (digits | digits << 8) & 0x00ff_00ff_00ff_00ff;
    (digits | digits << 4) & 0x0f0f_0f0f_0f0f_0f0f
}

/// A number in eight hexadecimal digits.
#[inline]
pub(crate) fn spell(number: u32) -> [u8; 8] {
    let digits = spread(number);
    // One in each byte that is a letter: those lie so much further on.
    let letters = (digits + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    (digits + 0x3030_3030_3030_3030 + letters * u64::from(b'a' - b'0' - 10)).to_be_bytes()
}

/// A number in sixteen hexadecimal digits.
#[inline]
pub(crate) fn spell_wide(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    let (high, low) = digits.split_at_mut(8);
    high.copy_from_slice(&spell((number >> 32) as u32));
    low.copy_from_slice(&spell(number as u32));
    digits
}

/// A number in eight letters from `a` to `p`, the last digit first: quicker to write than digits, and to read.
#[inline]
pub(crate) fn in_letters(number: u32) -> [u8; 8] {
    (spread(number) + LETTERS).to_le_bytes()
}

/// What [`in_letters`] wrote; `None` for anything else.
#[inline]
pub(crate) fn of_letters(text: [u8; 8]) -> Option<u32> {
    let mut number = u64::from_le_bytes(text).wrapping_sub(LETTERS);
    if number & 0xf0f0_f0f0_f0f0_f0f0 != 0 {
        return None;
    }
    number = (number | number >> 4) & 0x00ff_00ff_00ff_00ff;
    number = (number | number >> 8) & 0x0000_ffff_0000_ffff;
    Some((number | number >> 16) as u32)
}

const LETTERS: u64 = 0x6161_6161_6161_6161;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_as_formatted_and_letters_read_back() {
        for number in [0, 9, 10, 0x1234_5678, 0x9abc_def0, 0xf0f0_f0f0, u32::MAX] {
            assert_eq!(spell(number), format!("{number:08x}").as_bytes());
            assert_eq!(of_letters(in_letters(number)), Some(number));
            let wide = u64::from(number) << 20 | 7;
            assert_eq!(spell_wide(wide), format!("{wide:016x}").as_bytes());
        }
        for nonsense in
            [b"aaaaaaaq", b"aaaaaaa`", b"Aaaaaaaa", b"\0\0\0\0\0\0\0\0", b"\xff\xff\xff\xff\xff\xff\xff\xff"]
        {
            assert_eq!(of_letters(*nonsense), None, "{nonsense:?}");
        }
    }
}
