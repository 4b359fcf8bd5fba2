//! What is promised everywhere, and the least that limits may be.

use skyport_core::Result;
use skyport_core::provider::ResourceKind;
use skyport_core::queue::QueueSettings;

use super::{Bodies, SECOND, bodies};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![what_is_promised_everywhere_is_supported, no_limit_is_under_its_floor,];

/// A queue and its dead letters, which nobody has made.
fn queues(context: &Context) -> Result<[Bodies; 2]> {
    let settings = QueueSettings::default();
    let url = context.fresh_url(&ResourceKind::Queue(settings.clone()));
    let queue = bodies(context.provider().queue(&url, &settings)?);
    let letters = queue.dead_letters()?;
    Ok([queue, letters])
}

async fn what_is_promised_everywhere_is_supported(context: Context) -> CaseResult {
    for queue in queues(&context)? {
        let lacking: Vec<&str> = queue.capabilities().lacking().collect();
        assert_eq!(lacking, [""; 0], "{}", queue.info().resource);
    }
    Ok(Outcome::Passed)
}

async fn no_limit_is_under_its_floor(context: Context) -> CaseResult {
    for queue in queues(&context)? {
        let limits = queue.limits();
        assert!(limits.body_bytes >= 32 << 10);
        assert!(limits.attributes >= 8 && limits.attribute_bytes >= 256);
        assert!(limits.delay >= SECOND * 900 && limits.lease >= SECOND * 600 && limits.receive >= 1);
    }
    Ok(Outcome::Passed)
}
