//! Nothing but tests: what tables, leases, idempotent work and queues promise, in virtual time, with faults that follow from a seed.
