//! Cloud Scheduler as far as an adapter sees it.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::SystemTime;

use bytes::Bytes;
use skyport_core::{Error, ErrorKind, Result};

use super::client;
use super::time::rfc3339;

/// Makes the time come of one of these jobs, which are called after functions.
pub(crate) async fn fire(
    process: SocketAddr,
    jobs: &HashSet<String>,
    job: &str,
    scheduled: SystemTime,
) -> Result<()> {
    if !jobs.contains(job) {
        return Err(Error::new(ErrorKind::NotFound, "no such job"));
    }
    let request = http::Request::post("/")
        .header("x-cloudscheduler", "true")
        .header("x-cloudscheduler-jobname", job)
        .header("x-cloudscheduler-scheduletime", rfc3339(scheduled))
        .body(Bytes::new())
        .expect("a request");
    let status = client::send(process, request).await?.status();
    if status.is_success() { Ok(()) } else { Err(Error::internal(format!("the job failed: {status}"))) }
}
