//! Listings that go on and on, and bring nothing.

use crate::{Error, ErrorKind, Result};

/// So many answers in a row may bring nothing new, and yet be followed by another.
const MOST: usize = 100;

/// Counts the answers of a listing that bring nothing new. A service may have empty pages; one that goes round in a circle, or makes up ever
/// new ones, would keep its caller for good.
#[derive(Debug, Default)]
pub struct Barren(usize);

impl Barren {
    /// One more answer, which is not the last, and whether it brought anything.
    ///
    /// # Errors
    /// `Unavailable` with the hundredth in a row that brought nothing.
    pub fn answer(&mut self, brought: bool) -> Result<()> {
        self.0 = if brought { 0 } else { self.0 + 1 };
        if self.0 < MOST {
            return Ok(());
        }
        let text = format!(
            "the service answered {MOST} times with nothing new, and not that this was all: call again, and look at what is between if it \
             stays so"
        );
        Err(Error::new(ErrorKind::Unavailable, text).with_ambiguous(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_answers_in_a_row_may_not_be_empty_and_more_may_be_with_something_between() {
        let mut barren = Barren::default();
        for _ in 0..3 {
            for _ in 1..MOST {
                barren.answer(false).expect("goes on");
            }
            barren.answer(true).expect("brought something");
        }
        for _ in 1..MOST {
            barren.answer(false).expect("goes on");
        }
        assert_eq!(barren.answer(false).expect_err("too many").kind(), ErrorKind::Unavailable);
    }
}
