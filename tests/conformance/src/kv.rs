//! Cases of the kv port.

use crate::case::cases;

cases![];
