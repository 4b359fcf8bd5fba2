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

/// What a digit is worth; a capital letter has [`CAPITAL`] beside it, and what is no digit [`NONE`].
const WORTH: [u8; 256] = {
    let mut worth = [NONE; 256];
    let mut value = 0;
    while value < 16 {
        worth[b"0123456789ABCDEF"[value] as usize] = value as u8 | CAPITAL;
        worth[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    worth
};
const CAPITAL: u8 = 0x40;
const NONE: u8 = 0x80;

/// The number in at most sixteen hexadecimal digits: all are looked at once, and what is wrong with one is told at the end.
#[inline]
pub(crate) fn read(digits: &[u8], capitals_too: bool) -> Option<u64> {
    let (mut number, mut seen) = (0, 0);
    for digit in digits {
        let worth = WORTH[usize::from(*digit)];
        seen |= worth;
        number = number << 4 | u64::from(worth & 0xf);
    }
    let wrong = if capitals_too { NONE } else { NONE | CAPITAL };
    (seen & wrong == 0 && digits.len() <= 16).then_some(number)
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
    fn digits_are_read_and_what_is_none_is_refused_wherever_it_stands() {
        for number in [0, 1, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, u64::MAX] {
            let (small, large) = (format!("{number:016x}"), format!("{number:016X}"));
            assert_eq!(read(small.as_bytes(), false), Some(number));
            assert_eq!(read(large.as_bytes(), true), Some(number));
            assert_eq!(read(large.as_bytes(), false).is_some(), small == large);
        }
        for wrong in
            ["g000000000000000", "000000000000000G", "0000000-00000000", "+1", "é", "00000000000000000"]
        {
            assert_eq!(read(wrong.as_bytes(), true), None, "{wrong}");
        }
        assert_eq!(read(b"ff", false), Some(255));
    }

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
