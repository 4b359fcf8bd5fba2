//! Messages that Skyport did not send.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::envelope::Envelope;
use super::port::{Foreign, RawDelivery};
use crate::{Error, ErrorKind, Result};

impl Envelope {
    /// Whether somebody else sent the message. What Skyport sends always carries a trace; a reason alone tells only that
    /// it came to the dead letters since.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.trace.is_none() && self.claim.is_none()
    }
}

impl RawDelivery {
    /// The body as the sender meant it: one that Skyport did not send is read as the queue declares.
    ///
    /// # Errors
    /// `Malformed` where it is declared base64 and is not.
    pub fn payload(&self, foreign: Foreign) -> Result<Cow<'_, Bytes>> {
        if foreign == Foreign::Text || !self.envelope.is_foreign() {
            return Ok(Cow::Borrowed(&self.body));
        }
        // Those who write base64 by hand leave line ends behind.
        let decoded = STANDARD.decode(self.body.trim_ascii()).map(|body| Cow::Owned(body.into()));
        decoded.map_err(|error| {
            let message = "the queue is declared `foreign = base64`, and this body is not base64";
            Error::new(ErrorKind::Malformed, message).with_source(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::TraceContext;
    use crate::queue::port::Receipt;

    fn raw(body: &'static str) -> RawDelivery {
        RawDelivery::new("1", body, Receipt::new("r"), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_foreign_body_is_read_as_declared_also_from_the_dead_letters() {
        let mut delivery = raw("aGk=\n");
        delivery.envelope.set_reason(Some("attempts"));
        assert_eq!(&delivery.payload(Foreign::Base64).expect("base64")[..], b"hi");
        assert_eq!(&delivery.payload(Foreign::Text).expect("text")[..], b"aGk=\n");
        let error = raw("{}").payload(Foreign::Base64).expect_err("no base64");
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }

    #[test]
    fn our_own_body_is_never_taken_for_base64() {
        let mut delivery = raw("aGk=");
        delivery.envelope.trace = Some(TraceContext::root());
        assert_eq!(&delivery.payload(Foreign::Base64).expect("as sent")[..], b"aGk=");
    }
}
