//! Receipts: where the message lies, and the number of the one delivery that it settles.

use skyport_core::Result;
use skyport_core::queue::port::Receipt;

use crate::error::Refusal;

/// The place of a message in the queue.
pub(super) type Slot = u32;

pub(super) fn write(slot: Slot, delivery: u64) -> Receipt {
    // By hand: formatting would be a good part of what a message costs.
    let mut text = String::with_capacity(28);
    push_hex(&mut text, u64::from(slot));
    text.push('-');
    push_hex(&mut text, delivery);
    Receipt::new(text)
}

fn push_hex(text: &mut String, number: u64) {
    let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = (number >> (4 * place)) as u8 & 0xf;
        text.push(char::from(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit }));
    }
}

pub(super) fn read(receipt: &Receipt) -> Result<(Slot, u64)> {
    let parsed = receipt.as_str().split_once('-').and_then(|(slot, delivery)| {
        let slot = Slot::from_str_radix(slot, 16).ok()?;
        Some((slot, u64::from_str_radix(delivery, 16).ok()?))
    });
    parsed.ok_or_else(|| Refusal::BadReceipt.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_reads_back_and_nonsense_is_refused() {
        for (slot, delivery) in [(0, 0), (7, 4711), (16, 256), (Slot::MAX, u64::MAX)] {
            assert_eq!(read(&write(slot, delivery)).expect("ours"), (slot, delivery));
        }
        for text in ["", "-", "1", "1-", "x-1", "1-2-3", "100000000-1"] {
            assert!(read(&Receipt::new(text)).is_err(), "{text}");
        }
    }
}
