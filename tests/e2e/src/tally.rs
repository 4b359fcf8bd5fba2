//! What the program `tally` and the tests that kill it have in common.

use bytes::Bytes;

/// The jobs that it works on at once.
pub const CONCURRENCY: usize = 4;

/// The variable that tells it to work on nothing.
pub const RESTS: &str = "TALLY_RESTS";

/// Every so many jobs there is a large result.
const LARGE: u32 = 25;

/// The result of a job: a few hundred KiB; now and then more than one part of an upload.
#[must_use]
pub fn content(number: u32) -> Bytes {
    let length = if number % LARGE == 7 { 9 << 20 } else { 100_000 + number as usize * 997 };
    let line = format!("the result of job {number}\n");
    line.bytes().cycle().take(length).collect()
}
