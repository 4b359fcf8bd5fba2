//! How many attempts a message has: as the subscription was provisioned, which wins over what is declared.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use skyport_core::Result;
use tokio::time::Instant;

use super::{Place, calls};
use crate::grpc::call;
use crate::proto::subscription as wire;
use crate::provision::queue::counted;

/// For how long what a subscription says is believed.
const BELIEVED: Duration = Duration::from_secs(60);

/// The limit of a subscription, as it was last told.
#[derive(Default)]
pub(super) struct Limit(Mutex<Option<(Instant, Option<u32>)>>);

impl Limit {
    fn known(&self) -> Option<Option<u32>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|(told, _)| told.elapsed() < BELIEVED).map(|(_, limit)| limit)
    }

    fn learn(&self, limit: Option<u32>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), limit));
    }
}

impl Place {
    /// After how many attempts a message is dead; `None` where it never is. Asked for only where one may be spent.
    pub(super) async fn attempts(&self) -> Option<u32> {
        // Letters never are.
        self.dead.as_ref()?;
        let declared = self.info.settings.max_attempts;
        if let Some(limit) = self.limit.known() {
            return limit;
        }
        let limit = match self.provisioned().await {
            Ok(provisioned) => provisioned.map(|provisioned| settled(declared, provisioned)),
            Err(error) => {
                let queue = &self.info.resource;
                tracing::debug!(queue, %error, "the limit of attempts cannot be read: the declared one counts");
                Some(declared)
            }
        };
        self.limit.learn(limit);
        limit
    }

    /// To how many attempts Pub/Sub counts.
    async fn provisioned(&self) -> Result<Option<i32>> {
        let subscription = calls::subscription(&self.connection, &self.info.resource).await?;
        let request = wire::GetSubscriptionRequest { subscription };
        let told: wire::Subscription = call(&self.connection, wire::GET_SUBSCRIPTION, request).await?;
        Ok(told.dead_letter_policy.map(|policy| policy.max_delivery_attempts))
    }
}

/// Pub/Sub cannot be told fewer than 5: a declared 2 stands there as 5.
fn settled(declared: u32, provisioned: i32) -> u32 {
    if provisioned == counted(declared) {
        return declared;
    }
    // 0 is Google's way to say 5.
    u32::try_from(provisioned).ok().filter(|&most| most > 0).unwrap_or(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_provisioned_wins_over_what_is_declared() {
        for (declared, provisioned, most) in
            [(5, 5, 5), (2, 5, 2), (2, 7, 7), (9, 7, 7), (200, 100, 200), (7, 0, 5), (7, -1, 5)]
        {
            assert_eq!(settled(declared, provisioned), most, "{declared}, {provisioned}");
        }
    }
}
