//! `memory://name`: gone with the process.

use std::sync::Arc;

use skyport_core::provider::Provider;
use skyport_core::{Clock, Result};
use skyport_memory::Memory;

use super::Serve;
use crate::environment::Environment;

pub(super) const SERVE: Option<Serve> = Some(open);

fn open(environment: &Environment) -> Result<Arc<dyn Provider>> {
    // A running program lives in real time, whatever tokio's clock is told.
    let mut memory = Memory::builder().clock(Clock::system());
    if let Some(url) = environment.public_url() {
        memory = memory.base_url(url);
    }
    Ok(Arc::new(memory.build()))
}
