//! Receipts: where the message lies, and the number of the one delivery that it settles.

use skyport_core::Result;
use skyport_core::queue::port::Receipt;

use crate::error::Refusal;

/// The place of a message in the queue.
pub(super) type Slot = u32;

#[inline]
pub(super) fn write(slot: Slot, delivery: u64) -> Receipt {
    Receipt::of_numbers([slot, (delivery >> 32) as u32, delivery as u32])
}

#[inline]
pub(super) fn read(receipt: &Receipt) -> Result<(Slot, u64)> {
    let [slot, high, low] = receipt.numbers().ok_or(Refusal::BadReceipt)?;
    Ok((slot, u64::from(high) << 32 | u64::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_reads_back_and_nonsense_is_refused() {
        for (slot, delivery) in
            [(0, 0), (7, 4711), (16, 256), (0x1234_5678, 0x9abc_def0_0fed_cba9), (Slot::MAX, u64::MAX)]
        {
            assert_eq!(read(&write(slot, delivery)).expect("ours"), (slot, delivery));
        }
        let ours = write(1, 2).as_str().to_owned();
        for text in ["", "-", "1-1", "00000001", &"q".repeat(24), &ours[1..], &format!("{ours}0")] {
            assert!(read(&Receipt::new(text)).is_err(), "{text}");
        }
    }
}
