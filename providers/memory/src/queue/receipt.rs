//! Receipts: where the message lies, and the number of the one delivery that it settles.

use skyport_core::Result;
use skyport_core::queue::port::Receipt;

use crate::error::Native;

/// The place of a message in the queue.
pub(super) type Slot = u32;

pub(super) fn write(slot: Slot, delivery: u64) -> Receipt {
    Receipt::new(format!("{slot:x}-{delivery:x}"))
}

pub(super) fn read(receipt: &Receipt) -> Result<(Slot, u64)> {
    let parsed = receipt.as_str().split_once('-').and_then(|(slot, delivery)| {
        let slot = Slot::from_str_radix(slot, 16).ok()?;
        Some((slot, u64::from_str_radix(delivery, 16).ok()?))
    });
    parsed.ok_or_else(|| Native::BadReceipt.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_reads_back_and_nonsense_is_refused() {
        assert_eq!(read(&write(7, 4711)).expect("ours"), (7, 4711));
        for text in ["", "-", "1", "1-", "x-1", "1-2-3", "100000000-1"] {
            assert!(read(&Receipt::new(text)).is_err(), "{text}");
        }
    }
}
