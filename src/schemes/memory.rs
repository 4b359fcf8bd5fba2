//! `memory://name`: gone with the process.

use std::sync::Arc;

use super::Serve;

pub(super) const SERVE: Option<Serve> = Some(Serve {
    instance: |_, _| String::new(),
    open: |_, _| {
        // A running program lives in real time, whatever tokio's clock is told.
        let memory = skyport_memory::Memory::builder().clock(skyport_core::Clock::system()).build();
        Ok(Arc::new(memory))
    },
});
